"""Whatever was opened or dropped is taken back whole, the timeline and its playhead too, and done again."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_source, write_bundle
from explorer_testing.codec import MatrixCodec
from explorer_testing.window import WindowDriver
from PIL import Image

from explorer.document.open_requests import OpenRequest
from explorer.document.state import State
from explorer.latent.animation import Segment

CODES = {"start_code", "code"}


def open_model(driver: WindowDriver, path: Path) -> None:
    before = driver.document.model
    driver.document.open_requested.emit(OpenRequest((path,), "model"))
    driver.until(lambda: driver.document.model is not before)


def drop_image(driver: WindowDriver, path: Path) -> None:
    Image.new("L", (10, 12), 99).save(path)
    driver.document.open_requested.emit(OpenRequest((path,)))
    driver.until(lambda: driver.document.state.imported_image is not None)


def differences(state: State, wanted: State) -> list[str]:
    """Return the parts that are not the very same; of codes the values count."""
    others = [part.name for part in fields(State) if getattr(state, part.name) is not getattr(wanted, part.name)]
    return [
        name for name in others if name not in CODES or not np.array_equal(getattr(state, name), getattr(wanted, name))
    ]


@pytest.mark.parametrize("lengths", [(2, 3), (3, 1), (100, 5)])
@pytest.mark.parametrize("patient", [True, False])
def test_opening_and_dropping_are_taken_back_with_the_timeline(
    driver: WindowDriver, tmp_path: Path, lengths: tuple[int, int], patient: bool
) -> None:
    """Also where nobody waits for the encoder between the steps."""
    document = driver.document
    for name, length in zip(("one", "two"), lengths, strict=True):
        write_bundle(tmp_path / name, MatrixCodec((12, 10, 1), length, seed=length))
    open_model(driver, tmp_path / "one")
    document.open(source=make_source())
    driver.settle()
    for image in (3, 5, 7):
        document.choose_image(image)
        driver.settle()
        document.timeline.add()
    document.timeline.set_segment(0, Segment(12, "linear", "linear"))
    document.timeline.set_playhead(17, "scrub")
    document.bookmarks.add()
    driver.settle()
    states, playheads = [document.state], [document.timeline.playhead]

    def step() -> None:
        if patient:
            driver.settle()
        states.append(document.state)
        playheads.append(document.timeline.playhead)

    open_model(driver, tmp_path / "two")
    step()
    assert states[-1].keyframes == ()
    drop_image(driver, tmp_path / "dropped.png")
    step()
    open_model(driver, tmp_path / "one")
    step()
    document.open(source=make_source(8, seed=4))
    step()
    labels = document.history

    def arrived(state: State, playhead: int) -> None:
        if patient:
            driver.settle()
            assert differences(document.state, state) == []
        else:
            assert set(differences(document.state, state)) <= CODES
        assert document.timeline.playhead == playhead
        assert document.history == labels, "taking back and doing again are no edits"

    for state, playhead in list(zip(states, playheads, strict=True))[-2::-1]:
        document.undo()
        arrived(state, playhead)
    assert len(document.state.keyframes) == 3
    assert document.timeline.playhead == 17
    for state, playhead in list(zip(states, playheads, strict=True))[1:]:
        document.redo()
        arrived(state, playhead)
    driver.settle()
    assert document.history == labels
    assert not driver.problems
