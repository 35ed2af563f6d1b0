"""Downloads datasets and clears the image cache, as jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from PySide6.QtCore import QObject

from explorer.document.document import Document
from explorer.document.downloads import Download
from explorer.errors import ExplorerError
from explorer.messages import Wording, message
from explorer.types import Progress
from explorer.workers.jobs import JobRunner


def fetching(name: str) -> Iterator[Progress | Wording]:
    """Download a dataset; yields progress, and finally why it failed, or an empty string."""
    from explorer.data.download import fetch

    try:
        for item in fetch(name):
            if isinstance(item, Progress):
                yield item
        yield ""
    except ExplorerError as error:
        yield error.message


def clearing() -> Iterator[Progress | int]:
    """Delete decoded images and unpacked archives; yields progress, and finally the remaining bytes."""
    from explorer.data.archives import remove_unpacked
    from explorer.data.pixel_cache import clear_cache

    yield Progress(0, 0, message("Deleting unpacked archives and decoded images"))
    remove_unpacked()
    yield clear_cache()


class DownloadJobs(QObject):
    """Runs the jobs that `Downloads` requests. Belongs to the main thread."""

    def __init__(self, document: Document, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        document.downloads.download_requested.connect(self._on_download_requested)
        document.downloads.clear_requested.connect(self._on_clear_requested)

    def _on_download_requested(self, name: str) -> None:
        """Download a dataset unless it is being downloaded."""
        running = self._document.downloads.download(name)
        if running is not None and running.phase == "running":
            return
        key = self._jobs.start(
            message("Downloading {name}", name=name),
            lambda: fetching(name),
            lambda problem: self._on_fetched(name, problem),
            lambda: self._on_ended(name),
            on_failed=lambda problem: self._on_fetched(name, problem),
        )
        self._document.downloads.put_download(Download(name, key))

    def _on_ended(self, name: str) -> None:
        """Handle the end of a job; called before its result."""
        download = self._document.downloads.download(name)
        assert download is not None
        self._document.downloads.put_download(replace(download, phase="cancelled"))

    def _on_fetched(self, name: str, problem: Wording) -> None:
        download = self._document.downloads.download(name)
        assert download is not None
        if problem:
            self._document.downloads.put_download(replace(download, phase="failed", message=problem))
            return
        self._document.downloads.put_download(replace(download, phase="finished"))
        self._document.library_changed.emit()

    def _on_clear_requested(self) -> None:
        self._jobs.start(message("Clearing the image cache"), clearing, lambda left: self._on_cleared())

    def _on_cleared(self) -> None:
        self._document.downloads.cache_changed.emit()
        self._document.announced.emit(message("Image cache cleared"))
