"""The renderer never shows outdated answers, whatever is in flight."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model, make_source
from explorer_testing.codec import Gate, MatrixCodec, WrappedCodec, plain
from explorer_testing.toy_view import TOY, ToyView
from pytestqt.qtbot import QtBot

from explorer.data.corruption import Noise
from explorer.data.preprocessing import to_floats, to_pixels
from explorer.document.document import Document, Problem
from explorer.document.map_tiles import MapWindow
from explorer.document.state import GridSettings
from explorer.document.view_store import FailedView
from explorer.document.views import VIEWS
from explorer.document.views.cursor import CURSOR, CursorView
from explorer.document.views.decoded import DecodedView
from explorer.document.views.image import IMAGE, HalfView, ImageView
from explorer.document.views.keyframes import KEYFRAMES
from explorer.document.views.kind import Priority, ViewKind
from explorer.document.views.noise import NOISE, NoiseView
from explorer.document.views.thumbnails import THUMBNAILS, ThumbnailsView
from explorer.document.views.tiles import TILES, TilesView
from explorer.errors import UsageError
from explorer.messages import message
from explorer.models.import_record import Imported
from explorer.types import Codec, Floats
from explorer.workers.render_scheduler import RenderScheduler
from explorer.workers.render_thread import RenderThread

V = TypeVar("V")


@contextmanager
def rendering(views: Sequence[ViewKind[Any]] = VIEWS) -> Iterator[Document]:
    """Give a document with a render thread."""
    made = Document()
    look(made)
    made.views.watch(NOISE, True)
    render_thread = RenderThread()
    render_scheduler = RenderScheduler(made, render_thread, views=views)
    yield made
    render_scheduler.stop()
    render_thread.close()
    render_scheduler.deleteLater()
    gc.collect()


@pytest.fixture
def document(qapp: object) -> Iterator[Document]:
    with rendering() as made:
        yield made


def look(document: Document) -> None:
    """Show the whole range of the map."""
    grid = document.state.grid
    document.map.look(MapWindow(document.tile_grid, 0, grid.low, grid.high, grid.low, grid.high))


def view_of(kind: type[V], view: object) -> V:
    assert isinstance(view, kind), view
    return view


def rendered(document: Document) -> bool:
    views, cursor = document.views, document.views[CURSOR]
    flat = document.model is not None and document.model.latent_dim < 2
    return (
        isinstance(views[IMAGE], ImageView)
        and isinstance(cursor, CursorView)
        and cursor.decode_ms > 0
        and isinstance(views[NOISE], NoiseView)
        and (flat or document.map.ready)
        and (not document.state.keyframes or isinstance(views[KEYFRAMES], DecodedView))
    )


def check_fits(document: Document) -> None:
    """Check that every view belongs to the model, the dataset and the image of the state."""
    state, views = document.state, document.views
    assert state.model is not None
    assert state.source is not None
    assert state.image_index is not None
    codec, shape = plain(state.model.codec), state.model.codec.image_shape
    original = to_floats(state.source.read([state.image_index], state.model.card.preprocessing))
    if state.start_code is not None:
        np.testing.assert_allclose(state.start_code, codec.encode(original)[0], atol=1e-5)
    if isinstance(image := views[IMAGE], ImageView):
        np.testing.assert_array_equal(image.original, original[0])
        np.testing.assert_allclose(image.code, codec.encode(original)[0], atol=1e-5)
    if isinstance(cursor := views[CURSOR], CursorView):
        assert cursor.image.shape == shape
    if isinstance(noise := views[NOISE], NoiseView):
        np.testing.assert_array_equal(noise.clean[0], original[0])
    if isinstance(tiles := views[TILES], TilesView) and state.model.latent_dim == 2:
        codes = tiles.plane.codes(tiles.tile_grid.middles(tiles.level, tiles.tiles))
        np.testing.assert_array_equal(tiles.pixels, to_pixels(codec.decode(codes)))
    if isinstance(keyframes := views[KEYFRAMES], DecodedView):
        codes = np.stack([keyframe.code for keyframe in state.keyframes])
        np.testing.assert_allclose(keyframes.images, codec.decode(codes), atol=1e-5)
    if isinstance(thumbnails := views[THUMBNAILS], ThumbnailsView):
        assert thumbnails.source is state.source


def watch(document: Document) -> list[ViewKind[Any]]:
    """Check every view when it arrives; return those that changed."""
    seen: list[ViewKind[Any]] = []
    for kind in VIEWS:

        def check(kind: ViewKind[Any] = kind) -> None:
            seen.append(kind)
            check_fits(document)

        document.views.changed(kind).connect(check)
    return seen


def gated(codec: Codec) -> tuple[WrappedCodec, Gate]:
    gate = Gate()
    return WrappedCodec(codec, gate.pass_through), gate


def test_opening_renders_everything(document: Document, qtbot: QtBot) -> None:
    watch(document)
    document.open(make_model(), make_source())
    qtbot.waitUntil(lambda: rendered(document))
    assert document.code is not None
    np.testing.assert_array_equal(document.code, view_of(ImageView, document.views[IMAGE]).code)
    image = view_of(CursorView, document.views[CURSOR]).image
    np.testing.assert_allclose(image, view_of(ImageView, document.views[IMAGE]).reconstruction, atol=1e-6)


def test_every_edit_is_rendered(document: Document, qtbot: QtBot) -> None:
    model = make_model()
    document.open(model, make_source())
    qtbot.waitUntil(lambda: rendered(document))
    watch(document)
    document.set_code(as_floats(2, -1))
    expected = model.codec.decode(as_floats(2, -1)[None])[0]
    qtbot.waitUntil(lambda: np.array_equal(view_of(CursorView, document.views[CURSOR]).image, expected))
    before = document.views[NOISE]
    document.set_noises([Noise("gaussian", 0.0)])
    qtbot.waitUntil(lambda: document.views[NOISE] is not before)
    assert view_of(NoiseView, document.views[NOISE]).of_noisy.psnr == np.inf
    document.set_grid(replace(document.state.grid, low=-1.0, high=4.0, steps=3))
    look(document)
    qtbot.waitUntil(lambda: rendered(document))
    assert {tile.x for tile in document.map.visible() if tile.step == 2.5} == {-1.0, 1.5, 4.0}
    document.timeline.add()
    qtbot.waitUntil(lambda: rendered(document))
    document.thumbnails_requested.emit(np.array([3, 4], np.int64))
    qtbot.waitUntil(lambda: document.views[THUMBNAILS] is not None)
    assert view_of(ThumbnailsView, document.views[THUMBNAILS]).indices.tolist() == [3, 4]


@pytest.mark.parametrize("latent_dim", [1, 2, 3])
def test_switching_the_model_in_full_flight_shows_nothing_of_the_old_one(
    document: Document, qtbot: QtBot, latent_dim: int
) -> None:
    slow, gate = gated(MatrixCodec((12, 10, 1), latent_dim))
    seen = watch(document)
    document.open(make_model(slow, name="slow"), make_source())
    document.set_code(np.ones(latent_dim, np.float32))
    document.timeline.add()
    gate.wait_until_entered()
    fast = make_model(image_shape=(9, 14, 1), name="fast", seed=3)
    document.open(fast, make_source(7, (20, 20, 1), name="other", seed=5))
    seen.clear()
    gate.open()
    qtbot.waitUntil(lambda: rendered(document))
    assert {IMAGE, CURSOR, NOISE, TILES} <= set(seen)
    assert document.state.keyframes == ()
    check_fits(document)


def test_undoing_an_opening_in_full_flight_shows_the_first_model_again(document: Document, qtbot: QtBot) -> None:
    first = make_model(name="first")
    document.open(first, make_source())
    qtbot.waitUntil(lambda: rendered(document))
    watch(document)
    slow, gate = gated(MatrixCodec((9, 9, 1), 3))
    document.open(make_model(slow, name="slow"))
    gate.wait_until_entered()
    document.undo()
    assert document.model is first
    gate.open()
    qtbot.waitUntil(lambda: rendered(document))
    check_fits(document)


def test_the_image_chosen_last_is_the_one_that_is_shown(document: Document, qtbot: QtBot) -> None:
    slow, gate = gated(MatrixCodec())
    watch(document)
    document.open(make_model(slow), make_source())
    gate.wait_until_entered()
    for index in (5, 9, 2):
        document.choose_image(index)
    gate.open()
    qtbot.waitUntil(lambda: rendered(document))
    assert document.state.image_index == 2
    check_fits(document)


def test_a_drag_decodes_where_it_ends(document: Document, qtbot: QtBot) -> None:
    decoded: list[list[float]] = []
    slow = Gate()

    def hold(call: str, values: Floats) -> None:
        if call == "decode" and len(values) == 1 and values[0, 1] == 0:
            decoded.append(values[0].tolist())
            slow.pass_through()

    document.open(make_model(WrappedCodec(MatrixCodec(), hold)), make_source())
    qtbot.waitUntil(lambda: rendered(document))
    document.set_code(as_floats(0, 0), gesture="drag")
    slow.wait_until_entered()
    for step in range(1, 100):
        document.set_code(as_floats(step, 0), gesture="drag")
    slow.open()
    expected = MatrixCodec().decode(as_floats(99, 0)[None])[0]

    def caught_up() -> bool:
        view = document.views[CURSOR]
        return isinstance(view, CursorView) and np.array_equal(view.image, expected)

    qtbot.waitUntil(caught_up)
    assert decoded == [[0.0, 0.0], [99.0, 0.0]]


@pytest.mark.parametrize(("latent_dim", "again"), [(2, False), (3, True)])
def test_the_map_is_decoded_again_only_where_the_cursor_moves_its_plane(
    document: Document, qtbot: QtBot, latent_dim: int, again: bool
) -> None:
    document.open(make_model(latent_dim=latent_dim), make_source())
    qtbot.waitUntil(lambda: rendered(document))
    seen = watch(document)
    document.set_dimension(latent_dim - 1, 3.0)
    document.timeline.add()
    # Keyframes go before the map, so a requested map is being decoded when they arrive.
    qtbot.waitUntil(lambda: document.views[KEYFRAMES] is not None)
    if again:
        qtbot.waitUntil(lambda: TILES in seen and rendered(document))
        view = view_of(TilesView, document.views[TILES])
        x, y = view.tile_grid.middles(view.level, view.tiles)[0]
        assert document.model is not None
        code = as_floats(float(x), float(y), 3.0)
        np.testing.assert_array_equal(view.pixels[0], to_pixels(document.model.codec.decode(code[None])[0]))
    else:
        NOISE.put(document, FailedView(message("old")))
        document.thumbnails_requested.emit(np.array([0], np.int64))
        qtbot.waitUntil(lambda: document.views[THUMBNAILS] is not None)
        assert TILES not in seen


def test_another_image_shows_no_map_of_a_code_that_nobody_chose(document: Document, qtbot: QtBot) -> None:
    """Until the image is encoded there is no code, and no plane of more than two dimensions through it."""
    document.open(make_model(latent_dim=3), make_source())
    qtbot.waitUntil(lambda: rendered(document))
    origins = set[float]()

    def collect() -> None:
        view = document.views[TILES]
        if isinstance(view, TilesView):
            origins.add(float(view.plane.origin[2]))

    document.views.changed(TILES).connect(collect)
    document.choose_image(3)
    assert document.state.code is None
    qtbot.waitUntil(lambda: document.code is not None and rendered(document))
    code = document.code
    assert code is not None
    assert origins == {float(code[2])} != {0.0}


@pytest.mark.allow_log("The view \\w+ failed")
def test_a_model_that_fails_says_so_and_the_next_image_is_shown(document: Document, qtbot: QtBot) -> None:
    broken = {"now": True}
    problems: list[Problem] = []
    document.problem_reported.connect(problems.append)

    def fail(call: str, values: Floats) -> None:
        if broken["now"]:
            raise RuntimeError("out of luck")

    document.open(make_model(WrappedCodec(MatrixCodec(), fail)), make_source())
    qtbot.waitUntil(lambda: document.views[IMAGE] is not None)
    assert str(view_of(FailedView, document.views[IMAGE]).message) == "RuntimeError: out of luck"
    qtbot.waitUntil(lambda: isinstance(document.views[TILES], FailedView))
    assert {str(problem.message) for problem in problems} == {"RuntimeError: out of luck"}
    assert all("in fail\n" in problem.details for problem in problems)
    assert document.state.start_code is None
    broken["now"] = False
    document.choose_image(3)
    qtbot.waitUntil(lambda: isinstance(document.views[CURSOR], CursorView))
    assert document.code is not None
    document.set_grid(GridSettings(steps=4))
    look(document)
    qtbot.waitUntil(lambda: rendered(document))


def test_nothing_is_asked_of_half_a_document(document: Document, qtbot: QtBot) -> None:
    document.set_noises([Noise("gaussian", 0.7)])
    document.thumbnails_requested.emit(np.array([0], np.int64))
    document.open(source=make_source())
    document.choose_image(4)
    document.thumbnails_requested.emit(np.array([1], np.int64))
    # Thumbnails come after image, current code and noise: requested ones would have arrived.
    qtbot.waitUntil(lambda: document.views[THUMBNAILS] is not None)
    assert view_of(ThumbnailsView, document.views[THUMBNAILS]).indices.tolist() == [1]
    assert (document.views[IMAGE], document.views[CURSOR], document.views[NOISE], document.views[TILES]) == (None,) * 4


def test_a_map_that_nobody_sees_is_decoded_once_it_is_seen(document: Document, qtbot: QtBot) -> None:
    document.map.look(None)
    document.open(make_model(), make_source())
    document.timeline.add()
    document.thumbnails_requested.emit(np.array([0], np.int64))
    # Thumbnails come right before the map, and nothing else is waiting.
    qtbot.waitUntil(lambda: document.views[THUMBNAILS] is not None and document.views[NOISE] is not None)
    document.set_grid(GridSettings(steps=4))
    document.thumbnails_requested.emit(np.array([1], np.int64))
    qtbot.waitUntil(lambda: view_of(ThumbnailsView, document.views[THUMBNAILS]).indices.tolist() == [1])
    assert document.views[TILES] is None
    look(document)
    qtbot.waitUntil(lambda: rendered(document))
    assert len(list(document.map.visible())) == 16


def test_a_hand_that_never_rests_sees_the_map_follow(document: Document, qtbot: QtBot) -> None:
    """If every request withdrew the previous one, a dragged plane would never update."""
    document.open(make_model(latent_dim=3), make_source())
    qtbot.waitUntil(lambda: rendered(document))
    shown: list[float] = []

    def drag_on() -> None:
        view = view_of(TilesView, document.views[TILES])
        shown.append(float(view.plane.origin[2]))
        if len(shown) < 20:
            document.set_dimension(2, len(shown) / 10, "drag")

    document.views.changed(TILES).connect(drag_on)
    document.set_dimension(2, 0.05, "drag")
    qtbot.waitUntil(lambda: len(shown) >= 20 and rendered(document))
    assert len(set(shown)) > 5


@pytest.mark.allow_log("The view toy failed")
def test_a_view_is_one_file_and_one_line(qapp: object, qtbot: QtBot) -> None:
    with rendering((*VIEWS, TOY)) as document:
        problems: list[Problem] = []
        document.problem_reported.connect(problems.append)
        document.open(make_model(), make_source())
        qtbot.waitUntil(lambda: rendered(document))
        document.set_code(as_floats(4, 0))
        assert document.views[TOY] is None, "nobody looks"
        document.views.watch(TOY, True)
        qtbot.waitUntil(lambda: document.views[TOY] is not None)
        assert view_of(ToyView, document.views[TOY]).inverse == 0.25
        document.set_code(as_floats(2, 0))
        qtbot.waitUntil(lambda: view_of(ToyView, document.views[TOY]).inverse == 0.5)
        for _ in range(2):
            document.set_code(as_floats(0, 0))
            qtbot.waitUntil(lambda: isinstance(document.views[TOY], FailedView))
            assert str(view_of(FailedView, document.views[TOY]).message) == "ZeroDivisionError: float division by zero"
            document.set_code(as_floats(2, 0))
            qtbot.waitUntil(lambda: isinstance(document.views[TOY], ToyView))
        (problem,) = problems
        assert "in invert\n" in problem.details
        document.open(make_model(name="other"))
        assert document.views[TOY] is None
        qtbot.waitUntil(lambda: document.views[TOY] is not None)


@pytest.mark.allow_log("The view toy failed")
def test_a_request_that_cannot_be_built_is_a_failed_view_too(
    qapp: object, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    def build(document: Document) -> Iterator[ToyView] | None:
        if document.state.code is None:
            raise UsageError("Choose an image.")
        raise KeyError("lost")

    toy = ViewKind[ToyView](name="toy", build=build, priority=Priority.CURSOR, depends_on={"model", "code"})
    with rendering((toy, *VIEWS)) as document:
        problems: list[Problem] = []
        document.problem_reported.connect(problems.append)
        document.open(make_model(), make_source())
        assert view_of(FailedView, document.views[toy]).message == message("Choose an image.")
        assert not problems
        qtbot.waitUntil(lambda: rendered(document))
        document.set_code(as_floats(1, 2))
        assert str(view_of(FailedView, document.views[toy]).message) == "KeyError: 'lost'"
        (problem,) = problems
        assert "in build\n" in problem.details
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        qtbot.waitUntil(lambda: rendered(document))


def test_another_image_of_a_model_without_an_encoder_leaves_the_decoded_code(document: Document, qtbot: QtBot) -> None:
    """The code stays, so no change of the code asks for it again."""
    whole = make_model()
    imported = Imported(file="half.keras", keras=3, parts="decoder")
    document.open(replace(whole, card=whole.card.model_copy(update={"imported": imported})), make_source())
    qtbot.waitUntil(lambda: isinstance(document.views[CURSOR], CursorView))
    document.choose_image(3)
    qtbot.waitUntil(lambda: isinstance(document.views[CURSOR], CursorView))
    assert view_of(HalfView, document.views[IMAGE]).code is None
