"""What resuming needs: weights, optimizer, and how far the training is. Written whole, beside the bundle to be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from explorer.engine.step import Step
from explorer.errors import ExplorerError, TrainingError
from explorer.models.card import EpochRecord
from explorer.models.settings import TrainingSettings
from explorer.paths import replacing_folder

_STATE = "state.json"
_OPTIMIZER = "optimizer.npz"
_MAY_CHANGE = {"epochs", "early_stop"}


def save_checkpoint(
    folder: Path, step: Step, settings: TrainingSettings, arguments: dict[str, object], history: Sequence[EpochRecord]
) -> None:
    """Write a checkpoint; an older one stays until the new one is whole.

    Raises
    ------
    ExportError
        If the disk is full or the folder cannot be written.
    """
    state = {
        "settings": settings.model_dump(),
        "arguments": arguments,
        "history": [record.model_dump() for record in history],
    }
    with replacing_folder(folder, force=True) as temporary:
        _save_weights(temporary / "encoder.npz", step.encoder)
        _save_weights(temporary / "decoder.npz", step.decoder)
        variables = [np.asarray(variable) for variable in step.optimizer.variables]
        _save_arrays(temporary / _OPTIMIZER, variables)
        (temporary / _STATE).write_text(json.dumps(state, indent=2), encoding="utf-8")


def load_checkpoint(
    folder: Path, step: Step, settings: TrainingSettings, arguments: dict[str, object]
) -> list[EpochRecord]:
    """Put a checkpoint's weights and optimizer back; return the epochs it holds.

    Raises
    ------
    TrainingError
        If there is no checkpoint, it is damaged, or it belongs to other settings.
    """
    try:
        state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        history = [EpochRecord.model_validate(record) for record in state["history"]]
        _check_same(state["settings"] | state["arguments"], settings.model_dump() | arguments, folder)
        step.encoder.set_weights(_load_arrays(folder / "encoder.npz"))
        step.decoder.set_weights(_load_arrays(folder / "decoder.npz"))
        for variable, value in zip(step.optimizer.variables, _load_arrays(folder / _OPTIMIZER), strict=True):
            variable.assign(value)
    except ExplorerError:
        raise
    except Exception as error:  # json, zip, zlib, numpy and Keras raise what they like on a damaged file
        raise TrainingError(
            f"a checkpoint to resume from in {folder}", f"“{error}”", "Start afresh without --resume."
        ) from error
    return history


def _check_same(stored: dict[str, object], asked: dict[str, object], folder: Path) -> None:
    for key, value in asked.items():
        if key not in _MAY_CHANGE and stored.get(key) != value:
            raise TrainingError(
                f"the settings of the checkpoint in {folder}: {key} {stored.get(key)}",
                f"{key} {value}",
                "Resume with the same settings, or start afresh without --resume.",
            )


def _save_weights(path: Path, model: keras.Model) -> None:
    _save_arrays(path, model.get_weights())


def _save_arrays(path: Path, arrays: Sequence[np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez(file, *arrays)


def _load_arrays(path: Path) -> list[np.ndarray]:
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        return [file[f"arr_{index}"] for index in range(len(file.files))]
