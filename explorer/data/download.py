"""“Get it”: download a known data set into the user's folder, with its published checksum, going on where it broke off.

Pooch checks and places the file; the transfer is our own, because Pooch's begins anew each time.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from explorer.errors import DataError, ExportError, UsageError
from explorer.paths import check_writable, datasets_dir
from explorer.types import Progress

_CHUNK: Final = 1 << 18
_TIMEOUT_S: Final = (10, 30)
_ATTEMPTS: Final = 4
"""So often it goes on by itself after a connection broke without a single byte in between."""

_FASHION: Final = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"


@dataclass(frozen=True)
class RemoteFile:
    """One file to download.

    Attributes
    ----------
    place
        Where it goes, below the folder of data sets.
    url
        Where it is published.
    checksum
        ``sha256:`` or ``md5:`` and hexadecimal digits.
    size
        In bytes, roughly: for the progress, and as a guard against something else.
    """

    place: str
    url: str
    checksum: str
    size: int


@dataclass(frozen=True)
class RemoteSet:
    """The files of one data set, and which of them, or which folder, is opened."""

    files: tuple[RemoteFile, ...]
    opened: str


# The checksums are those that Keras (mnist, cifar10), TensorFlow Datasets (fashion_mnist, stanford_dogs) and
# scikit-learn (lfw) publish in their sources. Labels come first: pictures without them would pass for a whole set.
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
    """Download a known data set: yields progress in bytes, and last the file or folder that can be opened.

    Closing the iterator, or a broken connection, keeps what came so far; the next call goes on from there.

    Parameters
    ----------
    name
        ``mnist``, ``fashion_mnist``, ``cifar10``, ``lfw`` or ``stanford_dogs``.

    Raises
    ------
    UsageError
        If there is no set of that name to download.
    DataError
        If there is no network, the server does not have the file, or the file is another than the published one; then
        nothing of it is kept.
    ExportError
        If the folder of data sets cannot be written.
    """
    wanted = SETS.get(name.strip().lower().replace("-", "_"))
    if wanted is None:
        raise UsageError(f"one of {', '.join(SETS)}", f"“{name}”", "Choose one of these, or open a file of your own.")
    total = sum(file.size for file in wanted.files)
    before = 0
    for file in wanted.files:
        target = datasets_dir() / file.place
        try:
            for done in _fetch_file(file, target):
                yield Progress(min(before + done, total), total, f"downloading {target.name}")
        except OSError as error:
            raise ExportError(
                f"to write {target}",
                f"“{error.strerror or error}”",
                "Free some space, or set LATENT_EXPLORER_HOME to another disk.",
            ) from error
        before += file.size
    yield datasets_dir() / wanted.opened


def _fetch_file(remote: RemoteFile, target: Path) -> Iterator[int]:
    """Download one file, unless it is there already; yields the bytes that are here."""
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
            f"the published file ({remote.checksum[:16]}…) from {remote.url}",
            "another one, which was removed",
            f"Try again later, or {_elsewhere(remote)}",
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _transfer(remote: RemoteFile, part: Path) -> Iterator[int]:
    """Bring a file here, from where an earlier transfer ended; yields the bytes that are here."""
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
            # Only a connection that was there can be worth another attempt at once.
            broken = isinstance(error, requests.exceptions.ChunkedEncodingError | requests.ReadTimeout)
            if not broken or failures >= _ATTEMPTS:
                raise _no_connection(remote, error) from error


def _receive(remote: RemoteFile, part: Path, here: int) -> Iterator[int]:
    """Receive the rest of a file; yields the bytes that are here."""
    import requests

    # “identity”: what is packed shall stay packed, and positions must count what is sent.
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={here}-"} if here else {})}
    with requests.get(remote.url, headers=headers, stream=True, timeout=_TIMEOUT_S) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            # All is here already, or another file is there now: the checksum tells.
            return
        if response.status_code not in (requests.codes.ok, requests.codes.partial_content):
            raise DataError(
                f"{Path(remote.place).name} at {remote.url}",
                f"“{response.status_code} {response.reason}”",
                _elsewhere(remote).capitalize(),
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
            f"about {remote.size >> 20} MB from {remote.url}",
            "more than twice as much",
            _elsewhere(remote).capitalize(),
        )


def _starts_at(response: Any, here: int) -> bool:
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {here}-")


def _check_room(remote: RemoteFile, part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise DataError(
            f"{needed >> 20:,} MB of free disk for {Path(remote.place).name} in {part.parent}",
            f"{free >> 20:,} MB",
            "Free some space, or set LATENT_EXPLORER_HOME to another disk.",
        )


def _no_connection(remote: RemoteFile, error: Exception) -> DataError:
    import requests

    reasons = {
        requests.exceptions.ProxyError: "no answer from the proxy",
        requests.exceptions.SSLError: "a certificate that is not valid",
        requests.ConnectTimeout: "no answer in time",
        requests.ReadTimeout: "an answer that stopped",
        requests.exceptions.ChunkedEncodingError: "a connection that broke off again and again",
        requests.ConnectionError: "no answer: there is no network, or the server is away",
    }
    reason = next((text for kind, text in reasons.items() if isinstance(error, kind)), str(error).splitlines()[0])
    return DataError(f"a connection to {urlsplit(remote.url).netloc}", reason, f"Try again, or {_elsewhere(remote)}")


def _elsewhere(remote: RemoteFile) -> str:
    return f"download {remote.url} elsewhere and open the file."


def _algorithm(remote: RemoteFile) -> str:
    return remote.checksum.split(":", 1)[0]


def _digits(remote: RemoteFile) -> str:
    return remote.checksum.split(":", 1)[1]
