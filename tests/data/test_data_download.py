from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.downloads import offer_download

from explorer.data.download import fetch
from explorer.data.sources import KNOWN, open_source
from explorer.data.sources.entry import RemoteFile, RemoteSet
from explorer.errors import DataError, ExportError, UsageError
from explorer.messages import message
from explorer.paths import datasets_dir
from explorer.types import Progress

CONTENT = np.random.default_rng(0).integers(0, 256, 3_000_000, dtype=np.uint8).tobytes()


@dataclass
class Site:
    """What the server does, and what it was asked."""

    url: str = ""
    content: bytes = CONTENT
    breaks_after: list[int] = field(default_factory=list)
    """Bytes of an answer after which the connection breaks, one entry an answer."""
    ranges: bool = True
    status: int = 0
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            site.asked.append(wanted)
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and site.ranges else 0
            if site.status or start >= len(site.content):
                self.send_error(site.status or 416)
                return
            body = site.content[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(site.content) - 1}/{len(site.content)}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(OSError):  # the test may hang up
                self.wfile.write(body[: site.breaks_after.pop(0)] if site.breaks_after else body)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}/set.npz"
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


def offer(monkeypatch: pytest.MonkeyPatch, url: str, digits: str = "", place: str = "set/some.npz") -> Path:
    """Make `fetch` know a set that lies on the test's own server."""
    digits = digits or hashlib.sha256(CONTENT).hexdigest()
    remote = RemoteFile(place, url, digits, len(CONTENT))
    offer_download(monkeypatch, "some", RemoteSet((remote,), place))
    return datasets_dir() / place


def files() -> list[str]:
    return sorted(path.name for path in datasets_dir().rglob("*") if path.is_file())


