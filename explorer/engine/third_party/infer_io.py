"""Detects the value range and the best matching dataset of a model by trial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from explorer.data.preprocessing import Background, Fit, Preprocessing, to_floats
from explorer.data.source import Source
from explorer.data.sources import KNOWN, open_source
from explorer.engine.third_party.graph import producer
from explorer.engine.third_party.loading import SavedFunction
from explorer.engine.third_party.onnx_model import OnnxCodec, OnnxModel
from explorer.engine.third_party.split_model import SplitModel
from explorer.errors import ModelError
from explorer.models.import_record import RANGES, Fitting, Imported, OutputRange, ValueRange
from explorer.models.third_party.request import Choices
from explorer.types import Codec, Floats, ImageShape, Indices, LatentShape

_TRIED, _FEWEST = 32, 4
_TRIED_PIXELS = _TRIED * 128 * 128
_EVERY, _WORSE = 4, 3.0
"""On every fourth image of all, candidates with more than three times the error of the best are dropped."""

_CLEARLY = 0.8
"""Error ratio below which a range, or a border, is preferred to the default one."""

_BEYOND_DOUBT = 0.5
"""The same if the input and output ranges differ, which is rare."""

_NO_EVIDENCE = 100.0
"""Factor of an error above the variance: a model that knows nothing of the images says nothing of its ranges."""

_OTHER_CHANNELS = 1.5
"""Factor of the error on color images for a model of grayscale images."""

_BY_ACTIVATION: dict[str, tuple[ValueRange, ...]] = {
    "sigmoid": RANGES[:1],
    "hard_sigmoid": RANGES[:1],
    "tanh": (RANGES[1], RANGES[0]),
}
"""Possible output ranges by the last activation, the usual one first."""


_PASSING = frozenset({"Reshape", "Flatten", "Permute", "Cropping2D", "ZeroPadding2D", "Resizing", "UpSampling2D"})


class TrialCodec(Codec, Protocol):
    """A codec that knows the shape of one code."""

    @property
    def latent_shape(self) -> LatentShape:
        """Shape of one code, without the batch."""


@dataclass(frozen=True)
class Trial:
    """The dataset with the lowest reconstruction error, its preprocessing, and the record with what was detected.

    `error` is the MSE of a few images divided by their variance; NaN without encoder or decoder.
    """

    source: Source
    preprocessing: Preprocessing
    record: Imported
    error: float


@dataclass(frozen=True)
class _Ranges:
    """Input range, output ranges in the order of preference, and those of both by default."""

    range_in: ValueRange
    outs: tuple[OutputRange, ...]
    default: tuple[ValueRange, OutputRange]

    def doubt(self, out: OutputRange, error: float) -> float:
        """Return the factor of the error with an output range: 1 for the default, more for what is rare."""
        if (self.range_in, out) == self.default:
            return 1.0
        if error >= 1:
            return _NO_EVIDENCE
        return 1 / (_CLEARLY if out == self.range_in else _BEYOND_DOUBT)


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A dataset brought to a model's images ``(n, h, w, c)``, ranges, and a factor of the error for what is rare."""

    trial: Trial
    images: Floats
    ranges: _Ranges
    factor: float

    def scored(self, split_model: SplitModel | OnnxModel, step: int = 1) -> list[tuple[float, Trial]]:
        """Return a trial for each output range with its error, times the doubt, on every `step`-th image."""
        record = self.trial.record
        return [
            (
                error * self.factor * self.ranges.doubt(out, error),
                replace(self.trial, record=record.model_copy(update={"range_out": out}), error=error),
            )
            for out, error in _errors(split_model, record, self.images[::step], self.ranges.outs)
        ]


def try_images(split_model: SplitModel | OnnxModel, record: Imported, choices: Choices, own: Source | None) -> Trial:
    """Find the value ranges, the fit and the dataset with the lowest reconstruction error.

    What `choices` state is not tried. `own` is the user's open dataset, tried in addition to those that ship.
    ModelError if none of them has images of the model's channels.
    """
    candidates = _likely(split_model, list(_all_candidates(split_model, record, choices, own)))
    trials = [scored for candidate in candidates for scored in candidate.scored(split_model)]
    if not trials:
        raise ModelError(
            "Cannot try the model: no dataset has images of {count:# channel|# channels}. "
            "Open such images first, or name them (--data).",
            count=split_model.image_shape[2],
        )
    known = [scored for scored in trials if np.isfinite(scored[0])]
    if known:
        return min(known, key=lambda scored: scored[0])[1]
    fitting = next((trial for _, trial in trials if trial.source.image_shape == split_model.image_shape), None)
    return replace(fitting or trials[0][1], error=float("nan"))


