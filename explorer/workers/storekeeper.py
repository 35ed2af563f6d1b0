"""Fetches datasets and clears the cache of images, as jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from PySide6.QtCore import QObject

from explorer.document.document import Document
from explorer.document.stock import Download
from explorer.errors import ExplorerError
from explorer.messages import Wording
from explorer.types import Progress
from explorer.workers.jobs import JobRunner


def fetching(name: str) -> Iterator[Progress | str]:
    """Fetch a dataset: yields progress, and last why it failed, or an empty text."""
    from explorer.data.download import fetch

    try:
        for item in fetch(name):
            if isinstance(item, Progress):
                yield item
        yield ""
    except ExplorerError as error:
        yield str(error)


def clearing() -> Iterator[Progress | int]:
    """Clear the cache of images and unpacked archives; yields the bytes that are left last."""
    from explorer.data.archives import remove_unpacked
    from explorer.data.pixel_cache import clear_cache

    yield Progress(0, 0, "deleting unpacked archives and decoded pictures")
    remove_unpacked()
    yield clear_cache().size


class Storekeeper(QObject):
    """Serves what `Stock` requests. Lives on the main thread."""

    def __init__(self, document: Document, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        document.stock.download_requested.connect(self._on_download_requested)
        document.stock.clear_requested.connect(self._on_clear_requested)

    def _on_download_requested(self, name: str) -> None:
        """Fetch it, once at a time."""
        running = self._document.stock.download(name)
        if running is not None and running.phase == "running":
            return
        key = self._jobs.start(
            f"Getting {name}",
            lambda: fetching(name),
            lambda message: self._on_fetched(name, message),
            lambda: self._on_ended(name),
            on_failed=lambda message: self._on_fetched(name, message),
        )
        self._document.stock.put_download(Download(name, key))

    def _on_ended(self, name: str) -> None:
        """Called at every end, before the result where there is one."""
        download = self._document.stock.download(name)
        assert download is not None
        self._document.stock.put_download(replace(download, phase="cancelled"))

    def _on_fetched(self, name: str, message: Wording) -> None:
        download = self._document.stock.download(name)
        assert download is not None
        if message:
            self._document.stock.put_download(replace(download, phase="failed", message=message))
            return
        self._document.stock.put_download(replace(download, phase="finished"))
        self._document.library_changed.emit()

    def _on_clear_requested(self) -> None:
        self._jobs.start("Clearing the picture cache", clearing, lambda left: self._on_cleared())

    def _on_cleared(self) -> None:
        self._document.stock.cache_changed.emit()
        self._document.announced.emit("The picture cache is cleared")
