"""TensorBoard log of a training: scalars, histograms of codes, reconstructions; one step per epoch."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from explorer.data.mixer import channels_text, shown
from explorer.data.preprocessing import to_floats
from explorer.engine.budget import Budget
from explorer.engine.keras_codec import KerasCodec
from explorer.engine.messages import Epoch
from explorer.engine.prepare import Prepared
from explorer.errors import TrainingError
from explorer.models.batches import images_in_memory
from explorer.reading import reason_of
from explorer.types import Floats

SHARE = 0.02
"""Maximum share of the training time for codes and images; scalars are written every epoch."""

IMAGES = 8
_CODES = 200
_DIMENSIONS = 16


def check_tensorboard() -> None:
    """Check that TensorBoard is installed; TrainingError if it is not, since TensorFlow writes empty logs then."""
    if importlib.util.find_spec("tensorboard") is None:
        raise TrainingError("TensorBoard is not installed. Install it with: pip install tensorboard.")


class TensorBoardLog:
    """Writes the TensorBoard log of one training to a folder; TrainingError if that is not writable."""

    def __init__(self, folder: Path, prepared: Prepared) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._writer = tf.summary.create_file_writer(str(folder))
        except (OSError, tf.errors.OpError) as error:
            raise TrainingError(
                "Cannot write into {folder}: {reason}. Choose another folder.", folder=folder, reason=reason_of(error)
            ) from error
        self._codec = KerasCodec(prepared.spec, prepared.encoder, prepared.decoder)
        rows = prepared.validation
        count = min(len(rows), _CODES, images_in_memory(prepared.spec.image_shape, _CODES))
        self._images: Floats = to_floats(rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)])
        self._budget = Budget(SHARE, 0.0)

    def write(self, epoch: Epoch, optimizer: keras.optimizers.Optimizer, *, last: bool) -> None:
        """Write the data of an epoch; codes and images within the time budget, and always for the last epoch."""
        with self._writer.as_default(step=epoch.epoch):
            self._write_scalars(epoch, optimizer)
            if last or self._budget.due():
                with self._budget.spending():
                    self._write_codes()
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()

    def _write_scalars(self, epoch: Epoch, optimizer: keras.optimizers.Optimizer) -> None:
        values = {"loss/training": epoch.loss, "loss/validation": epoch.val_loss, "speed/images_per_second": epoch.rate}
        if epoch.parts is not None:
            values |= {
                "reconstruction/training": epoch.parts.reconstruction,
                "reconstruction/validation": epoch.parts.val_reconstruction,
                "kl/training": epoch.parts.kl,
                "kl/validation": epoch.parts.val_kl,
            }
        values["learning_rate"] = float(np.asarray(optimizer.learning_rate))
        for name, value in values.items():
            tf.summary.scalar(name, value)
        for dimension, value in enumerate(epoch.kl_per_dim[:_DIMENSIONS]):
            tf.summary.scalar(f"kl_of_dimension/{dimension:02d}", value)

    def _write_codes(self) -> None:
        codes = self._codec.encode(self._images)
        tf.summary.histogram("codes/all", codes)
        for dimension in range(min(codes.shape[1], _DIMENSIONS)):
            tf.summary.histogram(f"codes/{dimension:02d}", codes[:, dimension])
        originals = shown(self._images[:IMAGES])
        reconstructions = shown(self._codec.decode(codes[:IMAGES]))
        # Each original above its reconstruction.
        pairs = np.concatenate([originals, reconstructions], axis=1)
        channels = channels_text(self._images.shape[3])
        about = f"Each original above its reconstruction. Channels: {channels}" if channels else None
        tf.summary.image("originals_over_reconstructions", pairs, max_outputs=IMAGES, description=about)
