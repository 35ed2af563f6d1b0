"""Runs: the records of all trainings started by the window, finished or not.

A run is a folder::

    runs/20260314-092653-my-digits/
      run.json         the training request
      log.jsonl        events, one JSON object per line
      progress/        PNG: a few test images (originals.png), and their reconstructions during the training
                       (`write_strip`); in runs of earlier versions `OLD_PROGRESS`

The log is append-only, so that after a crash it can be read up to its last complete line.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from glob import escape
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydantic import BaseModel, ConfigDict

from explorer.data.choices import MAX_CHANNELS
from explorer.data.formats import MAX_PIXELS
from explorer.data.mixer import needs_mixer
from explorer.errors import TrainingError
from explorer.json_limits import RECORD, JsonLimits, json_text, parse_json
from explorer.messages import message
from explorer.models.card import Card, LossParts
from explorer.models.settings import CHECKPOINT, NAME_LIMIT, TrainingRequest, checkpoint_folder, delete_checkpoint
from explorer.paths import replacing_file, runs_dir
from explorer.reading import read_limited, reading
from explorer.types import Pixels

FORMAT_VERSION = 1
FACTS, LOG, PROGRESS, ORIGINALS = "run.json", "log.jsonl", "progress", "originals.png"
OLD_PROGRESS = "film"

FRAMES = 240
"""Maximum number of progress frames. Beyond it, the frame with the closest neighbors is dropped."""

_STRIP_BYTES = 512 << 20
"""Most bytes of the images of all frames; there are fewer frames of large images, but at least `_FEWEST`."""

_FEWEST = 24
_COUNT, _OLD_COUNT, _CHANNELS = "images", "pictures", "channels"
_LAST_EPOCH = 100_000
_MOST_LINES = 1_000_000
_LINE = JsonLimits(8 << 20, 400_000)
"""Limits of one log line, which for a VAE has a value for each dimension."""

Phase: TypeAlias = Literal["unfinished", "finished", "cancelled", "failed"]


class RunFacts(BaseModel):
    """The training request of a run, and when it began (ISO 8601, local time with offset)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    request: TrainingRequest
    begun: str


@dataclass(frozen=True)
class CurvePoint:
    """One epoch, from 1, with mean training loss, validation loss, seconds and images per second.

    For a VAE, `parts` are the terms of its losses, and `kl_per_dim` the KL of each dimension on the validation images
    in nats; else None and empty.
    """

    epoch: int
    loss: float
    val_loss: float
    seconds: float = 0.0
    rate: float = 0.0
    parts: LossParts | None = None
    kl_per_dim: tuple[float, ...] = ()


@dataclass(frozen=True)
class ProgressFrame:
    """Reconstructions after `progress` epochs: a strip of images in a PNG file."""

    progress: float
    path: Path


@dataclass(frozen=True)
class Run:
    """A run, read from its folder.

    `phase` is how it ended; ``unfinished`` if it is still running or was killed. `note` is the error message of a
    failed run. Once it is finished, `metrics` are on the test images, and `decoder_hash` is that of the card of its
    model; empty in runs of earlier versions. `progress_frames` are evenly spaced once it has ended.
    """

    path: Path
    request: TrainingRequest
    begun: datetime
    phase: Phase = "unfinished"
    note: str = ""
    curve: tuple[CurvePoint, ...] = ()
    metrics: dict[str, float] = field(default_factory=dict)
    progress_frames: tuple[ProgressFrame, ...] = ()
    decoder_hash: str = ""

    @property
    def name(self) -> str:
        return self.request.out.name

    @property
    def originals(self) -> Path:
        """The strip of the original images; it need not exist."""
        return originals_of(self.path)

    @property
    def model(self) -> Path | None:
        """The bundle that it produced, if it still exists."""
        out = self.request.out
        return out if self.phase == "finished" and (out / "card.json").is_file() else None

    @property
    def resumable(self) -> bool:
        """Whether there is a checkpoint to resume from."""
        return self.phase != "finished" and (checkpoint_folder(self.request.out) / CHECKPOINT).is_file()


def progress_folder(run: Path) -> Path:
    old = run / OLD_PROGRESS
    return old if old.is_dir() else run / PROGRESS


def originals_of(run: Path) -> Path:
    return progress_folder(run) / ORIGINALS


