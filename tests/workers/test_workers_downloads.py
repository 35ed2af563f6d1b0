"""The end of a download is shown correctly: a failed one is not canceled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from explorer_testing.codec import Gate
from explorer_testing.downloads import offer_download
from pytestqt.qtbot import QtBot

from explorer.data.sources.entry import RemoteFile, RemoteSet
from explorer.document.document import Document, Problem
from explorer.document.downloads import Download
from explorer.paths import datasets_dir
from explorer.types import Progress
from explorer.workers import downloads
from explorer.workers.backend import Backend


@pytest.fixture
def backend(qtbot: QtBot) -> Iterator[Backend]:
    backend = Backend(Document())
    yield backend
    backend.close()


@pytest.fixture
def phases(backend: Backend) -> list[str]:
    """The phases of the download, as the dialog shows them."""
    found: list[str] = []

    def on_changed(name: str) -> None:
        download = backend.document.downloads.download(name)
        found.append(download.phase if download is not None else "")

    backend.document.downloads.download_changed.connect(on_changed)
    return found


def ended(backend: Backend, qtbot: QtBot, place: Any) -> Download:
    """Download a dataset to a path below the folder of datasets, and wait for the end."""
    with pytest.MonkeyPatch.context() as patch:
        offer_download(patch, "some", RemoteSet((RemoteFile(place, "http://127.0.0.1:9/", "0", 1),), "some"))
        backend.document.downloads.download_requested.emit("some")
        qtbot.waitUntil(lambda: not backend.document.jobs, timeout=30_000)
    download = backend.document.downloads.download("some")
    assert download is not None
    return download


def test_a_folder_that_cannot_be_written_is_a_failure(backend: Backend, phases: list[str], qtbot: QtBot) -> None:
    problems: list[Problem] = []
    backend.document.problem_reported.connect(problems.append)
    datasets_dir().parent.mkdir(parents=True, exist_ok=True)
    datasets_dir().write_text("a file in the place of the folder")
    download = ended(backend, qtbot, "some.npz")
    assert phases == ["running", "failed"]
    assert "Cannot write into" in str(download.message)
    assert not problems, "the dialog shows it"


@pytest.mark.allow_log("job “Downloading some” failed")
def test_so_is_whatever_nobody_expected(backend: Backend, phases: list[str], qtbot: QtBot) -> None:
    problems: list[Problem] = []
    backend.document.problem_reported.connect(problems.append)
    download = ended(backend, qtbot, 0)
    assert phases == ["running", "failed"]
    assert "TypeError" in str(download.message)
    assert len(problems) == 1


def test_only_a_canceled_download_is_canceled(backend: Backend, phases: list[str], qtbot: QtBot) -> None:
    document = backend.document
    gate = Gate()

    def fetch(name: str) -> Iterator[Progress]:
        gate.pass_through()
        yield Progress(1, 2)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(downloads, "fetching", fetch)
        document.downloads.download_requested.emit("mnist")
        gate.wait_until_entered()
        document.downloads.download_requested.emit("mnist")
        (job,) = document.jobs
        document.job_cancel_requested.emit(job.key)
        gate.open()
        qtbot.waitUntil(lambda: not document.jobs)
    assert phases == ["running", "cancelled"]
