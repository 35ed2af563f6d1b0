"""The conditions of a model: inputs in addition to image and code, such as a class. They are the end of its codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod

import numpy as np

from explorer.errors import UsageError
from explorer.models.import_record import Control
from explorer.types import Floats, ImageShape

MOST_TRIALS = 64
"""Maximum number of combinations of classes that are tried on an image."""


def class_values(control: Control, number: int) -> Floats:
    """Return the values of a condition input with choices for a class, ``(size,)``."""
    values = np.zeros(control.size, np.float32)
    if control.size > 1:
        values[number] = 1
    else:
        values[0] = number
    return values


def class_of(control: Control, values: Floats) -> int | None:
    """Return the class that values ``(size,)`` of a condition input stand for; None if they are between classes."""
    number = int(values.argmax()) if control.size > 1 else int(np.rint(values[0]))
    known = 0 <= number < control.choices and np.allclose(values, class_values(control, number), atol=1e-3)
    return number if known else None


@dataclass(frozen=True)
class Conditions:
    """The condition inputs of a model, at least one, in the order in which they follow the code.

    `start` is the number of values before them in a flat code.
    """

    controls: tuple[Control, ...]
    start: int

    @property
    def size(self) -> int:
        return sum(control.size for control in self.controls)

    @property
    def in_encoder(self) -> bool:
        """Whether the encoder takes a condition, too."""
        return any(control.in_encoder is not None for control in self.controls)

    @cached_property
    def places(self) -> tuple[tuple[Control, int], ...]:
        """The condition inputs, and where each starts in a flat code."""
        starts = np.cumsum([self.start, *(control.size for control in self.controls)])
        return tuple(zip(self.controls, map(int, starts), strict=False))

    @cached_property
    def default(self) -> Floats:
        """``(size,)``."""
        return np.concatenate([_default(control) for control in self.controls])

    @property
    def text(self) -> str:
        """The inputs with what they take, such as ``label (0 to 9)``."""
        return ", ".join(f"{control.name} ({_range(control)})" for control in self.controls)

    def at(self, dimension: int) -> tuple[Control, int] | None:
        """Return the condition input of a dimension of the code and the index in it; None for another dimension."""
        found = (place for place in self.places if place[1] <= dimension < place[1] + place[0].size)
        return next(((control, dimension - start) for control, start in found), None)

    def joined(self, own: Floats, values: Floats) -> Floats:
        """Return codes ``(n, start + size)`` of codes without condition ``(n, start)``, all with the same `values`."""
        return np.concatenate([own, np.broadcast_to(values, (len(own), self.size))], axis=1)

    def replaced(self, codes: Floats, values: Floats) -> Floats:
        """Return a copy of codes ``(…, start + size)`` with other conditions ``(…, size)``."""
        changed = codes.copy()
        changed[..., self.start :] = values
        return changed

    def encoder_shape(self, image_shape: ImageShape) -> tuple[int, ...]:
        """Return the shape of one input of the encoder: image and condition, one after the other, if it takes both."""
        return (prod(image_shape) + self.size,) if self.in_encoder else image_shape

    def encoder_input(self, images: Floats, values: Floats) -> Floats:
        """Return what the encoder takes: images ``(n, h, w, c)`` under a condition ``(size,)``."""
        if not self.in_encoder:
            return images
        flat = images.reshape(len(images), -1)
        return np.concatenate([flat, np.broadcast_to(values, (len(images), self.size))], axis=1, dtype=np.float32)

    def drawn(self, count: int, rng: np.random.Generator) -> Floats:
        """Return random classes, and the default of plain numbers, ``(count, size)``."""
        columns = [
            np.stack([class_values(control, number) for number in rng.integers(control.choices, size=count)])
            if control.choices
            else np.tile(_default(control), (count, 1))
            for control in self.controls
        ]
        return np.concatenate(columns, axis=1)

    def read(self, given: Sequence[float], model: str) -> Floats:
        """Return the values ``(size,)`` for what a user gave: a class for each input or for all, or all the values.

        `model` is its name in errors. UsageError if it is not a class of an input, or another number of values.
        """
        if len(given) == self.size:
            with np.errstate(over="ignore"):
                values = np.asarray(given, np.float32)
            parts = np.split(values, np.cumsum([one.size for one in self.controls])[:-1])
            return np.concatenate([self._checked(*both, model) for both in zip(self.controls, parts, strict=True)])
        classes = list(given) * len(self.controls) if len(given) == 1 else list(given)
        if len(classes) != len(self.controls) or not all(control.choices for control in self.controls):
            raise UsageError(
                "The condition of “{model}” takes {size:# value|# values}, not {given}. Give {what} (--condition).",
                model=model,
                size=self.size,
                given=len(given),
                what=self.text,
            )
        pairs = zip(self.controls, classes, strict=True)
        return np.concatenate([class_values(control, _class(control, value, model)) for control, value in pairs])

    def with_default(self, given: Sequence[float], model: str) -> tuple[Control, ...]:
        """Return the condition inputs with another default, see `read`."""
        parts = np.split(self.read(given, model), np.cumsum([one.size for one in self.controls])[:-1])
        pairs = zip(self.controls, parts, strict=True)
        return tuple(one.model_copy(update={"default": tuple(map(float, values))}) for one, values in pairs)

    def _checked(self, control: Control, values: Floats, model: str) -> Floats:
        if not np.isfinite(values).all():
            raise UsageError("The condition has numbers that are too large. Give smaller ones (--condition).")
        if control.choices and control.size == 1:
            return class_values(control, _class(control, float(values[0]), model))
        return values

    def trials(self) -> Iterator[Floats]:
        """Yield the conditions ``(size,)`` to try on an image, the default first; only this if there are too many."""
        yield self.default
        counts = [max(1, control.choices) for control in self.controls]
        if prod(counts) > MOST_TRIALS:
            return
        for numbers in product(*map(range, counts)):
            values = np.concatenate(
                [
                    class_values(control, number) if control.choices else _default(control)
                    for control, number in zip(self.controls, numbers, strict=True)
                ]
            )
            if not np.array_equal(values, self.default):
                yield values


@dataclass(frozen=True, eq=False)
class Condition:
    """Values ``(size,)`` of the condition inputs of a model."""

    inputs: Conditions
    values: Floats

    def applied(self, codes: Floats) -> Floats:
        """Return codes ``(…, latent_dim)`` with this condition."""
        return self.inputs.replaced(codes, self.values)


def conditions_of(controls: tuple[Control, ...], latent_dim: int) -> Conditions | None:
    """Return the conditions at the end of flat codes of that length; None without condition inputs."""
    return Conditions(controls, latent_dim - sum(control.size for control in controls)) if controls else None


def encode_best(
    conditions: Conditions,
    images: Floats,
    encode: Callable[[Floats], Floats],
    decode: Callable[[Floats], Floats] | None,
) -> Floats:
    """Return codes ``(n, d)`` of images ``(n, h, w, c)``, each with the condition that reconstructs it best.

    `encode` gives codes without condition ``(n, start)`` of inputs of the encoder. Without `decode` the default
    condition is assumed.
    """
    best: Floats | None = None
    least = own = np.zeros(0, np.float32)
    for values in conditions.trials():
        if best is None or conditions.in_encoder:
            own = encode(conditions.encoder_input(images, values))
        codes = conditions.joined(own, values)
        if decode is None:
            return codes
        errors = np.nan_to_num(np.square(decode(codes) - images).mean(axis=(1, 2, 3)), nan=np.inf)
        if best is None:
            best, least = codes, errors
        else:
            better = errors < least
            best[better], least[better] = codes[better], errors[better]
    assert best is not None
    return best


def _default(control: Control) -> Floats:
    if control.default:
        return np.array(control.default, np.float32)
    return class_values(control, 0) if control.choices else np.zeros(control.size, np.float32)


def _class(control: Control, value: float, model: str) -> int:
    if not (0 <= value < control.choices and value == int(value)):
        raise UsageError(
            "The condition “{name}” of “{model}” takes a class from 0 to {last}, not {value:g}. "
            "Give one of these (--condition).",
            name=control.name,
            model=model,
            last=control.choices - 1,
            value=value,
        )
    return int(value)


def _range(control: Control) -> str:
    if control.choices:
        return f"0 to {control.choices - 1}"
    return f"{control.size} numbers" if control.size > 1 else "a number"
