"""What resuming needs: weights, optimizer, and how far the training is. One file beside the bundle to be.

One file, since a file can be replaced in one stroke: whenever the process is killed, the last checkpoint is whole.
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
from explorer.engine.early_stop import BestKeeper
from explorer.engine.epoch import EpochProgress
from explorer.engine.step import Step
from explorer.errors import ExportError, TrainingError
from explorer.json_limits import LARGE, parse_json
from explorer.models.card import EpochRecord
from explorer.models.settings import CHECKPOINT, TrainingSettings
from explorer.paths import replacing_file
from explorer.reading import reading

_MAY_CHANGE = {"epochs", "early_stop"}
CONTENT_HASH = "content_hash"
"""SHA-256 of the images; checkpoints of earlier versions lack it, and are known by the number of images alone."""

_STATE = "state"
_REMEDY = "Start afresh without --resume."
_LIMITS = ZipLimits(64 << 30, members=100_000)


@dataclass
class Checkpointed:
    """What of a training changes while it runs.

    Attributes
    ----------
    step
        Networks and optimizer.
    history
        The whole epochs so far.
    progress
        How far the one after them is.
    keeper
        What early stopping remembers.
    """

    step: Step
    history: list[EpochRecord]
    progress: EpochProgress
    keeper: BestKeeper


def save_checkpoint(
    folder: Path, training: Checkpointed, settings: TrainingSettings, arguments: dict[str, object]
) -> None:
    """Write a checkpoint; an older one stays until the new one is whole.

    Raises
    ------
    ExportError
        If the disk is full or the folder cannot be written.
    """
    step, progress, keeper = training.step, training.progress, training.keeper
    state = {
        "settings": settings.model_dump(),
        "arguments": arguments,
        "history": [record.model_dump() for record in training.history],
        "progress": {"epoch": progress.epoch, "step": progress.step, "seen": progress.seen}
        | {"sums": progress.sums.tolist(), "seconds": progress.seconds},
        "early_stop": {"best": keeper.best, "waited": keeper.waited},
    }
    arrays: dict[str, NDArray[Any]] = {
        _STATE: np.frombuffer(json.dumps(state).encode(), np.uint8),
        **_numbered("encoder", step.encoder.get_weights()),
        **_numbered("decoder", step.decoder.get_weights()),
        **_numbered("optimizer", [np.asarray(variable) for variable in step.optimizer.variables]),
        **_numbered("best", keeper.weights),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"to write into {folder}", f"“{error.strerror or error}”", "Free space there.") from error
    with replacing_file(folder / CHECKPOINT) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # numpy types its own keyword only


def load_checkpoint(
    folder: Path, training: Checkpointed, settings: TrainingSettings, arguments: dict[str, object]
) -> None:
    """Put back what a checkpoint holds: weights, optimizer, history and progress.

    Raises
    ------
    TrainingError
        If there is no checkpoint, it is damaged, or it belongs to other settings.
    """
    if not (folder / CHECKPOINT).is_file():
        raise TrainingError(f"a checkpoint to resume from in {folder}", "none", _REMEDY)
    with reading("a checkpoint to resume from", str(folder), TrainingError, _REMEDY):
        with (folder / CHECKPOINT).open("rb") as opened:
            arrays = whole_arrays(opened, _LIMITS, f"the checkpoint in {folder}", TrainingError, _REMEDY)
        state = parse_json(arrays[_STATE].tobytes(), LARGE, CHECKPOINT, TrainingError)
        _check_same(state["settings"] | state["arguments"], settings.model_dump() | arguments, folder)
        _set(training.step.encoder, _listed("encoder", arrays))
        _set(training.step.decoder, _listed("decoder", arrays))
        for variable, value in zip(training.step.optimizer.variables, _listed("optimizer", arrays), strict=True):
            variable.assign(value)
        history = [EpochRecord.model_validate(record) for record in state["history"]]
        told = state["progress"]
        progress = EpochProgress(
            int(told["epoch"]), int(told["step"]), int(told["seen"]), np.array(told["sums"], np.float64)
        )
        if progress.sums.shape != EpochProgress(1).sums.shape or min(progress.epoch, progress.step, progress.seen) < 0:
            raise ValueError("its progress is none")
        progress.seconds = float(told["seconds"])
        keeper = state["early_stop"]
        training.keeper.recall(float(keeper["best"]), int(keeper["waited"]), _listed("best", arrays))
    training.history[:] = history
    training.progress = progress


def _check_same(stored: dict[str, object], asked: dict[str, object], folder: Path) -> None:
    for key, value in asked.items():
        if key == CONTENT_HASH and stored.get(key, value) != value:
            raise TrainingError(
                f"the images that the checkpoint in {folder} was trained on",
                f"other images under the name {asked.get('data')}",
                "Resume with the same images, or start afresh without --resume.",
            )
        if key not in _MAY_CHANGE | {CONTENT_HASH} and stored.get(key) != value:
            raise TrainingError(
                f"the settings of the checkpoint in {folder}: {key} {stored.get(key)}",
                f"{key} {value}",
                "Resume with the same settings, or start afresh without --resume.",
            )


def _numbered(name: str, arrays: Sequence[NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{name}_{number}": array for number, array in enumerate(arrays)}


def _listed(name: str, arrays: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    count = sum(key.startswith(f"{name}_") for key in arrays)
    return [arrays[f"{name}_{number}"] for number in range(count)]


def _set(model: keras.Model, weights: list[NDArray[Any]]) -> None:
    model.set_weights(weights)
