"""From a training request to arrays, networks and settings, ready for the first step."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import keras
import numpy as np

from explorer.data.augmentation import Augmented, augmenting
from explorer.data.border import suggests_invert
from explorer.data.corruption import Noise, parse_noise
from explorer.data.preprocessing import Preprocessing
from explorer.data.source import PixelRows, Skipped, Source
from explorer.data.sources import opening
from explorer.engine.build import build
from explorer.engine.foreign.loading import load
from explorer.engine.messages import Advice, Working
from explorer.errors import TrainingError
from explorer.models.architectures import get_architecture
from explorer.models.bundle import Bundle, resolve_bundle
from explorer.models.limits import AUGMENTED_BYTES, MEMORY_BYTES
from explorer.models.settings import TrainingRequest, TrainingSettings, resolve_preprocessing, resolve_settings
from explorer.models.spec import Architecture, ModelSpec
from explorer.types import Indices, Pixels


@dataclass
class Prepared:
    """Everything a training works on.

    Attributes
    ----------
    train, validation
        Uint8 pictures ``(n, h, w, c)``, preprocessed; augmented ones included in `train`. Large sets are no arrays, but
        are read when they are indexed, with an array of positions or a slice.
    test_indices
        The whole test split, for the final figures, without pictures that cannot be read.
    left_out
        Pictures of both splits that cannot be read.
    """

    request: TrainingRequest
    settings: TrainingSettings
    architecture: Architecture
    spec: ModelSpec
    source: Source
    preprocessing: Preprocessing
    noises: tuple[Noise, ...]
    train: Pixels | PixelRows
    validation: Pixels | PixelRows
    test_indices: Indices
    left_out: tuple[Skipped, ...]
    encoder: keras.Model
    decoder: keras.Model
    started_from: str | None


def prepare(request: TrainingRequest) -> Iterator[Working | Advice | Prepared]:
    """Open the pictures, read them, and build the networks: yields progress, and the result last.

    Raises
    ------
    ExplorerError
        If the pictures, the architecture or a setting cannot be used.
    """
    settings = resolve_settings(request)
    architecture = get_architecture(request.architecture)
    parent = resolve_bundle(request.start_from) if request.start_from else None
    source = yield from _open(request.data)
    spec, preprocessing = _shape(request, architecture, source, parent)
    if not (request.invert or parent) and suggests_invert(source):
        yield Advice("these pictures are dark on light; --invert makes them light on dark, which is easier to learn")
    train_indices, test_indices = _split(source, settings)
    rows = yield from _rows(source, train_indices, preprocessing, "the training pictures")
    train = yield from _train(rows, settings)
    test = yield from _rows(source, test_indices, preprocessing, "the test pictures")
    validation = test.first(settings.limit) if settings.limit else test
    left_out = (*rows.left_out, *test.left_out)
    if left_out:
        note = f"{len(left_out)} pictures cannot be read and are left out, first {left_out[0].name}"
        yield Advice(note)
        yield Working(note)
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
        validation if validation.pixels is None else validation.pixels,
        test.indices,
        left_out,
        encoder,
        decoder,
        parent.name if parent else None,
    )


def _open(data: str) -> Generator[Working, None, Source]:
    source: Source | None = None
    yield Working(f"opening {data}")
    for item in opening(data):
        if isinstance(item, Source):
            source = item
        else:
            yield Working(item.note or f"opening {data}", item.done, item.total)
    assert source is not None
    return source


def _shape(
    request: TrainingRequest, architecture: Architecture, source: Source, parent: Bundle | None
) -> tuple[ModelSpec, Preprocessing]:
    if parent is None:
        preprocessing = resolve_preprocessing(request, source)
        return architecture.build(preprocessing.image_shape, request.latent), preprocessing
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


def _rows(
    source: Source, indices: Indices, preprocessing: Preprocessing, what: str
) -> Generator[Working, None, PixelRows]:
    """Return rows of the pictures that can be read: in memory, or, where they are many, in the cache."""
    rows: PixelRows | None = None
    for item in source.streaming(indices, preprocessing, MEMORY_BYTES):
        if isinstance(item, PixelRows):
            rows = item
        else:
            yield Working(f"reading {what}", item.done, item.total)
    assert rows is not None
    return rows


def _train(rows: PixelRows, settings: TrainingSettings) -> Generator[Working, None, Pixels | PixelRows]:
    """Return what is to be trained on: augmented, in memory, or as it is."""
    if settings.augment:
        return (yield from _augment(rows, settings))
    if rows.pixels is None and settings.solver == "pca":
        raise _too_many(rows, MEMORY_BYTES, "for the closed-form linear model")
    return rows if rows.pixels is None else rows.pixels


def _augment(rows: PixelRows, settings: TrainingSettings) -> Generator[Working, None, Pixels]:
    if rows.nbytes > AUGMENTED_BYTES:
        raise _too_many(rows, AUGMENTED_BYTES, "to be augmented")
    train = rows[:]
    for item in augmenting(train, max(settings.augment, len(rows)), settings.seed):
        if isinstance(item, Augmented):
            train = item.pixels
        else:
            yield Working(item.note, item.done, item.total)
    return train


def _too_many(rows: PixelRows, limit: int, what: str) -> TrainingError:
    height, width, channels = rows.shape[1:]
    return TrainingError(
        f"at most {limit // (height * width * channels):,} pictures of {height}×{width}×{channels} {what}",
        f"{len(rows):,}",
        "Take fewer (--limit) or smaller ones (--size).",
    )


def _copy_weights(parent: Bundle, encoder: keras.Model, decoder: keras.Model) -> None:
    # A bundle may come from anywhere: its networks are read as those of others are.
    for name, model in (("encoder", encoder), ("decoder", decoder)):
        trained = load(parent.path / f"{name}.keras", generation=3).models[""]
        model.set_weights(trained.get_weights())
