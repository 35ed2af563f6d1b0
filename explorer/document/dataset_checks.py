"""Checks of a dataset before a training: whether to invert it, and a preview of augmented images.

Requested by the Train panel, answered by `explorer.workers.dataset_checks.DatasetCheckJobs`. Main thread only.
"""

from __future__ import annotations

from dataclasses import dataclass

from psygnal import Signal

from explorer.messages import NO_MESSAGE, Message
from explorer.models.settings import TrainingRequest
from explorer.types import Pixels

PREVIEW_ROWS = 4
PREVIEW_COLUMNS = 8


@dataclass(frozen=True, eq=False)
class AugmentView:
    """Augmented images ``(rows, columns, h, w, c)``, the originals in the first column; None after an error."""

    request: TrainingRequest
    pixels: Pixels | None
    message: Message = NO_MESSAGE


class DatasetChecks:
    """Requests for checks of a dataset, and their results; `ground_requested` has a source's name or path."""

    ground_requested = Signal(str)
    ground_changed = Signal()
    preview_requested = Signal(TrainingRequest)
    preview_changed = Signal()

    def __init__(self) -> None:
        self._dark_on_light: dict[str, bool | None] = {}
        self._preview: AugmentView | None = None
        self._asked: TrainingRequest | None = None

    def ask_ground(self, spec: str) -> None:
        """Request whether a source is black-on-white, once per source."""
        if spec not in self._dark_on_light:
            self._dark_on_light[spec] = None
            self.ground_requested.emit(spec)

    def dark_on_light(self, spec: str) -> bool:
        return bool(self._dark_on_light.get(spec))

    def put_ground(self, spec: str, dark_on_light: bool) -> None:
        self._dark_on_light[spec] = dark_on_light
        self.ground_changed.emit()

    @property
    def preview(self) -> AugmentView | None:
        """The last preview; None while another is computed."""
        return self._preview

    def ask_preview(self, request: TrainingRequest) -> None:
        self._asked = request
        self._preview = None
        self.preview_changed.emit()
        self.preview_requested.emit(request)

    def put_preview(self, preview: AugmentView) -> None:
        """Set the preview, unless another one was requested since."""
        if preview.request is self._asked:
            self._preview = preview
            self.preview_changed.emit()
