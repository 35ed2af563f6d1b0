from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model, make_sample, make_source
from explorer_testing.codec import MatrixCodec

from explorer.data.corruption import Noise
from explorer.document.activity import JobView, TrainingView
from explorer.document.document import Document, Problem
from explorer.document.state import COMPONENTS_ABOVE, GRID_LIMIT, GridSettings, NamedDirection, State
from explorer.document.view_store import FailedView
from explorer.document.views import VIEWS
from explorer.document.views.cursor import CURSOR, CursorView
from explorer.document.views.decoded import DecodedView
from explorer.document.views.image import IMAGE, ImageView
from explorer.document.views.keyframes import KEYFRAMES
from explorer.document.views.noise import NOISE, Closeness, NoiseView
from explorer.document.views.thumbnails import THUMBNAILS
from explorer.document.views.tiles import TILES
from explorer.errors import UsageError
from explorer.latent.animation import AnimationSettings, animation_codes
from explorer.latent.components import to_components
from explorer.latent.directions import Direction
from explorer.messages import message
from explorer.types import Floats

BLANK: Floats = np.zeros((12, 10, 1), np.float32)
FULL: Floats = np.ones((12, 10, 1), np.float32)


def image_view(*code: float) -> ImageView:
    return ImageView(BLANK, FULL, as_floats(*code), 0.1, 10.0, 0.5)


def put_views(document: Document) -> None:
    IMAGE.put(document, image_view(1, 2))
    CURSOR.put(document, CursorView(BLANK, 1.0))
    NOISE.put(document, NoiseView(BLANK[None], BLANK[None], BLANK[None], *[Closeness(0.1, 10.0, 0.5)] * 4))
    TILES.put(document, FailedView(message("tiles")))
    KEYFRAMES.put(document, DecodedView(BLANK[None]))
    THUMBNAILS.put(document, FailedView(message("thumbnails")))


def shown(document: Document) -> set[str]:
    return {kind.name for kind in VIEWS if document.views[kind] is not None}


@pytest.fixture
def document() -> Document:
    """A document with a 2-D model, 30 images, and the first one's code at (0.5, −1)."""
    made = Document()
    made.open(make_model(), make_source())
    IMAGE.put(made, image_view(0.5, -1))
    made.forget_history()
    return made


class Heard:
    """The names of the signals that came, in order."""

    def __init__(self, document: Document) -> None:
        self.names: list[str] = []
        for part in document.changed:
            document.changed[part].connect(self._hearer(f"changed.{part}"))
        document.timeline.playhead_changed.connect(self._hearer("playhead_changed"))
        document.history_changed.connect(self._hearer("history_changed"))
        for kind in VIEWS:
            document.views.changed(kind).connect(self._hearer(f"view {kind.name}"))

    def _hearer(self, name: str) -> Callable[[], None]:
        return lambda: self.names.append(name)

    def take(self) -> list[str]:
        names, self.names = self.names, []
        return names


def code_of(document: Document) -> list[float]:
    assert document.code is not None
    return [float(value) for value in document.code]


def labels(document: Document) -> tuple[str | None, str | None]:
    undo, redo = document.undo_label, document.redo_label
    return _lower(undo), _lower(redo)


def moved(document: Document, before: float, after: float) -> str:
    """Return the label, in lower case, of a change of the first dimension."""
    assert document.model is not None
    stats = document.model.sample.statistics
    start, end = (sigma_text((value - float(stats.mean[0])) / float(stats.sigma[0])) for value in (before, after))
    return f"z₀: {start} → {end} σ"


