"""Detects the value range and the best matching dataset of a model by trial."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.source import Source
from explorer.data.sources import KNOWN, open_source
from explorer.engine.third_party.graph import producer
from explorer.engine.third_party.loading import SavedFunction
from explorer.engine.third_party.networks import ThirdPartyNetworks
from explorer.engine.third_party.split_model import SplitModel
from explorer.models.import_record import RANGES, Imported, ValueRange
from explorer.models.third_party.request import Choices
from explorer.types import Floats

_TRIED = 32
_CLEARLY = 0.8
"""Error ratio below which a range is preferred to the default one."""

_BEYOND_DOUBT = 0.5
"""The same if the input and output ranges differ, which is rare."""

_BY_ACTIVATION: dict[str, ValueRange] = {"sigmoid": RANGES[0], "hard_sigmoid": RANGES[0], "tanh": RANGES[1]}


@dataclass(frozen=True)
class Trial:
    """The dataset with the lowest reconstruction error, its preprocessing, and the record with the detected ranges.

    `error` is the MSE of a few images divided by their variance; NaN without encoder or decoder.
    """

    source: Source
    preprocessing: Preprocessing
    record: Imported
    error: float


def try_images(split_model: SplitModel, record: Imported, choices: Choices, own: Source | None) -> Trial:
    """Find the value range and the dataset with the lowest reconstruction error.

    What `choices` state is not tried. `own` is the user's open dataset, tried in addition to those that ship.
    """
    candidates = _candidates(record, split_model, choices.range_in)
    trials: list[tuple[float, Trial]] = []
    embedded = [open_source(known.name) for known in KNOWN if known.held_out_of]
    sources = [own, *embedded] if own is not None and own.count else embedded
    gray = split_model.image_shape[2] == 1
    for source in sources:
        preprocessing = Preprocessing.standard(split_model.image_shape, crop=source.crop)
        test = source.splits.test if len(source.splits.test) else np.arange(source.count)
        chosen = test[np.linspace(0, len(test) - 1, min(_TRIED, len(test))).astype(np.int64)]
        pixels, _ = source.read_available(chosen, preprocessing)
        if not len(pixels):
            continue
        images = to_floats(pixels)
        # Channels matter more than shape: prefer color datasets for color models, and grayscale for grayscale.
        penalty = 1.0 if (source.image_shape is None or (source.image_shape[2] == 1) == gray) else 1.5
        for range_in, range_out in candidates:
            tried = record.model_copy(update={"range_in": range_in, "range_out": range_out})
            error = _error(split_model, tried, images)
            likely = 1.0
            if (range_in, range_out) != candidates[0]:
                likely = 1 / (_CLEARLY if range_in == range_out else _BEYOND_DOUBT)
            trials.append((error * penalty * likely, Trial(source, preprocessing, tried, error)))
    known = [scored for scored in trials if np.isfinite(scored[0])]
    if known:
        return min(known, key=lambda scored: scored[0])[1]
    fitting = next((trial for _, trial in trials if trial.source.image_shape == split_model.image_shape), None)
    same_channels = next(trial for _, trial in trials if _channels(trial.source) == split_model.image_shape[2])
    return replace(fitting or same_channels, error=float("nan"))


def _channels(source: Source) -> int:
    return source.image_shape[2] if source.image_shape is not None else 3


def _error(split_model: SplitModel, record: Imported, images: Floats) -> float:
    if split_model.encoder is None or split_model.decoder is None:
        return float("nan")
    networks = ThirdPartyNetworks(
        split_model.encoder, split_model.decoder, record, split_model.image_shape, split_model.latent_shape
    )
    again = networks.decode(networks.encode(images))
    return float(np.square(again - images).mean() / max(float(images.var()), 1e-6))


def _candidates(
    record: Imported, split_model: SplitModel, ranges: ValueRange | None
) -> list[tuple[ValueRange, ValueRange]]:
    if ranges is not None:
        out = _rescaled_output(split_model, ranges)
        return [(ranges, out)]
    out_known = _range_by_activation(split_model.decoder)
    scaled = _rescaling(split_model.encoder)
    ins = [scaled] if scaled is not None else [out_known or RANGES[0], *RANGES]
    outs = [out_known] if out_known is not None else list(RANGES)
    return list(dict.fromkeys(product(ins, outs)))


def _rescaled_output(split_model: SplitModel, ranges: ValueRange) -> ValueRange:
    """Return the output range for a given input range: that of the last activation, else the same."""
    return _range_by_activation(split_model.decoder) or ranges


def _range_by_activation(decoder: Any) -> ValueRange | None:
    """Return the range of the last activation, skipping reshaping layers; None if unknown."""
    if decoder is None or isinstance(decoder, SavedFunction):
        return None
    tensor = decoder.outputs[0]
    for _ in range(20):
        operation, sources = producer(tensor)
        if getattr(operation, "layers", None) and hasattr(operation, "outputs"):
            return _range_by_activation(operation)
        name = type(operation).__name__
        if name == "Rescaling":
            return _range_of_rescaling(operation, sources)
        activation = getattr(operation, "activation", None)
        known = getattr(activation, "__name__", "") if activation is not None else name.lower()
        if known in _BY_ACTIVATION:
            return _BY_ACTIVATION[known]
        passing = {"Reshape", "Flatten", "Permute", "Cropping2D", "ZeroPadding2D", "Resizing", "UpSampling2D"}
        if (name not in passing and known != "linear") or len(sources) != 1 or name in {"Dense", "Conv2D"}:
            return None
        tensor = sources[0]
    return None


def _range_of_rescaling(layer: Any, sources: list[Any]) -> ValueRange | None:
    """Return the output range of a final Rescaling layer, or None if unknown."""
    operation = producer(sources[0])[0]
    activation = getattr(getattr(operation, "activation", None), "__name__", "")
    before = _BY_ACTIVATION.get(activation)
    if before is None or not isinstance(layer.scale, int | float) or not isinstance(layer.offset, int | float):
        return None
    low, high = (value * layer.scale + layer.offset for value in before)
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
