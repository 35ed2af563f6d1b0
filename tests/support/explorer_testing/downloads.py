"""Datasets to download from a test's own server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explorer.data import sources
from explorer.data.sources.entry import RemoteSet


def offer_download(monkeypatch: pytest.MonkeyPatch, name: str, remote: RemoteSet) -> None:
    """Set the files of a known dataset, or of a new one."""
    known = next((known for known in sources.KNOWN if known.name == name), sources.KNOWN[0])
    others = (other for other in sources.KNOWN if other.name != name)
    monkeypatch.setattr(sources, "KNOWN", (*others, replace(known, name=name, remote=remote)))
