"""From a training request to arrays, networks and settings, ready for the first step."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import keras
import numpy as np

from explorer.data.augmentation import augment
from explorer.data.corruption import Noise, parse_noise
from explorer.data.preprocessing import Preprocessing
from explorer.data.source import Source
from explorer.data.sources import open_source
from explorer.engine.build import build
from explorer.engine.messages import Working
from explorer.errors import TrainingError
from explorer.models.architectures import get_architecture
from explorer.models.bundle import Bundle, resolve_bundle
from explorer.models.settings import TrainingRequest, TrainingSettings, resolve_image_shape, resolve_settings
from explorer.models.spec import Architecture, ModelSpec
from explorer.types import Indices, Pixels

_READ_BATCH = 1_000


@dataclass
class Prepared:
    """Everything a training works on.

    Attributes
    ----------
    train, validation
        Uint8 pictures ``(n, h, w, c)``, preprocessed; augmented ones included in `train`.
    test_indices
        The whole test split, for the final figures.
    """

    request: TrainingRequest
    settings: TrainingSettings
    architecture: Architecture
    spec: ModelSpec
    source: Source
    preprocessing: Preprocessing
    noises: tuple[Noise, ...]
    train: Pixels
    validation: Pixels
    test_indices: Indices
    encoder: keras.Model
    decoder: keras.Model
    started_from: str | None


def prepare(request: TrainingRequest) -> Iterator[Working | Prepared]:
    """Open the pictures, read them, and build the networks: yields progress, and the result last.

    Raises
    ------
    ExplorerError
        If the pictures, the architecture or a setting cannot be used.
    """
    settings = resolve_settings(request)
    architecture = get_architecture(request.architecture)
    parent = resolve_bundle(request.start_from) if request.start_from else None
    yield Working(f"opening {request.data}")
    source = open_source(request.data)
    spec, preprocessing = _shape(request, architecture, source, parent)
    train_indices, test_indices = _split(source, settings)
    train = yield from _read(source, train_indices, preprocessing, "reading the training pictures")
    if settings.augment:
        yield Working("augmenting")
        train = augment(train, max(settings.augment, len(train)), settings.seed).pixels
    held_out = test_indices[: settings.limit] if settings.limit else test_indices
    validation = yield from _read(source, held_out, preprocessing, "reading the test pictures")
    yield Working("building the network")
    keras.utils.set_random_seed(settings.seed)
    encoder, decoder = build(spec)
    if parent:
        _copy_weights(parent, encoder, decoder)
    yield Prepared(
        request,
        settings,
        architecture,
        spec,
        source,
        preprocessing,
        parse_noise(settings.noise),
        train,
        validation,
        test_indices,
        encoder,
        decoder,
        parent.name if parent else None,
    )


def _shape(
    request: TrainingRequest, architecture: Architecture, source: Source, parent: Bundle | None
) -> tuple[ModelSpec, Preprocessing]:
    if parent is None:
        image_shape = resolve_image_shape(request, source.image_shape)
        preprocessing = Preprocessing.standard(image_shape, crop=request.crop, invert=request.invert)
        return architecture.build(image_shape, request.latent), preprocessing
    if parent.card.architecture != architecture.name:
        raise TrainingError(
            f"the architecture of “{parent.name}”, {parent.card.architecture}",
            architecture.name,
            f"Go on with --arch {parent.card.architecture}.",
        )
    if request.latent not in {None, parent.card.latent_dim}:
        raise TrainingError(
            f"the code size of “{parent.name}”, {parent.card.latent_dim}", str(request.latent), "Leave --latent out."
        )
    return architecture.build(parent.card.image_shape, parent.card.latent_dim), parent.card.preprocessing


def _split(source: Source, settings: TrainingSettings) -> tuple[Indices, Indices]:
    train, test = source.splits.train, source.splits.test
    if not len(train) or not len(test):
        raise TrainingError(
            "at least one picture to train on and one to test on",
            f"{len(train)} and {len(test)} in {source.name}",
            "Bring more pictures.",
        )
    if settings.limit and settings.limit < len(train):
        chosen = np.random.default_rng(settings.seed).choice(len(train), settings.limit, replace=False)
        train = train[np.sort(chosen)]
    return train, test


def _read(
    source: Source, indices: Indices, preprocessing: Preprocessing, note: str
) -> Generator[Working, None, Pixels]:
    parts: list[Pixels] = []
    for start in range(0, len(indices), _READ_BATCH):
        parts.append(source.read(indices[start : start + _READ_BATCH], preprocessing))
        yield Working(note, min(start + _READ_BATCH, len(indices)), len(indices))
    return np.concatenate(parts)


def _copy_weights(parent: Bundle, encoder: keras.Model, decoder: keras.Model) -> None:
    for name, model in (("encoder", encoder), ("decoder", decoder)):
        trained = keras.saving.load_model(parent.path / f"{name}.keras", compile=False, safe_mode=True)
        model.set_weights(trained.get_weights())
