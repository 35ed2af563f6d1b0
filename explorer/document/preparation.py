"""What is found out about pictures before a training: whether to invert them, and how augmented ones would look.

Asked for by the Train panel, answered by `explorer.workers.preparer.Preparer`. Belongs to the main thread.
"""

from __future__ import annotations

from dataclasses import dataclass

from psygnal import Signal

from explorer.messages import Wording
from explorer.models.settings import TrainingRequest
from explorer.types import Pixels

PREVIEW_ROWS = 4
PREVIEW_COLUMNS = 8


@dataclass(frozen=True, eq=False)
class AugmentView:
    """A few pictures, and what augmentation makes of them.

    Attributes
    ----------
    request
        The training that they belong to.
    pixels
        Uint8 ``(rows, columns, h, w, c)``, the originals in the first column; or None where they could not be made.
    message
        Why not.
    """

    request: TrainingRequest
    pixels: Pixels | None
    message: Wording = ""


class Preparation:
    """Questions about training pictures, and their answers.

    Signals
    -------
    ground_requested, preview_requested
        A source's name or path; a `TrainingRequest`.
    ground_changed, preview_changed
        An answer came; read it here.
    """

    ground_requested = Signal(str)
    ground_changed = Signal()
    preview_requested = Signal(TrainingRequest)
    preview_changed = Signal()

    def __init__(self) -> None:
        self._dark_on_light: dict[str, bool | None] = {}
        self._preview: AugmentView | None = None
        self._asked: TrainingRequest | None = None

    def ask_ground(self, spec: str) -> None:
        """Ask whether a source's pictures are dark on light, unless that was asked before."""
        if spec not in self._dark_on_light:
            self._dark_on_light[spec] = None
            self.ground_requested.emit(spec)

    def dark_on_light(self, spec: str) -> bool:
        """Return whether a source's pictures are known to be dark on light."""
        return bool(self._dark_on_light.get(spec))

    def put_ground(self, spec: str, dark_on_light: bool) -> None:
        """Take the answer in."""
        self._dark_on_light[spec] = dark_on_light
        self.ground_changed.emit()

    @property
    def preview(self) -> AugmentView | None:
        """The augmented pictures that were made last; None while others are being made."""
        return self._preview

    def ask_preview(self, request: TrainingRequest) -> None:
        """Ask for augmented pictures as that training would make them."""
        self._asked = request
        self._preview = None
        self.preview_changed.emit()
        self.preview_requested.emit(request)

    def put_preview(self, preview: AugmentView) -> None:
        """Take the answer in, unless other pictures have been asked for since."""
        if preview.request is self._asked:
            self._preview = preview
            self.preview_changed.emit()
