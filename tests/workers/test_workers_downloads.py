"""The end of a download is shown correctly: a failed one is not canceled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from explorer_testing.downloads import offer_download
from pytestqt.qtbot import QtBot

from explorer.data.sources.entry import RemoteFile, RemoteSet
from explorer.document.document import Document, Problem
from explorer.document.downloads import Download
from explorer.paths import datasets_dir
from explorer.workers.backend import Backend


@pytest.fixture
def backend(qtbot: QtBot) -> Iterator[Backend]:
    backend = Backend(Document())
    yield backend
    backend.close()


def ended(backend: Backend, qtbot: QtBot, place: Any) -> Download:
    """Download a dataset to a path below the folder of datasets, and wait for the end."""
    with pytest.MonkeyPatch.context() as patch:
        offer_download(patch, "some", RemoteSet((RemoteFile(place, "http://127.0.0.1:9/", "0", 1),), "some"))
        backend.document.downloads.download_requested.emit("some")
        qtbot.waitUntil(lambda: not backend.document.jobs, timeout=30_000)
    download = backend.document.downloads.download("some")
    assert download is not None
    return download


def test_a_folder_that_cannot_be_written_is_a_failure(backend: Backend, qtbot: QtBot) -> None:
    datasets_dir().parent.mkdir(parents=True, exist_ok=True)
    datasets_dir().write_text("a file in the place of the folder")
    download = ended(backend, qtbot, "some.npz")
    assert download.phase == "failed"
    assert "Cannot write into" in str(download.message)


def test_so_is_whatever_nobody_expected(backend: Backend, qtbot: QtBot) -> None:
    problems: list[Problem] = []
    backend.document.problem_reported.connect(problems.append)
    download = ended(backend, qtbot, 0)
    assert download.phase == "failed"
    assert "TypeError" in str(download.message)
    assert len(problems) == 1