def _all_candidates(
    split_model: SplitModel | OnnxModel, record: Imported, choices: Choices, own: Source | None
) -> Iterator[_Candidate]:
    gray = split_model.image_shape[2] == 1
    every = _candidate_ranges(split_model, choices)
    for source in _sources(own, split_model.image_shape[2]):
        penalty = 1.0 if not gray or _channels(source) == 1 else _OTHER_CHANNELS
        for fit in _fits(source, split_model.image_shape, choices.fit):
            preprocessing = preprocessing_for(source, split_model.image_shape, fit)
            pixels, _ = source.read_available(_chosen(source, split_model.image_shape), preprocessing)
            if not len(pixels):
                continue
            factor = penalty if fit in {"resize", choices.fit} else penalty / _CLEARLY
            for ranges in every:
                update = {"range_in": ranges.range_in, "range_out": ranges.outs[0], "fit": fit}
                trial = Trial(source, preprocessing, record.model_copy(update=update), float("nan"))
                yield _Candidate(trial, to_floats(pixels), ranges, factor)


def _likely(split_model: SplitModel | OnnxModel, candidates: list[_Candidate]) -> list[_Candidate]:
    """Return the candidates that are not clearly worse than the best on a few images, to save time."""
    few = [candidate.scored(split_model, _EVERY) for candidate in candidates if len(candidate.images) >= _TRIED]
    if len(few) < len(candidates):
        return candidates
    lowest = [min((score for score, _ in scored if np.isfinite(score)), default=np.inf) for scored in few]
    most = _WORSE * min(lowest, default=np.inf)
    return [candidate for candidate, score in zip(candidates, lowest, strict=True) if score <= most]


def _sources(own: Source | None, channels: int) -> list[Source]:
    """Return the datasets to try; a color model learned nothing from grayscale images."""
    embedded = [open_source(known.name) for known in KNOWN if known.held_out_of]
    sources = [own, *embedded] if own is not None and own.count else embedded
    sources = [source for source in sources if _convertible(source, channels)]
    equal = [source for source in sources if _channels(source) == channels]
    return equal if equal and channels != 1 else sources


def _channels(source: Source) -> int:
    return source.image_shape[2] if source.image_shape is not None else source.found.channels or 3


def _convertible(source: Source, channels: int) -> bool:
    """Return whether images of a source can become images of that many channels."""
    return _channels(source) == channels or {_channels(source), channels} == {1, 3}


