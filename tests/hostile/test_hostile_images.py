"""One bad image among good ones is left out by name, everywhere; a good one with something behind it is no bad one."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.builders import make_model, make_source, write_bundle
from PIL import Image

from explorer.cli.commands.train import _Reporter
from explorer.cli.console import Console
from explorer.cli.main import main
from explorer.data.decoding import open_image
from explorer.data.preprocessing import Preprocessing
from explorer.data.probing import probe_image
from explorer.data.sources import describe, open_source
from explorer.document.analysis import CodesView
from explorer.document.neighbors import IndexedImages, NeighborSettings
from explorer.document.views.neighbors import NeighborsView, find_neighbors
from explorer.engine.messages import Started
from explorer.errors import DataError
from explorer.models.outliers import Outliers, rank_by_error
from explorer.types import Floats, Progress
from explorer.workers.code_analysis import index_images, view_codes

RECIPE = Preprocessing.standard((4, 4, 1))


def encoded(kind: str, side: int = 32, **how: Any) -> bytes:
    pixels = np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **how)
    return file.getvalue()


def gray(path: Path, value: int) -> None:
    Image.new("L", (4, 4), value).save(path)


# -- found when a folder is opened -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["BMP", "GIF", "TIFF", "TGA", "PPM", "PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
def test_a_cut_file_is_left_out_by_name(kind: str, share: float, tmp_path: Path) -> None:
    content = encoded(kind)
    for number in range(8):
        gray(tmp_path / f"{number}.png", number)
    (tmp_path / f"z.{kind.lower()}").write_bytes(content[: int(share * len(content))])
    source = open_source(tmp_path)
    assert source.count == 8
    assert [one.name for one in source.skipped] == [f"z.{kind.lower()}"]
    (skipped,) = describe(source)["skipped"]
    assert skipped.keys() == {"file", "reason"}
    assert source.read(range(8), RECIPE).shape == (8, 4, 4, 1)


def test_a_large_png_that_is_cut_is_left_out(tmp_path: Path) -> None:
    content = encoded("PNG", 700)
    assert len(content) > 1 << 20
    gray(tmp_path / "a.png", 1)
    (tmp_path / "b.png").write_bytes(content[:-20])
    (tmp_path / "c.png").write_bytes(content + bytes(10_000))
    source = open_source(tmp_path)
    assert (source.count, [one.name for one in source.skipped]) == (2, ["b.png"])
    assert source.pil_image(1).size == (700, 700)


def test_links_that_lead_nowhere_are_named(tmp_path: Path) -> None:
    gray(tmp_path / "0.png", 1)
    try:
        os.symlink("me.png", tmp_path / "me.png")
        os.symlink("nothing.png", tmp_path / "gone.png")
        os.symlink("loop", tmp_path / "loop")
    except OSError:
        pytest.skip("links cannot be made here")
    source = open_source(tmp_path)
    assert source.count == 1
    assert [one.name for one in source.skipped] == ["loop", "gone.png", "me.png"]
    assert not any("Errno" in str(one.reason) for one in source.skipped)


# -- good ones ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{}, {"progressive": True}, {"quality": 95, "subsampling": 0}])
@pytest.mark.parametrize("behind", [b"", b"\0\0\0\x18ftypmp42" + bytes(9_000), b"\xff" * 5_000])
def test_a_jpeg_with_bytes_behind_its_end_is_one(how: dict[str, Any], behind: bytes, tmp_path: Path) -> None:
    content = encoded("JPEG", 64, **how)
    path = tmp_path / "PXL.MP.jpg"
    path.write_bytes(content + behind)
    assert (probe_image(path).height, probe_image(path).channels) == (64, 3)
    np.testing.assert_array_equal(np.asarray(open_image(path)), np.asarray(Image.open(io.BytesIO(content))))
    assert open_source(path).count == 1


@pytest.mark.parametrize("how", [{}, {"progressive": True}, {"quality": 95, "subsampling": 0}])
@pytest.mark.parametrize("side", [8, 33, 64])
@pytest.mark.parametrize("cut", [1, 2])
def test_a_jpeg_without_its_end_mark_is_one(how: dict[str, Any], side: int, cut: int, tmp_path: Path) -> None:
    content = encoded("JPEG", side, **how)
    assert content[-2:] == b"\xff\xd9"
    path = tmp_path / "a.jpg"
    path.write_bytes(content[:-cut])
    assert probe_image(path).height == side
    expected = np.asarray(Image.open(io.BytesIO(content)))
    np.testing.assert_array_equal(np.asarray(open_image(path)), expected)
    np.testing.assert_array_equal(np.asarray(open_image(content[:-cut])), expected)
    assert open_source(tmp_path).count == 1


@pytest.mark.parametrize("how", [{}, {"progressive": True}])
@pytest.mark.parametrize("cut", [20, 200, 2_000])
def test_a_jpeg_that_lacks_more_is_none(how: dict[str, Any], cut: int, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded("JPEG", 64, **how)[:-cut])
    for read in (probe_image, open_image):
        with pytest.raises(DataError, match=r"a\.jpg"):
            read(path)


@pytest.mark.parametrize("behind", [b"x", bytes(9_000)])
@pytest.mark.parametrize("side", [32, 700])
def test_a_png_with_bytes_behind_its_end_is_one(behind: bytes, side: int, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded("PNG", side) + behind)
    assert probe_image(path).height == side
    assert open_image(path).size == (side, side)


# -- found when they are read ------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five images, the third of which is damaged where only a decoder looks."""
    place = tmp_path / "images"
    place.mkdir()
    for number in (0, 1, 3, 4):
        gray(place / f"{number}.png", 40 * number)
    content = bytearray(encoded("PNG", 700))
    content[len(content) // 2] ^= 0xFF
    (place / "2.png").write_bytes(content)
    assert open_source(place).count == 5
    return place


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[Any, str]]:
    """Run a command with ``--json``; return its document, and what it warned of."""

    def run(*words: object) -> tuple[Any, str]:
        capsys.readouterr()
        assert main([*map(str, words), "--json"]) == 0
        captured = capsys.readouterr()
        return json.loads(captured.out), captured.err

    return run


