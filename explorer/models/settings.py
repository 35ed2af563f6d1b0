"""Training requests as given by the user, and training settings with all defaults filled in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from explorer.data.choices import MAX_CHANNELS, join, split
from explorer.data.corruption import current_kinds, parse_noise
from explorer.data.preprocessing import Preprocessing
from explorer.data.source import Source
from explorer.errors import ModelError, TrainingError
from explorer.models.architectures import get_architecture
from explorer.models.spec import Architecture, Loss, Schedule, Solver
from explorer.types import ImageShape

NAME_LIMIT = 80
NoiseText = Annotated[str, AfterValidator(current_kinds)]
"""Noises as on the command line; kinds of earlier versions get their current names."""

_FORBIDDEN = '\\/:*?"<>|'
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}


class TrainingRequest(BaseModel):
    """A training as requested on the command line or in the Train panel; ``None`` means the default.

    Attributes
    ----------
    data, out
        Name or path of the dataset; folder of the bundle to write.
    start_from
        Name or folder of a model to initialize from, or None.
    size, channels
        Height and width; 1 to 16 channels. None: the architecture's or the dataset's.
    crop
        Pixels cropped from each side before resizing; None: the dataset's default.
    rate, beta, l1
        Adam's learning rate; weight of the KL term; weight of the L1 penalty on the code.
    noise
        Corruption of the input, as on the command line (``gaussian:0.1``); empty for none. The target stays clean.
    augment
        Number of training images after augmentation; 0 for no augmentation.
    limit
        Maximum number of training images; 0 for all.
    seed
        Seed of weights, order, noise and augmentation.
    early_stop
        Patience in epochs, after which the best weights are restored; 0 for off.
    tensorboard
        Folder for a TensorBoard log, or None.
    resume, force
        Resume from the checkpoint beside `out`; replace an existing bundle.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str
    data: str
    out: Path
    start_from: str | None = None
    latent: int | None = Field(None, ge=1)
    size: tuple[int, int] | None = None
    channels: int | None = Field(None, ge=1, le=MAX_CHANNELS)
    crop: int | None = Field(None, ge=0)
    invert: bool = False
    epochs: int | None = Field(None, ge=1, le=100_000)
    batch: int | None = Field(None, ge=1)
    rate: float | None = Field(None, gt=0, le=10)
    schedule: Schedule = "constant"
    loss: Loss | None = None
    beta: float | None = Field(None, ge=0)
    l1: float | None = Field(None, ge=0)
    noise: NoiseText = ""
    augment: int = Field(0, ge=0)
    limit: int = Field(0, ge=0)
    seed: int = Field(0, ge=0, lt=2**31)
    early_stop: int = Field(0, ge=0)
    tensorboard: Path | None = None
    resume: bool = False
    force: bool = False


class TrainingSettings(BaseModel):
    """Settings of a training with all defaults filled in; part of the card."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int
    batch: int
    rate: float
    schedule: Schedule
    loss: Loss
    beta: float
    l1: float
    noise: NoiseText
    augment: int
    limit: int
    seed: int
    early_stop: int
    solver: Solver


CHECKPOINT = "training.npz"
"""The file in a checkpoint's folder."""


def checkpoint_folder(out: Path) -> Path:
    return out.with_name(f"{out.name}.checkpoint")


def delete_checkpoint(folder: Path) -> None:
    """Delete a checkpoint, and its folder if it is empty then; errors are ignored."""
    with suppress(OSError):
        (folder / CHECKPOINT).unlink(missing_ok=True)
        for part in folder.glob(f".{CHECKPOINT}.*.part"):  # left by a process that was killed while writing
            part.unlink(missing_ok=True)
        folder.rmdir()


def check_new_model(folder: Path, name: str, taken: Collection[str] = ()) -> None:
    """Check that a new model in `folder` can have this name, on every operating system.

    `taken` are further names in use, such as those of models in training. TrainingError if the name is not a valid
    folder name, or is taken.
    """
    good = 0 < len(name) <= NAME_LIMIT and not name.startswith(".") and name.isprintable()
    if not good or any(sign in name for sign in _FORBIDDEN) or name.split(".", maxsplit=1)[0].lower() in _DEVICES:
        raise TrainingError(
            "“{name}” cannot be the name of a folder. "
            "Use 1 to {most} characters, none of {forbidden}, and no dot at the beginning.",
            name=name[:NAME_LIMIT],
            most=NAME_LIMIT,
            forbidden=" ".join(_FORBIDDEN),
        )
    if name in taken or (folder / name).exists():
        raise TrainingError("The name “{name}” is already taken. Choose another name.", name=name)


def free_name(folder: Path, wanted: str, taken: Collection[str] = ()) -> str:
    """Return a free name for a new model in `folder`: `wanted` without special characters, numbered if taken."""
    wanted = re.sub(r"[^\w.-]+", "-", wanted.lower()).strip("-.")[: NAME_LIMIT - 4]
    name, number = wanted, 2
    while name in taken or (folder / name).exists():
        name, number = f"{wanted}-{number}", number + 1
    return name


