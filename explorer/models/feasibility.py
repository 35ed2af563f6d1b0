"""What a training will come to, and why it cannot be: worked out before anything is read or built.

All that `explorer.engine` would refuse later is refused here, in the same words where there are such. No time is
foretold: how fast a machine is shows when it trains.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod

from explorer.data.augmentation import IN_MEMORY, check_room
from explorer.data.preprocessing import CropMargin
from explorer.data.source import Source
from explorer.data.sources.entry import SourceEntry
from explorer.errors import ModelError, TrainingError
from explorer.models.architectures import get_architecture
from explorer.models.bundle import Bundle
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
"""A step goes through the network forward, and back for the weights' gradients and for the layers'."""

_SOLVER_BYTES = 1 + 4 + 8 + 8
"""Of each value of a picture while principal components are solved for: 8 bits, float32, float64, centred."""


@dataclass(frozen=True)
class Pictures:
    """What is known of pictures before they are read.

    Attributes
    ----------
    name
        For people.
    image_shape
        Their own, or None where their sizes differ or are not known yet.
    crop
        Pixels that are usually cut off each side.
    train, test
        Numbers of pictures.
    missing
        How to get them, where they are not here.
    """

    name: str
    image_shape: ImageShape | None
    crop: int
    train: int
    test: int
    missing: str = ""


def pictures_of(source: Source) -> Pictures:
    """Return what is known of an open source."""
    splits = source.splits
    return Pictures(source.name, source.image_shape, source.crop, len(splits.train), len(splits.test))


def pictures_in(entry: SourceEntry) -> Pictures:
    """Return what is known of a source that has a name, whether it is here or not."""
    shape = entry.image_shape if entry.one_size else None
    missing = entry.how if entry.status == "missing" else ""
    return Pictures(entry.title, shape, entry.crop, entry.train, entry.test, missing)


@dataclass(frozen=True)
class Need:
    """Memory of the model process in bytes, about.

    Attributes
    ----------
    weights
        Weights with their gradients and moments.
    activations
        What the layers give for a batch, and its gradients.
    one
        The same for a single picture: a batch can be parted, a picture cannot.
    pictures
        Those that are held.
    compiling
        What turning the networks into files takes at the end, when nothing is trained any more.
    """

    weights: int
    activations: int
    one: int
    pictures: int
    compiling: int

    @property
    def total(self) -> int:
        """The most at one time, with TensorFlow itself."""
        return ENGINE_BYTES + self.weights + self.pictures + max(self.activations, self.compiling)

    @property
    def least(self) -> int:
        """What no setting but the network's own size takes away."""
        return ENGINE_BYTES + self.weights + self.one


@dataclass(frozen=True)
class Plan:
    """What a training that can be comes to.

    Attributes
    ----------
    settings
        With every default filled in.
    spec
        The networks.
    originals, trained_on
        Training pictures, and with those that augmentation makes of them.
    steps
        Updates of the weights an epoch; 0 where the optimum is computed at once.
    need
        Memory.
    machine
        The machine's memory in bytes, or None where it is not known.
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
        """Whether the optimum is computed at once."""
        return self.settings.solver == "pca"

    @property
    def operations(self) -> int:
        """Multiply-adds to bring one picture through both networks."""
        return self.spec.encoder.operations + self.spec.decoder.operations

    @property
    def epoch_operations(self) -> int:
        """Multiply-adds of an epoch's steps, forward and back."""
        return _PASSES * self.operations * self.trained_on

    @property
    def tight(self) -> bool:
        """Whether it needs about as much memory as the machine has, or more."""
        return self.machine is not None and self.need.total > self.machine

    @property
    def idle_augmentation(self) -> bool:
        """Whether the wanted number of pictures adds none."""
        return 0 < self.settings.augment <= self.originals

    @property
    def unbounded(self) -> bool:
        """Whether cross entropy, which needs values from 0 to 1, is asked of a network that gives any."""
        last = next(row.layer for row in reversed(self.spec.decoder.rows()) if row.parameters)
        return self.settings.loss == "bce" and getattr(last, "activation", "") != "sigmoid"


