"""Download a known dataset into the user's folder; verify its published checksum, and resume partial downloads.

Pooch verifies and moves the file; the transfer is our own, because Pooch cannot resume.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from explorer.errors import DataError, ExportError, UsageError
from explorer.messages import message
from explorer.paths import check_writable, datasets_dir
from explorer.reading import reason_of
from explorer.types import Progress

_CHUNK: Final = 1 << 18
_TIMEOUT_S: Final = (10, 30)
_ATTEMPTS: Final = 4
"""Attempts in a row without a single byte before a broken connection is an error."""

_FASHION: Final = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"


@dataclass(frozen=True)
class RemoteFile:
    """One file to download, to `place` below the folder of datasets.

    `checksum` is ``sha256:`` or ``md5:`` and hexadecimal digits; `size` approximate bytes, for the progress, and as a
    limit.
    """

    place: str
    url: str
    checksum: str
    size: int


@dataclass(frozen=True)
class RemoteSet:
    """The files of one dataset, and the file or folder to open."""

    files: tuple[RemoteFile, ...]
    opened: str


# The checksums are those that Keras (mnist, cifar10), TensorFlow Datasets (fashion_mnist, stanford_dogs) and
# scikit-learn (lfw) publish in their sources. Labels come first: images alone would look like a complete dataset.
SETS: Final[dict[str, RemoteSet]] = {
    "mnist": RemoteSet(
        (
            RemoteFile(
                "mnist.npz",
                "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
                "sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
                11_490_434,
            ),
        ),
        "mnist.npz",
    ),
    "fashion_mnist": RemoteSet(
        tuple(
            RemoteFile(f"fashion-mnist/{name}", f"{_FASHION}/{name}", f"sha256:{digits}", size)
            for name, digits, size in (
                (
                    "train-labels-idx1-ubyte.gz",
                    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                    29_515,
                ),
                (
                    "t10k-labels-idx1-ubyte.gz",
                    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                    5_148,
                ),
                (
                    "t10k-images-idx3-ubyte.gz",
                    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                    4_422_102,
                ),
                (
                    "train-images-idx3-ubyte.gz",
                    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                    26_421_880,
                ),
            )
        ),
        "fashion-mnist",
    ),
    "cifar10": RemoteSet(
        (
            RemoteFile(
                "cifar-10-python.tar.gz",
                "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
                "sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
                170_498_071,
            ),
        ),
        "cifar-10-python.tar.gz",
    ),
    "lfw": RemoteSet(
        (
            RemoteFile(
                "lfw-funneled.tgz",
                "https://ndownloader.figshare.com/files/5976015",
                "sha256:b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a",
                243_000_000,
            ),
        ),
        "lfw-funneled.tgz",
    ),
    "stanford_dogs": RemoteSet(
        (
            RemoteFile(
                "stanford_dogs/images.tar",
                "http://vision.stanford.edu/aditya86/ImageNetDogs/images.tar",
                "sha256:a443fc2f9a851aa1a7b8e4fa4af94b8459fce2c9f5a2f4dd4669cf9673a4ec58",
                793_579_520,
            ),
        ),
        "stanford_dogs/images.tar",
    ),
}


def fetch(name: str) -> Iterator[Progress | Path]:
    """Download a known dataset: yields progress in bytes, and last the file or folder to open.

    Closing the iterator, or a broken connection, keeps the partial download; the next call resumes it. UsageError if no
    dataset of this name can be downloaded; DataError if there is no network, the server does not have the file, or its
    checksum differs (it is deleted then); ExportError if the folder of datasets cannot be written.
    """
    wanted = SETS.get(name.strip().lower().replace("-", "_"))
    if wanted is None:
        raise UsageError(
            "Cannot download “{name}”: not a known dataset. Choose one of {known}, or open your own file.",
            name=name,
            known=list(SETS),
        )
    total = sum(file.size for file in wanted.files)
    before = 0
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
    if target.is_file() and pooch.file_hash(str(target), _algorithm(remote)) == _digits(remote):
        return
    part = target.with_name(f".{target.name}.{_digits(remote)[:8]}.part")
    yield from _transfer(remote, part)

    def deliver(url: str, output: Any, manager: Any) -> None:
        shutil.move(part, output)

    pooch.get_logger().setLevel("WARNING")
    try:
        pooch.retrieve(remote.url, remote.checksum, target.name, target.parent, downloader=deliver)
    except ValueError as error:
        raise DataError(
            "Cannot use {url}: its checksum is not {checksum}…, so the file was deleted. Try again later, or download "
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
            "Cannot download “{file}” into {folder}: {needed:,} MB are needed, {free:,} MB are free. Free disk space, "
            "or set LATENT_EXPLORER_HOME to a folder on another disk.",
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


def _algorithm(remote: RemoteFile) -> str:
    return remote.checksum.split(":", 1)[0]


def _digits(remote: RemoteFile) -> str:
    return remote.checksum.split(":", 1)[1]
