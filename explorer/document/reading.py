"""Which files and folders what is open was read from: nothing may be written over, into or around them."""

from __future__ import annotations

from pathlib import Path

from explorer.data.guest import GuestSource
from explorer.data.sources import places_of
from explorer.document.document import Document
from explorer.paths import check_apart


def check_export(document: Document, path: Path) -> None:
    """Make sure that a file or folder that the user has chosen to write is apart from what is open.

    Raises
    ------
    ExportError
        If not; the message names what is in the way.
    """
    check_apart(path, _places(document))


def _places(document: Document) -> list[Path]:
    source, guest = document.source, document.guest
    models = [model.path for model in (document.model, document.beside.model) if model is not None]
    places = [path for path in models if path.is_absolute()]  # a model that was made here has a name alone
    if source is not None and source.spec:
        places += places_of(source.spec)
    if isinstance(guest, GuestSource) and guest.origin is not None:
        places.append(guest.origin)
    return places