def test_every_command_leaves_it_out_by_name(
    folder: Path, bundle: Path, ask: Callable[..., tuple[Any, str]], tmp_path: Path
) -> None:
    out = tmp_path / "codes.npz"
    document, warned = ask("encode", "--model", bundle, "--data", folder, "--out", out)
    assert document["count"] == 4
    assert [one["file"] for one in document["skipped"]] == ["2.png"]
    assert warned.startswith("warning: 2.png was skipped: ")
    with np.load(out) as file:
        assert file["indices"].tolist() == [0, 1, 3, 4]
        assert (len(file["codes"]), len(file["labels"])) == (4, 4)
    document, _ = ask("evaluate", "--model", bundle, "--data", folder, "--split", "all")
    assert (document["count"], [one["file"] for one in document["skipped"]]) == (4, ["2.png"])
    document, warned = ask("neighbors", "--model", bundle, "--data", folder, "--query", f"{folder}:3", "--count", 9)
    assert sorted(entry["index"] for entry in document) == [0, 1, 4]
    assert "2.png was skipped" in warned
    rows = tmp_path / "rows.png"
    document, _ = ask("reconstruct", "--model", bundle, "--data", folder, "--split", "all", "--out", rows)
    assert (document["count"], [one["file"] for one in document["skipped"]]) == (4, ["2.png"])
    document, _ = ask("data", folder)
    assert document["count"] == 5, "it is opened without being decoded"


def test_a_folder_of_which_none_can_be_decoded_is_one_error(
    folder: Path, bundle: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for number in (0, 1, 3, 4):
        (folder / f"{number}.png").unlink()
    assert main(["encode", "--model", str(bundle), "--data", str(folder), "--out", str(tmp_path / "c.npz")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: Cannot read any image of images; for example ")
    assert "2.png" in line
    assert not (tmp_path / "c.npz").exists()


def last(job: Any) -> Any:
    *_, result = (item for item in job if not isinstance(item, Progress))
    return result


def test_neighbors_and_the_map_leave_it_out_and_count_as_before(folder: Path) -> None:
    model, source = make_model(), open_source(folder)
    view = last(view_codes(model, source))
    assert isinstance(view, CodesView)
    assert np.isfinite(view.table.values).all(axis=1).tolist() == [True, True, False, True, True]
    index = last(index_images(model, source, NeighborSettings(), None))
    assert isinstance(index, IndexedImages)
    assert index.positions.tolist() == [0, 1, 3, 4]

    def near(code: Floats, image_index: int | None) -> NeighborsView:
        original = None if image_index is None else (source, image_index)
        (found,) = find_neighbors(index, model.card.preprocessing, code, 9, image_index, original)
        return found

    found = near(index.table.values[3], 3)
    assert sorted(found.indices.tolist()) == sorted(found.pixel_indices.tolist()) == [0, 1, 4]
    assert set(near(index.table.values[3], None).indices.tolist()) == {0, 1, 3, 4}
    again = last(index_images(model, source, NeighborSettings(metric="cosine"), index))
    assert again.positions.tolist() == [0, 1, 3, 4]
    ranking = last(rank_by_error(model.codec, source, np.arange(5), model.card.preprocessing))
    assert isinstance(ranking, Outliers)
    assert ranking.indices.tolist() == [0, 1, 3, 4]
    assert [one.name for one in source.skipped] == ["2.png"]


def test_images_in_memory_are_all_available() -> None:
    source = make_source()
    pixels, kept = source.read_available([2, 0], Preprocessing.standard(source.image_shape or (1, 1, 1)))
    assert (kept.tolist(), len(pixels), source.skipped, source.unreadable) == ([2, 0], 2, (), 0)


def test_the_first_event_of_a_training_names_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    skipped = (("bad.png", "no image"), ("cut.bmp", "too short"))
    event = Started("dense", "images", (4, 4, 1), (2,), 1, 1, 3, 1, 1, 2, skipped)
    _Reporter(Console(as_json=True)).show(event)
    printed = capsys.readouterr()
    assert json.loads(printed.out)["skipped"] == [{"file": file, "reason": reason} for file, reason in skipped]
    assert "bad.png was skipped: no image" in printed.err
