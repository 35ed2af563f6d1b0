"""The complete check of an ONNX file, the cheapest and safest steps first."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.errors import ExplorerError
from explorer.inference.gate.passed import keep_passed, network_key
from explorer.inference.gate.sizes import Sizes, check_sizes
from explorer.inference.gate.structure import read_network, refused
from explorer.inference.gate.trial import try_network
from explorer.messages import message
from explorer.reading import reason_of


def check_network(content: bytes, shape: tuple[int, ...]) -> int:
    """Check an ONNX file without running it, and return the maximum batch size.

    `shape` is that of its input, without the batch. ModelError if it does not pass: see `read_network` and
    `check_sizes`.
    """
    return _sizes(content, shape).without_trial


def check_changed(content: bytes, shape: tuple[int, ...], at_once: int) -> int:
    """Check a network that has passed with `at_once`, but for operators with outputs as large as their inputs.

    Returns the maximum batch size; sizes that only a run tells are those of its trial. ModelError like `check_network`.
    """
    return min(at_once, _sizes(content, shape).at_once)


def vouch(content: bytes, shape: tuple[int, ...]) -> None:
    """Check a network made by this program, and cache that it may run; ModelError if it does not pass."""
    keep_passed(network_key(content, shape), check_network(content, shape))


def check_and_try(content: bytes, shape: tuple[int, ...]) -> Iterator[int]:
    """Check an untrusted network and run it once, in the reader process; yields and raises like `try_network`."""
    sizes = _sizes(content, shape)
    yield sizes.without_trial
    yield from try_network(content, shape, sizes)


def _sizes(content: bytes, shape: tuple[int, ...]) -> Sizes:
    try:
        return check_sizes(read_network(content), shape)
    except (ExplorerError, MemoryError):
        raise
    except Exception as error:
        # For example a name that is not UTF-8, which protobuf accepts as bytes.
        raise refused(message("the file is damaged ({reason})", reason=reason_of(error))) from error