def sigma_text(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _lower(label: object) -> str | None:
    return label if label is None else str(label).lower()


# -- opening -----------------------------------------------------------------------------------------------------------


def test_a_new_document_is_empty() -> None:
    document = Document()
    assert (document.model, document.source, document.state.image_index, document.code, document.state.start_code) == (
        None,
    ) * 5
    assert (document.undo_label, document.redo_label) == (None, None)
    assert document.timeline.frames == 0
    assert shown(document) == set()
    document.undo()
    document.redo()
    document.reset_code()
    document.reset_dimension(0)
    document.set_dimension(0, 1.0)
    document.shuffle_code(np.random.default_rng(0))
    document.set_component(0, 1.0)
    document.reset_component(0)
    document.timeline.add()
    document.timeline.clear()
    document.step_image(1)
    document.timeline.set_playhead(3, "scrub")
    assert document.undo_label is None


def test_opening_a_model_takes_the_old_models_views_cursor_and_keyframes_away(document: Document) -> None:
    document.timeline.add()
    put_views(document)
    heard = Heard(document)
    other = make_model(latent_dim=5, name="other")
    document.open(model=other)
    assert shown(document) == {"thumbnails"}
    assert (document.model, document.code, document.state.start_code, document.state.keyframes) == (
        other,
        None,
        None,
        (),
    )
    assert document.state.image_index == 0
    signals = heard.take()
    assert {"view image", "view cursor", "view noise", "view keyframes"} <= set(signals)
    assert {"changed.model", "changed.code", "changed.keyframes"} <= set(signals)
    assert not {"changed.source", "changed.image_index", "view thumbnails"} & set(signals)
    assert str(document.undo_label) == "Open other"


def test_opening_images_keeps_keyframes_and_map(document: Document) -> None:
    document.timeline.add()
    document.choose_image(7)
    put_views(document)
    document.open(source=make_source(5, name="five"))
    assert shown(document) == {"tiles", "keyframes"}
    assert (document.state.image_index, document.code, len(document.state.keyframes)) == (0, None, 1)


def test_each_part_has_a_signal_and_they_come_in_the_order_of_the_parts(document: Document) -> None:
    parts = [part.name for part in fields(State)]
    assert set(document.changed) == set(parts)
    assert parts.index("model") < parts.index("code"), "who hears of a code reads its model"
    heard = Heard(document)
    document.put_state(State(model=make_model(), source=make_source(), grid=GridSettings(steps=3)))
    reported = [name.removeprefix("changed.") for name in heard.take() if name.startswith("changed.")]
    assert reported == [part for part in parts if part in set(reported)]
    assert {"model", "source", "grid", "start_code", "code"} <= set(reported)


def test_both_at_once_is_one_step(document: Document) -> None:
    before = document.state
    document.open(make_model(name="b"), make_source(4))
    document.undo()
    assert document.state is before
    assert document.undo_label is None


def test_whoever_hears_of_a_part_reads_a_state_that_fits_together(document: Document) -> None:
    sizes: list[tuple[int | None, int | None]] = []

    def read() -> None:
        state = document.state
        model, code = state.model, state.code
        sizes.append((None if model is None else model.latent_dim, None if code is None else len(code)))

    for part in document.changed:
        document.changed[part].connect(read)
    document.open(model=make_model(latent_dim=5))
    IMAGE.put(document, image_view(1, 2, 3, 4, 5))
    document.undo()
    document.redo()
    assert sizes
    assert set(sizes) <= {(5, None), (5, 5), (2, 2)}


def test_the_map_of_a_new_model_reaches_its_codes(document: Document) -> None:
    model = make_model(latent_dim=3)
    document.open(model=model)
    codes = model.sample.codes[:, :2]
    inside = (np.abs(codes) <= document.state.grid.high).all(axis=1)
    assert inside.mean() > 0.9
    assert document.state.grid.low == -document.state.grid.high <= -2


# -- the cursor --------------------------------------------------------------------------------------------------------


def test_the_images_own_code_becomes_the_cursor_and_no_step(document: Document) -> None:
    assert code_of(document) == [0.5, -1.0]
    assert document.state.start_code is document.code
    assert document.undo_label is None
    view = document.views[CURSOR]
    assert isinstance(view, CursorView)
    assert view.image is FULL


def test_a_second_answer_for_the_same_image_does_not_move_the_cursor(document: Document) -> None:
    document.set_dimension(0, 3.0)
    IMAGE.put(document, image_view(9, 9))
    assert code_of(document) == [3.0, -1.0]
    document.reset_code()
    assert code_of(document) == [0.5, -1.0]


def test_a_cursor_that_was_put_meanwhile_stays(document: Document) -> None:
    document.choose_image(3)
    assert document.code is None
    document.set_code(as_floats(4, 5))
    CURSOR.put(document, CursorView(BLANK, 1.0))
    IMAGE.put(document, image_view(9, 8))
    assert code_of(document) == [4.0, 5.0]
    assert document.state.start_code is not None
    assert document.state.start_code.tolist() == [9.0, 8.0]
    view = document.views[CURSOR]
    assert isinstance(view, CursorView)
    assert view.image is BLANK, "the image's reconstruction is shown as the cursor's"


def test_a_failed_image_leaves_no_cursor(document: Document) -> None:
    document.choose_image(1)
    IMAGE.put(document, FailedView(message("no")))
    assert document.code is None
    assert isinstance(document.views[IMAGE], FailedView)


def test_undo_to_the_moment_before_the_answer_still_has_a_cursor(document: Document) -> None:
    """Noise was changed while the encoder worked; taking that back must not lose the image's code."""
    document.choose_image(1)
    document.set_noises([Noise("gaussian", 0.7)])
    IMAGE.put(document, image_view(6, 7))
    document.undo()
    assert document.state.image_index == 1
    assert code_of(document) == [6.0, 7.0]
    document.redo()
    assert code_of(document) == [6.0, 7.0]


def test_setting_the_same_code_again_is_no_edit_and_no_echo(document: Document) -> None:
    heard = Heard(document)
    document.set_code(as_floats(0.5, -1))
    document.set_dimension(1, -1.0)
    document.reset_code()
    document.set_noises(document.state.noises)
    document.set_grid(document.state.grid)
    document.timeline.set_animation_settings(document.state.animation)
    document.choose_image(0)
    assert heard.take() == []
    assert document.undo_label is None


def test_a_panel_that_sets_what_it_hears_does_not_echo(document: Document) -> None:
    times = 0

    def echo() -> None:
        nonlocal times
        times += 1
        assert document.code is not None
        document.set_code(document.code.astype(np.float64))

    document.changed.code.connect(echo)
    document.set_dimension(0, 2.0)
    assert times == 1
    document.undo()
    assert times == 2


@pytest.mark.parametrize("code", [[1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]], [1.0, np.nan], [np.inf, 0.0], 1.0])
def test_a_code_that_does_not_fit_is_refused(document: Document, code: Any) -> None:
    with pytest.raises(UsageError, match="2 finite values"):
        document.set_code(np.array(code))
    assert code_of(document) == [0.5, -1.0]
    with pytest.raises(UsageError, match="0 finite values"):
        Document().set_code(as_floats(1, 2))


