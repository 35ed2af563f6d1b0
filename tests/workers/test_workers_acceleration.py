"""The decoder of the open model moves to another provider in the background, or stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from explorer_testing.builders import write_bundle
from explorer_testing.codec import Gate
from pytestqt.qtbot import QtBot

from explorer.document.document import Document
from explorer.document.preferences import PreferencesFile
from explorer.document.state import OpenModel
from explorer.inference.codec import AcceleratedNetwork, Network, OnnxCodec
from explorer.inference.providers import known_choice, offered
from explorer.inference.sessions import CPU
from explorer.workers.acceleration import Acceleration
from explorer.workers.backend import Backend
from explorer.workers.jobs import JobRunner
from explorer.workers.loading import open_model

SECOND = "AzureExecutionProvider"

pytestmark = pytest.mark.skipif(
    SECOND not in onnxruntime.get_available_providers(), reason="this build of ONNX Runtime has no second provider"
)


@pytest.fixture
def jobs(qapp: object) -> Iterator[JobRunner]:
    made = JobRunner()
    yield made
    made.close()


@pytest.fixture
def preferences() -> PreferencesFile:
    made = PreferencesFile()
    made.put(provider=SECOND)
    return made


@pytest.fixture
def document() -> Document:
    return Document()


@pytest.fixture(autouse=True)
def acceleration(document: Document, jobs: JobRunner, preferences: PreferencesFile) -> Iterator[Acceleration]:
    made = Acceleration(document, jobs, preferences, (SECOND,), settled_ms=0)
    yield made
    made.close()


def model_in(folder: Path) -> OpenModel:
    write_bundle(folder)
    return open_model(folder)


def provider_of(model: OpenModel) -> str:
    assert isinstance(model.codec, OnnxCodec)
    assert model.codec.decoder is not None
    return model.codec.decoder.provider


def test_the_decoder_of_an_opened_model_moves(document: Document, tmp_path: Path, qtbot: QtBot) -> None:
    model = model_in(tmp_path / "tiny")
    images = model.codec.decode(model.sample.codes)
    document.open(model)
    assert provider_of(model) == CPU
    qtbot.waitUntil(lambda: provider_of(model) == SECOND)
    assert document.model is model, "nothing is opened again"
    np.testing.assert_allclose(model.codec.decode(model.sample.codes), images, atol=1e-6)


class Waiting(Network):
    """A network that waits at a gate before it is on another provider."""

    gate: Gate

    def on(self, provider: str) -> AcceleratedNetwork:
        self.gate.pass_through()
        return super().on(provider)


def test_a_model_that_is_replaced_meanwhile_stays(
    document: Document, jobs: JobRunner, tmp_path: Path, qtbot: QtBot
) -> None:
    first, second = model_in(tmp_path / "first"), model_in(tmp_path / "second")
    assert isinstance(first.codec, OnnxCodec)
    assert first.codec.decoder is not None
    slow = Waiting(first.codec.decoder.content)
    slow.gate = Gate()
    first.codec.decoder = slow
    document.open(first)
    qtbot.waitUntil(lambda: bool(jobs.jobs))
    slow.gate.wait_until_entered()
    document.open(second)
    slow.gate.open()
    qtbot.waitUntil(lambda: provider_of(second) == SECOND and not jobs.jobs)
    assert provider_of(first) == CPU
    assert known_choice(first.codec, SECOND, (SECOND,)) in (None, SECOND), "a canceled trial is no failure"


def test_a_model_in_training_stays(
    document: Document, acceleration: Acceleration, jobs: JobRunner, tmp_path: Path, qtbot: QtBot
) -> None:
    model = replace(model_in(tmp_path / "training"), epochs=0.5)
    document.open(model)
    qtbot.waitUntil(lambda: not acceleration._timer.isActive())
    assert not jobs.jobs
    assert provider_of(model) == CPU


def test_a_changed_setting_applies_at_once(
    document: Document, acceleration: Acceleration, preferences: PreferencesFile, tmp_path: Path, qtbot: QtBot
) -> None:
    model = model_in(tmp_path / "tiny")
    document.open(model)
    qtbot.waitUntil(lambda: provider_of(model) == SECOND)
    preferences.put(provider=CPU)
    acceleration.choose_again()
    assert provider_of(model) == CPU
    preferences.put(provider=SECOND)
    acceleration.choose_again()
    qtbot.waitUntil(lambda: provider_of(model) == SECOND)


@pytest.mark.skipif(bool(offered()), reason="this build of ONNX Runtime offers more than the CPU")
def test_where_only_the_cpu_is_offered_nothing_starts(tmp_path: Path) -> None:
    backend = Backend(Document(), PreferencesFile())
    backend.document.open(model_in(tmp_path / "tiny"))
    assert not backend.acceleration._timer.isActive()
    assert not backend.jobs.jobs
    backend.close()
