"""Fits in a separate process have the same results as in this one, and end with their job."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Generator
from multiprocessing.process import BaseProcess
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pytest
from explorer_testing.programs import run_python

from explorer.errors import EngineError, UsageError
from explorer.latent.directions import Direction, attribute_direction, probe_accuracy
from explorer.latent.sampling import FittedPrior
from explorer.messages import message
from explorer.models.pca_codec import PcaCodec
from explorer.types import Floats, Progress
from explorer.workers.fitting import FitDirection, FitProcess, fit_components, fit_prior, probe_labels

T = TypeVar("T")
Children: TypeAlias = Callable[[], set[BaseProcess]]

RNG = np.random.default_rng(3)
CODES: Floats = RNG.normal(size=(200, 6)).astype(np.float32)
HAS = CODES[:, 0] + CODES[:, 1] > 0

_LOADED = """
import json, sys
import numpy as np
from explorer.workers.fitting import fit_prior, probe_labels

def main():
    codes = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    for fit in (fit_prior(codes), probe_labels(codes, (codes[:, 0] > 0).astype(np.int64))):
        for _ in fit:
            pass
    print(json.dumps([name for name in ("sklearn", "scipy") if name in sys.modules]))

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def children() -> Children:
    """Returns the processes that were started in the test; others are shared with other tests."""
    shared = set(multiprocessing.active_children())
    return lambda: set(multiprocessing.active_children()) - shared


def result_of(fit: Generator[Progress, None, T]) -> T:
    while True:
        try:
            next(fit)
        except StopIteration as end:
            value: Any = end.value
            result: T = value
            return result


def test_a_prior_is_that_of_the_library_here() -> None:
    prior, here = result_of(fit_prior(CODES)), FittedPrior().fit(CODES)
    np.testing.assert_allclose(prior.means_, here.means_, atol=1e-6)
    np.testing.assert_allclose(prior.factors_, here.factors_, atol=1e-6)
    drawn, expected = (each.sample(20, np.random.default_rng(1)) for each in (prior, here))
    np.testing.assert_allclose(drawn, expected, atol=1e-5)


@pytest.mark.parametrize("method", ["means", "logistic"])
def test_one_process_finds_several_directions(method: Any, children: Children) -> None:
    with FitProcess() as process:
        for has in (HAS, CODES[:, 2] > 0.5):
            found = result_of(process.fit(FitDirection(CODES, has, method), message("fitting")))
            assert isinstance(found, Direction)
            here = attribute_direction(CODES, has, method)
            np.testing.assert_allclose(found.vector, here.vector, atol=1e-4)
            assert found.accuracy == pytest.approx(here.accuracy, abs=0.02)
        assert len(children()) == 1


def test_a_probe_and_components_are_those_of_the_library_here() -> None:
    labels = HAS.astype(np.int64)
    probed = result_of(probe_labels(CODES, labels))
    assert (probed.accuracy, probed.majority) == pytest.approx(probe_accuracy(CODES, labels), abs=0.02)
    pixels = RNG.integers(0, 256, (40, 5, 4, 3), dtype=np.uint8)
    codec, here = result_of(fit_components(pixels, 7)), PcaCodec((pixels / 255).astype(np.float32), 7)
    images = (pixels[:5] / 255).astype(np.float32)
    assert codec.image_shape == here.image_shape
    np.testing.assert_allclose(codec.decode(codec.encode(images)), here.decode(here.encode(images)), atol=1e-4)


def test_what_the_data_do_not_allow_is_said_as_it_is_here() -> None:
    with pytest.raises(UsageError, match="two classes"):
        result_of(probe_labels(CODES, np.zeros(len(CODES), np.int64)))


@pytest.mark.allow_log("a fit failed: ValueError")
def test_an_unexpected_error_is_reported_and_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(EngineError, match="ValueError"):
        result_of(probe_labels(np.full_like(CODES, np.nan), HAS.astype(np.int64)))
    assert "in _answer" in caplog.text


def test_a_fit_that_is_dropped_ends_its_process(children: Children) -> None:
    fit = fit_prior(np.tile(CODES, (20, 1)))
    next(fit)
    assert children()
    fit.close()
    assert not children()


def test_a_process_that_is_killed_is_an_error(children: Children) -> None:
    fit = fit_prior(CODES)
    next(fit)
    for child in children():
        child.kill()
    with pytest.raises(EngineError, match="its process ended"):
        result_of(fit)


def test_a_process_that_cannot_be_started_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(process: object) -> None:
        raise OSError("no memory")

    monkeypatch.setattr(multiprocessing.get_context("spawn").Process, "start", fail)
    with pytest.raises(EngineError, match="its process ended unexpectedly"):
        result_of(fit_prior(CODES))


def test_the_window_s_process_does_not_load_the_library() -> None:
    assert run_python(_LOADED) == []