def plan_training(
    request: TrainingRequest, pictures: Pictures, parent: Bundle | None = None, machine: int | None = None
) -> Plan:
    """Return what a training comes to.

    Parameters
    ----------
    request
        What is asked for.
    pictures
        What is known of the pictures that it names.
    parent
        The model that it names to go on with.
    machine
        The machine's memory in bytes; None where it is not known, and nothing is refused for want of it.

    Raises
    ------
    ExplorerError
        If it cannot be: what was expected, what is asked for, and what to do.
    """
    if pictures.missing:
        raise TrainingError(f"pictures that are on this machine; {pictures.name} is not", "", pictures.missing)
    settings = resolve_settings(request)
    if not pictures.train or not pictures.test:
        raise TrainingError(
            "at least one picture to train on and one to test on",
            f"{pictures.train} and {pictures.test} in {pictures.name}",
            "Bring more pictures.",
        )
    spec = plan_network(request, pictures, parent)
    originals = min(pictures.train, settings.limit or pictures.train)
    trained_on = max(originals, settings.augment)
    _check_held(settings, spec, originals)
    need = _need(settings, spec, originals, trained_on, pictures.test)
    _check_memory(need, machine)
    steps = 0 if settings.solver == "pca" else ceil(trained_on / settings.batch)
    return Plan(settings, spec, originals, trained_on, steps, need, machine)


def plan_network(request: TrainingRequest, pictures: Pictures, parent: Bundle | None = None) -> ModelSpec:
    """Return the networks alone: see `plan_training`.

    Raises
    ------
    ExplorerError
        If there can be none.
    """
    architecture = get_architecture(request.architecture)
    if parent is None:
        _check_crop(pictures.crop if request.crop is None else request.crop, pictures)
        return architecture.build(resolve_image_shape(request, pictures.image_shape, pictures.crop), request.latent)
    if parent.card.architecture != architecture.name:
        raise ModelError(
            f"the architecture of “{parent.name}”, {parent.card.architecture}",
            architecture.name,
            "Choose that architecture, or another model to go on from.",
        )
    for step in parent.card.preprocessing.steps:
        if isinstance(step, CropMargin):
            _check_crop(step.pixels, pictures)
    return architecture.build(parent.card.image_shape, parent.card.latent_dim)


def _check_crop(crop: int, pictures: Pictures) -> None:
    if crop and pictures.image_shape and min(pictures.image_shape[:2]) <= 2 * crop:
        height, width, _ = pictures.image_shape
        raise TrainingError(
            f"pictures of more than {2 * crop} pixels a side, to cut {crop} off each side",
            f"{height}×{width}",
            "Cut less off.",
        )


def _check_held(settings: TrainingSettings, spec: ModelSpec, originals: int) -> None:
    """Refuse more pictures than can be held where all of them must be."""
    nbytes = originals * prod(spec.image_shape)
    if settings.augment:
        if nbytes > AUGMENTED_BYTES:
            raise _too_many(spec.image_shape, originals, AUGMENTED_BYTES, "to be augmented")
        check_room((max(settings.augment, originals), *spec.image_shape))
    elif settings.solver == "pca" and nbytes > MEMORY_BYTES:
        raise _too_many(spec.image_shape, originals, MEMORY_BYTES, "for the closed-form linear model")
    if settings.solver == "pca" and max(originals, settings.augment) < spec.latent_dim:
        raise TrainingError(
            f"at least {spec.latent_dim:,} training pictures for a linear code of {spec.latent_dim:,}",
            f"{max(originals, settings.augment):,}",
            "Choose a smaller code, or bring more pictures.",
        )


def _too_many(image_shape: ImageShape, count: int, limit: int, what: str) -> TrainingError:
    height, width, channels = image_shape
    return TrainingError(
        f"at most {limit // prod(image_shape):,} pictures of {height}×{width}×{channels} {what}",
        f"{count:,}",
        "Take fewer pictures, or smaller ones.",
    )


def _need(settings: TrainingSettings, spec: ModelSpec, originals: int, trained_on: int, test: int) -> Need:
    one = BYTES_A_VALUE * (spec.encoder.values + spec.decoder.values)
    at_once = min(settings.batch, trained_on, max(1, STEP_BYTES // one))
    size = prod(spec.image_shape)
    held = [count * size for count in (originals, test)]
    pictures = sum(nbytes for nbytes in held if nbytes <= MEMORY_BYTES)
    if settings.augment:
        made = trained_on * size
        pictures = sum(held) + (made if made <= IN_MEMORY else 0)
    if settings.solver == "pca":
        pictures += trained_on * size * _SOLVER_BYTES
    counts = spec.encoder.parameters, spec.decoder.parameters
    return Need(BYTES_A_WEIGHT * sum(counts), at_once * one, one, pictures, COMPILED_BYTES_A_WEIGHT * max(counts))


def _check_memory(need: Need, machine: int | None) -> None:
    if machine is not None and need.least > machine:
        raise TrainingError(
            f"a network for the {gigabytes(machine)} of memory that this machine has",
            f"one that takes {gigabytes(need.least)} for its weights, their gradients and a single picture",
            "Choose a smaller code or smaller pictures.",
        )
