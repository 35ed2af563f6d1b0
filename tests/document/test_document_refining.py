"""A provisional source gives way to the whole one: no edit, and nothing of the work is lost."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source
from PIL import Image

from explorer.data import image_index
from explorer.data.sources import opening
from explorer.data.sources.files import FileSource
from explorer.document.document import Document
from explorer.document.view_store import FailedView
from explorer.document.views.image import IMAGE, ImageView
from explorer.messages import message

BAD = 7


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[FileSource, FileSource]:
    """The same folder listed only, and read; one file of it is unreadable."""
    monkeypatch.setattr(image_index, "BIG_FOLDER", 10)
    monkeypatch.setattr("explorer.data.sources.folder._SAMPLE", 1)
    for number in range(20):
        Image.new("L", (10, 12), number * 10).save(tmp_path / f"{number}.png")
    (tmp_path / f"{BAD}.png").write_bytes(b"no image")
    listed, whole = (item for item in opening(tmp_path) if isinstance(item, FileSource))
    assert (listed.count, whole.count) == (20, 19)
    return listed, whole


class Heard:
    """Which signals came."""

    def __init__(self, document: Document) -> None:
        self.names: list[str] = []
        for name in ("changed.source", "changed.image_index", "changed.code", "changed.keyframes", "history_changed"):
            attrgetter(name)(document).connect(lambda name=name: self.names.append(name))


def answer(document: Document) -> ImageView:
    """Put in what the encoder would answer for the chosen image."""
    image = np.zeros((12, 10, 1), np.float32)
    view = ImageView(image, image, np.full(2, 0.5, np.float32), 0.0, 0.0, 0.0)
    IMAGE.put(document, view)
    return view


@pytest.fixture
def document(both: tuple[FileSource, FileSource]) -> Document:
    document = Document()
    document.open(make_model(), both[0])
    document.forget_history()
    return document


@pytest.mark.parametrize(("before", "after"), [(3, 3), (12, 11)])
def test_image_cursor_and_keyframes_stay(
    document: Document, both: tuple[FileSource, FileSource], before: int, after: int
) -> None:
    document.choose_image(before)
    answer(document)
    document.timeline.add()
    document.set_dimension(1, 2.0)
    state, undo = document.state, document.undo_label
    heard = Heard(document)
    document.refine_source(both[1])
    assert document.source is both[1]
    assert document.state.image_index == after
    assert both[1].file_name(after) == f"{before}.png"
    assert document.code is state.code
    assert document.state.start_code is state.start_code
    assert document.state.keyframes is state.keyframes
    assert document.views[IMAGE] is not None
    assert document.undo_label == undo
    assert heard.names == ["changed.source", *(["changed.image_index"] if before != after else [])]


def test_undo_leads_to_the_whole_source_too(document: Document, both: tuple[FileSource, FileSource]) -> None:
    document.choose_image(12)
    document.set_noises([document.state.noises[0].__class__("gaussian", 0.4, seed=0)])
    document.undo()
    document.refine_source(both[1])
    document.undo()
    assert (document.source, document.state.image_index) == (both[1], 0)
    document.redo()
    document.redo()
    assert (document.source, document.state.image_index) == (both[1], 11)


def test_an_image_that_turns_out_to_be_unreadable_gives_way(
    document: Document, both: tuple[FileSource, FileSource]
) -> None:
    document.choose_image(BAD)
    IMAGE.put(document, FailedView(message("it cannot be read")))
    document.refine_source(both[1])
    assert both[1].file_name(document.state.image_index or 0) == f"{BAD + 1}.png"
    assert document.code is None
    answer(document)
    assert document.code is not None


def test_what_is_not_open_any_more_changes_nothing(document: Document, both: tuple[FileSource, FileSource]) -> None:
    other = make_source()
    document.open(source=other)
    document.forget_history()
    heard, state = Heard(document), document.state
    document.refine_source(both[1])
    assert document.state is state
    assert heard.names == []
