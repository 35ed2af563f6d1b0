"""Pause, resume, stop and keep; and resume from the middle of an epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.training import of, small_request, train, until

from explorer.engine.client import ModelProcess
from explorer.engine.messages import (
    Cancel,
    Cancelled,
    Checkpoint,
    Epoch,
    Event,
    Finished,
    Live,
    Pause,
    Paused,
    Resume,
    Resumed,
    Started,
    Step,
    Stop,
    Train,
)
from explorer.inference.codec import OnnxCodec
from explorer.models.bundle import open_bundle
from explorer.models.settings import CHECKPOINT

pytestmark = pytest.mark.engine

NOISY = "gaussian:0.1"


def request_of(images: Path, out: Path, **changes: Any) -> Any:
    """Many small steps an epoch, so that an order falls into its middle."""
    values: dict[str, Any] = {"noise": NOISY, "batch": 1, "latent": 4, "epochs": 2, "architecture": "vae"}
    return small_request(images, out, **(values | changes))


@pytest.fixture(scope="module")
def whole(process: ModelProcess, images: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Epoch]]:
    """The bundle of a training that nothing interrupts, and its epochs."""
    out = tmp_path_factory.mktemp("uninterrupted") / "whole"
    return out, of(Epoch, train(process, request_of(images, out)))


def paused_within(process: ModelProcess, request: Any) -> tuple[list[Event], Paused, Any]:
    """Start a training, and hold it in the middle of an epoch; return what came, the pause, and the stream."""
    events, seen = process.run(Train(request)), list[Event]()
    for event in events:
        seen.append(event)
        if isinstance(event, Started):
            process.order(Pause())
        if isinstance(event, Paused):
            if event.step:
                return seen, event, events
            # It held before the first step; let it do some.
            process.order(Resume())
            seen.append(until(events, Step))
            process.order(Pause())
    raise AssertionError("it was never held")


def test_a_paused_training_goes_on_as_if_nothing_had_been(
    process: ModelProcess, images: Path, tmp_path: Path, whole: tuple[Path, list[Epoch]]
) -> None:
    _, _, events = paused_within(process, request_of(images, tmp_path / "held"))
    process.order(Resume())
    seen = list(events)
    assert isinstance(seen[-1], Finished)
    assert of(Resumed, seen)
    assert not (tmp_path / "held.checkpoint").exists()
    same_curve(of(Epoch, seen), whole[1])


def test_a_training_is_taken_up_in_the_middle_of_an_epoch(
    process: ModelProcess, images: Path, tmp_path: Path, whole: tuple[Path, list[Epoch]]
) -> None:
    seen, paused, events = paused_within(process, request_of(images, tmp_path / "held"))
    assert isinstance(seen[-2], Checkpoint), "it held before its checkpoint was written"
    process.order(Cancel())
    assert list(events)[-1] == Cancelled(str(tmp_path / "held.checkpoint"))
    assert [path.name for path in (tmp_path / "held.checkpoint").iterdir()] == [CHECKPOINT]
    resumed = train(process, request_of(images, tmp_path / "held", resume=True))
    assert of(Started, resumed)[0].first_epoch == paused.epoch
    steps = of(Step, resumed)
    assert not steps or (steps[0].epoch, steps[0].step) > (paused.epoch, paused.step)
    same_curve([*of(Epoch, seen), *of(Epoch, resumed)], whole[1])
    pair = [open_bundle(path) for path in (tmp_path / "held", whole[0])]
    codes = np.random.default_rng(0).standard_normal((20, 4), dtype=np.float32)
    decoded = [OnnxCodec(bundle).decode(codes) for bundle in pair]
    np.testing.assert_allclose(decoded[0], decoded[1], atol=1e-5)


def same_curve(epochs: list[Epoch], expected: list[Epoch]) -> None:
    assert [event.epoch for event in epochs] == [event.epoch for event in expected]
    for one, other in zip(epochs, expected, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-5)
        assert one.val_loss == pytest.approx(other.val_loss, rel=1e-5)


def test_stop_keeps_what_was_learned(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    events = process.run(Train(request_of(images, tmp_path / "new", epochs=100_000)))
    first = until(events, Epoch)
    until(events, Step)
    process.order(Stop())
    *rest, last = list(events)
    assert isinstance(last, Finished)
    epochs = [first, *of(Epoch, rest)]
    card = open_bundle(tmp_path / "new").card
    assert [record.epoch for record in card.history] == [epoch.epoch for epoch in epochs]
    assert len(epochs) < 100_000
    assert not (tmp_path / "new.checkpoint").exists()
    assert card.metrics.keys() >= {"mse", "loss"}


@pytest.mark.parametrize("order", [Stop(), Cancel()])
def test_orders_reach_a_paused_training(process: ModelProcess, images: Path, tmp_path: Path, order: Any) -> None:
    _, _, events = paused_within(process, request_of(images, tmp_path / "new"))
    process.order(order)
    last = list(events)[-1]
    assert isinstance(last, Finished if isinstance(order, Stop) else Cancelled)


def test_late_orders_harm_nothing(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    assert isinstance(train(process, small_request(images, tmp_path / "one", epochs=1))[-1], Finished)
    for order in (Pause(), Resume(), Stop(), Cancel()):
        process.order(order)
    assert isinstance(train(process, small_request(images, tmp_path / "two", epochs=1))[-1], Finished)


def test_early_stopping_remembers_the_best_over_a_pause(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    changes = {"epochs": 40, "early_stop": 2, "batch": 8, "rate": 0.05, "seed": 3}
    whole = train(process, request_of(images, tmp_path / "whole", **changes))
    assert 2 < len(of(Epoch, whole)) < 40, "it never stopped early; the case shows nothing"
    events = process.run(Train(request_of(images, tmp_path / "held", **changes)))
    seen: list[Event] = [until(events, Epoch), until(events, Epoch)]
    process.order(Pause())
    seen.extend(_until_paused(events))
    process.order(Cancel())
    seen.extend(events)
    resumed = train(process, request_of(images, tmp_path / "held", resume=True, **changes))
    same_curve([*of(Epoch, seen), *of(Epoch, resumed)], of(Epoch, whole))
    pair = [open_bundle(tmp_path / name).card.metrics["loss"] for name in ("held", "whole")]
    assert pair[0] == pytest.approx(pair[1], rel=1e-4)


def _until_paused(events: Any) -> list[Event]:
    seen: list[Event] = []
    for event in events:
        seen.append(event)
        if isinstance(event, Paused):
            return seen
    raise AssertionError("it was never held")


def test_who_holds_a_training_sees_it_as_it_is(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    """Not as it was when its share of the time allowed the last look."""
    events, seen = process.run(Train(request_of(images, tmp_path / "new", epochs=50), live=True)), list[Event]()
    for event in events:
        seen.append(event)
        if isinstance(event, Epoch) and event.epoch == 3:
            process.order(Pause())
        if isinstance(event, Paused):
            break
    shown, paused = of(Live, seen)[-1], of(Paused, seen)[-1]
    steps = of(Step, seen)[-1].steps
    assert shown.progress == pytest.approx(paused.epoch - 1 + paused.step / steps)
    assert paused.epoch >= 3
    process.order(Cancel())
    assert isinstance(list(events)[-1], Cancelled)
