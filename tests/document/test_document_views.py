"""The records of the views, and their requests, run here without a thread."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_sample, make_source
from explorer_testing.codec import MatrixCodec
from PIL import Image

from explorer.data.corruption import CORRUPTIONS, Corruption, Noise, corrupt
from explorer.data.metrics import mse, psnr, ssim
from explorer.data.mixer import Mix, MixedChannel, Mixer, shown
from explorer.data.preprocessing import Preprocessing, Reading, to_floats, to_pixels
from explorer.data.source import ArraySource, Facts
from explorer.data.sources import open_source
from explorer.data.splits import random_splits
from explorer.document.document import Document
from explorer.document.map_tiles import MapWindow, Overlay
from explorer.document.state import Jitter
from explorer.document.view_store import PLANE
from explorer.document.views import VIEWS
from explorer.document.views.animation import ANIMATION
from explorer.document.views.cloud import CLOUD_SIZE, decode_cloud
from explorer.document.views.cursor import CURSOR, decode_cursor
from explorer.document.views.decoded import decode_codes
from explorer.document.views.hover import decode_hover
from explorer.document.views.image import ImageView, encode_image
from explorer.document.views.meter import measure_cursor
from explorer.document.views.noise import NOISE_ROW, corrupt_images
from explorer.document.views.overlay import OVERLAY, OVERLAY_COLUMNS, OverlayView, measure_plane
from explorer.document.views.preview import PREVIEW_SIDE, read_preview
from explorer.document.views.thumbnails import THUMBNAIL_SIDE, read_thumbnails
from explorer.document.views.tiles import TILES, decode_tiles
from explorer.latent.data_distance import CodeDistance
from explorer.latent.planes import Plane
from explorer.latent.tile_grid import TileGrid
from explorer.types import Floats

pytestmark = pytest.mark.numeric

CODEC = MatrixCodec()
SOURCE = make_source()
RECIPE = Preprocessing.standard((12, 10, 1))


def test_every_view_has_a_name_of_its_own_and_is_asked_for() -> None:
    assert len({kind.name for kind in VIEWS}) == len(VIEWS)
    document = Document()
    assert all(kind.depends_on or list(kind.signals(document)) for kind in VIEWS)


def test_a_view_that_is_taken_away_is_asked_for_again() -> None:
    """Except where somebody has to say which images are wanted."""
    for kind in VIEWS:
        derived = {*kind.depends_on, *(("model", "grid") if PLANE in kind.depends_on else ())}
        assert kind.stale_on <= derived or not derived, kind.name


def test_a_view_of_a_part_that_the_state_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no \['colour'\]"):
        replace(CURSOR, depends_on={"code", "colour"})
    with pytest.raises(ValueError, match=r"no \['colour'\]"):
        replace(CURSOR, stale_on={"colour"})


def test_a_hand_on_a_slider_goes_before_everything_and_the_map_after() -> None:
    first, *rest = sorted(VIEWS, key=lambda kind: kind.priority)
    assert first is CURSOR
    assert CURSOR.priority < min(kind.priority for kind in rest)
    assert [kind for kind in rest if kind.priority >= TILES.priority] == [TILES, ANIMATION, OVERLAY]


def test_the_cursor_is_decoded() -> None:
    (view,) = decode_cursor(CODEC, as_floats(1, 2))
    np.testing.assert_array_equal(view.image, CODEC.decode(as_floats(1, 2)[None])[0])
    assert view.decode_ms > 0


def test_an_image_is_read_encoded_and_measured() -> None:
    (view,) = encode_image(CODEC, SOURCE, RECIPE, 7)
    assert isinstance(view, ImageView)
    original = to_floats(SOURCE.read([7], RECIPE))
    np.testing.assert_array_equal(view.original, original[0])
    np.testing.assert_array_equal(view.code, CODEC.encode(original)[0])
    np.testing.assert_array_equal(view.reconstruction, CODEC.decode(CODEC.encode(original))[0])
    error = float(((view.original - view.reconstruction) ** 2).mean())
    assert view.mse == pytest.approx(error, rel=1e-5)
    assert view.psnr == pytest.approx(-10 * np.log10(error), rel=1e-3)
    assert -1 <= view.ssim <= 1


def test_the_noisy_images_are_reconstructed_and_measured_against_the_clean_ones() -> None:
    noises = (Noise("gaussian", 0.3, seed=5), Noise("blur", 1.0))
    first, row = corrupt_images(CODEC, SOURCE, RECIPE, 7, noises)
    clean = to_floats(SOURCE.read(range(7, 7 + NOISE_ROW), RECIPE))
    noisy = corrupt(clean, noises)
    reconstruction = CODEC.decode(CODEC.encode(noisy))
    for view, count in ((first, 1), (row, NOISE_ROW)):
        np.testing.assert_array_equal(view.clean, clean[:count])
        np.testing.assert_array_equal(view.noisy, noisy[:count])
        np.testing.assert_allclose(view.reconstruction, reconstruction[:count], rtol=1e-6)
        for quality, images, reach in (
            (view.of_noisy, noisy, 1),
            (view.of_reconstruction, reconstruction, 1),
            (view.of_noisy_row, noisy, count),
            (view.of_reconstruction_row, reconstruction, count),
        ):
            expected = (measure(clean[:reach], images[:reach]) for measure in (mse, psnr, ssim))
            assert (quality.mse, quality.psnr, quality.ssim) == pytest.approx(tuple(expected))


@pytest.mark.parametrize("kind", CORRUPTIONS.values(), ids=lambda kind: kind.name)
def test_an_image_meets_the_same_noise_alone_and_in_a_row(kind: Corruption) -> None:
    """Else the large image would change as the row behind it arrives."""
    first, row = corrupt_images(CODEC, SOURCE, RECIPE, 3, (Noise(kind.name, kind.default, seed=8),))
    np.testing.assert_array_equal(first.noisy[0], row.noisy[0])


def test_the_row_ends_with_the_source() -> None:
    last = SOURCE.count - 1
    (view,) = corrupt_images(CODEC, SOURCE, RECIPE, last, (Noise("gaussian", 0.0),))
    assert len(view.clean) == 1
    assert view.of_noisy.psnr == np.inf, "no noise"


def test_tiles_are_what_their_places_decode_to_with_y_upwards() -> None:
    codec = MatrixCodec(latent_dim=4)
    plane = Plane.of_dimensions(as_floats(0.1, 0.2, 0.3, 0.4), (3, 1))
    tiles = np.array([[0, 0], [2, 0], [0, 3]], np.int64)
    (view,) = decode_tiles(codec, plane, TileGrid(-2.0, 0.5), 1, tiles)
    for pixels, (x, y) in zip(view.pixels, [(-2, -2), (-1.5, -2), (-2, -1.25)], strict=True):
        code = as_floats(0.1, y, 0.3, x)
        np.testing.assert_array_equal(pixels, to_pixels(codec.decode(code[None])[0]))


def test_what_is_under_the_mouse_is_decoded() -> None:
    code, sample = as_floats(0.5, -0.5), make_sample(CODEC)
    sample = replace(sample, labels=np.arange(len(sample.codes)))
    distance = CodeDistance(sample.codes)
    (view,) = decode_hover(CODEC, code, (0.5, -0.5), sample, distance)
    np.testing.assert_array_equal(view.image, CODEC.decode(code[None])[0])
    assert view.point == (0.5, -0.5)
    assert view.label == np.linalg.norm(sample.codes - code, axis=1).argmin(), "that of the nearest test image"
    assert view.ratio == distance.ratio(code[None])[0]
    (unlabeled,) = decode_hover(CODEC, code, (0.5, -0.5), replace(sample, labels=None), distance)
    assert unlabeled.label is None


def test_the_cloud_lies_around_the_cursor() -> None:
    code, scale = as_floats(1.0, -1.0), as_floats(2.0, 0.0)
    (view,) = decode_cloud(CODEC, code, scale, Jitter(0.5, seed=3))
    assert view.codes.shape == (CLOUD_SIZE, 2)
    np.testing.assert_array_equal(view.codes[0], code)
    np.testing.assert_array_equal(view.codes[:, 1], -1.0)
    assert np.std(view.codes[1:, 0]) == pytest.approx(1.0, rel=0.5)
    np.testing.assert_array_equal(view.images, CODEC.decode(view.codes))


def test_keyframes_are_decoded_at_once() -> None:
    codes = np.array([[0, 1], [2, 3], [4, 5]], np.float32)
    (view,) = decode_codes(CODEC, codes)
    np.testing.assert_array_equal(view.images, CODEC.decode(codes))


@pytest.mark.parametrize("channels", [1, 3])
def test_thumbnails_come_a_few_at_a_time_in_the_order_asked_for(channels: int) -> None:
    source = make_source(50, (12, 10, channels))
    indices = np.array([40, 3, 7, *range(10, 40)], np.int64)
    views = list(read_thumbnails(source, indices))
    assert len(views) > 1
    np.testing.assert_array_equal(np.concatenate([view.indices for view in views]), indices)
    side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE, channels)
    pixels = np.concatenate([view.pixels for view in views])
    np.testing.assert_array_equal(pixels, source.read(indices, Preprocessing.standard(side)))
    assert all(view.source is source for view in views)


def test_views_that_only_draw_show_many_channels_through_the_mixer() -> None:
    red = Mix(channels=(MixedChannel(color="#ff0000", high=0.5), *(MixedChannel(visible=False),) * 3))
    mixer = Mixer(mixes=(red,))
    images = np.random.default_rng(0).integers(0, 65536, (4, 12, 10, 4)).astype(np.uint16)
    source = ArraySource(Facts("cells", "Cells", "cells"), images, random_splits(4))
    codec = MatrixCodec((12, 10, 4))
    code = as_floats(0.5, -1)

    (default,) = read_thumbnails(source, np.arange(4))
    (mixed,) = read_thumbnails(source, np.arange(4), mixer)
    recipe = Preprocessing.standard((THUMBNAIL_SIDE, THUMBNAIL_SIDE, 4), reading=Reading(depth=16))
    read = source.read(np.arange(4), recipe)
    np.testing.assert_array_equal(default.pixels, shown(read))
    np.testing.assert_array_equal(mixed.pixels, shown(read, mixer))
    assert mixed.pixels[..., 1:].max() == 0

    tiles = np.array([[0, 0], [1, 0]], np.int64)
    (plane_view,) = decode_tiles(codec, Plane.of_dimensions(code, (0, 1)), TileGrid(-1.0, 0.5), 0, tiles, mixer)
    assert plane_view.pixels.shape == (2, 12, 10, 3)
    assert plane_view.pixels[..., 1:].max() == 0


def measured(kind: Overlay, codec: MatrixCodec, codes: Floats) -> OverlayView:
    """Measure the square from −2 to 2, and check that it comes row by row from the top."""
    plane = Plane.of_dimensions(as_floats(0, 0), (0, 1))
    window = MapWindow(TileGrid(-2.0, 0.5), 0, -2.0, 2.0, -1.0, 1.0)
    views = list(measure_plane(codec, plane, window, kind, CodeDistance(codes)))
    assert len(views) == OVERLAY_COLUMNS // 2
    for done, view in enumerate(views, 1):
        assert np.isfinite(view.values[:done]).all()
        assert np.isnan(view.values[done:]).all()
    return views[-1]


def place(view: OverlayView, x: float, y: float) -> float:
    rows, columns = view.values.shape
    seen = view.window
    column = int((x - seen.left) / (seen.right - seen.left) * columns)
    return float(view.values[int((seen.top - y) / (seen.top - seen.bottom) * rows), column])


def test_the_distance_to_the_data_grows_away_from_them() -> None:
    codes = np.random.default_rng(0).uniform(-0.5, 0.5, (200, 2)).astype(np.float32) + as_floats(1.2, 0.4)
    view = measured("distance", CODEC, codes)
    assert place(view, 1.2, 0.4) < 1
    assert place(view, -1.8, -0.8) > 3
    assert place(view, 1.2, 0.4) < place(view, 1.2, -0.9) < place(view, -1.8, -0.9)


def test_a_decoder_that_is_a_matrix_changes_as_fast_as_the_matrix_says() -> None:
    """Where nothing is clipped the change for a step is the same everywhere: the matrix' own."""
    view = measured("stretch", CODEC, np.zeros((3, 2), np.float32))
    images = CODEC.decode(np.array([[0, 0], [0.01, 0], [0, 0.01]], np.float32))
    expected = np.sqrt(((images[1:] - images[0]) ** 2).sum(axis=0).mean()) / 0.01
    assert place(view, 0.05, 0.05) == pytest.approx(expected, rel=0.05)


