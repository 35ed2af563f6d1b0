"""What a training is asked to do: the request as the user gave it, and its defaults filled in from the architecture."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from explorer.data.corruption import parse_noise
from explorer.data.preprocessing import Preprocessing
from explorer.data.source import Source
from explorer.errors import ModelError, TrainingError
from explorer.models.architectures import get_architecture
from explorer.models.spec import Architecture, Loss, Schedule, Solver
from explorer.types import ImageShape

NAME_LIMIT = 80
_FORBIDDEN = '\\/:*?"<>|'
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}


class TrainingRequest(BaseModel):
    """A training as the command line or the Train panel asks for it; ``None`` means the reference's value.

    Attributes
    ----------
    architecture, data, out
        Name of the architecture; name or path of the pictures; folder of the bundle to write.
    start_from
        Name or folder of a trained bundle to go on from, or None.
    latent, size, channels
        Code size; height and width; 1 or 3 channels. None: the architecture's, the pictures' own.
    crop
        Pixels cut off each side before resizing; None: what is usual for these pictures.
    invert
        Whether dark and light are exchanged.
    epochs, batch, rate, schedule, loss, beta, l1
        Passes over the data; pictures a step; Adam's learning rate and how it falls; loss; weight of the KL term;
        strength of the L1 penalty on the code.
    noise
        Corruption of the input, as on the command line (``gaussian:0.1``); empty for none. The target stays clean.
    augment
        Number of pictures to make from the training pictures; 0 for none.
    limit
        At most so many training pictures; 0 for all.
    seed
        Seed of weights, order, noise and augmentation.
    early_stop
        End after so many epochs without a better validation loss and keep the best; 0 for never.
    tensorboard
        Folder for a log that TensorBoard shows, or None.
    resume, force
        Go on from the checkpoint beside `out`; replace an existing bundle.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str
    data: str
    out: Path
    start_from: str | None = None
    latent: int | None = Field(None, ge=1)
    size: tuple[int, int] | None = None
    channels: int | None = None
    crop: int | None = Field(None, ge=0)
    invert: bool = False
    epochs: int | None = Field(None, ge=1, le=100_000)
    batch: int | None = Field(None, ge=1)
    rate: float | None = Field(None, gt=0, le=10)
    schedule: Schedule = "constant"
    loss: Loss | None = None
    beta: float | None = Field(None, ge=0)
    l1: float | None = Field(None, ge=0)
    noise: str = ""
    augment: int = Field(0, ge=0)
    limit: int = Field(0, ge=0)
    seed: int = Field(0, ge=0, lt=2**31)
    early_stop: int = Field(0, ge=0)
    tensorboard: Path | None = None
    resume: bool = False
    force: bool = False


class TrainingSettings(BaseModel):
    """Every value of a training, as it ran; part of the card."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int
    batch: int
    rate: float
    schedule: Schedule
    loss: Loss
    beta: float
    l1: float
    noise: str
    augment: int
    limit: int
    seed: int
    early_stop: int
    solver: Solver


CHECKPOINT = "training.npz"
"""The one file of a checkpoint's folder."""


def checkpoint_folder(out: Path) -> Path:
    """Return the folder of the checkpoint that belongs to the bundle `out`."""
    return out.with_name(f"{out.name}.checkpoint")


def delete_checkpoint(folder: Path) -> None:
    """Delete the checkpoint in a folder, and the folder if it holds nothing else; what cannot be deleted stays."""
    with suppress(OSError):
        (folder / CHECKPOINT).unlink(missing_ok=True)
        for part in folder.glob(f".{CHECKPOINT}.*.part"):  # of a process that was killed while it wrote
            part.unlink(missing_ok=True)
        folder.rmdir()


def check_new_model(folder: Path, name: str, taken: Collection[str] = ()) -> None:
    """Make sure that a new model can have this name in `folder`, on every system.

    `taken` are names that others will have there, such as those that are being trained.

    Raises
    ------
    TrainingError
        If the name cannot be a folder's, or is taken.
    """
    good = 0 < len(name) <= NAME_LIMIT and not name.startswith(".") and name.isprintable()
    if not good or any(sign in name for sign in _FORBIDDEN) or name.split(".", maxsplit=1)[0].lower() in _DEVICES:
        raise TrainingError(
            f"a name for a folder: at most {NAME_LIMIT} letters, none of {' '.join(_FORBIDDEN)}, no dot first",
            f"“{name[:NAME_LIMIT]}”",
        )
    if name in taken or (folder / name).exists():
        raise TrainingError("a name that no model has yet", f"“{name}”", "Choose another.")


