"""What crosses the pipe to and from the model process: frozen records of numbers, strings and arrays.

They go through an `explorer.ipc.Channel`, which checks every field of what comes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from explorer.messages import Message, Wording
from explorer.models.card import Card, LossParts
from explorer.models.codes import CodeSample
from explorer.models.foreign.record import Imported
from explorer.models.foreign.request import ImportRequest
from explorer.models.settings import TrainingRequest
from explorer.types import Bytes, Floats, ImageShape, LatentShape, Pixels


@dataclass(frozen=True)
class Warm:
    """Import Keras now, so that the next request starts at once."""


@dataclass(frozen=True)
class Train:
    """Train a model and write its bundle.

    Attributes
    ----------
    live
        Whether the weights are to be shown while they are learnt (`Live`).
    """

    request: TrainingRequest
    live: bool = False


@dataclass(frozen=True)
class Cancel:
    """Stop the running request at its next step; nothing is kept but the last checkpoint."""


@dataclass(frozen=True)
class Pause:
    """Hold the running training at its next step; a checkpoint is written first."""


@dataclass(frozen=True)
class Resume:
    """Go on behind a `Pause`."""


@dataclass(frozen=True)
class Stop:
    """End the running training at its next step, and write the bundle of what has been learnt."""


@dataclass(frozen=True)
class Examine:
    """Find out what a model that others wrote is; nothing is written."""

    request: ImportRequest


@dataclass(frozen=True)
class Import:
    """Make a bundle of a model that others wrote."""

    request: ImportRequest


@dataclass(frozen=True, eq=False)
class Serve:
    """Run a network of a bundle that ONNX cannot express.

    Attributes
    ----------
    path
        The bundle's folder; loaded at its first request.
    half
        Which network.
    values
        Float32 pictures ``(n, h, w, c)`` in [0, 1], or codes ``(n, latent_dim)``.
    """

    path: str
    half: Literal["encoder", "decoder"]
    values: Floats


Request: TypeAlias = Warm | Train | Examine | Import | Serve
Order: TypeAlias = Cancel | Pause | Resume | Stop


@dataclass(frozen=True)
class Warmed:
    """Keras is imported.

    Attributes
    ----------
    versions
        Version of each library, by name.
    """

    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Started:
    """A training begins.

    Attributes
    ----------
    image_shape, latent_shape
        Shapes of a picture and of a code.
    train_count, val_count
        Pictures in training (augmented ones included) and in validation.
    first_epoch, epochs
        The first epoch to run, counted from 1 (more where it resumes), and the last.
    skipped
        File and reason of images that cannot be read, `MOST_SKIPPED` at most.
    """

    architecture: str
    data: str
    image_shape: tuple[int, int, int]
    latent_shape: tuple[int, ...]
    encoder_params: int
    decoder_params: int
    train_count: int
    val_count: int
    first_epoch: int
    epochs: int
    skipped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Step:
    """Steps done within an epoch; sent a few times a second.

    Attributes
    ----------
    epoch, step, steps
        Current epoch from 1, steps done in it, steps in each.
    loss
        Mean training loss of the epoch so far.
    rate
        Pictures a second since the last of these events.
    """

    epoch: int
    step: int
    steps: int
    loss: float
    rate: float


@dataclass(frozen=True)
class Epoch:
    """An epoch ended.

    Attributes
    ----------
    loss, val_loss
        Mean training loss, and loss on the test split. BCE and MSE are means per pixel; a variational model's is the
        summed reconstruction loss plus β times KL, in nats a picture.
    seconds
        Duration, validation included; without pauses.
    rate
        Pictures a second, validation not counted.
    parts
        What a variational model's losses are made of, else None.
    kl_per_dim
        Nats of each dimension on the test split; empty where the model is not variational.
    """

    epoch: int
    epochs: int
    loss: float
    val_loss: float
    seconds: float
    rate: float
    parts: LossParts | None = None
    kl_per_dim: tuple[float, ...] = ()


@dataclass(frozen=True)
class Paused:
    """The training holds, behind so many steps of that epoch."""

    epoch: int
    step: int


@dataclass(frozen=True)
class Resumed:
    """The training goes on."""


@dataclass(frozen=True, eq=False)
class Live:
    """The model as it is now.

    Attributes
    ----------
    encoder, decoder
        The compiled networks: the bytes of two ONNX files, uint8.
    card
        What the model is so far; it has no files and no metrics.
    sample
        Codes of some held-out pictures.
    progress
        Epochs done, with a fraction: 0 before the first step.
    originals, reconstructions
        Uint8 ``(k, h, w, c)``: the same few held-out pictures every time, and what the model makes of them.
    """

    encoder: Bytes
    decoder: Bytes
    card: Card
    sample: CodeSample
    progress: float
    originals: Pixels
    reconstructions: Pixels


@dataclass(frozen=True)
class Checkpoint:
    """What resuming needs was written.

    Attributes
    ----------
    epoch
        The last whole epoch that it holds.
    path
        Its folder.
    """

    epoch: int
    path: str


@dataclass(frozen=True)
class Working:
    """Something between the epochs that takes a while: reading, measuring, compiling."""

    note: Wording
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Advice:
    """Something that the user may want to set otherwise next time; the training goes on as it was asked for."""

    note: Wording


@dataclass(frozen=True)
class Trouble:
    """Something went wrong that does not end the training; the user should see to it."""

    note: Wording


@dataclass(frozen=True)
class Finished:
    """The bundle is written."""

    path: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class Cancelled:
    """The request was stopped; what was written before is as it was."""

    checkpoint: str


@dataclass(frozen=True)
class Failed:
    """The request ended in an error.

    Attributes
    ----------
    message
        For the user: what failed, why, and what to do.
    details
        Traceback for the log; empty where the message says all.
    """

    message: Message
    details: str = ""


@dataclass(frozen=True, eq=False)
class Examined:
    """What a model is, as far as that can be told without writing anything.

    Attributes
    ----------
    record
        How its networks take and give pictures, codes and controls; with the range of values that was found.
    image_shape, latent_shape
        Of a picture and of a code, controls included.
    places
        Where it can be cut: layer and shape of the code there, the likeliest first; empty where it came in two.
    pictures
        Title of the pictures that it was tried on.
    error
        Mean squared error of a few of them, as a share of their variance; NaN where there is no way back.
    originals, reconstructions
        Uint8 ``(k, h, w, c)``; without an encoder the latter are random codes decoded, without a decoder there are
        none.
    """

    record: Imported
    image_shape: ImageShape
    latent_shape: LatentShape
    places: tuple[tuple[str, tuple[int, ...]], ...]
    pictures: str
    error: float
    originals: Pixels
    reconstructions: Pixels


@dataclass(frozen=True)
class ImportFinished:
    """The bundle of an import is written.

    Attributes
    ----------
    engine
        ``onnx`` where the compiled networks agree with Keras, ``keras`` where the model process decodes.
    max_difference
        Largest difference between both on random input; 0 where Keras itself decodes.
    notes
        What the user should know.
    """

    path: str
    name: str
    image_shape: ImageShape
    latent_shape: LatentShape
    engine: Literal["onnx", "keras"]
    max_difference: float
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Served:
    """What a network gave: its outputs, float32."""

    outputs: tuple[Floats, ...]


ImportEvent: TypeAlias = Working | Examined | ImportFinished | Cancelled | Failed
TrainingEvent: TypeAlias = (
    Started
    | Step
    | Epoch
    | Checkpoint
    | Paused
    | Resumed
    | Live
    | Working
    | Advice
    | Trouble
    | Finished
    | Cancelled
    | Failed
)
Event: TypeAlias = Warmed | TrainingEvent | ImportEvent | Served
MOST_SKIPPED = 1_000
REQUESTS: tuple[type, ...] = get_args(Request)
ORDERS: tuple[type, ...] = get_args(Order)
EVENTS: tuple[type, ...] = get_args(Event)

ENDINGS = (Finished, Cancelled, Failed, Warmed, Examined, ImportFinished, Served)
"""Events after which the model process is idle again."""
