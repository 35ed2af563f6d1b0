"""The whole check of an ONNX file, in the order of what each step costs and may do."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.errors import ExplorerError
from explorer.inference.gate.passed import keep_passed, network_key
from explorer.inference.gate.sizes import Sizes, check_sizes
from explorer.inference.gate.structure import read_network, refused
from explorer.inference.gate.trial import try_network
from explorer.reading import reason_of


def check_network(content: bytes, shape: tuple[int, ...]) -> int:
    """Check a network without running it, and return the most images or codes in one run.

    Parameters
    ----------
    content
        An ONNX file.
    shape
        Of its input, without the batch.

    Raises
    ------
    ModelError
        If it is not what an image network can be: see `read_network` and `check_sizes`.
    """
    return _sizes(content, shape).at_once


def vouch(content: bytes, shape: tuple[int, ...]) -> None:
    """Check a network that this program has made, and remember that it may be run.

    Raises
    ------
    ModelError
        If it does not pass.
    """
    keep_passed(network_key(content, shape), check_network(content, shape))


def check_and_try(content: bytes, shape: tuple[int, ...]) -> Iterator[int]:
    """Check a network of unknown origin and run it once, which belongs in the reader process; yield as `try_network`.

    Raises
    ------
    ModelError
        If it does not pass.
    """
    sizes = _sizes(content, shape)
    yield sizes.at_once
    yield from try_network(content, shape, sizes)


def _sizes(content: bytes, shape: tuple[int, ...]) -> Sizes:
    try:
        return check_sizes(read_network(content), shape)
    except (ExplorerError, MemoryError):
        raise
    except Exception as error:
        # A name that is no UTF-8, say, which protobuf lets pass as bytes.
        raise refused("a whole ONNX file", f"a damaged one ({reason_of(error)})") from error