def test_the_round_trip_is_what_encoding_the_decoded_misses() -> None:
    view = measured("round_trip", CODEC, np.zeros((3, 2), np.float32))
    rows, columns = view.values.shape
    code = as_floats(-2 + 4 * (5 + 0.5) / columns, 1 - 2 * (3 + 0.5) / rows)
    again = CODEC.encode(CODEC.decode(code[None]))[0]
    assert float(view.values[3, 5]) == pytest.approx(float(np.linalg.norm(again - code)), abs=1e-4)


def test_the_meter_says_how_far_the_cursor_is_from_the_data() -> None:
    codes = np.random.default_rng(1).standard_normal((300, 2)).astype(np.float32)
    distance = CodeDistance(codes)
    (near,) = measure_cursor(codes[5], distance)
    (far,) = measure_cursor(as_floats(30, 30), distance)
    assert near.ratio == pytest.approx(0, abs=0.05)
    assert far.ratio > 10


def test_a_preview_is_the_image_in_its_proportions_and_a_cross_where_it_cannot_be_read(tmp_path: Path) -> None:
    upright = Image.new("RGBA", (1_200, 300), (0, 0, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    upright.save(tmp_path / "0.png", exif=exif)
    Image.new("L", (7, 5), 9).save(tmp_path / "1.png")
    source = open_source(str(tmp_path))
    (large,) = read_preview(source, 0)
    assert large.pixels.shape == (PREVIEW_SIDE, PREVIEW_SIDE // 4, 3)
    assert (large.pixels == 255).all(), "transparent parts are white, as for a model"
    (small,) = read_preview(source, 1)
    np.testing.assert_array_equal(small.pixels, np.full((5, 7, 1), 9, np.uint8))
    (tmp_path / "1.png").write_bytes(b"gone")
    (cross,) = read_preview(source, 1)
    np.testing.assert_array_equal(cross.pixels, next(read_thumbnails(source, np.array([1]))).pixels[0])