def test_the_code_is_a_copy_that_nobody_can_write_into(document: Document) -> None:
    mine = as_floats(1, 2)
    document.set_code(mine)
    mine[0] = 9
    assert code_of(document) == [1.0, 2.0]
    assert document.code is not None
    with pytest.raises(ValueError, match="read-only"):
        document.code[0] = 9
    document.choose_image(1)
    answer = image_view(1, 1)
    IMAGE.put(document, answer)
    answer.code[0] = 9
    assert code_of(document) == [1.0, 1.0]


def test_one_dimension_goes_back_to_the_images_own_value(document: Document) -> None:
    document.set_code(as_floats(3, 4))
    document.reset_dimension(1)
    assert code_of(document) == [3.0, -1.0]


def test_an_axis_moves_alone_and_goes_back_to_where_the_image_is() -> None:
    document = Document()
    model = make_model(latent_dim=9)
    document.open(model, make_source())
    start = np.random.default_rng(3).standard_normal(9).astype(np.float32)
    IMAGE.put(document, image_view(*start))
    statistics = model.sample.statistics
    at = to_components(start, statistics)
    document.forget_history()
    for value in (1.0, 1.5, 2.0):
        document.set_component(4, value, "drag-1")
    document.set_component(2, -1.0)
    assert document.code is not None
    at[[4, 2]] = 2.0, -1.0
    np.testing.assert_allclose(to_components(document.code, statistics), at, atol=1e-4)
    document.reset_component(4)
    document.reset_component(2)
    np.testing.assert_allclose(document.code, start, atol=1e-5)
    first, second = (sigma_text(float(to_components(start, statistics)[axis])) for axis in (4, 2))
    for label in (
        f"PC 3: −1.00 → {second} σ",
        f"PC 5: +2.00 → {first} σ",
        f"PC 3: {second} → −1.00 σ",
        f"PC 5: {first} → +2.00 σ",
    ):
        assert str(document.undo_label) == label
        document.undo()
    np.testing.assert_array_equal(document.code, start)
    assert document.undo_label is None


