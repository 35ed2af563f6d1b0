"""The whole check of an ONNX file, in the order of what each step costs and may do."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.inference.gate.passed import keep_passed, network_key
from explorer.inference.gate.sizes import check_sizes
from explorer.inference.gate.structure import read_network
from explorer.inference.gate.trial import try_network


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
    return check_sizes(read_network(content), shape).at_once


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
    sizes = check_sizes(read_network(content), shape)
    yield sizes.at_once
    yield from try_network(content, shape, sizes)
