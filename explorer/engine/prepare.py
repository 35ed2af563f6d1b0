"""Prepares a training: images, networks and settings."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import keras
import numpy as np

from explorer.data.augmentation import augmenting
from explorer.data.corruption import Noise, parse_noise
from explorer.data.polarity import suggests_invert
from explorer.data.preprocessing import Preprocessing
from explorer.data.source import PixelRows, Skipped, Source, range_differs
from explorer.data.sources import opening
from explorer.engine.build import build
from explorer.engine.messages import Advice, Working
from explorer.engine.third_party.loading import load
from explorer.errors import TrainingError
from explorer.messages import Message, message
from explorer.models.architectures import get_architecture
from explorer.models.bundle import Bundle, resolve_bundle
from explorer.models.layer_labels import shape_label
from explorer.models.limits import AUGMENTED_BYTES, MEMORY_BYTES
from explorer.models.settings import TrainingRequest, TrainingSettings, resolve_preprocessing, resolve_settings
from explorer.models.spec import Architecture, ModelSpec
from explorer.steps import follow
from explorer.types import Indices, Pixels


@dataclass
class Prepared:
    """A prepared training.

    Attributes
    ----------
    train, validation
        Preprocessed images ``(n, h, w, c)``; `train` includes augmented ones. Large datasets are `PixelRows`,
        which read images when indexed with positions or a slice.
    test_indices
        The test split without unreadable images, for the final metrics.
    validation_indices
        Positions of the validation images, and perhaps more: those of the test split if the source has no other.
    left_out
        Unreadable images of all splits.
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
    validation_indices: Indices
    left_out: tuple[Skipped, ...]
    encoder: keras.Model
    decoder: keras.Model
    started_from: str | None


def prepare(request: TrainingRequest) -> Iterator[Working | Advice | Prepared]:
    """Open and read the images, and build the networks: yields progress, then the result.

    Raises ExplorerError if the dataset, the architecture or a setting cannot be used.
    """
    settings = resolve_settings(request)
    architecture = get_architecture(request.architecture)
    parent = resolve_bundle(request.start_from) if request.start_from else None
    source = yield from _open(request.data)
    spec, preprocessing = _shape(request, architecture, source, parent)
    if not (request.invert or parent) and suggests_invert(source):
        yield Advice(
            message("These images are black-on-white. White-on-black is easier to learn: use Invert colors (--invert).")
        )
    differs = range_differs(preprocessing, source) if parent else None
    if differs is not None:
        yield Advice(differs)
    train_indices, test_indices = _split(source, settings)
    rows = yield from _rows(source, train_indices, preprocessing, message("Loading training images"))
    train = yield from _train(rows, settings)
    held_out = yield from _rows(source, test_indices, preprocessing, message("Loading validation images"))
    tested, left_out = held_out.indices, (*rows.left_out, *held_out.left_out)
    if len(source.splits.validation):
        del held_out  # only its readable images are needed until the end
        held_out = yield from _rows(
            source, source.splits.validation, preprocessing, message("Loading validation images")
        )
        left_out += held_out.left_out
    validation = held_out.first(settings.limit) if settings.limit else held_out
    if left_out:
        note = message(
            "{count:# image|# images} cannot be read and will be skipped, for example {file}",
            count=len(left_out),
            file=left_out[0].name,
        )
        yield Advice(note)
        yield Working(note)
    yield Working(message("Building the network"))
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
        tested,
        held_out.indices,
        left_out,
        encoder,
        decoder,
        parent.name if parent else None,
    )


def _open(data: str) -> Generator[Working, None, Source]:
    note = message("Opening {dataset}", dataset=data)
    yield Working(note)
    return (yield from follow(opening(data), lambda step: Working(step.note or note, step.done, step.total)))


def _shape(
    request: TrainingRequest, architecture: Architecture, source: Source, parent: Bundle | None
) -> tuple[ModelSpec, Preprocessing]:
    if parent is None:
        preprocessing = resolve_preprocessing(request, source)
        return architecture.build(preprocessing.image_shape, request.latent), preprocessing
    if parent.card.architecture != architecture.name:
        raise TrainingError(
            "Cannot initialize {architecture} from “{model}”, whose architecture is {other}. "
            "Choose that architecture (--arch {other}), or another model.",
            architecture=architecture.name,
            model=parent.name,
            other=parent.card.architecture,
        )
    if request.latent not in {None, parent.card.latent_dim}:
        raise TrainingError(
            "Cannot initialize {latent} latent dimensions from “{model}”, which has {other}. Omit --latent.",
            latent=request.latent,
            model=parent.name,
            other=parent.card.latent_dim,
        )
    return architecture.build(parent.card.image_shape, parent.card.latent_dim), parent.card.preprocessing


def _split(source: Source, settings: TrainingSettings) -> tuple[Indices, Indices]:
    train, test = source.splits.train, source.splits.test
    if not len(train) or not len(test):
        raise TrainingError(
            "Cannot train on {dataset}: it has {train:# training image|# training images} and "
            "{test:# test image|# test images}, and at least one of each is needed. Add more images.",
            dataset=source.name,
            train=len(train),
            test=len(test),
        )
    if settings.limit and settings.limit < len(train):
        chosen = np.random.default_rng(settings.seed).choice(len(train), settings.limit, replace=False)
        train = train[np.sort(chosen)]
    return train, test


def _rows(
    source: Source, indices: Indices, preprocessing: Preprocessing, note: Message
) -> Generator[Working, None, PixelRows]:
    """Return the readable images: in memory or, if they are too large, in the cache on disk."""
    job = source.streaming(indices, preprocessing, MEMORY_BYTES)
    return (yield from follow(job, lambda step: Working(note, step.done, step.total)))


def _train(rows: PixelRows, settings: TrainingSettings) -> Generator[Working, None, Pixels | PixelRows]:
    if settings.augment:
        return (yield from _augment(rows, settings))
    if rows.pixels is None and settings.solver == "pca":
        raise TrainingError(
            "Cannot fit PCA to {count:# image|# images} of {shape}: at most {most:,} fit into memory. "
            "Use fewer images (--limit) or smaller ones (--size).",
            count=len(rows),
            shape=shape_label(rows.shape[1:]),
            most=MEMORY_BYTES // rows.preprocessing.row_bytes,
        )
    return rows if rows.pixels is None else rows.pixels


def _augment(rows: PixelRows, settings: TrainingSettings) -> Generator[Working, None, Pixels]:
    if rows.nbytes > AUGMENTED_BYTES:
        raise TrainingError(
            "Cannot augment {count:# image|# images} of {shape}: at most {most:,} fit into memory. "
            "Use fewer images (--limit) or smaller ones (--size).",
            count=len(rows),
            shape=shape_label(rows.shape[1:]),
            most=AUGMENTED_BYTES // rows.preprocessing.row_bytes,
        )
    job = augmenting(rows[:], max(settings.augment, len(rows)), settings.seed)
    made = yield from follow(job, lambda step: Working(step.note, step.done, step.total))
    return made.pixels


def _copy_weights(parent: Bundle, encoder: keras.Model, decoder: keras.Model) -> None:
    # A bundle may come from anyone, so its networks are loaded like third-party models.
    for name, model in (("encoder", encoder), ("decoder", decoder)):
        trained = load(parent.path / f"{name}.keras", generation=3).models[""]
        model.set_weights(trained.get_weights())
