"""The import of a Keras model: its state, and the questions to the user.

Shown by the import dialog, served by `explorer.workers.importer.Importer`. Main thread only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from psygnal import Signal

from explorer.engine.messages import Examined
from explorer.messages import NO_MESSAGE, Message
from explorer.models.third_party.request import ImportRequest
from explorer.models.third_party.safety import Finding

Phase = Literal["idle", "looking", "asking", "ready", "importing", "finished", "failed"]


@dataclass(frozen=True)
class ImportView:
    """The state of an import.

    `phase` is ``looking`` at the files; ``asking`` for trust; ``ready`` to be written; ``importing``; or a final phase.
    `dangers` is code in the files that would be executed. `examined` is what is known about the model; of the previous
    request while another is examined. `message` is why it failed, `recipe` the lines of a script that exports the model
    then, or empty. `job` is the key of its job.
    """

    phase: Phase = "idle"
    request: ImportRequest | None = None
    dangers: tuple[Finding, ...] = ()
    examined: Examined | None = field(default=None, compare=False)
    message: Message = NO_MESSAGE
    recipe: str = ""
    job: int = 0


class Imports:
    """Requests to import third-party models, and the state of the import.

    `wanted`: such a model was opened or dropped, a tuple of its path, or of those of encoder and decoder; the window
    shows the dialog. `left`: the dialog was closed; the model can be released.
    """

    wanted = Signal(tuple)
    look_requested = Signal(ImportRequest)
    write_requested = Signal(ImportRequest)
    left = Signal()
    changed = Signal()

    def __init__(self) -> None:
        self._view = ImportView()

    @property
    def view(self) -> ImportView:
        return self._view

    def put(self, view: ImportView) -> None:
        self._view = view
        self.changed.emit()