class RunWriter:
    """Writes one run; use it from one thread. Write errors are ignored: a full disk must not stop a training."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._frames: list[ProgressFrame] = list(read_progress_frames(path))
        self._facts = ""
        with suppress(OSError, ValueError):
            self._facts = (path / FACTS).read_text(encoding="utf-8")

    @classmethod
    def create(cls, request: TrainingRequest, now: datetime) -> RunWriter:
        """Create the folder of a new run; TrainingError, ExportError if it cannot be written."""
        stem = f"{now:%Y%m%d-%H%M%S}-{request.out.name[:NAME_LIMIT]}"
        path, number = runs_dir() / stem, 2
        while path.exists():
            path, number = runs_dir() / f"{stem}-{number}", number + 1
        facts = RunFacts(request=request, begun=now.astimezone().isoformat(timespec="seconds"))
        try:
            (path / PROGRESS).mkdir(parents=True)
        except OSError as error:
            raise TrainingError(
                "Cannot write the training log to {folder}: {reason}. Check the permissions, or free disk space.",
                folder=path,
                reason=error.strerror or error,
            ) from error
        with replacing_file(path / FACTS) as temporary:
            temporary.write_text(facts.model_dump_json(indent=2) + "\n", encoding="utf-8")
        return cls(path)

    def log(self, event: str, **values: object) -> None:
        now = datetime.now().astimezone().isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": event} | values)
        try:
            self._restore()
            with (self.path / LOG).open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError:
            return

    def add_frame(self, progress: float, originals: Pixels, reconstructions: Pixels) -> tuple[ProgressFrame, ...]:
        """Add a progress frame, images ``(k, h, w, c)`` as in `write_strip`; return all frames."""
        folder = progress_folder(self.path)
        frame = ProgressFrame(progress, folder / f"{progress:012.5f}.png")
        try:
            self._restore()
            if not (folder / ORIGINALS).is_file():
                write_strip(folder / ORIGINALS, originals)
            write_strip(frame.path, reconstructions)
        except OSError:
            return tuple(self._frames)
        # Later frames are from before the training was killed and resumed from an earlier checkpoint.
        dropped = [kept for kept in self._frames if kept.progress > progress]
        self._frames = [kept for kept in self._frames if kept.progress < progress] + [frame]
        if len(self._frames) > min(FRAMES, max(_FEWEST, _STRIP_BYTES // reconstructions.nbytes)):
            dropped.append(self._frames.pop(_closest(self._frames)))
        with suppress(OSError):
            for gone in dropped:
                gone.path.unlink(missing_ok=True)
        return tuple(self._frames)

    def _restore(self) -> None:
        """Recreate the folder if it was deleted while the training runs."""
        if not self.path.is_dir():
            (self.path / PROGRESS).mkdir(parents=True)
            (self.path / FACTS).write_text(self._facts, encoding="utf-8")
            self._frames.clear()


def _closest(frames: list[ProgressFrame]) -> int:
    """Return the inner frame whose removal leaves the smallest gap."""
    gaps = [after.progress - before.progress for before, after in zip(frames, frames[2:], strict=False)]
    return 1 + gaps.index(min(gaps))


def even_frames(frames: Sequence[ProgressFrame]) -> tuple[ProgressFrame, ...]:
    """Return the first frame, evenly spaced ones, and the last: at most `FRAMES`, as many as possible.

    Each is at most a quarter of their spacing away from its exact position.
    """
    progress = np.array([frame.progress for frame in frames])
    middles = (progress[1:] + progress[:-1]) / 2
    for count in range(min(len(frames), FRAMES), 2, -1):
        wanted = np.linspace(progress[0], progress[-1], count)
        nearest = np.searchsorted(middles, wanted)
        if np.abs(progress[nearest] - wanted).max() <= (wanted[1] - wanted[0]) / 4:
            return tuple(frames[int(number)] for number in nearest)
    return (*frames[:1], *frames[1:][-1:])


def write_strip(path: Path, images: Pixels) -> None:
    """Write images ``(k, h, w, c)`` side by side as PNG, with their number as metadata.

    They are as `explorer.data.mixer.unmixed` returns them: of a strip of other than 1 or 3 channels, these are below
    one another, each gray, of 8 or 16 bits.
    """
    count, height, width, channels = images.shape
    metadata = PngInfo()
    metadata.add_text(_COUNT, str(count))
    if needs_mixer(channels):
        metadata.add_text(_CHANNELS, str(channels))
        strip = images.transpose(3, 1, 0, 2).reshape(channels * height, count * width)
    else:
        colors = images.transpose(1, 0, 2, 3).reshape(height, count * width, channels)
        strip = colors[..., 0] if channels == 1 else colors
    Image.fromarray(strip).save(path, format="PNG", compress_level=1, pnginfo=metadata)


def read_strip(path: Path) -> Pixels:
    """Read the images of a strip ``(k, h, w, c)``; TrainingError if it is missing, damaged, or not a strip."""
    remedy = message("Choose another frame.")
    with (
        reading(message("a strip of images"), str(path), TrainingError, remedy),
        Image.open(path, formats=["PNG"]) as pil_image,
    ):
        if pil_image.width * pil_image.height > MAX_PIXELS:
            raise TrainingError(
                "Cannot read {file}: {width}×{height} pixels are too many. Choose another frame.",
                file=path,
                width=pil_image.width,
                height=pil_image.height,
            )
        strip = np.asarray(pil_image)
        count = int(pil_image.info.get(_COUNT) or pil_image.info.get(_OLD_COUNT, 0))
        planes = int(pil_image.info.get(_CHANNELS, 1))
    if strip.ndim == 2:
        strip = strip[..., None]
    height, width, channels = strip.shape
    usual = planes == 1 and strip.dtype == np.uint8 and channels in (1, 3)
    stacked = 1 < planes <= MAX_CHANNELS and strip.dtype in (np.uint8, np.uint16) and channels == 1
    if not (usual or stacked) or count < 1 or width % count or height % planes:
        raise TrainingError("Cannot read {file}: it has no progress images. Choose another training run.", file=path)
    images = strip.reshape(planes, height // planes, count, width // count, channels).transpose(2, 1, 3, 4, 0)
    return images.reshape(*images.shape[:3], planes * channels)


def read_progress_frames(path: Path) -> Iterator[ProgressFrame]:
    """Yield the progress frames of a run in order."""
    folder = progress_folder(path)
    for file in sorted(folder.glob("*.png")) if folder.is_dir() else ():
        try:
            progress = float(file.stem)
        except ValueError:
            continue
        if 0 <= progress <= _LAST_EPOCH:
            yield ProgressFrame(progress, file)


def read_run(path: Path) -> Run:
    """Read a run's folder; TrainingError if it is not one. Incomplete log lines are skipped."""
    with reading(
        message("a training run"), str(path), TrainingError, message("Delete the folder if you do not need it.")
    ):
        content = read_limited(path / FACTS, RECORD.size, message("a training run"), TrainingError)
        facts = RunFacts.model_validate_json(json_text(content, RECORD, str(path / FACTS), TrainingError))
        begun = datetime.fromisoformat(facts.begun).astimezone()
        logged = _Logged()
        for line in _lines(path / LOG):
            logged.take(line)
        progress_frames = tuple(read_progress_frames(path))
    if logged.phase != "unfinished":
        progress_frames = even_frames(progress_frames)
    curve = tuple(logged.curve)
    return Run(
        path,
        facts.request,
        begun,
        logged.phase,
        logged.note,
        curve,
        logged.metrics,
        progress_frames,
        logged.decoder_hash,
    )


