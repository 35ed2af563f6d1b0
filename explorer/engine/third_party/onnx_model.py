"""An ONNX model of another program within an import: read and adapted in the reader process, run here."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from explorer.engine import messages
from explorer.engine.compiled import Compiled
from explorer.engine.third_party.tflite import Converted, converting
from explorer.engine.third_party.torch_programs import onnx_from_torch
from explorer.errors import ModelError
from explorer.inference.codec import BATCH, Network
from explorer.inference.onnx_import.finishing import keep_checked, with_input_range, with_output_range
from explorer.inference.onnx_import.reading import reading
from explorer.inference.onnx_import.records import Adapted, Described
from explorer.messages import message
from explorer.models.batches import images_at_once
from explorer.models.bundle import COMPILED
from explorer.models.conditions import Conditions, conditions_of, encode_best
from explorer.models.import_record import RANGES, Imported, OutputRange, ValueRange
from explorer.models.third_party.files import becomes_onnx, files_by_role
from explorer.models.third_party.request import ImportRequest
from explorer.types import Codec, Floats, ImageShape, LatentShape

T = TypeVar("T")

_RANGES_OUT: Final[dict[str, tuple[OutputRange, ...]]] = {
    "sigmoid": RANGES[:1],
    "tanh": (RANGES[1], RANGES[0]),
    "linear": (*RANGES, "logits"),
    "": RANGES,
}
"""Possible output ranges by the last activation, the usual one first."""


@dataclass(frozen=True)
class Place:
    """A possible bottleneck: its tensor, and the shape of the code there."""

    name: str
    shape: tuple[int, ...]


@dataclass
class OnnxModel:
    """An adapted model, and its networks, which take and give images in their own ranges; one may be None.

    `framework` is that of its files.
    """

    described: Described
    adapted: dict[str, Adapted]
    encoder: Network | None
    decoder: Network | None
    framework: messages.Framework = "ONNX"

    @property
    def image_shape(self) -> ImageShape:
        return self.described.image_shape

    @property
    def latent_shape(self) -> LatentShape:
        return self.described.latent_shape

    @property
    def conditions(self) -> Conditions | None:
        return conditions_of(self.described.controls, prod(self.latent_shape))

    @property
    def encoder_shape(self) -> tuple[int, ...]:
        """Shape of one input of the encoder, see `explorer.models.conditions.Conditions.encoder_shape`."""
        return self.conditions.encoder_shape(self.image_shape) if self.conditions is not None else self.image_shape

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(Place(name, shape) for name, shape in self.described.places)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The encoder's outputs with their shapes."""
        return self.described.outputs

    @property
    def range_in(self) -> ValueRange | None:
        """The input range if it is known: that of integers."""
        return RANGES[2] if self.described.whole_numbers[0] else None

    @property
    def usual_in(self) -> ValueRange | None:
        """The input range where the images say nothing; None if it is that of the output."""
        return RANGES[0] if self.described.whole_numbers == (False, True) else None

    @property
    def ranges_out(self) -> tuple[OutputRange, ...]:
        """Possible output ranges, the usual one first."""
        return RANGES[2:] if self.described.whole_numbers[1] else _RANGES_OUT[self.described.activation]

    @property
    def parameters(self) -> tuple[int, int]:
        """Number of weights of encoder and decoder, 0 if there is none."""
        first, second = (self.adapted.get(role) for role in ("encoder", "decoder"))
        return first.params if first else 0, second.params if second else 0

    def record(self, file: str) -> Imported:
        """Return the record of the import so far, with the default ranges."""
        known = self.described
        return Imported(
            file=file,
            keras=None,
            networks=False,
            bottleneck=known.bottleneck,
            layout_in=known.layout_in,
            layout_out=known.layout_out,
            mean=known.mean,
            log_variance=known.log_variance,
            controls=known.controls,
            parts=known.parts,
            notes=known.notes,
        )

    def write(self, folder: Path, record: Imported) -> Compiled:
        """Write the networks for images in [0, 1], and cache that they may run; OSError if they cannot be written."""
        shapes = (self.encoder_shape, self.latent_shape)
        for role, name, shape in zip(("encoder", "decoder"), COMPILED, shapes, strict=True):
            adapted = self.adapted.get(role)
            if adapted is not None:
                content = adapted.content.tobytes()
                if role == "encoder":
                    rest = prod(shape) - prod(self.image_shape)
                    content = with_input_range(content, record.range_in, rest)
                else:
                    content = with_output_range(content, record.range_out)
                keep_checked(content, shape, adapted.at_once)
                (folder / name).write_bytes(content)
        difference = self.described.max_difference
        return Compiled(True, difference or 0.0, compared=difference is not None)


