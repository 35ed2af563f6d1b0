"""Where a decoder runs: which providers are tried, when the CPU stays, and what is remembered.

The second provider is the one that ONNX Runtime's ordinary build has besides the CPU: it takes no operators, so that
its images are the CPU's. Real devices are not tested.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from explorer_testing.builders import decoder_network, write_bundle
from explorer_testing.codec import MatrixCodec

from explorer.inference import providers
from explorer.inference.codec import AcceleratedNetwork, Network, OnnxCodec
from explorer.inference.providers import (
    AUTOMATIC,
    TOLERANCE,
    Trial,
    candidates,
    choosing,
    fastest,
    forget_choices,
    known_choice,
    offered,
    title,
)
from explorer.inference.sessions import CPU
from explorer.models.bundle import open_bundle
from explorer.paths import cache_dir
from explorer.types import Floats

SECOND = "AzureExecutionProvider"
CUDA, DIRECTML, COREML = "CUDAExecutionProvider", "DmlExecutionProvider", "CoreMLExecutionProvider"
TENSORRT, OPENVINO = "TensorrtExecutionProvider", "OpenVINOExecutionProvider"

needs_second = pytest.mark.skipif(
    SECOND not in onnxruntime.get_available_providers(), reason="this build of ONNX Runtime has no second provider"
)

CODEC = MatrixCodec((9, 11, 3), 4)
CODES: Floats = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)


@pytest.fixture
def codec(tmp_path: Path) -> OnnxCodec:
    write_bundle(tmp_path / "tiny", CODEC)
    return OnnxCodec(open_bundle(tmp_path / "tiny"))


def chosen(codec: OnnxCodec, setting: str, available: tuple[str, ...] = (SECOND,), *, may_time: bool = True) -> Network:
    *_, network = choosing(codec, CODES, setting, available, may_time=may_time)
    assert isinstance(network, Network)
    return network


@pytest.mark.parametrize(
    ("setting", "available", "tried"),
    [
        (AUTOMATIC, (), ()),
        (AUTOMATIC, (TENSORRT, CUDA), (CUDA,)),
        (AUTOMATIC, (DIRECTML,), (DIRECTML,)),
        (AUTOMATIC, (DIRECTML, CUDA), (CUDA, DIRECTML)),
        (AUTOMATIC, (COREML,), (COREML,)),
        (AUTOMATIC, (OPENVINO,), ()),
        (OPENVINO, (OPENVINO, CUDA), (OPENVINO,)),
        (CUDA, (), ()),
        (CPU, (CUDA,), ()),
        (CPU, (CUDA, CPU), ()),
    ],
)
def test_what_is_tried(setting: str, available: tuple[str, ...], tried: tuple[str, ...]) -> None:
    assert candidates(setting, available) == tried


def test_the_cpu_and_a_server_are_not_offered() -> None:
    assert not {CPU, SECOND} & set(offered())
    assert [title(name) for name in (CPU, CUDA, DIRECTML, COREML)] == ["CPU", "CUDA", "DirectML", "CoreML"]


@pytest.mark.parametrize(
    ("setting", "others", "best"),
    [
        (AUTOMATIC, [(0.0, 0.5)], 0),
        (AUTOMATIC, [(0.0, 2.0)], None),
        (AUTOMATIC, [(0.0, 1.0)], None),
        (AUTOMATIC, [(TOLERANCE, 0.5)], 0),
        (AUTOMATIC, [(TOLERANCE * 1.01, 0.5)], None),
        (AUTOMATIC, [(float("nan"), 0.5)], None),
        (AUTOMATIC, [(0.0, 0.5), (0.0, 0.2), (1.0, 0.1)], 1),
        (CUDA, [(0.0, 2.0)], 0),
        (CUDA, [(1.0, 0.5)], None),
        (CUDA, [], None),
    ],
)
def test_the_fastest_that_agrees_is_taken(
    codec: OnnxCodec, setting: str, others: list[tuple[float, float]], best: int | None
) -> None:
    assert codec.decoder is not None
    cpu = Trial(codec.decoder, 0.0, 1.0)
    trials = [Trial(codec.decoder, *figures) for figures in others]
    assert fastest(cpu, trials, setting) is (cpu if best is None else trials[best])


def test_with_the_cpu_only_nothing_is_done(codec: OnnxCodec) -> None:
    assert list(choosing(codec, CODES, AUTOMATIC, ())) == [codec.decoder]
    assert not list(cache_dir().glob("*providers*"))


@needs_second
def test_a_chosen_provider_decodes_the_same_images(codec: OnnxCodec) -> None:
    before = codec.decode(CODES)
    network = chosen(codec, SECOND)
    assert network.provider == SECOND
    codec.decoder = network
    np.testing.assert_allclose(codec.decode(CODES), before, atol=1e-6)
    codec.rest()
    np.testing.assert_allclose(codec.decode(CODES[:1]), before[:1], atol=1e-6)
    assert isinstance(network, AcceleratedNetwork)
    assert chosen(codec, CPU) is network.cpu, "the setting may be changed back"


@needs_second
def test_a_choice_is_remembered_until_something_changes(codec: OnnxCodec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "_PREFERRED", (SECOND,))
    assert chosen(codec, AUTOMATIC, may_time=False).provider == CPU
    assert known_choice(codec, AUTOMATIC, (SECOND,)) is None
    steps = list(choosing(codec, CODES, AUTOMATIC, (SECOND,)))
    first = steps[-1]
    assert isinstance(first, Network)
    assert known_choice(codec, AUTOMATIC, (SECOND,)) == first.provider
    again = list(choosing(codec, CODES, AUTOMATIC, (SECOND,)))
    assert len(again) < len(steps), "it was timed again"
    assert isinstance(again[-1], Network)
    assert again[-1].provider == chosen(codec, AUTOMATIC, may_time=False).provider == first.provider
    assert known_choice(codec, AUTOMATIC, (SECOND, CUDA)) is None
    with monkeypatch.context() as patch:
        patch.setattr(onnxruntime, "__version__", "99")
        assert known_choice(codec, AUTOMATIC, (SECOND,)) is None
    forget_choices()
    assert known_choice(codec, AUTOMATIC, (SECOND,)) is None


def test_a_provider_that_fails_leaves_the_cpu_and_may_be_tried_again(codec: OnnxCodec) -> None:
    missing = "CUDAExecutionProvider" if CUDA not in onnxruntime.get_available_providers() else "NoExecutionProvider"
    assert chosen(codec, missing, (missing,)) is codec.decoder
    assert known_choice(codec, missing, (missing,)) is None


class Failing(Network):
    """A network that cannot be run on other providers."""

    def on(self, provider: str) -> AcceleratedNetwork:
        network = super().on(provider)
        network.rest()
        network._content = b"its session cannot be made"
        return network


@needs_second
def test_a_provider_whose_runs_fail_is_not_remembered(codec: OnnxCodec) -> None:
    codec.decoder = Failing(decoder_network(CODEC))
    assert chosen(codec, SECOND) is codec.decoder
    assert known_choice(codec, SECOND, (SECOND,)) is None


@needs_second
def test_the_oldest_choices_are_forgotten(codec: OnnxCodec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "_MOST_KEPT", 2)
    builds = [(SECOND,), (SECOND, CUDA), (SECOND, OPENVINO)]
    for available in builds:
        chosen(codec, SECOND, available)
    assert [known_choice(codec, SECOND, available) for available in builds] == [None, SECOND, SECOND]


class Differing(Network):
    """A network that gives other images on other providers."""

    def on(self, provider: str) -> AcceleratedNetwork:
        return AcceleratedNetwork(Network(decoder_network(MatrixCodec((9, 11, 3), 4, seed=1))), provider)


@needs_second
def test_a_provider_with_other_images_is_not_used(codec: OnnxCodec) -> None:
    codec.decoder = Differing(decoder_network(CODEC))
    assert chosen(codec, SECOND) is codec.decoder
    assert known_choice(codec, SECOND, (SECOND,)) == CPU
    assert list(choosing(codec, CODES, SECOND, (SECOND,))) == [codec.decoder], "it was tried again"


class Ending(Network):
    """A network that on another provider does something first."""

    def __init__(self, content: bytes, before: Callable[[], object]) -> None:
        super().__init__(content)
        self._before = before

    def on(self, provider: str) -> AcceleratedNetwork:
        self._before()
        return super().on(provider)


def test_a_driver_that_ends_the_process_is_not_tried_again(codec: OnnxCodec) -> None:
    noted = []
    codec.decoder = Ending(decoder_network(CODEC), lambda: noted.append(known_choice(codec, SECOND, (SECOND,))))
    chosen(codec, SECOND)
    assert noted == [CPU]


@needs_second
def test_a_canceled_trial_leaves_what_was_known(codec: OnnxCodec) -> None:
    for known in (None, SECOND):
        steps = choosing(codec, CODES, SECOND, (SECOND,))
        next(steps)
        assert known_choice(codec, SECOND, (SECOND,)) == CPU
        del steps
        assert known_choice(codec, SECOND, (SECOND,)) == known
        chosen(codec, SECOND)


@needs_second
def test_the_cpu_continues_when_a_device_fails_later(codec: OnnxCodec) -> None:
    before = codec.decode(CODES)
    network = chosen(codec, SECOND)
    codec.decoder = network
    network.rest()
    network._content = b"its session cannot be made again"
    np.testing.assert_array_equal(codec.decode(CODES), before)
    assert network.provider == CPU
    codec.rest()
    np.testing.assert_array_equal(codec.decode(CODES), before)


@pytest.mark.parametrize("content", ["one\n", "one two three\n", "ü", "\0"])
def test_a_damaged_file_is_written_again(codec: OnnxCodec, content: str) -> None:
    (cache_dir() / "decoder-providers.txt").write_text(content, "utf-8")
    assert known_choice(codec, SECOND, (SECOND,)) is None
    if SECOND in onnxruntime.get_available_providers():
        chosen(codec, SECOND)
        assert known_choice(codec, SECOND, (SECOND,)) == SECOND


def test_without_a_place_to_remember_it_a_provider_is_chosen_all_the_same(codec: OnnxCodec) -> None:
    (cache_dir() / "decoder-providers.txt").mkdir()
    assert chosen(codec, CUDA, (CUDA,)).provider in (CPU, CUDA)
    forget_choices()
