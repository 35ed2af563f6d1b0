"""Each model keeps its codes while another is open, within limits, and undo goes across openings."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source, write_bundle
from explorer_testing.training import small_request
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.document import kept_timelines
from explorer.document.document import Document
from explorer.document.kept_timelines import MOST_BYTES, MOST_CODES, MOST_MODELS
from explorer.document.state import Arithmetic, Bookmark, Keyframe, ModelId, NamedDirection, OpenModel, State, Term
from explorer.latent.animation import AnimationSettings, Segment
from explorer.latent.animation_presets import AnimationPreset
from explorer.latent.directions import Direction
from explorer.models.bundle import open_bundle
from explorer.models.runs import RunWriter
from explorer.workers.loading import open_model

NOW = datetime(2026, 3, 14)
RUN, OTHER_RUN = Path("/nowhere/runs/one"), Path("/nowhere/runs/other")


def saved(model: OpenModel, decoder: str) -> OpenModel:
    """Return a model as it is read from its bundle."""
    return replace(model, card=model.card.model_copy(update={"files": {"decoder.onnx": decoder}}))


def mark(document: Document, value: float) -> None:
    """Add a keyframe and a bookmark of a code by which they can be known again."""
    document.set_code(np.full(2, value, np.float32))
    document.timeline.add()
    document.bookmarks.add(f"bookmark {value:g}")


def marks_of(document: Document) -> tuple[list[float], list[str]]:
    state = document.state
    return [float(key.code[0]) for key in state.keyframes], [bookmark.name for bookmark in state.bookmarks]


def heard_by(document: Document) -> list[str]:
    heard: list[str] = []
    document.announced.connect(lambda said: heard.append(str(said)))
    return heard


@pytest.fixture
def document() -> Document:
    document = Document()
    document.open(make_model(name="first"), make_source())
    return document


def test_each_model_gets_its_own_timeline_back(document: Document) -> None:
    for value in (1.0, 2.0):
        mark(document, value)
    document.timeline.set_segment(0, Segment(12, "slerp", "ease"))
    document.timeline.set_animation_settings(AnimationSettings(7, 3, 25))
    animation = document.timeline.animation
    assert animation is not None
    document.timeline.even_out(animation, np.linspace(1, 2, animation.pass_frames - 1))
    assert document.timeline.evened
    before = document.state
    document.open(make_model(latent_dim=3, name="second"))
    assert marks_of(document) == ([], [])
    assert (document.state.animation, document.state.times) == (AnimationSettings(), None)
    document.set_code(np.zeros(3, np.float32))
    document.timeline.add()
    document.open(make_model(name="first"))
    for part in ("keyframes", "animation", "times", "bookmarks"):
        assert getattr(document.state, part) is getattr(before, part), part
    document.open(make_model(latent_dim=3, name="second"))
    assert [key.code.tolist() for key in document.state.keyframes] == [[0, 0, 0]]


def direction(dim: int, name: str) -> NamedDirection:
    return NamedDirection(name, Direction(np.arange(1, dim + 1, dtype=np.float32), "means", (1, 2), 1, 2, (0, 1), 0.5))


def directions_of(document: Document) -> list[str]:
    return [kept.name for kept in document.state.directions]


def test_directions_and_arithmetic_are_kept_too(document: Document) -> None:
    heard = heard_by(document)
    document.direction_search.keep([direction(2, "smile")])
    document.add_to_term(1, np.ones((2, 2), np.float32))
    document.set_arithmetic(replace(document.state.arithmetic, share=0.25))
    before = document.state
    document.open(make_model(latent_dim=3, name="second"))
    assert heard == ["first keeps its timeline, bookmarks and directions. Open it again to continue."]
    assert directions_of(document) == []
    assert document.state.arithmetic.settings == Arithmetic().settings
    assert all(term.codes == () for term in document.state.arithmetic.terms)
    document.direction_search.keep([direction(3, "hair")])
    document.open(make_model(name="first"))
    assert document.state.directions is before.directions
    assert document.state.arithmetic is before.arithmetic
    document.undo()
    assert directions_of(document) == ["hair"]
    document.undo()
    document.undo()
    assert document.state.directions is before.directions
    document.redo()
    document.redo()
    document.redo()
    assert document.state.arithmetic is before.arithmetic


def test_settings_of_the_arithmetic_without_codes_are_kept(document: Document) -> None:
    document.set_arithmetic(Arithmetic(mode="cross"))
    document.open(make_model(name="second"))
    assert document.state.arithmetic.settings == Arithmetic().settings
    document.open(make_model(name="first"))
    assert document.state.arithmetic.mode == "cross"


def test_undo_goes_across_openings_and_redo_back(document: Document) -> None:
    mark(document, 1)
    document.open(make_model(name="second"))
    mark(document, 2)
    document.open(make_model(name="first"))
    mark(document, 3)
    seen: list[tuple[str, list[float], list[str]]] = []
    while document.undo_label is not None:
        assert document.model is not None
        if not seen or seen[-1] != (document.model.name, *marks_of(document)):
            seen.append((document.model.name, *marks_of(document)))
        document.undo()
    assert seen == [
        ("first", [1, 3], ["bookmark 1", "bookmark 3"]),
        ("first", [1, 3], ["bookmark 1"]),
        ("first", [1], ["bookmark 1"]),
        ("second", [2], ["bookmark 2"]),
        ("second", [2], []),
        ("second", [], []),
        ("first", [1], ["bookmark 1"]),
        ("first", [1], []),
        ("first", [], []),
    ]
    document.go_to_step(len(document.history))
    assert marks_of(document) == ([1, 3], ["bookmark 1", "bookmark 3"])


@settings(max_examples=100)
@given(steps=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=20))
def test_whatever_is_opened_in_whatever_order_each_model_has_its_own(steps: list[tuple[int, int]]) -> None:
    models = [make_model(name=f"model {number}") for number in range(4)]
    document = Document()
    document.open(models[0], make_source())
    document.forget_history()
    first = document.state
    expected: dict[int, tuple[list[float], list[str]]] = {number: ([], []) for number in range(4)}
    for value, (number, count) in enumerate(steps):
        document.open(models[number])
        assert marks_of(document) == expected[number]
        for _ in range(count):
            mark(document, value)
            keys, names = expected[number]
            expected[number] = ([*keys, float(value)], [*names, f"bookmark {value}"])
        assert len({timeline.model for timeline in document.state.timelines}) == len(document.state.timelines)
    while document.undo_label is not None:
        document.undo()
    assert document.state is first


def test_a_model_that_is_opened_again_loses_nothing(document: Document) -> None:
    heard = heard_by(document)
    mark(document, 1)
    document.open(make_model(name="first"))
    assert marks_of(document) == ([1], ["bookmark 1"])
    assert document.state.timelines == ()
    assert heard == []


def test_the_status_bar_says_that_it_is_kept(document: Document) -> None:
    heard = heard_by(document)
    document.open(make_model(name="second"))
    assert heard == [], "there was nothing"
    mark(document, 1)
    document.open(make_model(name="first"))
    assert heard == ["second keeps its timeline, bookmarks and directions. Open it again to continue."]
    document.open(source=make_source(4))
    assert len(heard) == 1


def test_settings_made_before_any_model_is_open_stay() -> None:
    document = Document()
    document.timeline.set_animation_settings(AnimationSettings(7))
    document.open(make_model(), make_source())
    assert document.state.animation == AnimationSettings(7)
    document.open(make_model(name="second"))
    assert document.state.animation == AnimationSettings()
    document.open(make_model())
    assert document.state.animation == AnimationSettings(7)


def test_an_opened_animation_replaces_the_keyframes_and_not_the_bookmarks(document: Document) -> None:
    mark(document, 1)
    document.open(make_model(name="second"))
    preset = AnimationPreset(np.ones((3, 2), np.float32), AnimationSettings(5).animation(3))
    document.open(make_model(name="first"), animation=preset)
    assert marks_of(document) == ([1, 1, 1], ["bookmark 1"])
    document.undo()
    document.open(make_model(name="first"))
    assert marks_of(document) == ([1], ["bookmark 1"])


# -- which model is which ----------------------------------------------------------------------------------------------

PLAIN = make_model()
LEARNING = replace(PLAIN, run=RUN, epochs=1.5)


@pytest.mark.parametrize(
    ("left", "model", "same"),
    [
        (saved(PLAIN, "a"), saved(PLAIN, "a"), True),
        (saved(PLAIN, "a"), saved(replace(PLAIN, path=Path("/moved")), "a"), True),
        (saved(PLAIN, "a"), saved(PLAIN, "b"), False),
        (LEARNING, replace(LEARNING, epochs=3.0), True),
        (LEARNING, saved(replace(LEARNING, epochs=None), "a"), True),
        (LEARNING, saved(PLAIN, "a"), False),
        (PLAIN, saved(PLAIN, "a"), True),
        (PLAIN, saved(replace(LEARNING, epochs=None), "a"), False),
        (LEARNING, replace(LEARNING, run=OTHER_RUN), False),
        (LEARNING, replace(PLAIN, path=Path("/moved")), False),
        (saved(PLAIN, "a"), LEARNING, False),
        (saved(replace(LEARNING, epochs=None), "a"), LEARNING, True),
        (PLAIN, make_model(latent_dim=3), False),
    ],
)
def test_a_model_is_known_by_its_decoder_or_its_training(left: OpenModel, model: OpenModel, same: bool) -> None:
    assert ModelId.of(left).fits(model) == same
    document = Document()
    document.open(left, make_source())
    mark(document, 1)
    document.open(make_model(name="between"))
    document.open(model)
    assert marks_of(document) == (([1], ["bookmark 1"]) if same else ([], []))


@pytest.mark.parametrize("canceled", [False, True])
def test_a_timeline_made_in_training_is_that_of_its_own_model(
    document: Document, explorer_home: Path, canceled: bool
) -> None:
    """Also where a canceled training left its folder to another one."""
    out = explorer_home / "models" / "new"
    first, second = (RunWriter.create(small_request(explorer_home / "data.npz", out), NOW) for _ in range(2))
    write_bundle(out)
    metrics = open_bundle(out).card.metrics
    (second if canceled else first).log("finished", metrics=metrics)
    (first if canceled else second).log("cancelled")
    document.open(replace(LEARNING, path=out, run=first.path))
    mark(document, 1)
    document.refine_model(replace(LEARNING, path=out, run=first.path, epochs=2.5))
    document.open(make_model(name="between"))
    document.open(open_model(out))
    assert marks_of(document) == (([], []) if canceled else ([1], ["bookmark 1"]))


# -- limits ------------------------------------------------------------------------------------------------------------


def test_of_many_models_the_oldest_are_forgotten_and_undo_restores_them(document: Document) -> None:
    heard = heard_by(document)
    mark(document, 1)
    for number in range(MOST_MODELS):
        document.open(make_model(name=f"model {number}"))
        document.set_code(np.zeros(2, np.float32))
        document.timeline.add()
    assert len(document.state.timelines) == MOST_MODELS
    document.open(make_model(name="one more"))
    assert [timeline.model.name for timeline in document.state.timelines][:2] == ["model 0", "model 1"]
    assert (
        heard[-1] == "Removed the timeline, bookmarks and directions of first: there are too many. Undo restores them."
    )
    assert len(heard) == MOST_MODELS + 1
    document.undo()
    document.open(make_model(name="first"))
    assert marks_of(document) == ([1], ["bookmark 1"])


CODE = (np.zeros(2, np.float32),)


def state_with(keyframes: int, bookmarks: int, length: int = 2, thumbnail: int = 0) -> State:
    code = np.zeros(length, np.float32)
    image = np.zeros((thumbnail, 1, 1), np.uint8) if thumbnail else None
    return State(
        model=make_model(name="left"),
        keyframes=(Keyframe(code),) * keyframes,
        bookmarks=(Bookmark("b", code, image),) * bookmarks,
    )


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        (state_with(MOST_CODES - 1, 0), True),
        (state_with(MOST_CODES // 2, MOST_CODES // 2 - 1), True),
        (state_with(MOST_CODES - 1, 1), False),
        (replace(state_with(MOST_CODES - 1, 0), directions=(direction(2, "one more"),)), False),
        (replace(state_with(MOST_CODES - 1, 0), arithmetic=Arithmetic((Term(1, CODE), Term(-1), Term()))), False),
        (state_with(1, 0, MOST_BYTES // 4 - 2), True),
        (state_with(1, 0, MOST_BYTES // 4 - 1), False),
        (state_with(0, 1, 2, MOST_BYTES - 15), False),
        (replace(state_with(1, 0), times=(0.0,) * (MOST_BYTES // 8)), False),
    ],
    ids=["keyframes", "both", "too many", "directions", "terms", "large", "too large", "thumbnails", "times"],
)
def test_the_newest_is_kept_if_it_fits_and_an_older_one_if_it_fits_beside_it(state: State, kept: bool) -> None:
    document = Document()
    heard = heard_by(document)
    document.open(make_model(name="older"), make_source())
    document.set_code(np.zeros(2, np.float32))
    document.timeline.add()
    older = kept_timelines.with_timeline_of(document.state, make_model(name="left")).timelines
    document.put_state(replace(state, timelines=older))
    document.open(make_model(name="third"))
    names = [timeline.model.name for timeline in document.state.timelines]
    assert names == (["older", "left"] if kept else ["left"] if fits_alone(state) else ["older"])
    assert heard[-1].startswith("left keeps" if kept else "Removed the timeline")


def fits_alone(state: State) -> bool:
    assert state.model is not None
    return len(kept_timelines.with_timeline_of(state, make_model(name="third")).timelines) == 1
