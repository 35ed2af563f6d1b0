"""Views of a code: raw dimensions, principal components or directions, all in σ of the dataset's codes.

No widgets here: which sliders there are, their values, what moving one does, and how they can be sorted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.document.code_edits import SliderEdits
from explorer.document.state import NamedDirection, OpenModel
from explorer.latent.components import to_components
from explorer.latent.directions import Ruler
from explorer.latent.statistics import ACTIVE_VARIANCE
from explorer.models.conditions import Conditions
from explorer.models.import_record import Control
from explorer.types import Floats, Indices, LatentShape
from explorer.ui.text import component_name, dimension_name, percent
from explorer.ui.widgets.slider_rows import SliderRows

SortKey = Literal["order", "spread", "kl", "changed"]

_SMALLEST_SIGMA = 1e-6
"""Lower bound of σ, so that constant dimensions cause no division by zero."""


_LONGEST_DIRECTION = 16
"""Maximum length of a direction's name at its slider."""

_REAL = 0.01
"""p-value above which a direction is marked as not significant."""

_LONGEST_NAME = 9
"""Maximum length of a condition input's name at its slider; the selector above shows all of it."""


class CodeView(ABC):
    """Base of the views of a model's codes."""

    def __init__(self, model: OpenModel) -> None:
        self._model = model
        self._statistics = model.sample.statistics

    @property
    @abstractmethod
    def shape(self) -> LatentShape:
        """The shape that a filter's numbers refer to."""

    @property
    @abstractmethod
    def spread(self) -> Floats:
        """σ of the dataset along each slider, in code units, ``(count,)``."""

    @property
    @abstractmethod
    def rows(self) -> SliderRows:
        """The sliders, ``count`` of them; made when asked for, since they refer to this view."""

    @abstractmethod
    def coordinates(self, code: Floats) -> Floats:
        """Return the slider values of one code ``(latent_dim,)``, in σ, ``(count,)``."""

    @abstractmethod
    def move(self, holder: SliderEdits, item: int, value: float, gesture: str) -> None:
        """Set one slider of the current code to a value in σ."""

    @abstractmethod
    def reset(self, holder: SliderEdits, item: int, gesture: str) -> None:
        """Reset one slider of the current code to the selected image's value."""

    @property
    def sort_keys(self) -> Sequence[SortKey]:
        return ("order", "changed")

    @property
    def active(self) -> NDArray[np.bool_]:
        """Which sliders vary over the dataset (Burda et al. 2016), bool ``(count,)``."""
        return np.asarray(self.spread**2 > ACTIVE_VARIANCE)

    def sorted(self, key: SortKey, values: Floats, marks: Floats | None) -> Indices:
        """Return all sliders in order, int64 ``(count,)``: largest first, ties by index.

        Parameters
        ----------
        key
            One of `sort_keys`.
        values, marks
            Slider values of the current code and the selected image, in σ, ``(count,)``.
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
        return SliderRows(self._model.latent_dim, self._name, self._note, self._data)

    @property
    def sort_keys(self) -> Sequence[SortKey]:
        """KL for a variational model only."""
        return ("order", "spread", "changed") if self._statistics.kl is None else ("order", "spread", "kl", "changed")

    def coordinates(self, code: Floats) -> Floats:
        return np.asarray((code - self._statistics.mean) / self._units, np.float32)

    def move(self, holder: SliderEdits, item: int, value: float, gesture: str) -> None:
        center, unit = float(self._statistics.mean[item]), float(self._units[item])
        holder.set_dimension(item, center + value * unit, gesture)

    def reset(self, holder: SliderEdits, item: int, gesture: str) -> None:
        holder.reset_dimension(item, gesture)

    @cached_property
    def _conditions(self) -> Conditions | None:
        return self._model.card.conditions

    @cached_property
    def _units(self) -> Floats:
        return np.maximum(self._statistics.sigma, np.float32(_SMALLEST_SIGMA))

    def _name(self, item: int) -> str:
        control = self._control(item)
        return dimension_name(item) if control is None else control[0].name[:_LONGEST_NAME]

    def _control(self, item: int) -> tuple[Control, int] | None:
        """Return the condition input of a dimension and the index in it; None for a latent dimension."""
        return self._conditions.at(item) if self._conditions is not None else None

    def _note(self, item: int) -> str:
        """Return the position in a spatial code, or KL in nats for a VAE."""
        control = self._control(item)
        if control is not None:
            return f"= {control[1]}" if control[0].size > 1 else ""
        if len(self.shape) == 3:
            return ",".join(str(part) for part in np.unravel_index(item, self.shape))
        return "" if self._statistics.kl is None else f"KL {self._statistics.kl[item]:.1f}"

    def _data(self, item: int) -> Floats:
        codes = self._model.sample.codes[:, item]
        return np.asarray((codes - self._statistics.mean[item]) / self._units[item], np.float32)


class ComponentsView(CodeView):
    """The principal components, in order of decreasing variance."""

    @property
    def shape(self) -> LatentShape:
        return (len(self._statistics.components),)

    @property
    def spread(self) -> Floats:
        return self._statistics.component_sigma

    @property
    def rows(self) -> SliderRows:
        return SliderRows(len(self._statistics.components), component_name, self._note, self._data)

    def coordinates(self, code: Floats) -> Floats:
        return to_components(code, self._statistics)

    def move(self, holder: SliderEdits, item: int, value: float, gesture: str) -> None:
        holder.set_component(item, value, gesture)

    def reset(self, holder: SliderEdits, item: int, gesture: str) -> None:
        holder.reset_component(item, gesture)

    def _note(self, item: int) -> str:
        """Return the explained variance ratio."""
        return percent(float(self._statistics.explained[item]))

    def _data(self, item: int) -> Floats:
        return self._model.sample.component_coordinates[:, item]


class DirectionsView(CodeView):
    """The saved directions, in order."""

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
        return SliderRows(len(self._directions), self._name, self._note, self._data)

    def coordinates(self, code: Floats) -> Floats:
        return np.array([ruler.value(code) for ruler in self._rulers], np.float32)

    def move(self, holder: SliderEdits, item: int, value: float, gesture: str) -> None:
        holder.set_along(item, value, gesture)

    def reset(self, holder: SliderEdits, item: int, gesture: str) -> None:
        holder.reset_along(item, gesture)

    def _name(self, item: int) -> str:
        name = self._directions[item].name
        return name.split(": ", 1)[-1][:_LONGEST_DIRECTION]

    def _note(self, item: int) -> str:
        """Return the accuracy on held-out images; with a question mark if not significant."""
        direction = self._directions[item].direction
        if not direction.measured:
            return ""
        accuracy = percent(direction.accuracy)
        return f"acc. {accuracy} ?" if direction.p > _REAL else f"acc. {accuracy}"

    def _data(self, item: int) -> Floats:
        return self._rulers[item].values(self._model.sample.codes)
