"""The renderer never shows outdated answers, whatever is in flight."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_model, make_source
from explorer_testing.codec import Gate, MatrixCodec, WrappedCodec, plain
from pytestqt.qtbot import QtBot

from explorer.data.corruption import Noise
from explorer.data.preprocessing import to_floats, to_pixels
from explorer.document.document import Document
from explorer.document.map_tiles import MapWindow
from explorer.document.state import GridSettings
from explorer.document.tasks import SLOTS
from explorer.document.views import (
    CursorView,
    FailedView,
    ImageView,
    KeyframesView,
    NoiseView,
    ThumbnailsView,
    TilesView,
)
from explorer.types import Codec, Floats
from explorer.workers.render_scheduler import RenderScheduler
from explorer.workers.render_thread import RenderThread

V = TypeVar("V")


@pytest.fixture
def document(qapp: object) -> Iterator[Document]:
    """A document with a renderer and a codec thread."""
    made = Document()
    look(made)
    made.watch("noise", True)
    render_thread = RenderThread()
    render_scheduler = RenderScheduler(made, render_thread)
    yield made
    render_thread.close()
    render_scheduler.deleteLater()
    gc.collect()


def look(document: Document) -> None:
    """Show the whole range of the map."""
    grid = document.state.grid
    document.map.look(MapWindow(document.tile_grid, 0, grid.low, grid.high, grid.low, grid.high))


def view_of(kind: type[V], view: object) -> V:
    assert isinstance(view, kind), view
    return view


def rendered(document: Document) -> bool:
    flat = document.model is not None and document.model.latent_dim < 2
    return (
        isinstance(document.image_view, ImageView)
        and isinstance(document.cursor_view, CursorView)
        and document.cursor_view.decode_ms > 0
        and isinstance(document.noise_view, NoiseView)
        and (flat or document.map.ready)
        and (not document.state.keyframes or isinstance(document.keyframes_view, KeyframesView))
    )


def check_fits(document: Document) -> None:
    """Check that every view belongs to the model, the dataset and the image of the state."""
    state = document.state
    assert state.model is not None
    assert state.source is not None
    assert state.image_index is not None
    codec, shape = plain(state.model.codec), state.model.codec.image_shape
    original = to_floats(state.source.read([state.image_index], state.model.card.preprocessing))
    if isinstance(document.image_view, ImageView):
        np.testing.assert_array_equal(document.image_view.original, original[0])
        np.testing.assert_allclose(document.image_view.code, codec.encode(original)[0], atol=1e-5)
    if state.start_code is not None:
        np.testing.assert_allclose(state.start_code, codec.encode(original)[0], atol=1e-5)
    if isinstance(document.cursor_view, CursorView):
        assert document.cursor_view.image.shape == shape
    if isinstance(document.noise_view, NoiseView):
        np.testing.assert_array_equal(document.noise_view.clean[0], original[0])
    if isinstance(document.tiles_view, TilesView) and state.model.latent_dim == 2:
        view = document.tiles_view
        codes = view.plane.codes(view.tile_grid.middles(view.level, view.tiles))
        np.testing.assert_array_equal(view.pixels, to_pixels(codec.decode(codes)))
    if isinstance(document.keyframes_view, KeyframesView):
        codes = np.stack([keyframe.code for keyframe in state.keyframes])
        np.testing.assert_allclose(document.keyframes_view.images, codec.decode(codes), atol=1e-5)
    if isinstance(document.thumbnails_view, ThumbnailsView):
        assert document.thumbnails_view.source is state.source


def watch(document: Document) -> list[str]:
    """Check every view when it arrives; return the slots that changed."""
    seen: list[str] = []
    for slot in SLOTS:

        def check(slot: str = slot) -> None:
            seen.append(slot)
            check_fits(document)

        getattr(document, f"{slot}_view_changed").connect(check)
    return seen


def gated(codec: Codec) -> tuple[WrappedCodec, Gate]:
    gate = Gate()
    return WrappedCodec(codec, gate.pass_through), gate


def test_opening_renders_everything(document: Document, qtbot: QtBot) -> None:
    watch(document)
    document.open(make_model(), make_source())
    qtbot.waitUntil(lambda: rendered(document))
    assert document.code is not None
    np.testing.assert_array_equal(document.code, view_of(ImageView, document.image_view).code)
    image = view_of(CursorView, document.cursor_view).image
    np.testing.assert_allclose(image, view_of(ImageView, document.image_view).reconstruction, atol=1e-6)


def test_every_edit_is_rendered(document: Document, qtbot: QtBot) -> None:
    model = make_model()
    document.open(model, make_source())
    qtbot.waitUntil(lambda: rendered(document))
    watch(document)
    document.set_code(as_floats(2, -1))
    expected = model.codec.decode(as_floats(2, -1)[None])[0]
    qtbot.waitUntil(lambda: np.array_equal(view_of(CursorView, document.cursor_view).image, expected))
    before = document.noise_view
    document.set_noises([Noise("gaussian", 0.0)])
    qtbot.waitUntil(lambda: document.noise_view is not before)
    assert view_of(NoiseView, document.noise_view).of_noisy.psnr == np.inf
    document.set_grid(replace(document.state.grid, low=-1.0, high=4.0, steps=3))
    look(document)
    qtbot.waitUntil(lambda: rendered(document))
    assert {tile.x for tile in document.map.visible() if tile.step == 2.5} == {-1.0, 1.5, 4.0}
    document.timeline.add()
    qtbot.waitUntil(lambda: rendered(document))
    document.thumbnails_requested.emit(np.array([3, 4], np.int64))
    qtbot.waitUntil(lambda: document.thumbnails_view is not None)
    assert view_of(ThumbnailsView, document.thumbnails_view).indices.tolist() == [3, 4]


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
    assert {"image", "cursor", "noise", "tiles"} <= set(seen)
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
    qtbot.waitUntil(
        lambda: isinstance(document.cursor_view, CursorView) and np.array_equal(document.cursor_view.image, expected)
    )
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
    qtbot.waitUntil(lambda: document.keyframes_view is not None)
    if again:
        qtbot.waitUntil(lambda: seen.count("tiles") > 0 and rendered(document))
        view = view_of(TilesView, document.tiles_view)
        x, y = view.tile_grid.middles(view.level, view.tiles)[0]
        assert document.model is not None
        code = as_floats(float(x), float(y), 3.0)
        np.testing.assert_array_equal(view.pixels[0], to_pixels(document.model.codec.decode(code[None])[0]))
    else:
        document.put_view("noise", FailedView("old"))
        document.thumbnails_requested.emit(np.array([0], np.int64))
        qtbot.waitUntil(lambda: document.thumbnails_view is not None)
        assert "tiles" not in seen


def test_a_model_that_fails_says_so_and_the_next_image_is_shown(document: Document, qtbot: QtBot) -> None:
    broken = {"now": True}

    def fail(call: str, values: Floats) -> None:
        if broken["now"]:
            raise RuntimeError("out of luck")

    document.open(make_model(WrappedCodec(MatrixCodec(), fail)), make_source())
    qtbot.waitUntil(lambda: document.image_view is not None)
    assert view_of(FailedView, document.image_view).message == "out of luck"
    qtbot.waitUntil(lambda: isinstance(document.tiles_view, FailedView))
    assert document.state.start_code is None
    broken["now"] = False
    document.choose_image(3)
    qtbot.waitUntil(lambda: isinstance(document.cursor_view, CursorView))
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
    qtbot.waitUntil(lambda: document.thumbnails_view is not None)
    assert view_of(ThumbnailsView, document.thumbnails_view).indices.tolist() == [1]
    assert (document.image_view, document.cursor_view, document.noise_view, document.tiles_view) == (None,) * 4


def test_a_map_that_nobody_sees_is_decoded_once_it_is_seen(document: Document, qtbot: QtBot) -> None:
    document.map.look(None)
    document.open(make_model(), make_source())
    document.timeline.add()
    document.thumbnails_requested.emit(np.array([0], np.int64))
    # Thumbnails come right before the map, and nothing else is waiting.
    qtbot.waitUntil(lambda: document.thumbnails_view is not None and document.noise_view is not None)
    document.set_grid(GridSettings(steps=4))
    document.thumbnails_requested.emit(np.array([1], np.int64))
    qtbot.waitUntil(lambda: view_of(ThumbnailsView, document.thumbnails_view).indices.tolist() == [1])
    assert document.tiles_view is None
    look(document)
    qtbot.waitUntil(lambda: rendered(document))
    assert len(list(document.map.visible())) == 16


def test_a_hand_that_never_rests_sees_the_map_follow(document: Document, qtbot: QtBot) -> None:
    """If every request withdrew the previous one, a dragged plane would never update."""
    document.open(make_model(latent_dim=3), make_source())
    qtbot.waitUntil(lambda: rendered(document))
    shown: list[float] = []

    def drag_on() -> None:
        view = view_of(TilesView, document.tiles_view)
        shown.append(float(view.plane.origin[2]))
        if len(shown) < 20:
            document.set_dimension(2, len(shown) / 10, "drag")

    document.tiles_view_changed.connect(drag_on)
    document.set_dimension(2, 0.05, "drag")
    qtbot.waitUntil(lambda: len(shown) >= 20 and rendered(document))
    assert len(set(shown)) > 5