def test_a_code_that_cannot_be_correlated_is_shuffled_to_the_mean() -> None:
    document = Document()
    codec = MatrixCodec(latent_dim=3)
    alone = make_model(codec)
    document.open(replace(alone, sample=make_sample(codec, count=1)))
    document.shuffle_code(np.random.default_rng(0))
    assert document.code is not None
    np.testing.assert_allclose(document.code, alone.sample.codes[0], atol=1e-5)


def test_shuffling_draws_from_the_codes_of_the_data() -> None:
    document = Document()
    model = make_model(latent_dim=20)
    document.open(model)
    draws = []
    rng = np.random.default_rng(1)
    for _ in range(300):
        document.shuffle_code(rng)
        assert document.code is not None
        draws.append(document.code)
    statistics = model.sample.statistics
    np.testing.assert_allclose(np.std(draws, axis=0), statistics.sigma, rtol=0.2)
    np.testing.assert_allclose(np.mean(draws, axis=0), statistics.mean, atol=0.25 * statistics.sigma.max())
    assert str(document.undo_label) == "Random code"


# -- images ------------------------------------------------------------------------------------------------------------


def test_choices_one_after_another_are_one_step(document: Document) -> None:
    before = document.state
    for index in (3, 4, 5):
        document.choose_image(index)
        IMAGE.put(document, image_view(index, index))
    document.set_dimension(0, 9.0)
    document.undo()
    assert (document.state.image_index, code_of(document)) == (5, [5.0, 5.0])
    document.undo()
    assert document.state is before
    document.redo()
    assert (document.state.image_index, code_of(document)) == (5, [5.0, 5.0])


def test_choosing_takes_the_old_images_views_away(document: Document) -> None:
    put_views(document)
    document.choose_image(2)
    assert shown(document) == {"tiles", "keyframes", "thumbnails"}
    assert (document.code, document.state.start_code) == (None, None)


@pytest.mark.parametrize("index", [-1, 30])
def test_an_image_that_is_not_there_is_refused(document: Document, index: int) -> None:
    with pytest.raises(UsageError, match=rf"No image {index}\. Choose one from 0 to 29\."):
        document.choose_image(index)
    assert document.state.image_index == 0


def test_stepping_stops_at_the_ends(document: Document) -> None:
    document.step_image(-5)
    assert document.state.image_index == 0
    document.step_image(3)
    assert document.state.image_index == 3
    document.step_image(1_000)
    assert document.state.image_index == 29


# -- undo --------------------------------------------------------------------------------------------------------------


