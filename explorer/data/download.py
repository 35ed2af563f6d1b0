"""Download a known dataset into the user's folder; verify its published checksum, and resume partial downloads.

Pooch verifies and moves the file; the transfer is our own, because Pooch cannot resume.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from explorer.data import sources
from explorer.data.sources.entry import RemoteFile
from explorer.errors import DataError, ExportError, UsageError
from explorer.messages import message
from explorer.paths import check_writable, datasets_dir
from explorer.reading import reason_of
from explorer.types import Progress

_CHUNK: Final = 1 << 18
_TIMEOUT_S: Final = (10, 30)
_ATTEMPTS: Final = 4
"""Attempts in a row without a single byte before a broken connection is an error."""


def fetch(name: str) -> Iterator[Progress | Path]:
    """Download a known dataset by its name in any case: yields progress in bytes, and last the file or folder to open.

    Closing the iterator, or a broken connection, keeps the partial download; the next call resumes it.

    Raises
    ------
    UsageError
        If no dataset of this name can be downloaded.
    DataError
        If there is no network, the server does not have the file, or its checksum differs; it is deleted then.
    ExportError
        If the folder of datasets cannot be written.
    """
    remote_sets = {known.name: known.remote for known in sources.KNOWN if known.remote is not None}
    wanted = remote_sets.get(sources.known_name(name) or "")
    if wanted is None:
        raise UsageError(
            "Cannot download “{name}”: not a known dataset. Choose one of {known}, or open your own file.",
            name=name,
            known=list(remote_sets),
        )
    before, total = 0, wanted.size
    for file in wanted.files:
        target = datasets_dir() / file.place
        try:
            for done in _fetch_file(file, target):
                yield Progress(min(before + done, total), total, message("Downloading {file}", file=target.name))
        except OSError as error:
            raise ExportError(
                "Cannot write {file}: {reason}. Free disk space, or set LATENT_EXPLORER_HOME to a folder on another "
                "disk.",
                file=target,
                reason=reason_of(error),
            ) from error
        before += file.size
    yield datasets_dir() / wanted.opened


def _fetch_file(remote: RemoteFile, target: Path) -> Iterator[int]:
    """Download one file unless it is present; yields the bytes present so far."""
    import pooch

    check_writable(target.parent)
    if target.is_file() and pooch.file_hash(str(target)) == remote.checksum:
        return
    part = target.with_name(f".{target.name}.{remote.checksum[:8]}.part")
    yield from _transfer(remote, part)

    def deliver(url: str, output: Any, manager: Any) -> None:
        shutil.move(part, output)

    pooch.get_logger().setLevel("WARNING")
    try:
        pooch.retrieve(remote.url, f"sha256:{remote.checksum}", target.name, target.parent, downloader=deliver)
    except ValueError as error:
        raise DataError(
            "Cannot use {url}: its SHA-256 is not {checksum}…, so the file was deleted. Try again later, or download "
            "it in a browser and open the file.",
            url=remote.url,
            checksum=remote.checksum[:16],
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _transfer(remote: RemoteFile, part: Path) -> Iterator[int]:
    """Transfer a file, resuming a partial download; yields the bytes present so far."""
    import requests

    failures = 0
    while True:
        here = part.stat().st_size if part.exists() else 0
        yield here
        try:
            for done in _receive(remote, part, here):
                failures = 0
                yield done
            return
        except requests.RequestException as error:
            failures += 1
            # Retry only if there was a connection.
            broken = isinstance(error, requests.exceptions.ChunkedEncodingError | requests.ReadTimeout)
            if not broken or failures >= _ATTEMPTS:
                raise _no_connection(remote, error) from error


def _receive(remote: RemoteFile, part: Path, here: int) -> Iterator[int]:
    """Receive the rest of a file; yields the bytes present so far."""
    import requests

    # “identity”: compressed files stay compressed, and positions count the bytes sent.
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={here}-"} if here else {})}
    with requests.get(remote.url, headers=headers, stream=True, timeout=_TIMEOUT_S) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            # The file is complete, or has changed on the server: the checksum decides.
            return
        if response.status_code not in (requests.codes.ok, requests.codes.partial_content):
            raise DataError(
                "Cannot download {url}: the server answered “{status} {reason}”. Download the file elsewhere, and "
                "open it.",
                url=remote.url,
                status=response.status_code,
                reason=response.reason,
            )
        goes_on = response.status_code == requests.codes.partial_content and _starts_at(response, here)
        if not goes_on:
            here = 0
        _check_room(remote, part, remote.size - here)
        with part.open("ab" if goes_on else "wb") as file:
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                here += len(chunk)
                if here > 2 * remote.size:
                    break
                yield here
    if here > 2 * remote.size:
        part.unlink()
        raise DataError(
            "Cannot download {url}: its size is more than twice the {size:,} MB expected. Download the file "
            "elsewhere, and open it.",
            url=remote.url,
            size=remote.size >> 20,
        )


def _starts_at(response: Any, here: int) -> bool:
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {here}-")


def _check_room(remote: RemoteFile, part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise DataError(
            "Cannot download “{file}” into {folder}: {needed:,} MB are needed, but {free:,} MB are free. "
            "Free disk space, or set LATENT_EXPLORER_HOME to a folder on another disk.",
            file=Path(remote.place).name,
            folder=part.parent,
            needed=needed >> 20,
            free=free >> 20,
        )


def _no_connection(remote: RemoteFile, error: Exception) -> DataError:
    import requests

    reasons = {
        requests.exceptions.ProxyError: message("the proxy does not answer"),
        requests.exceptions.SSLError: message("the certificate is invalid"),
        requests.ConnectTimeout: message("the connection timed out"),
        requests.ReadTimeout: message("the transfer stalled"),
        requests.exceptions.ChunkedEncodingError: message("the connection broke several times"),
        requests.ConnectionError: message("no network, or the server is unavailable"),
    }
    return DataError(
        "Cannot download from {host}: {reason}. Try again, or download {url} elsewhere and open the file.",
        host=urlsplit(remote.url).netloc,
        reason=next((text for kind, text in reasons.items() if isinstance(error, kind)), reason_of(error)),
        url=remote.url,
    )
