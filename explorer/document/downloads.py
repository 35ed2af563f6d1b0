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
    """The download of a dataset.

    Attributes
    ----------
    name
        Its known name.
    key
        Key of its job.
    phase
        ``running``, then one of the final phases.
    message
        Why it failed.
    """

    name: str
    key: int
    phase: Literal["running", "finished", "cancelled", "failed"] = "running"
    message: Message = NO_MESSAGE


class Downloads:
    """Downloads and the image cache.

    Signals
    -------
    download_requested
        The known name of a dataset.
    download_changed
        A download started or ended: its name.
    clear_requested, cache_changed
        Clear the image cache; it was cleared.
    """

    download_requested = Signal(str)
    download_changed = Signal(str)
    clear_requested = Signal()
    cache_changed = Signal()

    def __init__(self) -> None:
        self._downloads: dict[str, Download] = {}

    def download(self, name: str) -> Download | None:
        """Return the last download of a dataset, or None."""
        return self._downloads.get(name)

    def put_download(self, download: Download) -> None:
        self._downloads[download.name] = download
        self.download_changed.emit(download.name)