def test_a_drag_is_one_step_and_two_drags_are_two(document: Document) -> None:
    for value in (1.0, 2.0, 3.0):
        document.set_dimension(0, value, "drag-1")
    for value in (4.0, 5.0):
        document.set_dimension(0, value, "drag-2")
    first, second = moved(document, 0.5, 3.0), moved(document, 3.0, 5.0)
    assert labels(document) == (second, None)
    document.undo()
    assert code_of(document) == [3.0, -1.0]
    assert labels(document) == (first, second)
    document.undo()
    assert code_of(document) == [0.5, -1.0]
    assert labels(document) == (None, first)
    document.redo()
    document.redo()
    assert code_of(document) == [5.0, -1.0]
    assert labels(document) == (second, None)


def test_something_between_ends_a_gesture(document: Document) -> None:
    document.set_dimension(0, 1.0, "drag")
    document.set_noises([Noise("gaussian", 0.9)])
    document.set_dimension(0, 2.0, "drag")
    document.undo()
    assert code_of(document) == [1.0, -1.0]
    document.undo()
    assert document.state.noises[0].strength == 0.2


def test_undo_ends_a_gesture(document: Document) -> None:
    """An earlier step must be there, else there would be nothing for the gesture to go on with."""
    document.set_dimension(1, 7.0)
    document.set_dimension(0, 1.0, "drag")
    document.undo()
    document.set_dimension(0, 2.0, "drag")
    document.undo()
    assert code_of(document) == [0.5, 7.0]


def test_an_edit_forgets_what_could_be_redone(document: Document) -> None:
    document.set_dimension(0, 1.0)
    document.undo()
    assert labels(document) == (None, moved(document, 0.5, 1.0))
    document.set_dimension(0, 2.0)
    assert labels(document) == (moved(document, 0.5, 2.0), None)
    document.redo()
    assert code_of(document) == [2.0, -1.0]


def test_undo_says_what_changed_and_nothing_else(document: Document) -> None:
    document.set_noises([Noise("gaussian", 0.9)])
    heard = Heard(document)
    document.undo()
    assert heard.take() == ["changed.noises", "history_changed"]


# -- keyframes, morph, map ---------------------------------------------------------------------------------------------


def add_keyframes(document: Document, *codes: tuple[float, float]) -> None:
    for code in codes:
        document.set_code(as_floats(*code))
        document.timeline.add()


def keys(document: Document) -> list[list[float]]:
    return [keyframe.code.tolist() for keyframe in document.state.keyframes]


def test_keyframes_are_added_moved_taken_and_removed(document: Document) -> None:
    add_keyframes(document, (0, 0), (1, 1), (2, 2))
    document.timeline.move(0, 2)
    assert keys(document) == [[1, 1], [2, 2], [0, 0]]
    document.timeline.move(2, 0)
    assert keys(document) == [[0, 0], [1, 1], [2, 2]]
    document.timeline.take(1)
    assert code_of(document) == [1.0, 1.0]
    document.timeline.remove(0)
    assert keys(document) == [[1, 1], [2, 2]]
    document.timeline.clear()
    assert keys(document) == []
    assert str(document.undo_label) == "Clear timeline"
    document.undo()
    assert keys(document) == [[1, 1], [2, 2]]


def test_keyframes_that_change_take_their_images_away(document: Document) -> None:
    KEYFRAMES.put(document, DecodedView(BLANK[None]))
    document.timeline.add()
    assert document.views[KEYFRAMES] is None


def test_the_references_animation_has_216_frames(document: Document) -> None:
    add_keyframes(document, (0, 0))
    assert document.timeline.frames == 0
    add_keyframes(document, (1, 2))
    assert document.timeline.frames == 216
    document.timeline.set_animation_settings(AnimationSettings(steps=3, hold=0, loop="none"))
    assert document.timeline.frames == 3