def free_name(folder: Path, wanted: str, taken: Collection[str] = ()) -> str:
    """Return a name like `wanted` that a new model in `folder` can have: plain letters, and a number where needed."""
    wanted = re.sub(r"[^\w.-]+", "-", wanted.lower()).strip("-.")[: NAME_LIMIT - 4]
    name, number = wanted, 2
    while name in taken or (folder / name).exists():
        name, number = f"{wanted}-{number}", number + 1
    return name


def parse_size(text: str) -> tuple[int, int] | None:
    """Read a height and width: ``64x48``, or ``64`` for a square; nothing means as the pictures are.

    Raises
    ------
    TrainingError
        If the text is of another form.
    """
    if not text.strip():
        return None
    match = re.fullmatch(r"\s*(\d{1,5})\s*(?:[xX×]\s*(\d{1,5})\s*)?", text)
    if match is None:
        raise TrainingError("a size as height x width, such as 64x48", f"“{text}”", "Leave it empty for no change.")
    return int(match[1]), int(match[2] or match[1])


def make_request(**values: object) -> TrainingRequest:
    """Return a checked request.

    Raises
    ------
    TrainingError
        If a value is out of its range; the first is named.
    """
    try:
        return TrainingRequest.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise TrainingError(f"a usable value for “{name}”: {first['msg']}", repr(first["input"])) from error


def resolve_settings(request: TrainingRequest) -> TrainingSettings:
    """Fill the defaults of the architecture in.

    Raises
    ------
    ModelError, UsageError
        If the architecture or the noise is not known, or a code size is asked for that a spatial code cannot have.
    """
    architecture = get_architecture(request.architecture)
    if architecture.spatial and request.latent is not None:
        raise ModelError(
            f"no code size for {architecture.name}, whose code follows from the pictures' size",
            str(request.latent),
            "Leave --latent out, or choose another size of the pictures (--size HxW).",
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
    """Say how a training finds its weights: the closed form is the optimum of the plain squared error alone."""
    squared = (request.loss or architecture.defaults.loss) == "mse"
    plain = squared and not (request.noise or request.start_from or request.l1)
    return architecture.solver if plain else "gradient"


def resolve_image_shape(request: TrainingRequest, native: ImageShape | None, usual_crop: int = 0) -> ImageShape:
    """Return the shape the model takes: what was asked for, else the pictures' own, else the architecture's.

    Parameters
    ----------
    request
        The training.
    native
        Shape of the pictures before they are cropped, or None where they differ.
    usual_crop
        Pixels that are cut off each side where the request does not say.
    """
    default = get_architecture(request.architecture).default_image_shape
    height, width, channels = native or default
    if request.size:
        height, width = request.size
    elif native:
        crop = usual_crop if request.crop is None else request.crop
        height, width = max(1, height - 2 * crop), max(1, width - 2 * crop)
    return height, width, request.channels or channels


def resolve_preprocessing(request: TrainingRequest, source: Source) -> Preprocessing:
    """Return how a training that starts from nothing brings these pictures to its size.

    Raises
    ------
    DataError
        If no picture can have that shape.
    """
    crop = source.crop if request.crop is None else request.crop
    image_shape = resolve_image_shape(request, source.image_shape, source.crop)
    return Preprocessing.standard(image_shape, crop=crop, invert=request.invert)


def command_line(request: TrainingRequest) -> str:
    """Return the command that does the same training, for the card.

    Folders are named without what lies above them: a card travels, and says nothing of the machine it was made on.
    """
    words = ["latent-explorer", "train", "--arch", request.architecture]
    words += ["--data", Path(request.data).name, "--out", request.out.name]
    if request.start_from:
        words += ["--from", Path(request.start_from).name]
    if request.size:
        words += ["--size", f"{request.size[0]}x{request.size[1]}"]
    if request.invert:
        words.append("--invert")
    for name in ("latent", "crop", "epochs", "batch", "rate", "schedule", "loss", "beta", "l1", "noise", "augment"):
        words += _option(request, name)
    words += _option(request, "limit")
    words += ["--seed", str(request.seed), *_option(request, "early_stop")]
    return shlex.join(words)


def _option(request: TrainingRequest, name: str) -> list[str]:
    value = getattr(request, name)
    if value == TrainingRequest.model_fields[name].default:
        return []
    return [f"--{name.replace('_', '-')}", f"{value:g}" if isinstance(value, float) else str(value)]
