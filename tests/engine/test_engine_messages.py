"""Every record that goes to the model process or comes from it arrives as it was sent."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.engine import messages
from explorer.engine.channel import LIMITS
from explorer.engine.messages import EVENTS, ORDERS, REQUESTS
from explorer.ipc import pack, unpack
from explorer.messages import Message, message
from explorer.models.bundle import Bundle, find_bundles
from explorer.models.card import Card, EpochRecord, LossParts
from explorer.models.codes import CodeSample
from explorer.models.import_record import Control, Imported
from explorer.models.settings import TrainingRequest
from explorer.models.third_party.request import Choices, ImportRequest

TRAINING = TrainingRequest(
    architecture="vae-2d",
    data="digits",
    out=Path("models", "neu ü"),
    size=(16, 24),
    rate=0.001,
    tensorboard=Path("log"),
)
IMPORT = ImportRequest(
    Path("model.h5"),
    Path("out"),
    encoder=Path("e.keras"),
    choices=Choices(range_in=(-1.0, 1.0), range_out="logits"),
    trust=True,
)
RECORD = Imported(
    file="model.h5", keras=2, log_variance=1, controls=(Control(name="class", shape=(10,), choices=10),), notes=("a",)
)
PARTS = LossParts(reconstruction=1.0, kl=float("inf"), val_reconstruction=2.0, val_kl=float("nan"))
PIXELS = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3)


def bundles() -> list[Bundle]:
    return [found.bundle for found in find_bundles() if found.bundle is not None]


def live(card: Card, sample: CodeSample) -> messages.Live:
    content = np.frombuffer(b"not a real network", np.uint8)
    return messages.Live(content, content[:0], card, sample, 0.5, PIXELS, PIXELS[:, ::-1])


def examples() -> list[object]:
    bundle = bundles()[0]
    return [
        messages.Warm(),
        messages.Train(TRAINING, live=True),
        messages.Examine(IMPORT),
        messages.Import(ImportRequest(None, Path("folder \udcff"))),
        messages.Serve("path \udcff", "decoder", np.ones((2, 3), np.float32)),
        messages.Cancel(),
        messages.Pause(),
        messages.Resume(),
        messages.Stop(),
        messages.Warmed({"keras": "3"}),
        messages.Started("vae-2d", "digits", (28, 28, 1), (2,), 10, 20, 100, 50, 1, 5),
        messages.Step(1, 2, 3, float("nan"), 0.0),
        messages.Epoch(1, 2, 0.5, 0.25, 1.0, 2.0, PARTS, (0.5, 1.5)),
        messages.Epoch(1, 2, np.float64(0.5), float(np.float32(0.25)), 1.0, 2.0),
        messages.Checkpoint(3, "path"),
        messages.Paused(1, 2),
        messages.Resumed(),
        live(bundle.card, bundle.sample),
        messages.Working(message("compiling"), 1, 2),
        messages.Advice(message("note")),
        messages.Trouble(message("note")),
        messages.Finished("path", {"mse": 0.5, "psnr": float("inf")}),
        messages.Cancelled(""),
        messages.Failed(Message("message"), "details"),
        messages.Examined(
            RECORD, (28, 28, 1), (2,), (("dense", (2,)), ("flat", (7, 7, 1))), ("a (2)",), "digits", 0.5, PIXELS, PIXELS
        ),
        messages.ImportFinished("path", "name", (28, 28, 1), (7, 7, 1), "keras", 0.0, ("a", "b")),
        messages.Served((np.ones((2, 3), np.float32), np.zeros((0, 3), np.float32))),
    ]


def sent(record: object) -> Any:
    receives = EVENTS if isinstance(record, EVENTS) else (*REQUESTS, *ORDERS)
    return unpack(b"".join(pack(record, LIMITS)), receives, LIMITS)


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, np.ndarray):
        return bool(ours.dtype == theirs.dtype and ours.shape == theirs.shape and ours.tobytes() == theirs.tobytes())
    if isinstance(theirs, tuple):
        return type(ours) is tuple and len(ours) == len(theirs) and all(map(same, ours, theirs))
    if dataclasses.is_dataclass(theirs):
        names = [field.name for field in dataclasses.fields(theirs)]
        return type(ours) is type(theirs) and all(same(getattr(ours, name), getattr(theirs, name)) for name in names)
    return type(ours) is type(theirs) and repr(ours) == repr(theirs)  # so NaN is itself, and 1 is not 1.0


def test_there_is_an_example_of_every_record() -> None:
    assert {type(example) for example in examples()} == {*REQUESTS, *ORDERS, *EVENTS}


@pytest.mark.parametrize("place", range(len(examples())))
def test_every_record_arrives_as_it_was_sent(place: int) -> None:
    record = examples()[place]
    if isinstance(record, messages.Epoch) and type(record.loss) is np.float64:
        assert sent(record) == record
        assert type(sent(record).loss) is float
    else:
        assert same(sent(record), record)


def test_the_card_and_codes_of_every_bundle_arrive() -> None:
    assert len(bundles()) >= 3
    for bundle in bundles():
        arrived = sent(live(bundle.card, bundle.sample))
        assert arrived.card == bundle.card
        assert same(arrived.sample, bundle.sample)


def test_the_longest_history_can_be_sent() -> None:
    card, sample = bundles()[0].card, bundles()[0].sample
    most = TrainingRequest.model_fields["epochs"].metadata[1].le
    record = EpochRecord(epoch=most, loss=1 / 3, val_loss=1 / 7, seconds=1.1, parts=PARTS)
    long = card.model_copy(update={"history": (record,) * most})
    pack(live(long, sample), LIMITS)
