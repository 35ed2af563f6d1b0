"""The request of an import."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from explorer.models.import_record import ChannelOrder, Fitting, OutputRange, ValueRange
from explorer.models.third_party.layout import place_of


@dataclass(frozen=True)
class Choices:
    """What the user states of a model's inputs and outputs; what is None is detected.

    Attributes
    ----------
    bottleneck
        The layer to split at.
    range_in, range_out
        Ranges of the values that the encoder takes and the decoder gives.
    fit
        What is done with images that are smaller than the model's.
    code, log_variance
        Outputs of the encoder, by layer name or by number from 0; `log_variance` may be ``stacked``, see
        `explorer.models.import_record.Imported`.
    layout
        Order of the axes of images in an ONNX file.
    condition
        Default of the condition inputs: a class, or as many numbers as they take. Of an ONNX file it is the value of
        each of them.
    """

    bottleneck: str | None = None
    range_in: ValueRange | None = None
    range_out: OutputRange | None = None
    fit: Fitting | None = None
    code: str | None = None
    log_variance: str | None = None
    layout: ChannelOrder | None = None
    condition: tuple[float, ...] | None = None


NO_CHOICES = Choices()


def parse_condition(text: str) -> tuple[float, ...] | None:
    """Return a condition from numbers with commas; None if it is none."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        return None
    return values if all(map(isfinite, values)) else None


@dataclass(frozen=True)
class ImportRequest:
    """An import into the bundle `out`, an existing one with `force`.

    `path` is a whole model, an encoder or decoder, or a folder with a file for each; None if both are given separately.
    `encoder` and `decoder` are files, or names of models within `path`; None if `path` is enough. With `trust`, code in
    the files may run, in the model process only. With `decoder_only` the encoder of a Keras model is left out, and no
    code of a whole model runs. `data` is the name or path of a dataset to evaluate it on, in addition to those that
    ship; or None.
    """

    path: Path | None
    out: Path
    encoder: Path | None = None
    decoder: Path | None = None
    choices: Choices = NO_CHOICES
    trust: bool = False
    force: bool = False
    decoder_only: bool = False
    data: str | None = None

    @property
    def title(self) -> str:
        named = [place_of(path).name for path in (self.path, self.encoder, self.decoder) if path is not None]
        return named[0] if self.path is not None else " + ".join(named)