def _chosen(source: Source, image_shape: ImageShape) -> Indices:
    """Return evenly spaced test images, fewer of large ones."""
    test = source.splits.test if len(source.splits.test) else np.arange(source.count)
    count = min(_TRIED, len(test), max(_FEWEST, _TRIED_PIXELS // (image_shape[0] * image_shape[1])))
    return test[np.linspace(0, len(test) - 1, count).astype(np.int64)]


def _fits(source: Source, image_shape: ImageShape, given: Fitting | None) -> tuple[Fitting, ...]:
    """Return what to try with the images of a source, the usual first; a border only if all of them are smaller."""
    if given is not None:
        return (given,)
    return ("resize", "pad") if any(_border(source, image_shape)) else ("resize",)


def _border(source: Source, image_shape: ImageShape) -> tuple[int, int]:
    """Return the rows and columns that the images of a source lack; zeros if they vary, or are larger."""
    if source.image_shape is None:
        return 0, 0
    rows, columns = (
        side - have + 2 * source.crop for side, have in zip(image_shape[:2], source.image_shape, strict=False)
    )
    return (rows, columns) if min(rows, columns) >= 0 else (0, 0)


def preprocessing_for(source: Source, image_shape: ImageShape, fit: Fitting) -> Preprocessing:
    """Return the steps from the images of a source to those of a model."""
    border = _border(source, image_shape)
    if fit == "resize":
        return Preprocessing.standard(image_shape, crop=source.crop, reading=source.reading())
    height, width, _ = image_shape
    background: Background = "black" if _is_dark_around(source) else "white"
    # Without a known border, images keep their proportions, and the border takes what is left.
    step = Fit(height=height, width=width, mode="crop" if any(border) else "pad", background=background, border=border)
    return Preprocessing.standard(image_shape, crop=source.crop, reading=source.reading(), fit=step)


def _is_dark_around(source: Source) -> bool:
    height, width, channels = source.image_shape or (_TRIED, _TRIED, _channels(source))
    pixels, _ = source.read_available(
        _chosen(source, (height, width, 1)), Preprocessing.standard((height, width, channels), reading=source.reading())
    )
    images = to_floats(pixels)
    around = np.concatenate([images[:, [0, -1]].reshape(-1), images[:, :, [0, -1]].reshape(-1)])
    return not len(around) or bool(np.median(around) < 0.5)


def _errors(
    split_model: SplitModel | OnnxModel, record: Imported, images: Floats, outs: tuple[OutputRange, ...]
) -> list[tuple[OutputRange, float]]:
    """Return the relative error with each output range."""
    if split_model.encoder is None or split_model.decoder is None:
        return [(outs[0], float("nan"))]
    if record.controls:
        # The class of an image is that with the best reconstruction, which depends on the range.
        made = {out: _again(split_model, record.model_copy(update={"range_out": out}), images) for out in outs}
    else:
        raw = _again(split_model, record.model_copy(update={"range_out": RANGES[0]}), images)
        made = {out: _in_unit_range(raw, out) for out in outs}
    variance = max(float(images.var()), 1e-6)
    return [(out, float(np.square(again - images).mean() / variance)) for out, again in made.items()]


def codec_of(split_model: SplitModel | OnnxModel, record: Imported) -> TrialCodec:
    """Return the networks of a model, adapted as a record says."""
    if isinstance(split_model, OnnxModel):
        return OnnxCodec(split_model, record)
    # Imported here, since ONNX files need no TensorFlow.
    from explorer.engine.third_party.networks import ThirdPartyNetworks

    return ThirdPartyNetworks(
        split_model.encoder, split_model.decoder, record, split_model.image_shape, split_model.latent_shape
    )


def _again(split_model: SplitModel | OnnxModel, record: Imported, images: Floats) -> Floats:
    networks = codec_of(split_model, record)
    return networks.decode(networks.encode(images))


def _in_unit_range(values: Floats, out: OutputRange) -> Floats:
    if out == "logits":
        return (1 / (1 + np.exp(-np.clip(values, -60, 60)))).astype(np.float32)
    return ((values - out[0]) / (out[1] - out[0])).astype(np.float32)


def _candidate_ranges(split_model: SplitModel | OnnxModel, choices: Choices) -> list[_Ranges]:
    if isinstance(split_model, OnnxModel):
        outs, known_in, usual_in = split_model.ranges_out, split_model.range_in, split_model.usual_in
    else:
        outs, known_in, usual_in = _output_ranges(split_model.decoder), _rescaling(split_model.encoder), None
    outs = (choices.range_out,) if choices.range_out is not None else outs
    usual = usual_in or (outs[0] if not isinstance(outs[0], str) else RANGES[0])
    scaled = choices.range_in or known_in
    ins = [scaled] if scaled is not None else list(dict.fromkeys([usual, *RANGES]))
    return [_Ranges(range_in, outs, (ins[0], outs[0])) for range_in in ins]


def _output_ranges(decoder: Any) -> tuple[OutputRange, ...]:
    """Return the possible ranges of a decoder's values by its last activation, the usual one first."""
    if decoder is None or isinstance(decoder, SavedFunction):
        return *RANGES, "logits"
    tensor = decoder.outputs[0]
    for _ in range(20):
        operation, sources = producer(tensor)
        if getattr(operation, "layers", None) and hasattr(operation, "outputs"):
            return _output_ranges(operation)
        name = type(operation).__name__
        if name == "Rescaling":
            known_range = _range_of_rescaling(operation, sources)
            return RANGES if known_range is None else (known_range,)
        activation = getattr(operation, "activation", None)
        known = getattr(activation, "__name__", "") if activation is not None else name.lower()
        if known in _BY_ACTIVATION:
            return _BY_ACTIVATION[known]
        if known == "linear" and name != "Activation":
            return *RANGES, "logits"
        if (name not in _PASSING and known != "linear") or len(sources) != 1:
            return RANGES
        tensor = sources[0]
    return RANGES


def _range_of_rescaling(layer: Any, sources: list[Any]) -> ValueRange | None:
    """Return the output range of a final Rescaling layer, or None if unknown."""
    operation = producer(sources[0])[0]
    activation = getattr(getattr(operation, "activation", None), "__name__", "")
    if (
        activation not in _BY_ACTIVATION
        or not isinstance(layer.scale, int | float)
        or not isinstance(layer.offset, int | float)
    ):
        return None
    low, high = (value * layer.scale + layer.offset for value in _BY_ACTIVATION[activation][0])
    return next((known for known in RANGES if np.allclose(known, (low, high), atol=1e-3)), None)


def _rescaling(encoder: Any) -> ValueRange | None:
    """Return the input range of a model that begins with a Rescaling layer, or None."""
    if encoder is None or isinstance(encoder, SavedFunction):
        return None
    for layer in encoder.layers[:4]:
        if getattr(layer, "layers", None):
            return _rescaling(layer)
        if type(layer).__name__ == "Rescaling" and isinstance(layer.scale, int | float) and layer.scale < 1 / 100:
            return RANGES[2]
    return None
