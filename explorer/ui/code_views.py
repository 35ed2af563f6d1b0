"""The two ways to see a code: its raw dimensions, or its coordinates along the principal axes; both in σ of the data.

No widgets here: which sliders there are, where they stand, what moving one does, and by what they can be sorted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from math import prod
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from explorer.document.state import NamedDirection, OpenModel
from explorer.latent.axes import to_axes
from explorer.latent.directions import Ruler
from explorer.latent.statistics import ACTIVE_VARIANCE
from explorer.models.foreign.record import Control
from explorer.types import Floats, Indices, LatentShape
from explorer.ui.text import axis_name, dimension_name, percent
from explorer.ui.widgets.slider_rows import SliderRows

SortKey = Literal["order", "spread", "kl", "changed"]

_SMALLEST_SIGMA = 1e-6
"""Dimensions that never vary are shown in units of this, so that nothing is divided by zero."""


_LONGEST_DIRECTION = 16
"""Letters of a direction's name beside its slider."""

_REAL = 0.01
"""Share of shuffled labels with as large an effect, above which a direction may not be real."""

_LONGEST_NAME = 9
"""Letters of a control's name beside its slider; its choices above the sliders have all of it."""


def control_places(model: OpenModel) -> list[tuple[Control, int]]:
    """Return a model's inputs beside the picture, and where each begins in the code."""
    record = model.card.imported
    controls = record.controls if record is not None else ()
    start = model.latent_dim - sum(prod(control.shape) for control in controls)
    places = []
    for control in controls:
        places.append((control, start))
        start += prod(control.shape)
    return places


def control_at(model: OpenModel, item: int) -> tuple[Control, int] | None:
    """Return the control that a dimension belongs to, and which of its values it is; None for a latent one."""
    for control, start in control_places(model):
        if start <= item < start + prod(control.shape):
            return control, item - start
    return None


class CodeHolder(Protocol):
    """Whose cursor sliders move: the document's, or that of a model beside it."""

    def set_dimension(self, dimension: int, value: float, gesture: str | None = None) -> None:
        """Set one dimension, in code units."""

    def reset_dimension(self, dimension: int, gesture: str | None = None) -> None:
        """Set one dimension back to the picture's own value."""

    def set_axis(self, axis: int, value: float, gesture: str | None = None) -> None:
        """Move along one principal axis, to a value in σ."""

    def reset_axis(self, axis: int, gesture: str | None = None) -> None:
        """Move along one principal axis to where the picture is."""

    def set_along(self, number: int, value: float, gesture: str | None = None) -> None:
        """Move along one of the kept directions, to a value in σ."""

    def reset_along(self, number: int, gesture: str | None = None) -> None:
        """Move along one of the kept directions to where the picture is."""


class CodeView(ABC):
    """One way to see the codes of a model."""

    def __init__(self, model: OpenModel) -> None:
        self._model = model
        self._statistics = model.sample.statistics

    @property
    @abstractmethod
    def shape(self) -> LatentShape:
        """What a filter means by a number or a position."""

    @property
    @abstractmethod
    def spread(self) -> Floats:
        """σ of the data along each slider, in code units, ``(count,)``."""

    @property
    @abstractmethod
    def rows(self) -> SliderRows:
        """The sliders, ``count`` of them; made when asked for, since they refer to this view."""

    @abstractmethod
    def coordinates(self, code: Floats) -> Floats:
        """Where one code ``(latent_dim,)`` stands on each slider, in σ, ``(count,)``."""

    @abstractmethod
    def move(self, holder: CodeHolder, item: int, value: float, gesture: str) -> None:
        """Set one slider of the cursor to a value in σ."""

    @abstractmethod
    def reset(self, holder: CodeHolder, item: int, gesture: str) -> None:
        """Set one slider of the cursor back to the chosen picture's own value."""

    @property
    def sort_keys(self) -> Sequence[SortKey]:
        """By what the sliders can be sorted."""
        return ("order", "changed")

    @property
    def active(self) -> NDArray[np.bool_]:
        """Which sliders vary with the data (Burda et al. 2016), ``(count,)``."""
        return np.asarray(self.spread**2 > ACTIVE_VARIANCE)

    def sorted(self, key: SortKey, values: Floats, marks: Floats | None) -> Indices:
        """Return all sliders in order, int64 ``(count,)``; most first, equal ones in the order of nature.

        Parameters
        ----------
        key
            One of `sort_keys`.
        values, marks
            Where cursor and picture stand, in σ, ``(count,)``.
        """
        weights = self._weights(key, values, marks)
        if weights is None:
            return np.arange(len(values), dtype=np.int64)
        return np.argsort(-weights, kind="stable").astype(np.int64)

    def _weights(self, key: SortKey, values: Floats, marks: Floats | None) -> Floats | None:
        if key == "spread":
            return self.spread
        if key == "changed" and marks is not None:
            return np.asarray(np.abs(values - marks))
        return self._statistics.kl if key == "kl" else None


