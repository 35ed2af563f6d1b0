"""The codec: a model's compiled networks in ONNX Runtime."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import onnxruntime

from explorer.errors import ModelError
from explorer.models.batches import pictures_at_once
from explorer.models.bundle import COMPILED, Bundle
from explorer.models.card import Card
from explorer.types import Codec, Floats, ImageShape

SINGLE_LIMIT = 4
"""Up to so many pictures or codes the single-threaded session answers; above, the threaded one is faster."""

BATCH = 256
"""Most pictures or codes in one run; fewer where they are large, which bounds the memory that activations take."""

_NOWHERE = str(Path(os.devnull) / "none")
"""A folder that cannot be."""


class Network:
    """One compiled network, in two sessions over one file.

    A drag wants one decode with steady timing while a training keeps the cores busy: one thread, no spinning. A grid
    or a morph wants throughput: as many threads as there are cores. Each is made at first use.

    Parameters
    ----------
    content
        An ONNX file: one input, any batch size, no external data.
    batch
        Most pictures or codes in one run.
    where
        What to call it in an error.

    Raises
    ------
    ModelError
        If it does not load.
    """

    def __init__(self, content: bytes, batch: int = BATCH, where: str = "memory") -> None:
        self._batch = batch
        self._content = content
        self._where = where
        self._lock = threading.Lock()
        self._sessions: dict[int, onnxruntime.InferenceSession] = {}
        self._input = self._of(1).get_inputs()[0].name

    def rest(self) -> None:
        """Let both sessions go; they are made again when they are needed, and a run under way goes on."""
        with self._lock:
            self._sessions.clear()

    def _of(self, threads: int) -> onnxruntime.InferenceSession:
        with self._lock:
            if threads not in self._sessions:
                self._sessions[threads] = self._session(threads)
            return self._sessions[threads]

    def _session(self, threads: int) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # An arena keeps all that the largest batch ever took, a gigabyte for large pictures; see docs/decisions/0011.
        options.enable_cpu_mem_arena = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # A file may say that its weights lie in another one, and name any. Ours never do, and here nothing is found.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NOWHERE)
        try:
            return onnxruntime.InferenceSession(self._content, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError(
                f"a compiled network ({self._where})", f"“{error}”", "Train or import the model again."
            ) from error

    def run(self, values: Floats) -> list[Floats]:
        """Return the outputs for a batch ``(n, …)``, float32."""
        session = self._of(1 if len(values) <= SINGLE_LIMIT else 0)
        starts = range(0, max(1, len(values)), self._batch)
        parts = [session.run(None, {self._input: values[start : start + self._batch]}) for start in starts]
        return list(parts[0]) if len(parts) == 1 else [np.concatenate(column) for column in zip(*parts, strict=True)]


def no_encoder(card: Card) -> ModelError:
    """Return what to say where a picture would have to be encoded."""
    return ModelError(
        f"“{card.name}” has no encoder", remedy="It decodes codes only; import its encoder too to encode pictures."
    )


def no_decoder(card: Card) -> ModelError:
    """Return what to say where a code would have to be decoded."""
    return ModelError(
        f"“{card.name}” has no decoder", remedy="It encodes pictures only; import its decoder too to see codes."
    )


def open_codec(bundle: Bundle) -> Codec:
    """Return the codec of a bundle: compiled, or the stand-in that asks the model process.

    Raises
    ------
    ModelError
        If it cannot be opened.
    """
    if bundle.card.engine == "onnx":
        return OnnxCodec(bundle)
    from explorer.inference.served import ServedCodec

    return ServedCodec(bundle)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"a compiled network in {path}", f"“{error.strerror}”", "Fetch the bundle again.") from error


class OnnxCodec:
    """Encoder and decoder of a model (see `explorer.types.Codec`); may be called from several threads.

    Parameters
    ----------
    bundle
        An opened bundle whose engine is ``onnx``.

    Raises
    ------
    ModelError
        If a network does not load, or has not the shapes that the card says.
    """

    def __init__(self, bundle: Bundle) -> None:
        card = bundle.card
        if card.engine != "onnx":
            raise ModelError("a model that is compiled", f"“{card.name}”, which is not", "Train or import it again.")
        encoder, decoder = (
            _read(bundle.path / name) if there else None for name, there in zip(COMPILED, card.halves, strict=True)
        )
        self._open(card, encoder, decoder, str(bundle.path))

    @classmethod
    def from_contents(cls, card: Card, encoder: bytes, decoder: bytes) -> OnnxCodec:
        """Return the codec of a model that is not on disk: its card, and the contents of its compiled files.

        Raises
        ------
        ModelError
            If a network does not load, or has not the shapes that the card says.
        """
        codec = cls.__new__(cls)
        codec._open(card, encoder, decoder, card.name)
        return codec

    def _open(self, card: Card, encoder: bytes | None, decoder: bytes | None, where: str) -> None:
        self._card = card
        batch = pictures_at_once(card.image_shape, BATCH)
        self._encoder = None if encoder is None else Network(encoder, batch, f"{where}, {COMPILED[0]}")
        self._decoder = None if decoder is None else Network(decoder, batch, f"{where}, {COMPILED[1]}")
        low, high = card.value_range
        self._low, self._span = np.float32(low), np.float32(high - low)
        self._identity_range = (low, high) == (0.0, 1.0)
        self._check()

    def rest(self) -> None:
        """Let go of what is only needed to answer, for as long as nothing is asked."""
        for network in (self._encoder, self._decoder):
            if network is not None:
                network.rest()

    def _check(self) -> None:
        """Run both networks once, so that a wrong shape is an error now and not a crash later."""
        try:
            mean = np.zeros((1, self.latent_dim), np.float32)
            log_variance = mean if self._card.variational else None
            output = np.zeros((1, *self.image_shape), np.float32)
            if self._encoder is not None:
                mean, log_variance = self.encode_distribution(output)
            if self._decoder is not None:
                output = self.decode(np.zeros((1, self.latent_dim), np.float32))
        except Exception as error:
            raise ModelError(
                f"networks for pictures of {self.image_shape} and codes of {self._card.latent_shape}",
                f"“{error}”",
                "The bundle is damaged; train or fetch it again.",
            ) from error
        good = mean.shape == (1, self.latent_dim) and output.shape == (1, *self.image_shape)
        if not good or (log_variance is not None) != self._card.variational:
            raise ModelError(
                f"networks for pictures of {self.image_shape} and codes of {self._card.latent_shape}",
                f"pictures of {output.shape[1:]} and codes of {mean.shape[1:]}",
                "The bundle is damaged; train or fetch it again.",
            )

    @property
    def image_shape(self) -> ImageShape:
        """Height, width and channels."""
        return self._card.image_shape

    @property
    def latent_dim(self) -> int:
        """Length of one flat code."""
        return self._card.latent_dim

    def encode(self, images: Floats) -> Floats:
        """Return codes ``(n, latent_dim)`` of float32 pictures ``(n, h, w, c)`` in [0, 1]; mean codes for a VAE."""
        return self.encode_distribution(images)[0]

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        """Return mean and, for a variational model, log-variance, each float32 ``(n, latent_dim)``."""
        if self._encoder is None:
            raise no_encoder(self._card)
        values = images if self._identity_range else images * self._span + self._low
        outputs = [part.reshape(len(images), -1) for part in self._encoder.run(values)]
        return outputs[0], outputs[1] if len(outputs) > 1 else None

    def decode(self, codes: Floats) -> Floats:
        """Return float32 pictures ``(n, h, w, c)``, unclipped, of codes ``(n, latent_dim)``."""
        if self._decoder is None:
            raise no_decoder(self._card)
        (images,) = self._decoder.run(codes.reshape(-1, *self._card.latent_shape))
        return images if self._identity_range else (images - self._low) / self._span
