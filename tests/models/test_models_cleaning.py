"""Files and folders: what is written where, in which format, and what is left alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from explorer_testing.codec import IdentityCodec, MatrixCodec
from PIL import Image, ImageCms, features

from explorer.data.decoding import open_request
from explorer.data.deep_pixels import Deep
from explorer.data.formats import WRITTEN_SUFFIXES, Request
from explorer.data.preprocessing import Preprocessing, Reading
from explorer.errors import DataError, ExportError
from explorer.export.stills import write_deep_png
from explorer.messages import message_text
from explorer.models.cleaning import Cleaned, clean_files, suggested_output
from explorer.types import Codec, Progress

CODEC = IdentityCodec((6, 7, 3))


def job(path: Path, out: Path) -> Iterator[Progress | Cleaned]:
    return clean_files(CODEC, Preprocessing.standard(CODEC.image_shape), path, out)


def run(path: Path, out: Path) -> Cleaned:
    *_, result = job(path, out)
    assert isinstance(result, Cleaned)
    return result


def draw(path: Path, mode: str = "RGB", size: tuple[int, int] = (9, 8), **options: Any) -> Image.Image:
    values = np.random.default_rng(len(path.name)).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    pil_image = Image.fromarray(values).convert(mode)
    path.parent.mkdir(parents=True, exist_ok=True)
    pil_image.save(path, **options)
    return pil_image


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("suffix", sorted(WRITTEN_SUFFIXES))
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_every_mode_goes_into_every_format(tmp_path: Path, suffix: str, mode: str) -> None:
    image = draw(tmp_path / "in.png", mode)
    result = run(tmp_path / "in.png", tmp_path / f"out{suffix}")
    assert result == Cleaned(1, tmp_path / f"out{suffix}")
    with Image.open(result.path) as written:
        assert written.format == Image.registered_extensions()[suffix]
        assert written.size == image.size
        seen = written.convert("RGBA")
    canvas = [Image.new("RGBA", image.size, "white") for _ in range(2)]
    canvas[0].alpha_composite(image.convert("RGBA"))
    canvas[1].alpha_composite(seen)
    if suffix not in (".gif", ".jpg", ".jpeg", ".jpe", ".jfif"):  # those lose something of any image
        assert np.abs(np.subtract(*(np.asarray(one).astype(int) for one in canvas))).max() <= 2
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["in.png", f"out{suffix}"])


def test_an_existing_image_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    draw(tmp_path / "in.png", size=(7, 100))
    (tmp_path / "out.png").write_bytes(b"before")
    running = job(tmp_path / "in.png", tmp_path / "out.png")
    assert isinstance(next(running), Progress)
    running.close()  # type: ignore[attr-defined]  # a generator
    assert (tmp_path / "out.png").read_bytes() == b"before"
    assert len(list(tmp_path.iterdir())) == 2
    run(tmp_path / "in.png", tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as written:
        assert written.size == (7, 100)


def test_originals_are_never_overwritten(tmp_path: Path) -> None:
    draw(tmp_path / "set" / "a.png")
    file, folder = tmp_path / "set" / "a.png", tmp_path / "set"
    os.link(file, tmp_path / "same.png")
    (tmp_path / "pointer.png").symlink_to(file)
    (tmp_path / "way").symlink_to(folder)
    before = tree(tmp_path)
    for given, out in (
        *((file, file), (file, tmp_path / "same.png"), (file, tmp_path / "pointer.png"), (folder, folder)),
        *(
            (folder, folder / "clean"),
            (folder, tmp_path / "way"),
            (folder, tmp_path / "way" / "new"),
            (folder, tmp_path),
        ),
        *((file, folder), (folder, file), (file, tmp_path / "missing" / "a.png"), (file, tmp_path / "a.txt")),
    ):
        with pytest.raises(ExportError):
            run(given, out)
    assert tree(tmp_path) == before


def test_a_folder_keeps_names_places_and_formats(tmp_path: Path) -> None:
    names = ["b.jpg", "a.PNG", "deep/er/c.tif"]
    for name in names:
        draw(tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("no image", encoding="utf-8")
    draw(tmp_path / "in" / ".hidden" / "d.png")
    (tmp_path / "in" / "broken.png").write_bytes(b"no image at all")
    before = tree(tmp_path / "in")
    items = list(job(tmp_path / "in", tmp_path / "new" / "out"))
    result = items[-1]
    assert isinstance(result, Cleaned)
    assert (result.count, result.path) == (3, tmp_path / "new" / "out")
    assert [skipped.name for skipped in result.skipped] == ["broken.png"]
    assert "broken.png" in str(result.skipped[0].reason)
    assert sorted(tree(result.path)) == sorted(names)
    assert tree(tmp_path / "in") == before
    with Image.open(result.path / "a.PNG") as written, Image.open(tmp_path / "in" / "a.PNG") as original:
        np.testing.assert_array_equal(np.asarray(written), np.asarray(original))
    done = [item.done for item in items[:-1] if isinstance(item, Progress)]
    assert done == sorted(done)
    assert done[-1] == 4


def test_an_empty_folder_may_be_there(tmp_path: Path) -> None:
    draw(tmp_path / "in" / "a.png")
    (tmp_path / "out").mkdir()
    assert run(tmp_path / "in", tmp_path / "out").count == 1
    assert list(tree(tmp_path / "out")) == ["a.png"]


def test_a_folder_that_was_cancelled_leaves_nothing(tmp_path: Path) -> None:
    for name in "abc":
        draw(tmp_path / "in" / f"{name}.png")
    running = job(tmp_path / "in", tmp_path / "out")
    while not (isinstance(item := next(running), Progress) and item.done == 2):
        pass
    running.close()  # type: ignore[attr-defined]  # a generator
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("content", [None, b"no image"])
def test_a_folder_without_images_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "in").mkdir()
    if content:
        (tmp_path / "in" / "a.png").write_bytes(content)
    said = "Cannot read any image in" if content else "There are no images in"
    with pytest.raises(DataError, match=said):
        run(tmp_path / "in", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        run(tmp_path / "in.png", tmp_path / "out.png")


def test_photos_of_formats_that_are_only_read_become_png(tmp_path: Path) -> None:
    if not features.check("jpg_2000"):
        pytest.skip("this Pillow has no JPEG 2000")
    (tmp_path / "in").mkdir()
    draw(tmp_path / "in" / "a.jp2")
    draw(tmp_path / "in" / "b.png")
    assert run(tmp_path / "in", tmp_path / "out").count == 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.jp2.png", "b.png"]
    with pytest.raises(ExportError, match="not a known image format"):
        run(tmp_path / "in" / "a.jp2", tmp_path / "out.heic")


def test_the_color_profile_goes_along_where_it_fits(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    draw(tmp_path / "color.png", icc_profile=profile)
    draw(tmp_path / "gray.png", "L", icc_profile=profile)
    for name, kept in (("color", profile), ("gray", None)):
        result = run(tmp_path / f"{name}.png", tmp_path / f"{name}-clean.png")
        with Image.open(result.path) as written:
            assert written.info.get("icc_profile") == kept


def test_an_image_too_large_for_its_format_is_an_error(tmp_path: Path) -> None:
    draw(tmp_path / "in.png", "L", (16_400, 6))
    with pytest.raises(ExportError, match="WEBP"):
        run(tmp_path / "in.png", tmp_path / "out.webp")
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]


# -- more than 8 bits, and other channels ------------------------------------------------------------------------------

TWELVE = Reading(low=0, high=4095, depth=16)


def through(codec: Codec, path: Path, out: Path, reading: Reading | None = None) -> Cleaned:
    *_, result = clean_files(codec, Preprocessing.standard(codec.image_shape, reading=reading), path, out)
    assert isinstance(result, Cleaned)
    return result


def values_in(path: Path) -> np.ndarray:
    """Return the values of the first image of a TIFF file, ``(h, w, c)``, and check that channels are named as such."""
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        assert file.series[0].axes == "CYX"
        return np.moveaxis(file.series[0].asarray(), 0, 2)


def write_cells(path: Path, channels: int = 4, dtype: str = "uint16", high: int = 4096) -> np.ndarray:
    values = np.random.default_rng(channels).integers(0, high, (14, 19, channels)).astype(dtype)
    tifffile.imwrite(path, np.moveaxis(values, 2, 0), metadata={"axes": "CYX"}, photometric="minisblack")
    return values


@pytest.mark.parametrize(
    ("channels", "dtype", "high", "gray"),
    [
        (2, "float32", 1000, False),
        (3, "int16", 4096, False),
        (4, "uint16", 4096, False),
        (5, "uint16", 4096, True),
        (16, "uint8", 256, False),
    ],
)
def test_channels_keep_their_values_and_units(tmp_path: Path, channels: int, dtype: str, high: int, gray: bool) -> None:
    values = write_cells(tmp_path / "cells.ome.tif", channels, dtype, high)
    codec = IdentityCodec((6, 7, 1 if gray else channels))
    result = through(codec, tmp_path / "cells.ome.tif", tmp_path / "clean.ome.tif", TWELVE)
    read = values_in(tmp_path / "clean.ome.tif")
    assert read.dtype == values.dtype
    np.testing.assert_allclose(read, values, atol=1e-3 if dtype == "float32" else 0)
    assert bool(result.notes) == (dtype == "uint8")


def test_a_model_sees_the_values_in_its_own_range(tmp_path: Path) -> None:
    codec = MatrixCodec((14, 19, 4), 30)
    values = write_cells(tmp_path / "cells.tif").astype(np.float32)
    through(codec, tmp_path / "cells.tif", tmp_path / "clean.tif", TWELVE)
    made = codec.decode(codec.encode(values[np.newaxis] / np.float32(4095)))[0]
    np.testing.assert_allclose(values_in(tmp_path / "clean.tif"), np.clip(made, 0, 1) * 4095, atol=0.6)


def test_a_model_of_some_channels_gets_these(tmp_path: Path) -> None:
    values = write_cells(tmp_path / "cells.tif")
    reading = TWELVE.model_copy(update={"channels": (3, 0)})
    through(IdentityCodec((6, 7, 2)), tmp_path / "cells.tif", tmp_path / "clean.tif", reading)
    np.testing.assert_array_equal(values_in(tmp_path / "clean.tif"), values[..., [3, 0]])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_keeps_16_bits_and_alpha(tmp_path: Path, channels: int) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (9, 8, channels)).astype(np.uint16)
    if channels == 4:
        values[..., 3] = values[..., 3] // 257 * 257
    write_deep_png(values, tmp_path / "in.png")
    assert through(CODEC, tmp_path / "in.png", tmp_path / "out.png").count == 1
    found = open_request(Request(tmp_path / "out.png", "out.png"), deep=True)
    assert isinstance(found, Deep)
    read = found.colors
    if channels == 1:  # a color model returns the brightness of three equal channels
        np.testing.assert_allclose(read.astype(int), values[..., 0], atol=1)
    else:
        np.testing.assert_array_equal(read, values[..., :3])
    if channels == 4:
        with Image.open(tmp_path / "out.png") as written:
            np.testing.assert_array_equal(np.asarray(written)[..., 3], values[..., 3] // 257)


def test_all_pages_of_a_deep_tiff_are_denoised(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (3, 9, 8)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", values, photometric="minisblack")
    through(IdentityCodec((6, 7, 1)), tmp_path / "in.tif", tmp_path / "out.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif"), values)


def test_deep_gray_keeps_its_transparency(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (9, 8, 2)).astype(np.uint16)
    options: dict[str, Any] = {"photometric": "minisblack", "planarconfig": "contig", "extrasamples": ["unassalpha"]}
    tifffile.imwrite(tmp_path / "in.tif", values, metadata=None, **options)
    through(IdentityCodec((6, 7, 1)), tmp_path / "in.tif", tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        (page,) = file.pages
        assert isinstance(page, tifffile.TiffPage)
        assert (page.photometric, page.extrasamples) == (1, (2,))
        np.testing.assert_array_equal(page.asarray(), values)
    through(IdentityCodec((6, 7, 1)), tmp_path / "out.tif", tmp_path / "again.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "again.tif"), values)


def test_missing_values_of_float_files_become_black(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 72, dtype=np.float32).reshape(9, 8)
    values[2, 3] = np.nan
    tifffile.imwrite(tmp_path / "in.tif", values, metadata=None)
    result = through(IdentityCodec((6, 7, 1)), tmp_path / "in.tif", tmp_path / "out.tif")
    assert "more bits: 0 to 1 become" in message_text(result.notes[0])
    np.testing.assert_allclose(tifffile.imread(tmp_path / "out.tif"), np.nan_to_num(values), atol=1e-6)


@pytest.mark.parametrize(
    ("high", "reading", "said"),
    [
        (4096, None, "The model learned from values of 8 bits (0 to 255), and cells.tif has more bits: 0 to 4095"),
        (9000, TWELVE, "The model learned from values of 0 … 4095, and cells.tif has "),
    ],
)
def test_another_range_than_the_models_is_said(tmp_path: Path, high: int, reading: Reading | None, said: str) -> None:
    values = write_cells(tmp_path / "cells.tif", high=high)
    result = through(IdentityCodec((6, 7, 4)), tmp_path / "cells.tif", tmp_path / "clean.tif", reading)
    (note,) = result.notes
    assert message_text(note).startswith(said)
    np.testing.assert_array_equal(values_in(tmp_path / "clean.tif"), np.minimum(values, 4095))


@pytest.mark.parametrize(
    ("codec", "out", "said"),
    [
        (CODEC, "clean.tif", "The image has 4 channels, and the model takes 3"),
        (IdentityCodec((6, 7, 5)), "clean.tif", "The image has 4 channels, and the model takes 5"),
        (IdentityCodec((6, 7, 4)), "clean.png", r"4 channels of uint16. End the name in \.ome\.tif"),
    ],
)
def test_what_does_not_fit_says_why(tmp_path: Path, codec: Codec, out: str, said: str) -> None:
    write_cells(tmp_path / "cells.tif")
    with pytest.raises((DataError, ExportError), match=said):
        through(codec, tmp_path / "cells.tif", tmp_path / out)
    assert [path.name for path in tmp_path.iterdir()] == ["cells.tif"]


def test_colors_for_a_model_of_many_channels_say_why(tmp_path: Path) -> None:
    draw(tmp_path / "in.png")
    with pytest.raises(DataError, match="The image has 3 channels, and the model takes 4"):
        through(IdentityCodec((6, 7, 4)), tmp_path / "in.png", tmp_path / "out.png")


def test_a_folder_keeps_values_and_names_what_does_not_fit(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    draw(folder / "plain.jpg", "L")
    gray = np.random.default_rng(0).integers(0, 65536, (9, 8)).astype(np.uint16)
    Image.fromarray(gray).save(folder / "deep.pgm")
    write_cells(folder / "cells.tif")
    result = through(CODEC, folder, out)
    assert [one.name for one in result.skipped] == ["cells.tif"]
    assert "The image has 4 channels" in message_text(result.skipped[0].reason)
    assert sorted(tree(out)) == ["deep.pgm.tif", "plain.jpg"]
    np.testing.assert_allclose(tifffile.imread(out / "deep.pgm.tif").astype(int), gray, atol=1)
    assert len(result.notes) == 1


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("scan.png", "scan-clean.png"),
        ("cells.ome.tif", "cells-clean.ome.tif"),
        ("Cells.OME.TIFF", "Cells-clean.OME.TIFF"),
        ("photo.heic", "photo-clean.png"),
        ("a.b.TIF", "a.b-clean.TIF"),
    ],
)
def test_a_name_beside_the_image_is_suggested(name: str, wanted: str) -> None:
    assert suggested_output(Path("/in", name)) == Path("/in", wanted)