class DimensionsView(CodeView):
    """The raw dimensions of the code."""

    @property
    def shape(self) -> LatentShape:
        return self._model.card.latent_shape

    @property
    def spread(self) -> Floats:
        return self._statistics.sigma

    @property
    def rows(self) -> SliderRows:
        """The sliders, ``latent_dim`` of them; data behind them as many as the bundle carries."""
        return SliderRows(self._model.latent_dim, self._name, self._note, self._data)

    @property
    def sort_keys(self) -> Sequence[SortKey]:
        """By what the sliders can be sorted: by KL only those of a variational model."""
        return ("order", "spread", "changed") if self._statistics.kl is None else ("order", "spread", "kl", "changed")

    def coordinates(self, code: Floats) -> Floats:
        return np.asarray((code - self._statistics.mean) / self._units, np.float32)

    def move(self, holder: CodeHolder, item: int, value: float, gesture: str) -> None:
        centre, unit = float(self._statistics.mean[item]), float(self._units[item])
        holder.set_dimension(item, centre + value * unit, gesture)

    def reset(self, holder: CodeHolder, item: int, gesture: str) -> None:
        holder.reset_dimension(item, gesture)

    @cached_property
    def _units(self) -> Floats:
        return np.maximum(self._statistics.sigma, np.float32(_SMALLEST_SIGMA))

    def _name(self, item: int) -> str:
        control = control_at(self._model, item)
        return dimension_name(item) if control is None else control[0].name[:_LONGEST_NAME]

    def _note(self, item: int) -> str:
        """Its place in a spatial code; of a variational model what it costs: near zero, the model does not use it."""
        control = control_at(self._model, item)
        if control is not None:
            return f"= {control[1]}" if prod(control[0].shape) > 1 else ""
        if len(self.shape) == 3:
            return ",".join(str(part) for part in np.unravel_index(item, self.shape))
        return "" if self._statistics.kl is None else f"KL {self._statistics.kl[item]:.1f}"

    def _data(self, item: int) -> Floats:
        codes = self._model.sample.codes[:, item]
        return np.asarray((codes - self._statistics.mean[item]) / self._units[item], np.float32)


class AxesView(CodeView):
    """The principal axes of the data, those along which they vary most first."""

    @property
    def shape(self) -> LatentShape:
        return (len(self._statistics.axes),)

    @property
    def spread(self) -> Floats:
        return self._statistics.axis_sigma

    @property
    def rows(self) -> SliderRows:
        """The sliders, one for each axis that the bundle carries."""
        return SliderRows(len(self._statistics.axes), axis_name, self._note, self._data)

    def coordinates(self, code: Floats) -> Floats:
        return to_axes(code, self._statistics)

    def move(self, holder: CodeHolder, item: int, value: float, gesture: str) -> None:
        holder.set_axis(item, value, gesture)

    def reset(self, holder: CodeHolder, item: int, gesture: str) -> None:
        holder.reset_axis(item, gesture)

    def _note(self, item: int) -> str:
        """Its share of the whole variance."""
        return percent(float(self._statistics.explained[item]))

    def _data(self, item: int) -> Floats:
        return self._model.sample.axis_coordinates[:, item]


class DirectionsView(CodeView):
    """The directions that are kept, in their order."""

    def __init__(self, model: OpenModel, directions: Sequence[NamedDirection]) -> None:
        super().__init__(model)
        self._directions = directions
        self._rulers = [Ruler(one.direction.vector, model.sample.codes) for one in directions]

    @property
    def shape(self) -> LatentShape:
        return (len(self._directions),)

    @property
    def spread(self) -> Floats:
        return np.array([ruler.sigma for ruler in self._rulers], np.float32)

    @property
    def rows(self) -> SliderRows:
        """The sliders, one for each direction."""
        return SliderRows(len(self._directions), self._name, self._note, self._data)

    def coordinates(self, code: Floats) -> Floats:
        return np.array([ruler.value(code) for ruler in self._rulers], np.float32)

    def move(self, holder: CodeHolder, item: int, value: float, gesture: str) -> None:
        holder.set_along(item, value, gesture)

    def reset(self, holder: CodeHolder, item: int, gesture: str) -> None:
        holder.reset_along(item, gesture)

    def _name(self, item: int) -> str:
        name = self._directions[item].name
        return name.split(": ", 1)[-1][:_LONGEST_DIRECTION]

    def _note(self, item: int) -> str:
        """How rightly it tells held-out pictures; with a question mark where it may not be real."""
        direction = self._directions[item].direction
        if not direction.measured:
            return ""
        return percent(direction.accuracy) + (" ?" if direction.p > _REAL else "")

    def _data(self, item: int) -> Floats:
        return self._rulers[item].values(self._model.sample.codes)
