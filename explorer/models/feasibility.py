"""Size and memory of a training, computed before anything is read or built.

Everything that `explorer.engine` would reject later is rejected here. Duration is not estimated.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod

import numpy as np
from numpy.typing import DTypeLike

from explorer.data.augmentation import IN_MEMORY, check_room
from explorer.data.preprocessing import DTYPES, CropMargin
from explorer.data.source import Source
from explorer.data.sources.entry import SourceEntry
from explorer.errors import ModelError, TrainingError
from explorer.messages import NO_MESSAGE, Message
from explorer.models.architectures import get_architecture
from explorer.models.bundle import Bundle
from explorer.models.layer_labels import shape_label
from explorer.models.limits import (
    AUGMENTED_BYTES,
    BYTES_A_VALUE,
    BYTES_A_WEIGHT,
    COMPILED_BYTES_A_WEIGHT,
    ENGINE_BYTES,
    MEMORY_BYTES,
    STEP_BYTES,
)
from explorer.models.machine import gigabytes
from explorer.models.settings import TrainingRequest, TrainingSettings, resolve_image_shape, resolve_settings
from explorer.models.spec import ModelSpec
from explorer.types import ImageShape

_PASSES = 3
"""A training step costs three forward passes: forward, and backward for the gradients of weights and layers."""

_SOLVER_BYTES = 4 + 8 + 8
"""Bytes per image value while fitting PCA beside the pixels: float32, float64, and centered float64."""


@dataclass(frozen=True)
class Images:
    """Facts about a dataset before its images are read.

    `image_shape` is None if sizes differ or are unknown; `crop` the default crop in pixels on each side; `missing` how
    to get the dataset if it is not downloaded, else empty; `validation` is 0 where the test images are used for it;
    `channels` are those of images of several sizes, 0 if unknown; `dtype` is that of the pixels.
    """

    name: str
    image_shape: ImageShape | None
    crop: int
    train: int
    test: int
    missing: Message = NO_MESSAGE
    validation: int = 0
    channels: int = 0
    dtype: DTypeLike = np.uint8

    @property
    def channel_count(self) -> int:
        """Channels of its images, 0 if unknown."""
        return self.image_shape[2] if self.image_shape else self.channels


def images_of(source: Source) -> Images:
    splits = source.splits
    return Images(
        source.name,
        source.image_shape,
        source.crop,
        len(splits.train),
        len(splits.test),
        validation=len(splits.validation),
        channels=0 if source.image_shape else source.found.channels,
        dtype=DTYPES[source.depth],
    )


def images_in(entry: SourceEntry) -> Images:
    shape = entry.image_shape if entry.one_size else None
    missing = entry.how if entry.status == "missing" else NO_MESSAGE
    channels = 0 if shape else entry.image_shape[2]
    return Images(entry.title, shape, entry.crop, entry.train, entry.test, missing, channels=channels)


@dataclass(frozen=True)
class Need:
    """Estimated memory of the model process in bytes.

    `weights` include gradients and moments, `activations` are those of a batch with their gradients; `one` is the same
    for a single image, since a batch can be split and an image cannot. `images` are those kept in memory; `compiling`
    is converting the networks after the training.
    """

    weights: int
    activations: int
    one: int
    images: int
    compiling: int

    @property
    def total(self) -> int:
        return ENGINE_BYTES + self.weights + self.images + max(self.activations, self.compiling)

    @property
    def least(self) -> int:
        """Memory that only a smaller network can reduce."""
        return ENGINE_BYTES + self.weights + self.one


@dataclass(frozen=True)
class Plan:
    """Size and memory of a training.

    `settings` have every default filled in. `originals` and `trained_on` are the numbers of training images, without
    and with augmented ones; `steps` are per epoch, 0 for the closed-form solution; `machine` is the machine's memory in
    bytes, or None if unknown.
    """

    settings: TrainingSettings
    spec: ModelSpec
    originals: int
    trained_on: int
    steps: int
    need: Need
    machine: int | None

    @property
    def solved(self) -> bool:
        return self.settings.solver == "pca"

    @property
    def operations(self) -> int:
        return self.spec.encoder.operations + self.spec.decoder.operations

    @property
    def epoch_operations(self) -> int:
        """MACs of an epoch, forward and backward."""
        return _PASSES * self.operations * self.trained_on

    @property
    def tight(self) -> bool:
        return self.machine is not None and self.need.total > self.machine

    @property
    def idle_augmentation(self) -> bool:
        """Whether the augmented size is not larger than the dataset, so that nothing is added."""
        return 0 < self.settings.augment <= self.originals

    @property
    def unbounded(self) -> bool:
        """Whether the loss is BCE, which needs outputs in [0, 1], but the last layer is no sigmoid."""
        last = next(row.layer for row in reversed(self.spec.decoder.rows()) if row.parameters)
        return self.settings.loss == "bce" and getattr(last, "activation", "") != "sigmoid"


def plan_training(
    request: TrainingRequest, images: Images, parent: Bundle | None = None, machine: int | None = None
) -> Plan:
    """Return the size and memory of a training; ExplorerError if it is impossible.

    `parent` is the model that it is initialized from. `machine` is the machine's memory in bytes; None if unknown, then
    it is not checked.
    """
    if images.missing:
        raise TrainingError("{dataset} is not downloaded. {how}", dataset=images.name, how=images.missing)
    settings = resolve_settings(request)
    if not images.train or not images.test:
        raise TrainingError(
            "Cannot train on {dataset}: it has {train:# training image|# training images} and "
            "{test:# test image|# test images}, and at least one of each is needed. Add more images.",
            dataset=images.name,
            train=images.train,
            test=images.test,
        )
    spec = plan_network(request, images, parent)
    originals = min(images.train, settings.limit or images.train)
    trained_on = max(originals, settings.augment)
    _check_held(settings, spec, originals, images.dtype)
    need = _need(settings, spec, originals, trained_on, images)
    _check_memory(need, machine)
    steps = 0 if settings.solver == "pca" else ceil(trained_on / settings.batch)
    return Plan(settings, spec, originals, trained_on, steps, need, machine)


def plan_network(request: TrainingRequest, images: Images, parent: Bundle | None = None) -> ModelSpec:
    """Return the networks of a training; ExplorerError if they cannot be built."""
    architecture = get_architecture(request.architecture)
    if parent is None:
        _check_crop(images.crop if request.crop is None else request.crop, images)
        shape = resolve_image_shape(request, images.image_shape, images.crop, images.channels)
        return architecture.build(shape, request.latent)
    if parent.card.architecture != architecture.name:
        raise ModelError(
            "Cannot initialize {architecture} from “{model}”, whose architecture is {other}. "
            "Choose that architecture, or another model.",
            architecture=architecture.name,
            model=parent.name,
            other=parent.card.architecture,
        )
    for step in parent.card.preprocessing.steps:
        if isinstance(step, CropMargin):
            _check_crop(step.pixels, images)
    return architecture.build(parent.card.image_shape, parent.card.latent_dim)


def _check_crop(crop: int, images: Images) -> None:
    if crop and images.image_shape and min(images.image_shape[:2]) <= 2 * crop:
        height, width, _ = images.image_shape
        raise TrainingError(
            "Cannot crop {crop:# pixel|# pixels} from each side of images of {height}×{width} pixels. Crop less.",
            crop=crop,
            height=height,
            width=width,
        )


def _check_held(settings: TrainingSettings, spec: ModelSpec, originals: int, dtype: DTypeLike) -> None:
    """Reject more images than fit into memory if all of them must be there: for augmentation and for PCA."""
    size = prod(spec.image_shape) * np.dtype(dtype).itemsize
    if settings.augment:
        if originals * size > AUGMENTED_BYTES:
            raise TrainingError(
                "Cannot augment {count:# image|# images} of {shape}: at most {most:,} fit into memory. "
                "Use fewer or smaller images.",
                count=originals,
                shape=shape_label(spec.image_shape),
                most=AUGMENTED_BYTES // size,
            )
        check_room((max(settings.augment, originals), *spec.image_shape), dtype)
    elif settings.solver == "pca" and originals * size > MEMORY_BYTES:
        raise TrainingError(
            "Cannot fit PCA to {count:# image|# images} of {shape}: at most {most:,} fit into memory. "
            "Use fewer or smaller images.",
            count=originals,
            shape=shape_label(spec.image_shape),
            most=MEMORY_BYTES // size,
        )
    if settings.solver == "pca" and max(originals, settings.augment) < spec.latent_dim:
        raise TrainingError(
            "PCA with {latent:# dimension|# dimensions} needs as many training images, but there are {count:,}. "
            "Choose fewer latent dimensions, or add images.",
            latent=spec.latent_dim,
            count=max(originals, settings.augment),
        )


def _need(settings: TrainingSettings, spec: ModelSpec, originals: int, trained_on: int, given: Images) -> Need:
    one = BYTES_A_VALUE * (spec.encoder.values + spec.decoder.values)
    at_once = min(settings.batch, trained_on, max(1, STEP_BYTES // one))
    values, itemsize = prod(spec.image_shape), np.dtype(given.dtype).itemsize
    size = values * itemsize
    held = [count * size for count in (originals, given.validation or given.test)]
    images = sum(nbytes for nbytes in held if nbytes <= MEMORY_BYTES)
    if settings.augment:
        made = trained_on * size
        images = sum(held) + (made if made <= IN_MEMORY else 0)
    if settings.solver == "pca":
        images += trained_on * values * (itemsize + _SOLVER_BYTES)
    counts = spec.encoder.parameters, spec.decoder.parameters
    return Need(BYTES_A_WEIGHT * sum(counts), at_once * one, one, images, COMPILED_BYTES_A_WEIGHT * max(counts))


def _check_memory(need: Need, machine: int | None) -> None:
    if machine is not None and need.least > machine:
        raise TrainingError(
            "The network needs {needed} of memory for its weights, gradients and a single image, "
            "but this machine has {available}. Choose fewer latent dimensions or smaller images.",
            needed=gigabytes(need.least),
            available=gigabytes(machine),
        )
