"""Downloads datasets and clears the image cache, as jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject

from explorer.document.document import Document
from explorer.document.downloads import Download
from explorer.messages import message
from explorer.types import Progress
from explorer.workers.jobs import JobRunner


def fetching(name: str) -> Iterator[Progress | Path]:
    """Download a dataset; see `explorer.data.download.fetch`, whose libraries take a moment to import."""
    from explorer.data.download import fetch

    yield from fetch(name)


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
        running = self._document.downloads.download(name)
        if running is not None and running.phase == "running":
            return
        downloads = self._document.downloads
        key = self._jobs.start(
            message("Downloading {name}", name=name),
            lambda: fetching(name),
            lambda path: self._on_fetched(download),
            on_failed=lambda problem: downloads.put_download(replace(download, phase="failed", message=problem)),
            on_canceled=lambda: downloads.put_download(replace(download, phase="cancelled")),
            quiet=True,
        )
        download = Download(name, key)
        downloads.put_download(download)

    def _on_fetched(self, download: Download) -> None:
        self._document.downloads.put_download(replace(download, phase="finished"))
        self._document.library_changed.emit()

    def _on_clear_requested(self) -> None:
        self._jobs.start(message("Clearing the image cache"), clearing, lambda left: self._on_cleared())

    def _on_cleared(self) -> None:
        self._document.downloads.cache_changed.emit()
        self._document.announced.emit(message("Image cache cleared"))