def test_the_playhead_moves_the_cursor_along_the_animation(document: Document) -> None:
    add_keyframes(document, (0, 0), (1, 2), (3, -1))
    document.timeline.set_animation_settings(AnimationSettings(steps=4, hold=1, loop="none"))
    expected = animation_codes(
        np.stack([keyframe.code for keyframe in document.state.keyframes]), document.state.animation
    )
    heard = Heard(document)
    document.forget_history()
    for frame in range(document.timeline.frames):
        document.timeline.set_playhead(frame, "scrub")
        assert document.timeline.playhead == frame
        np.testing.assert_array_equal(code_of(document), expected[frame])
    assert heard.take().count("playhead_changed") == document.timeline.frames - 1
    document.undo()
    assert document.undo_label is None, "a scrub is more than one step"
    document.timeline.set_playhead(10_000, "scrub")
    assert document.timeline.playhead == document.timeline.frames - 1
    document.timeline.set_playhead(-3, "scrub")
    assert document.timeline.playhead == 0


def test_the_playhead_stays_within_an_animation_that_shrinks(document: Document) -> None:
    add_keyframes(document, (0, 0), (1, 2), (3, -1))
    document.timeline.set_playhead(document.timeline.frames - 1, "scrub")
    document.timeline.remove(2)
    assert document.timeline.playhead == document.timeline.frames - 1
    document.timeline.clear()
    assert document.timeline.playhead == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"low": 1, "high": 1},
        {"high": float("nan")},
        {"steps": 1},
        {"steps": GRID_LIMIT + 1},
        {"quantiles": True},
        {"low": 0.1, "high": 0.9, "quantiles": True, "components": True},
    ],
)
def test_a_map_without_extent_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        GridSettings(**settings)


def test_another_map_takes_the_old_one_away(document: Document) -> None:
    TILES.put(document, FailedView(message("old")))
    document.set_grid(GridSettings(low=-1, high=1))
    assert document.views[TILES] is None


# -- what the workers put in -------------------------------------------------------------------------------------------


def test_jobs_training_and_problems_are_reported(document: Document) -> None:
    problems: list[Problem] = []
    changes: list[str] = []
    document.problem_reported.connect(problems.append)
    document.jobs_changed.connect(lambda: changes.append("jobs"))
    document.training_changed.connect(lambda: changes.append("training"))
    document.put_jobs((JobView(1, message("Opening")),))
    document.put_training(TrainingView(phase="running"))
    document.report(message("It broke"), "in line 3")
    assert changes == ["jobs", "training"]
    assert document.jobs[0].title == message("Opening")
    assert document.training.active
    assert problems == [Problem(message("It broke"), "in line 3")]
    assert document.undo_label is None


def test_a_long_code_is_mapped_along_its_axes() -> None:
    document = Document()
    shown = []
    for length in (COMPONENTS_ABOVE, COMPONENTS_ABOVE + 1):
        document.open(make_model(latent_dim=length))
        shown.append(document.state.grid.components)
    assert shown == [False, True]
    assert (document.state.grid.low, document.state.grid.high) == (-3, 3)
    low, high = document.home_range((2, 3))
    assert low < 0 < high


def test_parted_directions_forget_what_was_measured_and_empty_ones_go() -> None:
    document = Document()
    announced: list[object] = []
    document.announced.connect(announced.append)
    document.open(make_model(), make_source())
    found = Direction(np.array([1, 0], np.float32), "means", (5, 6), 0.9, 2.0, (0.0, 0.1), 0.005)
    others = {"b": [1, 1], "c": [-1, 3]}
    document.direction_search.keep(
        [
            NamedDirection("a", found),
            *(NamedDirection(name, replace(found, vector=np.array(v, np.float32))) for name, v in others.items()),
        ]
    )
    document.direction_search.part()
    assert [one.name for one in document.state.directions] == ["a", "b"]
    assert document.state.directions[0].direction.measured
    assert not document.state.directions[1].direction.measured
    np.testing.assert_allclose(document.state.directions[1].direction.vector, [0, 1], atol=1e-6)
    assert list(map(str, announced)) == ["Deleted as linear combinations of the other directions: c"]
    document.undo()
    assert len(document.state.directions) == 3
