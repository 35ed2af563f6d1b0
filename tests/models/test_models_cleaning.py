"""Files and folders: what is written where, in which format, and what is left alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.codec import IdentityCodec
from PIL import Image, ImageCms

from explorer.data.formats import WRITTEN_SUFFIXES
from explorer.data.preprocessing import Preprocessing
from explorer.errors import DataError, ExportError
from explorer.models.cleaning import Cleaned, clean_files
from explorer.types import Progress

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
