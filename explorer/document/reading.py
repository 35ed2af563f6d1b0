"""Files and folders that are open; no output may overlap them."""

from __future__ import annotations

from pathlib import Path

from explorer.data.imported_image import ImportedImage
from explorer.data.sources import places_of
from explorer.document.document import Document
from explorer.paths import check_apart


def check_export(document: Document, path: Path) -> None:
    """Raise an ExportError if an output file or folder overlaps what is open."""
    check_apart(path, _places(document))


def _places(document: Document) -> list[Path]:
    source, imported_image = document.source, document.state.imported_image
    models = [model.path for model in (document.model, document.comparison.model) if model is not None]
    places = [path for path in models if path.is_absolute()]  # a PCA of the open images has only a name
    if source is not None and source.spec:
        places += places_of(source.spec)
    if isinstance(imported_image, ImportedImage) and imported_image.origin is not None:
        places.append(imported_image.origin)
    return places