def test_a_whole_download(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    target = offer(monkeypatch, site.url)
    *progress, path = fetch("some")
    assert path == target
    assert target.read_bytes() == CONTENT
    done = [item.done for item in progress if isinstance(item, Progress)]
    assert len(done) == len(progress) > 5
    assert done == sorted(done)
    assert done[-1] == len(CONTENT)
    assert files() == ["some.npz"]
    assert list(fetch("some")) == [target]
    assert site.asked == [""]


def test_a_broken_connection_is_gone_on_with(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    target = offer(monkeypatch, site.url)
    site.breaks_after = [1_000_000, 500_000]
    list(fetch("some"))
    assert target.read_bytes() == CONTENT
    assert len(site.asked) == 3
    starts = [int(asked.removeprefix("bytes=").removesuffix("-")) for asked in site.asked[1:]]
    assert 0 < starts[0] <= 1_000_000 < starts[1] + 500_000


def test_a_cancelled_download_is_gone_on_with_later(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    target = offer(monkeypatch, site.url)
    items = fetch("some")
    for item in items:
        assert isinstance(item, Progress)
        if item.done > 1_000_000:
            break
    items.close()  # type: ignore[attr-defined]
    assert not target.exists()
    (part,) = files()
    assert part.endswith(".part")
    list(fetch("some"))
    assert target.read_bytes() == CONTENT
    assert site.asked[1].startswith("bytes=1")
    assert files() == ["some.npz"]


def test_a_server_that_cannot_go_on_begins_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    target = offer(monkeypatch, site.url)
    site.ranges = False
    site.breaks_after = [1_000_000]
    list(fetch("some"))
    assert target.read_bytes() == CONTENT
    assert len(site.asked) == 2


def test_a_part_that_is_whole_already(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    target = offer(monkeypatch, site.url)
    target.parent.mkdir(parents=True)
    target.with_name(f".some.npz.{hashlib.sha256(CONTENT).hexdigest()[:8]}.part").write_bytes(CONTENT)
    list(fetch("some"))
    assert target.read_bytes() == CONTENT
    assert files() == ["some.npz"]


def test_a_wrong_checksum_is_refused_and_removed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    target = offer(monkeypatch, site.url, "0" * 64)
    with pytest.raises(DataError, match=r"its SHA-256 is not 0+…, so the file was deleted\..*download it in a browser"):
        list(fetch("some"))
    assert not target.exists()
    assert files() == []


def test_a_file_that_was_changed_is_downloaded_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    target = offer(monkeypatch, site.url)
    target.parent.mkdir(parents=True)
    target.write_bytes(b"changed")
    list(fetch("some"))
    assert target.read_bytes() == CONTENT


def test_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        target = offer(monkeypatch, f"http://127.0.0.1:{port}/set.npz")
        with pytest.raises(DataError) as caught:
            list(fetch("some"))
    assert f"Cannot download from 127.0.0.1:{port}: no network, or the server is unavailable" in str(caught.value)
    assert f"download http://127.0.0.1:{port}/set.npz elsewhere and open the file" in str(caught.value)
    assert not target.exists()


def test_a_connection_that_breaks_again_and_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, site.url)
    site.breaks_after = [0] * 20
    with pytest.raises(DataError, match="Cannot download from"):
        list(fetch("some"))
    assert len(site.asked) < 10


def test_a_file_that_is_not_there(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, site.url)
    site.status = 404
    with pytest.raises(DataError, match=r"http.*set\.npz: .*404 Not Found.*elsewhere"):
        list(fetch("some"))
    assert files() == []


def test_a_server_that_sends_far_too_much(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, site.url)
    site.content = CONTENT * 4
    with pytest.raises(DataError, match="more than twice the"):
        list(fetch("some"))
    assert files() == []


def test_no_room(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = RemoteFile("some.npz", site.url, "0" * 64, 1 << 60)
    offer_download(monkeypatch, "some", RemoteSet((remote,), "some.npz"))
    with pytest.raises(DataError, match=r"MB are needed, .* MB are free"):
        list(fetch("some"))


def test_a_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, explorer_home: Path) -> None:
    offer(monkeypatch, "http://127.0.0.1:9/set.npz")
    (explorer_home / "datasets").write_text("in the way")
    with pytest.raises(ExportError, match="Cannot write into"):
        list(fetch("some"))


def test_what_can_be_fetched_is_known_by_its_name() -> None:
    for known in KNOWN:
        entry = known.entry()
        assert entry.can_fetch == (known.remote is not None)
        if known.remote is not None:
            assert entry.url.startswith("http")
            assert all(len(file.checksum) == 64 for file in known.remote.files)
    with pytest.raises(UsageError, match="mnist, fashion_mnist, cifar10, lfw, stanford_dogs"):
        list(fetch("digits"))


def test_what_was_fetched_is_found_by_its_name(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    images = np.zeros((5, 28, 28), np.uint8)
    np.savez(tmp_path / "small.npz", x_train=images[:3], y_train=[1, 2, 3], x_test=images[3:], y_test=[4, 5])
    site.content = (tmp_path / "small.npz").read_bytes()
    real = next(known.remote for known in KNOWN if known.name == "mnist")
    assert real is not None
    digits = hashlib.sha256(site.content).hexdigest()
    remote = RemoteFile(real.files[0].place, site.url, digits, len(site.content))
    offer_download(monkeypatch, "mnist", RemoteSet((remote,), real.opened))
    *_, path = fetch("mnist")
    assert path == datasets_dir() / "mnist.npz"
    source = open_source("mnist")
    assert (source.count, source.status, source.how) == (5, "present", message("read from {path}", path=path))


def test_a_file_that_cannot_be_written_is_reported_and_gone_on_with_later(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit on the size of files stands for the full disk: the same write fails in the same place."""
    resource = pytest.importorskip("resource")
    target = offer(monkeypatch, site.url)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(ExportError, match=r"some\.npz.*File too large.*Free disk space"):
            list(fetch("some"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not target.exists()
    list(fetch("some"))
    assert target.read_bytes() == CONTENT
    assert len(site.asked) == 2
    assert site.asked[1].startswith("bytes=")
