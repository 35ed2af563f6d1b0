"""Opens what is dropped or pasted: detects the kind of each file, and starts the job that opens it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject

from explorer.data.formats import IMAGE_SUFFIXES
from explorer.data.imported_image import ImportedImage
from explorer.data.polarity import dark_on_light
from explorer.document.document import Document
from explorer.document.open_requests import SESSION_SUFFIX
from explorer.document.state import OpenModel
from explorer.errors import DataError, UsageError
from explorer.messages import message
from explorer.models.bundle import CARD
from explorer.paths import replacing_folder, user_dir
from explorer.types import Progress
from explorer.workers.jobs import JobRunner

_MOST = 5_000
"""Largest number of image files in one drop."""


@dataclass(frozen=True)
class OpenedImage:
    """An imported image, and whether its polarity is opposite to that of the training data."""

    source: ImportedImage
    negative: bool


def is_image(path: Path) -> bool:
    """Return whether a path is a file with the suffix of an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()


def open_imported_image(content: Path | bytes, name: str, model: OpenModel | None) -> Iterator[Progress | OpenedImage]:
    """Decode one image, and check its polarity against the training data of the model."""
    yield Progress(0, 0, message("Reading {name}", name=name))
    imported_image = ImportedImage.open(content, name)
    negative = (
        model is not None
        and dark_on_light(imported_image.read([0], model.card.preprocessing))
        and not dark_on_light(model.sample.thumbnails)
    )
    yield OpenedImage(imported_image, negative)


def gather(paths: Sequence[Path]) -> Iterator[Progress | Path]:
    """Copy image files into one folder, in order, and yield it; the same files give the same folder.

    A source is identified by its path, for example in the training process; a list of files has none.

    Raises
    ------
    DataError
        If there are too many of them, or one cannot be read.
    ExportError
        If the folder cannot be written.
    """
    if len(paths) > _MOST:
        raise DataError(
            "Cannot import {count:,} images at once, at most {most:,}. Drop their folder instead.",
            count=len(paths),
            most=_MOST,
        )
    digest = hashlib.sha256()
    for path in paths:
        try:
            stat = path.stat()
        except OSError as error:
            raise DataError(
                "Cannot import {path}: {reason}. Drop it again.", path=path, reason=error.strerror or str(error)
            ) from error
        digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    folder = user_dir() / "dropped" / f"{len(paths)} images {digest.hexdigest()[:8]}"
    if not folder.is_dir():
        with replacing_folder(folder) as new:
            width = len(str(len(paths)))
            for number, path in enumerate(paths):
                yield Progress(number, len(paths), message("Copying images"))
                shutil.copyfile(path, new / f"{number:0{width}} {path.name}")
    yield folder


class Opener(QObject):
    """Runs the jobs that `OpenRequests` requests. Belongs to the main thread."""

    def __init__(self, document: Document, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._opening = 0
        document.open_requests.files_given.connect(self._on_files_given)
        document.open_requests.image_given.connect(self._open_imported_image)
        document.open_requests.other_given.connect(self._on_other_given)

    def _on_files_given(self, paths: list[Path]) -> None:
        """Open each file by its kind; several images become one dataset."""
        images = [path for path in paths if is_image(path)]
        if len(paths) == 1:
            self._open(paths[0])
            return
        for path in paths:
            if path not in images:
                self._document.open_source_requested.emit(str(path))
        if len(images) == 1:
            self._on_other_given(images[0])
        elif images:
            self._jobs.start(
                message("Importing images"),
                lambda: gather(images),
                lambda folder: self._document.open_source_requested.emit(str(folder)),
            )

    def _open(self, path: Path) -> None:
        """Open one file or folder; first check whether it is an exported animation."""
        if path.suffix.lower() == SESSION_SUFFIX or (path / CARD).is_file():
            self._document.open_source_requested.emit(str(path))
        else:
            self._document.timeline.reopen_requested.emit(path)

    def _on_other_given(self, path: Path) -> None:
        """Import an image if a dataset and a model that can encode it are open; otherwise open it as a source."""
        model = self._document.model
        if is_image(path) and self._document.source is not None and model is not None and model.card.encodes:
            self._open_imported_image(path, path.name)
        else:
            self._document.open_source_requested.emit(str(path))

    def _open_imported_image(self, content: Path | bytes, name: str) -> None:
        self._jobs.cancel(self._opening)
        model = self._document.model
        self._opening = self._jobs.start(
            message("Reading {name}", name=name),
            lambda: open_imported_image(content, name, model),
            self._on_imported_image_opened,
        )

    def _on_imported_image_opened(self, imported_image: OpenedImage) -> None:
        try:
            self._document.receive(imported_image.source)
        except UsageError as error:
            self._document.report(error.message)
            return
        if imported_image.negative:
            self._document.open_requests.negative_found.emit()
