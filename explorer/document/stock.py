"""Data sets that can be fetched, and the cache of decoded pictures: what is asked for, and how it goes.

Asked for by the library, served by `explorer.workers.storekeeper.Storekeeper`. Belongs to the main thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from psygnal import Signal

from explorer.messages import Wording


@dataclass(frozen=True)
class Download:
    """A data set that is being fetched, or was.

    Attributes
    ----------
    name
        Its known name.
    key
        Of the job that fetches it.
    phase
        ``running``, then one of the ends.
    message
        Why it failed.
    """

    name: str
    key: int
    phase: Literal["running", "finished", "cancelled", "failed"] = "running"
    message: Wording = ""


class Stock:
    """What is fetched and kept on this machine.

    Signals
    -------
    download_requested
        The known name of a data set.
    download_changed
        A download began or ended: its name.
    clear_requested, cache_changed
        The cache of pictures is to be cleared; it was.
    """

    download_requested = Signal(str)
    download_changed = Signal(str)
    clear_requested = Signal()
    cache_changed = Signal()

    def __init__(self) -> None:
        self._downloads: dict[str, Download] = {}

    def download(self, name: str) -> Download | None:
        """Return how the download of that name goes, or went last."""
        return self._downloads.get(name)

    def put_download(self, download: Download) -> None:
        """Show how a download goes."""
        self._downloads[download.name] = download
        self.download_changed.emit(download.name)
