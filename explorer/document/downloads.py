"""Requests for downloads of datasets and for the image cache, and their state.

Sent by the library panel, served by `explorer.workers.downloads.DownloadJobs`. Main thread only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from psygnal import Signal

from explorer.messages import NO_MESSAGE, Message


@dataclass(frozen=True)
class Download:
    """The download of a dataset by its known name; `key` is that of its job, `message` why it failed."""

    name: str
    key: int
    phase: Literal["running", "finished", "cancelled", "failed"] = "running"
    message: Message = NO_MESSAGE


class Downloads:
    """Downloads, requested by the known name of a dataset, and the image cache."""

    download_requested = Signal(str)
    download_changed = Signal(str)
    clear_requested = Signal()
    cache_changed = Signal()

    def __init__(self) -> None:
        self._downloads: dict[str, Download] = {}

    def download(self, name: str) -> Download | None:
        return self._downloads.get(name)

    def put_download(self, download: Download) -> None:
        self._downloads[download.name] = download
        self.download_changed.emit(download.name)
