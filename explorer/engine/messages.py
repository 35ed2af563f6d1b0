"""Messages to and from the model process: frozen records of numbers, strings and arrays.

They are sent through an `explorer.ipc.Channel`, which validates every field.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from explorer.messages import Message
from explorer.models.card import Card, LossParts
from explorer.models.codes import CodeSample
from explorer.models.import_record import Imported
from explorer.models.settings import TrainingRequest
from explorer.models.third_party.request import ImportRequest
from explorer.types import Bytes, Floats, ImageShape, LatentShape, Pixels


@dataclass(frozen=True)
class Warm:
    """Import Keras now, so that the next request starts at once."""


@dataclass(frozen=True)
class Train:
    """Train a model and write its bundle; `live` previews are sent on request."""

    request: TrainingRequest
    live: bool = False


@dataclass(frozen=True)
class Cancel:
    """Cancel the running request at its next step; only the last checkpoint is kept."""


@dataclass(frozen=True)
class Pause:
    """Pause the running training at its next step, after writing a checkpoint."""


@dataclass(frozen=True)
class Resume:
    """Resume after a `Pause`."""


@dataclass(frozen=True)
class Stop:
    """Stop the running training at its next step, and write the bundle."""


@dataclass(frozen=True)
class Examine:
    """Examine a third-party model without writing anything."""

    request: ImportRequest


@dataclass(frozen=True)
class Import:
    """Import a third-party model as a bundle."""

    request: ImportRequest


@dataclass(frozen=True, eq=False)
class Serve:
    """Run a network of a bundle that cannot be converted to ONNX, loaded at the first request.

    `values` are float32 images ``(n, h, w, c)`` in [0, 1] (with conditions, see
    `explorer.models.conditions.Conditions.encoder_input`), or codes ``(n, latent_dim)``.
    """

    path: str
    half: Literal["encoder", "decoder"]
    values: Floats


Request: TypeAlias = Warm | Train | Examine | Import | Serve
Order: TypeAlias = Cancel | Pause | Resume | Stop


@dataclass(frozen=True)
class Warmed:
    """Keras is imported; the version of each library by name."""

    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Started:
    """A training begins.

    `train_count` includes augmented images. `first_epoch` is 1 unless resumed. `skipped` are file and reason of
    unreadable images, at most `MOST_SKIPPED`.
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
    """Progress within an epoch; sent a few times per second.

    `epoch` counts from 1; `step` of `steps` are done. `loss` is the mean training loss of the epoch so far, `rate`
    images per second since the last event.
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
        Mean training loss, and loss on the test split. BCE and MSE are means per pixel; a VAE's loss is the summed
        reconstruction loss plus β times KL, in nats per image.
    seconds
        Duration including validation, without pauses.
    rate
        Training images per second, without validation.
    parts
        The terms of a VAE's losses, else None.
    kl_per_dim
        For a VAE: KL of each dimension on the test split in nats; else empty.
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
    """The training is paused, after `step` steps of the epoch."""

    epoch: int
    step: int


@dataclass(frozen=True)
class Resumed:
    """The training is resumed."""


@dataclass(frozen=True, eq=False)
class Live:
    """The current model of a training.

    Attributes
    ----------
    encoder, decoder
        The compiled networks: the bytes of two ONNX files, uint8.
    card
        The card so far, without files and metrics.
    sample
        Codes of some validation images.
    progress
        Epochs done, fractional; 0 before the first step.
    originals, reconstructions
        ``(k, h, w, c)``: a few validation images, the same every time, and their reconstructions
        (`explorer.data.mixer.unmixed`).
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
    """A checkpoint of the last completed epoch was written; `path` is its folder."""

    epoch: int
    path: str


@dataclass(frozen=True)
class Working:
    """Progress outside of epochs: reading, measuring, compiling."""

    note: Message
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Advice:
    """A recommendation for the next training; the current one continues unchanged."""

    note: Message


@dataclass(frozen=True)
class Trouble:
    """A problem that does not end the training, but needs the user's attention."""

    note: Message


@dataclass(frozen=True)
class Finished:
    """The training is finished and its bundle written.

    `channels` are metrics of each channel, `range` the values in the files that are 0 and 1; see
    `explorer.models.card.Card.channel_metrics`. `decoder_hash` is that of its card.
    """

    path: str
    metrics: dict[str, float]
    channels: tuple[dict[str, float], ...] = ()
    range: tuple[float, float] | None = None
    decoder_hash: str = ""


@dataclass(frozen=True)
class Cancelled:
    """The request was canceled; existing files are unchanged."""

    checkpoint: str


@dataclass(frozen=True)
class Failed:
    """The request ended in an error.

    `message` says what failed, why, and what to do; `details` is a traceback or the whole text of a library's
    error for the log, or empty.
    """

    message: Message
    details: str = ""


@dataclass(frozen=True, eq=False)
class Examined:
    """The result of `Examine`.

    Attributes
    ----------
    record
        Inputs and outputs of the networks, with the detected value ranges.
    image_shape, latent_shape
        Of an image and of a code, including condition inputs.
    places
        Possible bottlenecks: layer and shape of the code, the most likely first; empty if encoder and decoder were
        given separately.
    outputs
        The encoder's outputs with their shapes, such as ``mean (10)``; empty without an encoder.
    images
        Title of the dataset that it was evaluated on.
    error
        MSE of a few images divided by their variance; NaN without encoder or decoder.
    originals, reconstructions
        ``(k, h, w, c)`` (`explorer.data.mixer.unmixed`); without an encoder the latter are decoded random codes,
        without a decoder empty.
    """

    record: Imported
    image_shape: ImageShape
    latent_shape: LatentShape
    places: tuple[tuple[str, tuple[int, ...]], ...]
    outputs: tuple[str, ...]
    images: str
    error: float
    originals: Pixels
    reconstructions: Pixels


Framework: TypeAlias = Literal["Keras", "ONNX", "PyTorch", "TensorFlow Lite"]
"""Of the files of an import; models of TensorFlow.js are Keras models."""


@dataclass(frozen=True)
class ImportFinished:
    """The import is finished and its bundle written.

    `engine` is ``onnx`` if the compiled networks agree with Keras, ``keras`` if the model process runs them.
    `max_difference` is the largest between both on random input; 0 for ``keras``, None if the networks are random, and
    were not compared. `notes` are remarks for the user. `framework` is that of the imported files. `conditions` are the
    condition inputs with what they take, as text.
    """

    path: str
    name: str
    image_shape: ImageShape
    latent_shape: LatentShape
    engine: Literal["onnx", "keras"]
    max_difference: float | None
    notes: tuple[str, ...]
    framework: Framework = "Keras"
    conditions: str = ""


@dataclass(frozen=True, eq=False)
class Served:
    """The outputs of a network, float32."""

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