def parse_size(text: str) -> tuple[int, int] | None:
    """``64x48`` (height and width), or ``64``; None for empty text. TrainingError if it is no size."""
    if not text.strip():
        return None
    match = re.fullmatch(r"\s*(\d{1,5})\s*(?:[xX×]\s*(\d{1,5})\s*)?", text)
    if match is None:
        raise TrainingError(
            "“{text}” is not an image size. Enter height x width, such as 64x48, or leave it empty.", text=text
        )
    return int(match[1]), int(match[2] or match[1])


def make_request(**values: object) -> TrainingRequest:
    """Return a checked request; TrainingError, which names the first, if a value is invalid."""
    try:
        return TrainingRequest.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise TrainingError(
            "Invalid value {value} for “{name}”: {reason}. Choose another value.",
            value=repr(first["input"]),
            name=name,
            reason=first["msg"],
        ) from error


def resolve_settings(request: TrainingRequest) -> TrainingSettings:
    """Return the settings of a request, with the architecture's defaults filled in.

    ModelError, UsageError if the architecture or the noise is unknown, or `latent` is set for a spatial code.
    """
    architecture = get_architecture(request.architecture)
    if architecture.spatial and request.latent is not None:
        raise ModelError(
            "Cannot set the latent size of {architecture} to {latent}: its code shape follows from the image size. "
            "Omit --latent, or choose another image size (--size HxW).",
            architecture=architecture.name,
            latent=request.latent,
        )
    defaults = architecture.defaults
    parse_noise(request.noise)
    solver = _solver(request, architecture)
    return TrainingSettings(
        epochs=1 if solver == "pca" else request.epochs or defaults.epochs,
        batch=request.batch or defaults.batch,
        rate=request.rate or defaults.rate,
        schedule=request.schedule,
        loss=request.loss or defaults.loss,
        beta=defaults.beta if request.beta is None else request.beta,
        l1=defaults.l1 if request.l1 is None else request.l1,
        noise=request.noise,
        augment=request.augment,
        limit=request.limit,
        seed=request.seed,
        early_stop=request.early_stop,
        solver=solver,
    )


def _solver(request: TrainingRequest, architecture: Architecture) -> Solver:
    """Return the solver; the closed form is the optimum of MSE without noise, L1 or initial weights only."""
    squared = (request.loss or architecture.defaults.loss) == "mse"
    plain = squared and not (request.noise or request.start_from or request.l1)
    return architecture.solver if plain else "gradient"


def resolve_image_shape(
    request: TrainingRequest, native: ImageShape | None, usual_crop: int = 0, usual_channels: int = 0
) -> ImageShape:
    """Return the model's image shape: the requested one, else the dataset's, else the architecture's default.

    `native` is the shape of the images before cropping, or None if they differ; `usual_crop` the default crop in pixels
    on each side; `usual_channels` the number of channels if only sizes differ, 0 if that is unknown.
    """
    default = get_architecture(request.architecture).default_image_shape
    height, width, channels = native or (*default[:2], usual_channels or default[2])
    if request.size:
        height, width = request.size
    elif native:
        crop = usual_crop if request.crop is None else request.crop
        height, width = max(1, height - 2 * crop), max(1, width - 2 * crop)
    return height, width, request.channels or channels


def resolve_preprocessing(request: TrainingRequest, source: Source) -> Preprocessing:
    """Return the preprocessing of a training with random initial weights; DataError if the shape is impossible."""
    crop = source.crop if request.crop is None else request.crop
    image_shape = resolve_image_shape(request, source.image_shape, source.crop, source.found.channels)
    return Preprocessing.standard(image_shape, crop=crop, invert=request.invert, reading=source.reading())


def command_line(request: TrainingRequest) -> str:
    """Return the equivalent command line, for the card.

    Paths are reduced to their last part, so that a shared card reveals nothing about the machine.
    """
    words = ["latent-explorer", "train", "--arch", request.architecture]
    place, choices = split(request.data)
    words += ["--data", join(Path(place).name, choices), "--out", request.out.name]
    if request.start_from:
        words += ["--from", Path(request.start_from).name]
    if request.size:
        words += ["--size", f"{request.size[0]}x{request.size[1]}"]
    if request.invert:
        words.append("--invert")
    for name in (
        "latent",
        "channels",
        "crop",
        "epochs",
        "batch",
        "rate",
        "schedule",
        "loss",
        "beta",
        "l1",
        "noise",
        "augment",
    ):
        words += _option(request, name)
    words += _option(request, "limit")
    words += ["--seed", str(request.seed), *_option(request, "early_stop")]
    return shlex.join(words)


def _option(request: TrainingRequest, name: str) -> list[str]:
    value = getattr(request, name)
    if value == TrainingRequest.model_fields[name].default:
        return []
    return [f"--{name.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value)]
