"""A second model to compare with the open one, with its own latent cursor, and metrics of both.

The latent cursor of the document is a code of the open model; so the second model has its own, which is not part of the
state and cannot be undone. Shown by the Compare tab, served by `explorer.workers.comparison.ComparisonJobs`. Main
thread only.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from psygnal import Signal

from explorer.document.state import OpenModel
from explorer.latent.components import move_component, take_component
from explorer.messages import NO_MESSAGE, Message
from explorer.models.comparison import Comparison
from explorer.types import Floats


class ComparedModel:
    """The second model, its latent cursor, and the table of metrics of both.

    `input_changed`: `edited` or `noisy`. `model_requested` has a bundle's folder. `pca_requested` asks for a PCA of the
    open images as the second model, with as many components as the open model has latent dimensions. `table_requested`
    asks for the metrics of both, with this PCA if there is no second model.
    """

    model_requested = Signal(Path)
    pca_requested = Signal()
    table_requested = Signal()
    model_changed = Signal()
    code_changed = Signal()
    input_changed = Signal()
    table_changed = Signal()
    problem_changed = Signal()

    def __init__(self) -> None:
        self._model: OpenModel | None = None
        self._start: Floats | None = None
        self._code: Floats | None = None
        self._edited = self._noisy = False
        self._table: tuple[Comparison, ...] = ()
        self._problem: Message = NO_MESSAGE

    @property
    def problem(self) -> Message:
        """Why the selected image could not be encoded; empty if it was, or is being encoded."""
        return self._problem

    def put_problem(self, problem: Message) -> None:
        if problem != self._problem:
            self._problem = problem
            self.problem_changed.emit()

    @property
    def model(self) -> OpenModel | None:
        return self._model

    @property
    def code(self) -> Floats | None:
        """Its latent cursor, ``(latent_dim,)``; do not modify it."""
        return self._code

    @property
    def start_code(self) -> Floats | None:
        """The code of the selected image, ``(latent_dim,)``."""
        return self._start

    @property
    def edited(self) -> bool:
        """Whether both models decode their edited codes instead of the code of the unedited image."""
        return self._edited

    @property
    def noisy(self) -> bool:
        """Whether both models get the noisy image of the Noise tab instead of their codes."""
        return self._noisy

    @property
    def table(self) -> tuple[Comparison, ...]:
        """Metrics, of the open model first."""
        return self._table

    def put_model(self, model: OpenModel | None) -> None:
        self._model, self._start, self._code = model, None, None
        self.put_table(())
        self.model_changed.emit()

    def put_start(self, code: Floats | None) -> None:
        """Set the code of the selected image; the latent cursor moves there."""
        self._start = self._code = code
        self.code_changed.emit()

    def put_table(self, table: tuple[Comparison, ...]) -> None:
        self._table = table
        self.table_changed.emit()

    def set_input(self, *, edited: bool | None = None, noisy: bool | None = None) -> None:
        """Choose what both models get; the noisy image goes before edited codes."""
        before = self._edited, self._noisy
        self._edited = self._edited if edited is None else edited
        self._noisy = self._noisy if noisy is None else noisy
        if (self._edited, self._noisy) != before:
            self.input_changed.emit()

    def set_code(self, code: Floats) -> None:
        self._code = np.asarray(code, np.float32)
        self.code_changed.emit()

    # -- as sliders move it ------------------------------------------------------------------------------------------

    def set_dimension(self, dimension: int, value: float, gesture: str | None = None) -> None:
        """In code units."""
        if self._code is not None:
            code = self._code.copy()
            code[dimension] = value
            self.set_code(code)

    def reset_dimension(self, dimension: int, gesture: str | None = None) -> None:
        if self._start is not None:
            self.set_dimension(dimension, float(self._start[dimension]))

    def set_component(self, component: int, value: float, gesture: str | None = None) -> None:
        """In σ of the data."""
        if self._model is not None and self._code is not None:
            self.set_code(move_component(self._code, self._model.sample.statistics, component, value))

    def reset_component(self, component: int, gesture: str | None = None) -> None:
        if self._model is not None and self._code is not None and self._start is not None:
            self.set_code(take_component(self._code, self._start, self._model.sample.statistics, component))

    def set_along(self, number: int, value: float, gesture: str | None = None) -> None:
        """Directions belong to the open model."""

    def reset_along(self, number: int, gesture: str | None = None) -> None:
        """Directions belong to the open model."""