class OnnxCodec(Codec):
    """The networks of an ONNX model with the ranges of a record."""

    def __init__(self, model: OnnxModel, record: Imported) -> None:
        self._model, self._record = model, record

    @property
    def image_shape(self) -> ImageShape:
        return self._model.image_shape

    @property
    def latent_shape(self) -> LatentShape:
        return self._model.latent_shape

    @property
    def latent_dim(self) -> int:
        return int(np.prod(self._model.latent_shape))

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        conditions = self._model.conditions
        if conditions is not None:
            decode = self.decode if self._model.decoder is not None else None
            return encode_best(conditions, images, lambda given: self._encoded(given)[0], decode), None
        flat = self._encoded(images)
        return flat[0], flat[1] if len(flat) > 1 else None

    def _encoded(self, values: Floats) -> list[Floats]:
        """Return the outputs ``(n, size)`` of images, or of images with conditions at their end."""
        assert self._model.encoder is not None
        low, high = self._record.range_in
        given = values.astype(np.float32)
        images = given if given.ndim > 2 else given[:, : prod(self.image_shape)]
        images *= np.float32(high - low)
        images += np.float32(low)
        return [output.reshape(len(values), -1) for output in self._model.encoder.run(given)]

    def decode(self, codes: Floats) -> Floats:
        assert self._model.decoder is not None
        (made,) = self._model.decoder.run(codes.reshape(-1, *self.latent_shape))
        if isinstance(self._record.range_out, str):
            return (1 / (1 + np.exp(-np.clip(made, -60, 60)))).astype(np.float32)
        low, high = self._record.range_out
        return ((made - low) / (high - low)).astype(np.float32)


def holds_onnx(request: ImportRequest) -> bool:
    """Return whether the files of an import are ONNX, or become it; ModelError if only some are."""
    files = files_by_role(request)
    onnx = [becomes_onnx(path) for path in files.values()]
    if any(onnx) and not all(onnx):
        raise ModelError(
            "Encoder and decoder do not match: {files} are of different frameworks. Export both as ONNX.",
            files=[path.name for path in files.values()],
        )
    if any(onnx) and request.decoder_only:
        raise ModelError(
            "--decoder-only is for whole Keras models, and {file} is none. Import its decoder alone.",
            file=request.title,
        )
    if not any(onnx) and request.choices.layout is not None:
        raise ModelError(
            "--layout is for files of ONNX, TensorFlow Lite and PyTorch, and {file} is none. Import it without it.",
            file=request.title,
        )
    return any(onnx)


def open_onnx(request: ImportRequest) -> Generator[messages.ImportEvent, None, OnnxModel]:
    """Read and adapt the files of an import, and open their networks."""
    files = files_by_role(request)
    folder = request.path or Path()
    parts = [part for part in (request.encoder, request.decoder) if part is not None]
    missing = next((part for part in parts if not {part, folder / part}.intersection(files.values())), None)
    if missing is not None:
        raise ModelError("There is no file {file}. Choose two files, or one that holds both.", file=missing)
    with tempfile.TemporaryDirectory(prefix="latent-explorer-") as converted:
        made, differences = yield from _reported(onnx_from_torch(files, Path(converted), trust=request.trust))
        # What was converted keeps its name, which may be that of another format.
        left = {role: path for role, path in made.items() if path == files[role]}
        rest, conversions = yield from _reported(converting(left, Path(converted)))
        found = yield from _reported(reading(made | rest, request.choices))
    described = _with_conversions(found.described, differences, conversions)
    networks = {
        role: Network(
            adapted.content.tobytes(),
            images_at_once(found.described.image_shape, min(adapted.at_once, BATCH)),
            request.title,
            checked=True,
        )
        for role, adapted in found.networks.items()
    }
    framework: messages.Framework = "PyTorch" if differences else "TensorFlow Lite" if conversions else "ONNX"
    return OnnxModel(described, found.networks, networks.get("encoder"), networks.get("decoder"), framework)


def _with_conversions(described: Described, programs: list[float | None], conversions: list[Converted]) -> Described:
    """Return what is known of a model with what its conversion changed: `programs` are differences from PyTorch."""
    known = [described.max_difference, *programs, *(one.difference for one in conversions)]
    # An upper bound of what all changes do together.
    difference = None if None in known else sum(one for one in known if one is not None)
    notes = dict.fromkeys([*described.notes, *(note for one in conversions for note in one.notes)])
    return replace(described, max_difference=difference, notes=tuple(notes))


def _reported(steps: Generator[None, None, T]) -> Generator[messages.ImportEvent, None, T]:
    """Return the result of a reader, and report at each of its steps."""
    while True:
        yield messages.Working(message("Reading the network"))
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
