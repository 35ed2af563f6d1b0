"""Training on images that are not held in memory: the same losses; what cannot be read is left out, with a word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from explorer_testing.programs import run_several
from explorer_testing.training import blobs
from PIL import Image

pytestmark = pytest.mark.engine

PROGRAM = """
import json, sys
from pathlib import Path
from explorer.engine import prepare
from explorer.engine.messages import Advice, Epoch, Finished, Started
from explorer.engine.train import train
from explorer.errors import TrainingError
from explorer_testing.training import small_request

folder, out = json.loads(sys.argv[1])
room = prepare.MEMORY_BYTES

def losses(name, **changes):
    request = small_request(Path(folder), Path(out, name), **changes)
    events = list(train(request))
    assert isinstance(events[-1], Finished)
    started = next(event for event in events if isinstance(event, Started))
    notes = [str(event.note) for event in events if isinstance(event, Advice)]
    epochs = [[event.loss, event.val_loss] for event in events if isinstance(event, Epoch)]
    return [started.train_count, started.val_count, epochs, notes, events[-1].metrics]

held = losses("held", noise="gaussian:0.1")
prepare.MEMORY_BYTES = 1_000
streamed = losses("streamed", noise="gaussian:0.1")
refusals = []
for changes in ({"architecture": "linear", "noise": "", "latent": 4}, {"augment": 500}):
    prepare.AUGMENTED_BYTES = 1_000
    try:
        losses("refused", **changes)
    except TrainingError as error:
        refusals.append(str(error))
prepare.MEMORY_BYTES = room  # for the next program
print(json.dumps([held, streamed, refusals]))
"""

LEFT_OUT = """
import json, sys
from pathlib import Path
from explorer.data.sources import open_source
from explorer.engine import prepare
from explorer.engine.messages import Advice, Finished, Started
from explorer.engine.train import train
from explorer_testing.training import small_request

folder, out = json.loads(sys.argv[1])
opened = open_source(folder)
names = [opened.file_name(int(opened.splits.train[3])), opened.file_name(int(opened.splits.test[5]))]
Path(folder, names[0]).unlink()
Path(folder, names[1]).write_bytes(b"no image")
prepare.opening = lambda spec: iter([opened])  # opened before that happened
results = []
for room in (prepare.MEMORY_BYTES, 1_000):
    prepare.MEMORY_BYTES = room
    events = list(train(small_request(Path(folder), Path(out, str(room)), epochs=1, limit=100)))
    started = next(event for event in events if isinstance(event, Started))
    notes = [str(event.note) for event in events if isinstance(event, Advice)]
    results.append([started.train_count, notes, isinstance(events[-1], Finished)])
print(json.dumps([names, results]))
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What both programs print, each with images of its own."""
    arguments = []
    for _ in range(2):
        place = tmp_path_factory.mktemp("images")
        for number, image in enumerate(blobs(125)):
            Image.fromarray(image[..., 0]).save(place / f"{number}.png")
        arguments.append([str(place), str(tmp_path_factory.mktemp("models"))])
    return run_several((PROGRAM, arguments[0]), (LEFT_OUT, arguments[1]))


def test_streamed_or_held_the_losses_are_the_same(results: Any) -> None:
    held, streamed, refusals = results[0]
    assert held[:2] == streamed[:2] == [100, 25]
    assert len(held[2]) == 3
    # The same images in the same order; the last bits of a training depend on how its products are shared out.
    np.testing.assert_allclose(streamed[2], held[2], rtol=1e-5)
    assert streamed[4] == pytest.approx(held[4], rel=1e-5)
    assert ["Cannot fit PCA to" in refusals[0], "Cannot augment" in refusals[1]] == [True, True]


def test_what_cannot_be_read_is_left_out_with_a_word(results: Any) -> None:
    names, trainings = results[1]
    for count, notes, finished in trainings:
        assert count == 99
        assert any(f"2 images cannot be read and will be skipped, for example {names[0]}" in note for note in notes)
        assert finished
