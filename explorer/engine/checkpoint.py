"""Training checkpoints: weights, optimizer and progress in one file beside the future bundle.

A single file can be replaced atomically, so that the last checkpoint is intact even if the process is killed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from explorer.array_files import ZipLimits, whole_arrays
from explorer.data.corruption import current_kinds
from explorer.engine.early_stop import BestWeights
from explorer.engine.epoch import EpochProgress
from explorer.engine.step import Step
from explorer.errors import ExportError, TrainingError
from explorer.json_limits import LARGE, parse_json
from explorer.messages import message
from explorer.models.bundle import RENAMED
from explorer.models.card import EpochRecord
from explorer.models.settings import CHECKPOINT, TrainingSettings
from explorer.paths import replacing_file
from explorer.reading import reading

_MAY_CHANGE = {"epochs", "early_stop"}
CONTENT_HASH = "content_hash"
"""SHA-256 of the images; checkpoints of earlier versions lack it, and only the number of images is compared."""

_STATE = "state"
_REMEDY = message("Start again without --resume.")
_LIMITS = ZipLimits(64 << 30, members=100_000)


@dataclass
class Checkpointed:
    """The state of a training that a checkpoint stores."""

    step: Step
    history: list[EpochRecord]
    progress: EpochProgress
    best: BestWeights


def save_checkpoint(
    folder: Path, training: Checkpointed, settings: TrainingSettings, arguments: dict[str, object]
) -> None:
    """Write a checkpoint, replacing an older one atomically.

    Raises ExportError if the disk is full or the folder is not writable.
    """
    step, progress, best = training.step, training.progress, training.best
    state = {
        "settings": settings.model_dump(),
        "arguments": arguments,
        "history": [record.model_dump() for record in training.history],
        "progress": {"epoch": progress.epoch, "step": progress.step, "seen": progress.seen}
        | {"sums": progress.sums.tolist(), "seconds": progress.seconds},
        "early_stop": {"best": best.best, "waited": best.waited},
    }
    arrays: dict[str, NDArray[Any]] = {
        _STATE: np.frombuffer(json.dumps(state).encode(), np.uint8),
        **_numbered("encoder", step.encoder.get_weights()),
        **_numbered("decoder", step.decoder.get_weights()),
        **_numbered("optimizer", [np.asarray(variable) for variable in step.optimizer.variables]),
        **_numbered("best", best.weights),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            "Cannot write into {folder}: {reason}. Check the permissions, or free disk space.",
            folder=folder,
            reason=error.strerror or error,
        ) from error
    with replacing_file(folder / CHECKPOINT) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # numpy types its own keyword only


def load_checkpoint(
    folder: Path, training: Checkpointed, settings: TrainingSettings, arguments: dict[str, object]
) -> None:
    """Restore weights, optimizer, history and progress from a checkpoint.

    Raises TrainingError if there is no checkpoint, it is damaged, or it has other settings.
    """
    file = folder / CHECKPOINT
    if not file.is_file():
        raise TrainingError(
            "There is no checkpoint in {folder} to resume from. {remedy}", folder=folder, remedy=_REMEDY
        )
    with reading(message("a checkpoint"), str(file), TrainingError, _REMEDY):
        with file.open("rb") as opened:
            arrays = whole_arrays(opened, _LIMITS, str(file), TrainingError, _REMEDY)
        state = parse_json(arrays[_STATE].tobytes(), LARGE, CHECKPOINT, TrainingError)
        _check_same(
            _with_current_names(state["settings"] | state["arguments"]), settings.model_dump() | arguments, folder
        )
        _set(training.step.encoder, _listed("encoder", arrays))
        _set(training.step.decoder, _listed("decoder", arrays))
        for variable, value in zip(training.step.optimizer.variables, _listed("optimizer", arrays), strict=True):
            variable.assign(value)
        history = [EpochRecord.model_validate(record) for record in state["history"]]
        reached = state["progress"]
        progress = EpochProgress(
            int(reached["epoch"]), int(reached["step"]), int(reached["seen"]), np.array(reached["sums"], np.float64)
        )
        if progress.sums.shape != EpochProgress(1).sums.shape or min(progress.epoch, progress.step, progress.seen) < 0:
            raise ValueError("its progress is invalid")
        progress.seconds = float(reached["seconds"])
        best = state["early_stop"]
        training.best.recall(float(best["best"]), int(best["waited"]), _listed("best", arrays))
    training.history[:] = history
    training.progress = progress


def _with_current_names(stored: dict[str, object]) -> dict[str, object]:
    """Return stored settings with the current names of noises and of shipped models."""
    noise, parent = stored.get("noise"), stored.get("start_from")
    return stored | {
        "noise": current_kinds(noise) if isinstance(noise, str) else noise,
        "start_from": RENAMED.get(parent, parent) if isinstance(parent, str) else parent,
    }


def _check_same(stored: dict[str, object], asked: dict[str, object], folder: Path) -> None:
    for key, value in asked.items():
        if key == CONTENT_HASH and stored.get(key, value) != value:
            raise TrainingError(
                "Cannot resume from {folder}: the images of {dataset} have changed. "
                "Restore them, or start again without --resume.",
                folder=folder,
                dataset=asked.get("data"),
            )
        if key not in _MAY_CHANGE | {CONTENT_HASH} and stored.get(key) != value:
            raise TrainingError(
                "Cannot resume from {folder}: {setting} was {stored}, but is {asked} now. "
                "Resume with the same settings, or start again without --resume.",
                folder=folder,
                setting=key,
                stored=str(stored.get(key)),
                asked=str(value),
            )


def _numbered(name: str, arrays: Sequence[NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{name}_{number}": array for number, array in enumerate(arrays)}


def _listed(name: str, arrays: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    count = sum(key.startswith(f"{name}_") for key in arrays)
    return [arrays[f"{name}_{number}"] for number in range(count)]


def _set(model: keras.Model, weights: list[NDArray[Any]]) -> None:
    model.set_weights(weights)
