"""A Keras model that is being imported: what is known of it, and what the user is asked.

Shown by the import dialog, served by `explorer.workers.importer.Importer`. Belongs to the main thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from psygnal import Signal

from explorer.engine.messages import Examined
from explorer.messages import Wording
from explorer.models.foreign.request import ImportRequest
from explorer.models.foreign.safety import Finding

Phase = Literal["idle", "looking", "asking", "ready", "importing", "finished", "failed"]


@dataclass(frozen=True)
class ImportView:
    """How far an import is.

    Attributes
    ----------
    phase
        ``looking`` at the files; ``asking`` for trust; ``ready`` to be written; ``importing``; or an end.
    request
        What is imported, and how.
    dangers
        What in the files would run.
    examined
        What the model is; that of the request before, while another is looked at.
    message
        Why it failed.
    job
        Key of the job that works on it.
    """

    phase: Phase = "idle"
    request: ImportRequest | None = None
    dangers: tuple[Finding, ...] = ()
    examined: Examined | None = field(default=None, compare=False)
    message: Wording = ""
    job: int = 0


class Imports:
    """Questions about models of others, and how their import goes.

    Signals
    -------
    wanted
        Somebody opened or dropped a file that is such a model: its path. The window shows the dialog.
    look_requested, write_requested
        An `ImportRequest` to look at; one to write.
    left
        The dialog is closed: nothing needs to be held ready.
    changed
        The `view` is another.
    """

    wanted = Signal(Path)
    look_requested = Signal(ImportRequest)
    write_requested = Signal(ImportRequest)
    left = Signal()
    changed = Signal()

    def __init__(self) -> None:
        self._view = ImportView()

    @property
    def view(self) -> ImportView:
        """How far it is."""
        return self._view

    def put(self, view: ImportView) -> None:
        """Show how far it is."""
        self._view = view
        self.changed.emit()