@dataclass
class _Logged:
    phase: Phase = "unfinished"
    note: str = ""
    curve: list[CurvePoint] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    decoder_hash: str = ""

    def take(self, line: dict[str, Any]) -> None:
        """Apply one line; lines with invalid values are skipped."""
        with suppress(KeyError, TypeError, ValueError, OverflowError, AttributeError):
            match line.get("event"):
                case "started":
                    first = int(line.get("first_epoch", 1))
                    self.phase, self.note = "unfinished", ""
                    self.curve = [point for point in self.curve if point.epoch < first]
                case "epoch":
                    self.curve.append(_point(line))
                case "finished":
                    self.phase, self.decoder_hash = "finished", str(line.get("decoder_hash", ""))
                    self.metrics = {str(name): float(value) for name, value in line.get("metrics", {}).items()}
                case "cancelled":
                    self.phase = "cancelled"
                case "failed":
                    self.phase, self.note = "failed", str(line.get("message", ""))


def _point(line: dict[str, Any]) -> CurvePoint:
    """Return the epoch of a line; KeyError, TypeError, ValueError, OverflowError if values are missing or invalid."""
    epoch, parts = int(line["epoch"]), line.get("parts")
    if not 1 <= epoch <= _LAST_EPOCH:
        raise ValueError("invalid epoch")
    return CurvePoint(
        epoch,
        float(line["loss"]),
        float(line["val_loss"]),
        float(line.get("seconds", 0.0)),
        float(line.get("rate", 0.0)),
        LossParts.model_validate(parts) if parts else None,
        tuple(float(value) for value in line.get("kl_per_dim", ())),
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            for _ in range(_MOST_LINES):
                line = file.readline(_LINE.size + 1)
                if not line:
                    return
                with suppress(TrainingError):
                    value = parse_json(line, _LINE, str(path), TrainingError)
                    if isinstance(value, dict):
                        yield value
    except OSError:
        return


def find_runs() -> list[Run]:
    """Return all runs, the latest first; other folders are skipped."""
    found = []
    try:
        paths = sorted(runs_dir().iterdir(), reverse=True)
    except OSError:
        return []
    for path in paths:
        try:
            found.append(read_run(path))
        except TrainingError:
            continue
    return found


def run_of(card: Card) -> Path | None:
    """Return the folder of the run that a model is from: it has its name and its metrics; None if there is none."""
    for path in sorted(runs_dir().glob(f"*-{escape(card.name[:NAME_LIMIT])}*"), reverse=True):
        with suppress(TrainingError):
            run = read_run(path)
            if run.phase == "finished" and run.name == card.name and str(run.metrics) == str(card.metrics):
                return path
    return None


def delete_run(run: Run) -> None:
    """Delete a run and, unless it is finished, its checkpoint; the model is kept. TrainingError if it fails."""
    try:
        shutil.rmtree(run.path)
        if run.resumable:
            delete_checkpoint(checkpoint_folder(run.request.out))
    except OSError as error:
        raise TrainingError(
            "Cannot delete {folder}: {reason}. Delete it manually.", folder=run.path, reason=error.strerror or error
        ) from error
