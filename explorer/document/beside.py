"""A second model beside the open one, with a cursor of its own, and figures of both.

The one latent cursor is a code of the open model and means nothing to another; so this one has its own, which is no
part of the state and not undone. Shown by the Compare tab, served by `explorer.workers.comparer.Comparer`. Belongs to
the main thread.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from psygnal import Signal

from explorer.document.state import OpenModel
from explorer.latent.axes import move_axis, take_axis
from explorer.messages import Wording
from explorer.models.comparison import Comparison
from explorer.types import Floats


class Beside:
    """The model beside, its cursor, and the table.

    Signals
    -------
    model_requested
        A bundle's folder.
    pca_requested
        Principal components of the open pictures, as many as the open model's code is long.
    table_requested
        Figures of both models.
    model_changed, code_changed, noisy_changed, table_changed, problem_changed
        Another one; read it here.
    """

    model_requested = Signal(Path)
    pca_requested = Signal()
    table_requested = Signal()
    model_changed = Signal()
    code_changed = Signal()
    noisy_changed = Signal()
    table_changed = Signal()
    problem_changed = Signal()

    def __init__(self) -> None:
        self._model: OpenModel | None = None
        self._start: Floats | None = None
        self._code: Floats | None = None
        self._noisy = False
        self._table: tuple[Comparison, ...] = ()
        self._problem: Wording = ""

    @property
    def problem(self) -> Wording:
        """Why the chosen image has no code of its own; empty where it has one, or is being encoded."""
        return self._problem

    def put_problem(self, problem: Wording) -> None:
        """Say why the chosen image was not encoded."""
        if problem != self._problem:
            self._problem = problem
            self.problem_changed.emit()

    @property
    def model(self) -> OpenModel | None:
        """The model beside the open one."""
        return self._model

    @property
    def code(self) -> Floats | None:
        """Its cursor, ``(latent_dim,)``; do not write into it."""
        return self._code

    @property
    def start_code(self) -> Floats | None:
        """The chosen picture's own code, ``(latent_dim,)``."""
        return self._start

    @property
    def noisy(self) -> bool:
        """Whether both are given the picture with the noise lab's noise, in place of their cursors."""
        return self._noisy

    @property
    def table(self) -> tuple[Comparison, ...]:
        """Figures that were measured: of the open model first."""
        return self._table

    def put_model(self, model: OpenModel | None) -> None:
        """Put another model beside."""
        self._model, self._start, self._code = model, None, None
        self.put_table(())
        self.model_changed.emit()

    def put_start(self, code: Floats | None) -> None:
        """Take in the chosen picture's code; the cursor goes there."""
        self._start = self._code = code
        self.code_changed.emit()

    def put_table(self, table: tuple[Comparison, ...]) -> None:
        """Take in figures."""
        self._table = table
        self.table_changed.emit()

    def set_noisy(self, noisy: bool) -> None:
        """Say whether both are given noisy pictures."""
        if noisy != self._noisy:
            self._noisy = noisy
            self.noisy_changed.emit()

    def set_code(self, code: Floats) -> None:
        """Move its cursor."""
        self._code = np.asarray(code, np.float32)
        self.code_changed.emit()

    # -- as sliders move it ------------------------------------------------------------------------------------------

    def set_dimension(self, dimension: int, value: float, gesture: str | None = None) -> None:
        """Set one dimension of its cursor, in code units."""
        if self._code is not None:
            code = self._code.copy()
            code[dimension] = value
            self.set_code(code)

    def reset_dimension(self, dimension: int, gesture: str | None = None) -> None:
        """Set one dimension back to the picture's own value."""
        if self._start is not None:
            self.set_dimension(dimension, float(self._start[dimension]))

    def set_axis(self, axis: int, value: float, gesture: str | None = None) -> None:
        """Move its cursor along one principal axis, to a value in σ of the data."""
        if self._model is not None and self._code is not None:
            self.set_code(move_axis(self._code, self._model.sample.statistics, axis, value))

    def reset_axis(self, axis: int, gesture: str | None = None) -> None:
        """Move its cursor along one principal axis to where the picture is."""
        if self._model is not None and self._code is not None and self._start is not None:
            self.set_code(take_axis(self._code, self._start, self._model.sample.statistics, axis))

    def set_along(self, number: int, value: float, gesture: str | None = None) -> None:
        """Do nothing: directions are the open model's."""

    def reset_along(self, number: int, gesture: str | None = None) -> None:
        """Do nothing: directions are the open model's."""
