"""Fits with scikit-learn in a separate process: the library takes 115 MB that a process never releases."""

from __future__ import annotations

import logging
import multiprocessing
import traceback
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Annotated, TypeAlias

import numpy as np
from numpy.typing import NDArray

from explorer.data.preprocessing import to_floats
from explorer.errors import EngineError, UsageError, exception_message
from explorer.latent.directions import Direction, Method, attribute_direction, probe_accuracy
from explorer.latent.sampling import FittedPrior
from explorer.messages import Message, message
from explorer.models.pca_codec import PcaCodec
from explorer.types import ArrayOf, Floats, Indices, Pixels, Progress

Doubles: TypeAlias = Annotated[NDArray[np.float64], ArrayOf(np.float64)]
AttributeMasks: TypeAlias = Annotated[NDArray[np.bool_], ArrayOf(np.bool_)]

_log = logging.getLogger(__name__)

_TICK_SECONDS = 0.1
_END_SECONDS = 2.0


@dataclass(frozen=True, eq=False)
class FitPrior:
    """Fit a Gaussian mixture to codes ``(n, d)``."""

    codes: Floats


@dataclass(frozen=True, eq=False)
class FitDirection:
    """Find the direction of an attribute from codes ``(n, d)`` and whether each has it ``(n,)``."""

    codes: Floats
    has: AttributeMasks
    method: Method


@dataclass(frozen=True, eq=False)
class FitProbe:
    """Predict labels ``(n,)`` from codes ``(n, d)``."""

    codes: Floats
    labels: Indices


@dataclass(frozen=True, eq=False)
class FitComponents:
    """Find the principal components of images ``(n, h, w, c)``."""

    pixels: Pixels
    count: int


@dataclass(frozen=True, eq=False)
class Prior:
    """Parameters of a `FittedPrior`."""

    weights: Doubles
    means: Doubles
    factors: Doubles


@dataclass(frozen=True)
class Probed:
    """Accuracy on held-out codes, and the fraction of the majority class."""

    accuracy: float
    majority: float


@dataclass(frozen=True, eq=False)
class Components:
    """Mean image ``(h·w·c,)`` and components ``(count, h·w·c)``."""

    mean: Floats
    axes: Floats


@dataclass(frozen=True)
class Refused:
    """The data cannot be fitted; the message of a `UsageError`."""

    message: Message


@dataclass(frozen=True)
class Broken:
    """The fit failed with another error; `details` is its traceback."""

    message: Message
    details: str


Request: TypeAlias = FitPrior | FitDirection | FitProbe | FitComponents
Result: TypeAlias = Prior | Direction | Probed | Components
_REQUESTS = (FitPrior, FitDirection, FitProbe, FitComponents)
_ANSWERS = (Prior, Direction, Probed, Components, Refused, Broken)


class FitProcess:
    """A process for the fits of one job; it starts with the first fit and ends with the ``with`` block.

    Use it on one thread.
    """

    def __init__(self) -> None:
        self._process: multiprocessing.process.BaseProcess | None = None

    def __enter__(self) -> FitProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._channel.close()
            self._process.kill()
            self._process.join(_END_SECONDS)
            if self._process.exitcode is not None:
                self._process.close()

    def fit(self, request: Request, note: Message) -> Generator[Progress, None, Result]:
        """Yield progress ten times per second, and return the result.

        UsageError if the data cannot be fitted; EngineError if the fit or its process fails.
        """
        try:
            self._start()
            self._channel.send(request)
            while not self._channel.poll(_TICK_SECONDS):
                yield Progress(0, 0, note)
            answer = self._channel.recv()
        except (EOFError, OSError) as error:
            raise EngineError("The fit failed: its process ended unexpectedly. Try again.") from error
        if isinstance(answer, Refused):
            raise UsageError(answer.message)
        if isinstance(answer, Broken):
            _log.error("a fit failed: %s\n%s", answer.message, answer.details)
            raise EngineError("The fit failed: {reason}. Try fewer or other images.", reason=answer.message)
        result: Result = answer
        return result

    def _start(self) -> None:
        if self._process is not None:
            return
        # Imported here to keep the start of the window fast.
        from explorer.engine.channel import LIMITS
        from explorer.ipc import Channel

        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), name="fits", daemon=True)
        process.start()
        theirs.close()
        self._process, self._channel = process, Channel(ours, _ANSWERS, LIMITS)


def fit_prior(codes: Floats) -> Generator[Progress, None, FittedPrior]:
    """Yield progress, return the prior of codes ``(n, d)``."""
    with FitProcess() as process:
        result = yield from process.fit(FitPrior(codes), message("Fitting"))
    assert isinstance(result, Prior)
    return FittedPrior.of(result.weights, result.means, result.factors)


def probe_labels(codes: Floats, labels: Indices) -> Generator[Progress, None, Probed]:
    """Yield progress, return how well labels ``(n,)`` are predicted from codes ``(n, d)``."""
    with FitProcess() as process:
        result = yield from process.fit(FitProbe(codes, labels), message("Fitting a classifier"))
    assert isinstance(result, Probed)
    return result


def fit_components(pixels: Pixels, count: int) -> Generator[Progress, None, PcaCodec]:
    """Yield progress, return the principal components of images ``(n, h, w, c)``."""
    with FitProcess() as process:
        result = yield from process.fit(FitComponents(pixels, count), message("Fitting the components"))
    assert isinstance(result, Components)
    height, width, channels = pixels.shape[1:]
    return PcaCodec.of(result.mean, result.axes, (height, width, channels))


def _serve(connection: Connection) -> None:
    """Answer requests until the window closes the connection or ends."""
    from explorer.engine.channel import LIMITS
    from explorer.engine.process import lower_priority, watch_parent
    from explorer.ipc import Channel

    lower_priority()
    watch_parent()
    channel = Channel(connection, _REQUESTS, LIMITS)
    with suppress(EOFError, OSError):
        while True:
            channel.send(_answer(channel.recv()))


def _answer(request: Request) -> Result | Refused | Broken:
    try:
        if isinstance(request, FitPrior):
            prior = FittedPrior().fit(request.codes)
            return Prior(prior.weights_, prior.means_, np.asarray(prior.factors_, np.float64))
        if isinstance(request, FitDirection):
            return attribute_direction(request.codes, request.has, request.method)
        if isinstance(request, FitProbe):
            return Probed(*probe_accuracy(request.codes, request.labels))
        codec = PcaCodec(to_floats(request.pixels), request.count)
        return Components(codec.mean, codec.axes)
    except UsageError as error:
        return Refused(error.message)
    except Exception as error:
        return Broken(exception_message(error), traceback.format_exc())
