"""HDF5, MATLAB, parquet, TIFF, Zarr and DICOM files, as their own libraries write them."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.containers import (
    encoded,
    write_dicom,
    write_hdf5,
    write_matlab_73,
    write_ome_zarr,
    write_parquet,
    write_zarr,
)
from numpy.testing import assert_array_equal
from PIL import Image

from explorer.data import extras
from explorer.data.choices import Choices, join
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.source import Source
from explorer.data.sources import describe, open_source, opening, places_of
from explorer.data.sources.containers import MAX_COLUMNS
from explorer.errors import DataError
from explorer.export.ome_tiff import ImageStack, write_stacks
from explorer.models.settings import make_request, resolve_image_shape, resolve_preprocessing
from explorer.types import Progress

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 256, (12, 20, 18), dtype=np.uint8)
COLOR = RNG.integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
DEEP = RNG.integers(0, 4096, (2, 3, 3, 20, 18)).astype(np.uint16)
DEEP.flat[0] = 4095


def needs(extra: str) -> None:
    """Skip a test of an extra that is not installed; CI has them all."""
    if not extras.installed(extra):
        pytest.skip(f"the extra is not installed: {extras.install_command(extra)}")


def pixels(source: Source) -> np.ndarray[Any, Any]:
    assert source.image_shape is not None
    return source.read(range(source.count), Preprocessing.standard(source.image_shape))


def from_twelve_bits(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.rint(values.astype(np.float64) / 4095 * 255).astype(np.uint8)


# -- HDF5 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"chunks": (4, 8, 8, 3), "compression": "gzip", "shuffle": True}])
def test_images_and_labels_of_hdf5(options: dict[str, Any], tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "set.h5", {"images": COLOR, "labels": np.arange(10) % 3}, **options)
    source = open_source(path)
    assert_array_equal(pixels(source), COLOR)
    assert source.labels is not None
    assert_array_equal(source.labels, np.arange(10) % 3)


def test_columns_of_3dshapes_have_their_names(tmp_path: Path) -> None:
    factors = RNG.random((10, 6))
    source = open_source(write_hdf5(tmp_path / "3dshapes.h5", {"images": COLOR, "labels": factors}))
    assert list(source.attributes) == ["floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation"]
    assert_array_equal(source.attributes["scale"].values, factors[:, 3].astype(np.float32))
    assert source.labels is None
    other = open_source(write_hdf5(tmp_path / "other.h5", {"images": COLOR, "labels": factors}))
    assert list(other.attributes) == [f"label {place}" for place in range(6)]


def test_an_array_of_several_is_chosen(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "set.h5", {"a/scans": GRAY, "images": COLOR, "cube": np.zeros((3, 9, 9), np.float32)})
    found = open_source(path)
    assert found.found.arrays == ("a/scans", "cube", "images")
    assert_array_equal(pixels(found), COLOR)
    assert_array_equal(pixels(open_source(join(path, Choices(array="a/scans"))))[..., 0], GRAY)
    with pytest.raises(DataError, match=r"no array “b” of images\. Choose one of a/scans, cube, images"):
        open_source(join(path, Choices(array="b")))


def pcam(folder: Path, split: str, count: int) -> None:
    stem = folder / f"camelyonpatch_level_2_split_{split}"
    start = {"train": 0, "test": 5, "valid": 8}[split]
    write_hdf5(Path(f"{stem}_x.h5"), {"x": COLOR[start : start + count]})
    labels = (np.arange(start, start + count) % 2).astype(np.uint8).reshape(-1, 1, 1, 1)
    write_hdf5(Path(f"{stem}_y.h5"), {"y": labels})


def test_patch_camelyon_is_one_folder_of_splits(tmp_path: Path) -> None:
    for split, count in (("valid", 2), ("train", 5), ("test", 3)):
        pcam(tmp_path, split, count)
    source = open_source(tmp_path)
    splits = source.splits
    assert [part.tolist() for part in (splits.train, splits.test, splits.validation)] == [
        [0, 1, 2, 3, 4],
        [5, 6, 7],
        [8, 9],
    ]
    assert_array_equal(pixels(source), COLOR)
    assert source.labels is not None
    assert source.labels.tolist() == [0, 1] * 5
    one = tmp_path / "camelyonpatch_level_2_split_test_x.h5"
    assert open_source(one).labels is not None
    assert open_source(one).count == 3
    assert [path.name for path in places_of(one)] == [one.name, one.name.replace("_x", "_y")]


@pytest.mark.parametrize("write", [write_hdf5, write_matlab_73], ids=["hdf5", "matlab"])
def test_groups_named_like_splits_are_splits_if_their_images_fit(write: Any, tmp_path: Path) -> None:
    groups = {"valid": slice(8, 10), "train": slice(5), "test": slice(5, 8)}
    arrays = {f"set/{split}/images": COLOR[part] for split, part in groups.items()}
    path = write(tmp_path / "set.mat" if write is write_matlab_73 else tmp_path / "set.h5", arrays)
    source = open_source(path)
    assert_array_equal(pixels(source), COLOR)
    assert [len(part) for part in (source.splits.train, source.splits.test, source.splits.validation)] == [5, 3, 2]
    assert open_source(join(path, Choices(array="set/train/images"))).count == 5
    write(path, arrays | {"set/test/images": COLOR[5:8, ::2], "set/valid/images": COLOR[8:, ::2]})
    assert_array_equal(pixels(open_source(path)), COLOR[5:8, ::2])  # the first array


def test_channels_first_and_floats_of_hdf5(tmp_path: Path) -> None:
    floats = (COLOR.transpose(0, 3, 1, 2) / 255).astype(np.float32)
    source = open_source(write_hdf5(tmp_path / "set.hdf5", {"data": floats}))
    assert (source.found.layout, source.found.dtype, source.found.range) == ("channels-first", "float32", (0, 1))
    assert_array_equal(pixels(source), COLOR)


@pytest.mark.parametrize(("shape", "images"), [((4, 8, 8), 4), ((20, 18, 3), 1), ((3, 20, 18), 1), ((20, 18, 9), 20)])
def test_arrays_of_three_axes(shape: tuple[int, ...], images: int, tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "set.h5", {"images": RNG.integers(0, 256, shape, dtype=np.uint8)})
    assert open_source(path).count == images


def test_labels_as_text_and_what_is_left_out(tmp_path: Path) -> None:
    import h5py

    names = ["cat", "dog"] * 5
    path = write_hdf5(tmp_path / "set.h5", {"x": COLOR, "mean": np.zeros(7)})
    with h5py.File(path, "a") as file:
        file.create_dataset("label", data=names, dtype=h5py.string_dtype())
    source = open_source(path)
    assert [source.label(index) for index in range(4)] == ["cat", "dog", "cat", "dog"]
    assert [one["file"] for one in describe(source)["skipped"]] == ["mean"]


def test_large_arrays_are_streamed_and_can_be_canceled(tmp_path: Path) -> None:
    large = np.zeros((1_100, 256, 256), np.uint8)  # 69 MB, in pieces of 32
    large[:, 3, 5] = np.arange(1_100) % 251
    path = write_hdf5(tmp_path / "set.h5", {"images": large}, chunks=(10, 256, 256), compression="gzip")
    steps = list(opening(path))
    shown = [step for step in steps if isinstance(step, Progress) and step.total]
    assert {(step.done, step.total) for step in shown} >= {(32, 68), (64, 68), (68, 68)}
    source = steps[-1]
    assert isinstance(source, Source)
    assert_array_equal(source.read([1_099, 7], Preprocessing.standard((256, 256, 1)))[:, 3, 5, 0], [1_099 % 251, 7])
    canceled: Any = opening(path)
    assert isinstance(next(canceled), Progress)
    assert isinstance(next(canceled), Progress)
    canceled.close()  # the guards of each test find a process that is left


# -- MATLAB ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_svhn(version: str, tmp_path: Path) -> None:
    from scipy.io import savemat

    arrays = {"X": COLOR.transpose(1, 2, 3, 0), "y": np.arange(1, 11, dtype=np.uint8)[:, None]}
    path = tmp_path / "train_32x32.mat"
    if version == "5":
        savemat(path, arrays, do_compression=True)
    else:
        write_matlab_73(path, arrays)
    source = open_source(path)
    assert_array_equal(pixels(source), COLOR)
    assert source.labels is not None
    assert source.labels.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]


def test_frey_faces(tmp_path: Path) -> None:
    from scipy.io import savemat

    faces = RNG.integers(0, 256, (25, 28, 20), dtype=np.uint8)
    path = tmp_path / "frey_rawface.mat"
    savemat(path, {"ff": faces.reshape(25, 560).T})
    source = open_source(path)
    assert source.image_shape == (28, 20, 1)
    assert_array_equal(pixels(source)[..., 0], faces)


@pytest.mark.parametrize(
    ("saved", "expected"),
    [
        (GRAY[:, :18].transpose(1, 2, 0), GRAY[:, :18]),
        (GRAY[:, :18], GRAY[:, :18]),
        (GRAY[:, :18].reshape(12, 324), GRAY[:, :18]),
        (GRAY[:, :18].reshape(12, 324).T, GRAY[:, :18]),
        (COLOR, COLOR),
        (COLOR[0], COLOR[0]),
    ],
    ids=["h w n", "n h w", "flat rows", "flat columns", "n h w c", "h w c"],
)
def test_layouts_of_matlab(saved: np.ndarray[Any, Any], expected: np.ndarray[Any, Any], tmp_path: Path) -> None:
    from scipy.io import savemat

    path = tmp_path / "set.mat"
    savemat(path, {"images": saved, "count": 3.0})
    source = open_source(path)
    assert source.count == (1 if saved.shape == (32, 32, 3) else len(expected))
    assert_array_equal(pixels(source).reshape(expected.shape), expected)


# -- parquet -----------------------------------------------------------------------------------------------------------


def test_shards_of_parquet_are_splits(tmp_path: Path) -> None:
    needs("parquet")
    at = 0
    for name, count in (("train-00000-of-00002", 3), ("train-00001-of-00002", 2), ("test-00000-of-00001", 2)):
        images = [encoded(one) for one in COLOR[at : at + count]]
        rows = range(at, at + count)
        write_parquet(
            tmp_path / "data" / f"{name}.parquet",
            images,
            ("cat", "dog"),
            label=[row % 2 for row in rows],
            age=[row / 2 for row in rows],
        )
        at += count
    write_parquet(tmp_path / "data" / "validation-0.parquet", [encoded(COLOR[7])], ("cat", "dog"), label=[1], age=[3.5])
    source = open_source(tmp_path)
    assert (source.count, source.image_shape, source.label_names) == (8, (32, 32, 3), ("cat", "dog"))
    assert [len(part) for part in (source.splits.train, source.splits.test, source.splits.validation)] == [5, 2, 1]
    assert_array_equal(pixels(source), COLOR[:8])
    assert source.labels is not None
    assert source.labels.tolist() == [0, 1, 0, 1, 0, 1, 0, 1]
    assert source.attributes["age"].values.tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]
    assert source.file_name(3) == "train-00001-of-00002/0"
    assert open_source(tmp_path / "data" / "train-00001-of-00002.parquet").count == 2


def test_images_that_cannot_be_read_are_skipped_by_name(tmp_path: Path) -> None:
    needs("parquet")
    whole = encoded(COLOR[0], "BMP")
    path = write_parquet(
        tmp_path / "set.parquet", [whole, b"no image", None, whole[:1500], encoded(GRAY[0])], label=[0, 1, 2, 3, 4]
    )
    source = open_source(path)
    assert [one["file"] for one in describe(source)["skipped"]] == ["set/1", "set/2"]
    assert source.labels is not None
    assert source.labels.tolist() == [0, 3, 4]
    assert source.image_shape is None
    read, kept = source.read_available([0, 1, 2], Preprocessing.standard((32, 32, 1)))
    assert kept.tolist() == [0, 2]
    assert read.shape == (2, 32, 32, 1)
    assert source.skipped[-1].name == "set/3"
    assert source.content_hash() == open_source(path).content_hash()


def test_texts_in_parquet_are_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("parquet")
    images = [encoded(GRAY[number]) for number in range(4)]
    one = write_parquet(
        tmp_path / "train-0.parquet",
        images,
        label=["cat", "dog", None, "cat"],
        view=["left", "right", "left", ""],
        age=[1, 2, 3, 4],
    )
    source = open_source(one)
    assert [source.label(index) for index in range(4)] == ["cat", "dog", "", "cat"]
    assert source.label_names == ("cat", "dog")
    assert [source.attributes["view"].text(index) for index in range(4)] == ["left", "right", "left", ""]
    assert list(source.attributes) == ["view", "age"]
    write_parquet(tmp_path / "test-0.parquet", images[:1], label=["ant"], view=["up"], age=[5])
    both = open_source(tmp_path)
    assert both.label_names == ("ant", "cat", "dog")
    assert [both.label(index) for index in (0, 1, 4)] == ["cat", "dog", "ant"]
    monkeypatch.setattr("explorer.data.sources.parquet._MAX_FILES", 1)
    fewer = open_source(tmp_path)
    assert (fewer.count, [str(one.reason) for one in fewer.skipped]) == (4, ["Only its first 1 files are read"])


def test_a_parquet_file_with_columns_of_another_kind_is_left_out(tmp_path: Path) -> None:
    needs("parquet")
    images = [encoded(GRAY[0])] * 2
    columns: dict[str, dict[str, list[Any]]] = {
        "a": {"view": ["left", "right"], "age": [1, 2]},
        "b": {"view": [1, 2], "age": [1, 2]},
        "c": {"view": ["left", "up"], "age": ["old", "young"]},
        "d": {"view": [None, None], "age": [None, 2.5]},
    }
    for name, given in columns.items():
        write_parquet(tmp_path / f"{name}.parquet", images, **given)
    *steps, source = opening(tmp_path)
    assert isinstance(source, Source)
    assert [source.file_name(index) for index in range(4)] == ["a/0", "a/1", "d/0", "d/1"]
    assert [one.name for one in source.skipped] == ["b.parquet", "c.parquet"]
    view, age = source.attributes["view"], source.attributes["age"]
    assert [view.text(index) for index in range(4)] == ["left", "right", "", ""]
    assert_array_equal(age.values, [1, 2, np.nan, 2.5])
    reported = [(one.done, one.total, str(one.note)) for one in steps if isinstance(one, Progress)]
    # All texts are read before the first image.
    assert {(0, 4, "Reading columns"), (2, 4, "Reading columns")} <= set(reported)


def test_captions_in_parquet_are_named_as_left_out(tmp_path: Path) -> None:
    needs("parquet")
    images = [encoded(GRAY[0])] * 10_001
    captions = [f"image {number}" for number in range(10_001)]
    source = open_source(write_parquet(tmp_path / "a.parquet", images, text=captions, empty=[""] * 10_001))
    assert source.attributes == {}
    assert {one.name: str(one.reason) for one in source.skipped} == {
        "text": "More than 10,000 different texts group no images.",
        "empty": "It is empty.",
    }


def test_deep_images_of_parquet_share_a_range(tmp_path: Path) -> None:
    needs("parquet")
    deep = DEEP[0, 0].copy()
    deep[1:] //= 32  # darker images, which fill less of it
    path = write_parquet(tmp_path / "scans.parquet", [encoded(one) for one in deep])
    source = open_source(path)
    assert (source.depth, source.found.range) == (16, (0, 4095))
    assert_array_equal(pixels(source)[..., 0], from_twelve_bits(deep))
    kept = source.read(range(3), Preprocessing.standard((20, 18, 1), reading=source.reading()))
    assert_array_equal(source.reading().values(to_floats(kept))[..., 0], deep)
    assert open_source(join(path, Choices(range=(0, 100)))).found.range == (0, 100)


def test_parquet_without_images_says_what_it_has(tmp_path: Path) -> None:
    needs("parquet")
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": ["a"], "n": [1]}), tmp_path / "words.parquet")
    with pytest.raises(DataError, match="no column of image files, only text, n"):
        open_source(tmp_path / "words.parquet")
    pq.write_table(pa.table({"img": [encoded(COLOR[0])]}), tmp_path / "bare.parquet")
    assert_array_equal(pixels(open_source(tmp_path / "bare.parquet")), COLOR[:1])


# -- TIFF --------------------------------------------------------------------------------------------------------------


def write_tiff(path: Path, array: np.ndarray[Any, Any], **options: Any) -> Path:
    import tifffile

    tifffile.imwrite(path, array, **({"photometric": "minisblack"} | options))
    return path


@pytest.mark.parametrize(
    ("options", "frames"),
    [({}, 12), ({"metadata": None, "compression": "zlib"}, 12), ({"bigtiff": True}, 12), ({"byteorder": ">"}, 12)],
    ids=["stack", "pages", "BigTIFF", "big endian"],
)
def test_stacks_of_gray_images(options: dict[str, Any], frames: int, tmp_path: Path) -> None:
    source = open_source(write_tiff(tmp_path / "stack.tif", GRAY, **options))
    assert source.found.frames == frames
    assert_array_equal(pixels(source)[..., 0], GRAY)


def test_colors_of_tiff_stacks(tmp_path: Path) -> None:
    rows = write_tiff(tmp_path / "rows.tif", COLOR[:4])  # rows saved as pages
    chunky = write_tiff(tmp_path / "chunky.tif", COLOR[:4], photometric="rgb")
    planar = write_tiff(
        tmp_path / "planar.tif", COLOR[:4].transpose(0, 3, 1, 2), photometric="rgb", planarconfig="separate"
    )
    for path in (rows, chunky, planar):
        assert_array_equal(pixels(open_source(path)), COLOR[:4])
    white = write_tiff(tmp_path / "white.tif", GRAY, photometric="miniswhite")
    assert_array_equal(pixels(open_source(white))[..., 0], 255 - GRAY)


def test_a_deep_page_has_the_same_range_alone_and_in_a_folder(tmp_path: Path) -> None:
    values = np.linspace(100, 200, 10_000).reshape(100, 100).astype(np.float32)
    values[0, 0] = 60_000  # a hot pixel
    path = write_tiff(tmp_path / "photons.tif", values)
    alone, among = open_source(path), open_source(tmp_path)
    assert alone.found.range == among.found.range == pytest.approx((100.1, 199.9), abs=0.1)


def test_times_and_positions_of_ome_tiff_are_images_and_channels_are_channels(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "cells.ome.tif", DEEP, metadata={"axes": "TZCYX"})
    source = open_source(path)
    assert (source.count, source.image_shape) == (6, (20, 18, 3))
    assert (source.found.dtype, source.found.range, source.found.frames) == ("uint16", (0, 4095), 6)
    expected = from_twelve_bits(DEEP.reshape(6, 3, 20, 18).transpose(0, 2, 3, 1))
    assert_array_equal(pixels(source), expected)
    one = open_source(join(path, Choices(frames="4", channels=(2,), range=(0, 1000))))
    wanted = np.rint(np.clip(DEEP[1, 1, 2] / 1000, 0, 1) * 255)
    assert_array_equal(pixels(one)[0, ..., 0], wanted)
    with pytest.raises(DataError, match=r"has no frame 6\. Choose one from 0 to 5"):
        open_source(join(path, Choices(frames="6")))


def test_a_folder_of_ome_tiff_has_one_image_per_file_and_keeps_its_channels(tmp_path: Path) -> None:
    for number, place in enumerate(("healthy", "healthy", "sick")):
        (tmp_path / place).mkdir(exist_ok=True)
        write_tiff(tmp_path / place / f"{number}.ome.tif", DEEP[0, number], metadata={"axes": "CYX"})
    write_tiff(tmp_path / "sick" / "small.ome.tif", DEEP[0, 0, :, :9], metadata={"axes": "CYX"})
    (tmp_path / "sick" / "broken.tif").write_bytes(b"II*\0 and no more")
    (tmp_path / "labels.csv").write_text("file,stain\n0.ome.tif,7\n2.ome.tif,9\n")
    source = open_source(tmp_path)
    assert (source.count, source.image_shape, source.found.range) == (3, (20, 18, 3), (0, 4095))
    assert_array_equal(pixels(source), from_twelve_bits(DEEP[0].transpose(0, 2, 3, 1)))
    assert [source.label(at) for at in range(3)] == ["healthy", "healthy", "sick"]
    assert_array_equal(source.attributes["stain"].values, np.array([7, np.nan, 9], np.float32))
    assert {one.name for one in source.skipped} == {"sick/small.ome.tif", "sick/broken.tif"}
    assert sorted([*source.splits.train, *source.splits.test]) == [0, 1, 2]
    picked = open_source(join(tmp_path, Choices(channels=(1,))))
    assert_array_equal(pixels(picked)[..., 0], from_twelve_bits(DEEP[0, :, 1]))


@pytest.mark.parametrize("options", [{"imagej": True}, {}], ids=["ImageJ", "tifffile"])
def test_splits_of_folders_of_stacks(options: dict[str, Any], tmp_path: Path) -> None:
    for split, times in (("train", 2), ("test", 1)):
        (tmp_path / split).mkdir()
        write_tiff(tmp_path / split / "a.tif", DEEP[0, :times], metadata={"axes": "TCYX"}, **options)
    source = open_source(tmp_path)
    assert (source.splits.train.tolist(), source.splits.test.tolist()) == ([0, 1], [2])
    assert source.image_shape == (20, 18, 3)


def test_folders_of_gray_pages_and_colors_stay_with_the_reader_of_files(tmp_path: Path) -> None:
    write_tiff(tmp_path / "stack.tif", GRAY[:3], imagej=True)
    write_tiff(tmp_path / "color.tif", COLOR[0], photometric="rgb")
    source = open_source(tmp_path)
    assert [source.file_name(at) for at in range(source.count)] == [
        *("color.tif", "stack.tif#0", "stack.tif#1", "stack.tif#2"),
    ]


CELLS = RNG.integers(0, 4096, (10, 4, 24, 18)).astype(np.uint16)
CELLS.flat[0] = 4095


@pytest.mark.parametrize("kind", ["ome.tif", "hyper.tif", "h5", "zarr"])
def test_four_channels_of_twelve_bits_are_kept_from_the_file_to_the_export(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"cells.{kind}"
    match kind:
        case "ome.tif":
            write_tiff(path, CELLS, metadata={"axes": "TCYX"})
        case "hyper.tif":
            write_tiff(path, CELLS, imagej=True, metadata={"axes": "TCYX"})
        case "h5":
            write_hdf5(path, {"images": CELLS.transpose(0, 2, 3, 1)})
        case _:
            needs("zarr")
            write_zarr(path, CELLS.transpose(0, 2, 3, 1))
    source = open_source(path)
    expected = CELLS.transpose(0, 2, 3, 1)
    assert (source.image_shape, source.depth, source.found.dtype) == ((24, 18, 4), 16, "uint16")
    assert (source.found.channels, source.found.range) == (4, (0, 4095))

    request = make_request(architecture="conv-stride", data=str(path), out=tmp_path / "model")
    assert resolve_image_shape(request, source.image_shape, source.crop, source.found.channels) == (24, 18, 4)
    recipe = resolve_preprocessing(request, source)
    read = source.read(range(10), recipe)
    assert (read.shape, read.dtype) == ((10, 24, 18, 4), np.dtype(np.uint16))

    values = recipe.reading.values(to_floats(read))
    assert_array_equal(values, expected)
    assert list(write_stacks([ImageStack.of("images", values)], tmp_path / "again.ome.tif"))
    again = open_source(tmp_path / "again.ome.tif")
    assert (again.image_shape, again.depth, again.found.range) == ((24, 18, 4), 16, (0, 4095))
    assert_array_equal(again.read(range(10), recipe), read)


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 16])
@pytest.mark.parametrize(("dtype", "depth"), [(np.uint8, 8), (np.uint16, 16), (np.float32, "float")])
def test_any_number_of_channels_is_kept(channels: int, dtype: Any, depth: Any, tmp_path: Path) -> None:
    values = (RNG.random((3, channels, 20, 18)) * 200).astype(dtype)
    values.flat[0] = 255 if dtype == np.uint8 else 1023 if dtype == np.uint16 else 300.5
    source = open_source(write_tiff(tmp_path / "a.ome.tif", values, metadata={"axes": "TCYX"}))
    assert (source.image_shape, source.depth, source.found.channels) == ((20, 18, channels), depth, channels)
    recipe = Preprocessing.standard((20, 18, channels), reading=source.reading())
    low, high = source.found.range or (0, 255)
    kept = to_floats(source.read(range(3), recipe)).astype(np.float64) * (high - low) + low
    expected = np.clip(values.transpose(0, 2, 3, 1), low, high)  # floats have the range of most of them
    np.testing.assert_allclose(kept, expected, rtol=1e-5, atol=1e-2)


def test_series_of_one_shape_are_one_set(tmp_path: Path) -> None:
    import tifffile

    with tifffile.TiffWriter(tmp_path / "wells.ome.tif", ome=True) as writer:
        for well in range(3):
            writer.write(GRAY[well * 2 : well * 2 + 2], photometric="minisblack", metadata={"axes": "TYX"})
        writer.write(GRAY[0, :9], photometric="minisblack", metadata={"axes": "YX"})
    source = open_source(tmp_path / "wells.ome.tif")
    assert_array_equal(pixels(source)[..., 0], GRAY[:6])
    assert [one.name for one in source.skipped] == ["series 3"]


def test_hyperstacks_of_imagej(tmp_path: Path) -> None:
    stack = GRAY[:6].reshape(2, 3, 20, 18)
    path = write_tiff(tmp_path / "hyper.tif", stack, imagej=True, metadata={"axes": "TCYX"})
    assert_array_equal(pixels(open_source(path)), stack.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("options", [{"compression": "lzw", "predictor": True}, {"compression": "zstd"}])
def test_compressions_of_the_extra(options: dict[str, Any], tmp_path: Path) -> None:
    needs("tiff")
    deep = (GRAY.astype(np.uint16) << 4) + 15
    source = open_source(write_tiff(tmp_path / "deep.tif", deep, **options))
    assert_array_equal(pixels(source)[..., 0], from_twelve_bits(deep))


def test_plain_images_and_what_only_pillow_can_read_stay_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from explorer.data.sources import tiff

    plain = write_tiff(tmp_path / "plain.tif", GRAY[0], metadata=None)
    deep = write_tiff(tmp_path / "deep.tif", GRAY[0].astype(np.uint16), metadata=None, compression="zlib")
    assert [tiff.takes(path) for path in (plain, deep)] == [False, True]
    needs("tiff")
    packed = write_tiff(tmp_path / "packed.tif", GRAY[0].astype(np.uint16), metadata=None, compression="lzw")
    stack = write_tiff(tmp_path / "stack.tif", GRAY.astype(np.uint16), compression="lzw")
    assert [tiff.takes(path) for path in (packed, stack)] == [True, True]
    monkeypatch.setitem(extras.EXTRAS, "tiff", ("latent_explorer_has_no_such_package",))
    assert [tiff.takes(path) for path in (packed, stack)] == [False, True]


def lone_file(folder: Path, suffix: str) -> Path:
    match suffix:
        case ".h5":
            return write_hdf5(folder / "set.h5", {"images": COLOR, "labels": np.arange(10) % 3})
        case ".mat":
            from scipy.io import savemat

            savemat(folder / "set.mat", {"images": COLOR, "y": np.arange(10) % 3})
            return folder / "set.mat"
        case ".parquet":
            needs("parquet")
            images = [encoded(image) for image in COLOR]
            return write_parquet(folder / "set.parquet", images, "abc", label=(np.arange(10) % 3).tolist())
    return write_tiff(folder / "set.tif", COLOR, photometric="rgb")


@pytest.mark.parametrize("place", ["", "data/inner/"])
@pytest.mark.parametrize("suffix", [".h5", ".mat", ".parquet", ".tif"])
def test_a_single_container_in_an_archive_opens(suffix: str, place: str, tmp_path: Path) -> None:
    file = lone_file(tmp_path, suffix)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.write(file, f"{place}{file.name}")
        archive.writestr(f"{place}readme.txt", "about it")
    source = open_source(tmp_path / "set.zip")
    assert (source.name, source.image_shape) == ("set.zip", (32, 32, 3))
    assert_array_equal(pixels(source), COLOR)
    if suffix != ".tif":
        assert source.labels is not None
        assert_array_equal(source.labels, np.arange(10) % 3)


# -- Zarr --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [2, 3])
def test_arrays_of_zarr(version: int, tmp_path: Path) -> None:
    needs("zarr")
    path = write_zarr(tmp_path / "set.zarr", GRAY, version, chunks=(5, 8, 8))
    assert_array_equal(pixels(open_source(path))[..., 0], GRAY)
    packed = shutil.make_archive(str(path), "zip", tmp_path, path.name)
    assert_array_equal(pixels(open_source(packed))[..., 0], GRAY)


def test_shards_and_groups_of_zarr(tmp_path: Path) -> None:
    needs("zarr")
    path = tmp_path / "set.zarr"
    write_zarr(path, COLOR, 3, "a", chunks=(2, 32, 32, 3), shards=(4, 32, 32, 3))
    write_zarr(path, GRAY, 3, "b")
    source = open_source(path)
    assert source.found.arrays == ("a", "b")
    assert_array_equal(pixels(source), COLOR)
    assert_array_equal(pixels(open_source(join(path, Choices(array="b"))))[..., 0], GRAY)


def test_variables_of_matlab_that_are_not_used_are_named(tmp_path: Path) -> None:
    from scipy.io import savemat

    content = {"X": COLOR.transpose(1, 2, 3, 0), "mean": np.zeros((5, 5)), "about": {"year": 2011}, "note": "hello"}
    savemat(tmp_path / "set.mat", content)
    assert {one.name: str(one.reason) for one in open_source(tmp_path / "set.mat").skipped} == {
        "mean": f"It is not used: its shape is (5, 5), for {len(COLOR)} images.",
        "about": "Only arrays of numbers are read.",
        "note": "Only arrays of numbers are read.",
    }


def test_arrays_of_hdf5_that_are_not_used_are_named_with_their_shapes(tmp_path: Path) -> None:
    arrays = {"images": GRAY, "mean": np.zeros(7), "labels": np.arange(len(GRAY)) % 3}
    source = open_source(write_hdf5(tmp_path / "set.h5", arrays))
    assert source.labels is not None
    assert [(one.name, str(one.reason)) for one in source.skipped] == [
        ("mean", f"It is not used: its shape is (7,), for {len(GRAY)} images.")
    ]
    logs = {f"log{number:02}": np.zeros(7) for number in range(30)}
    *each, rest = open_source(write_hdf5(tmp_path / "set.h5", {"images": GRAY, **logs})).skipped
    assert [one.name for one in each] == [f"log{number:02}" for number in range(7)]
    assert str(rest.reason).startswith("It and 22 other parts are not used. It is not used: its shape is (7,)")
    for split, more in (("train", {}), ("test", {"pose": np.zeros(len(GRAY))})):
        write_hdf5(tmp_path / f"set_{split}_x.h5", {"x": GRAY, **more})
    (tmp_path / "set.h5").unlink()
    assert [one.name for one in open_source(tmp_path).skipped] == ["pose"]


@pytest.mark.parametrize("version", [2, 3])
def test_arrays_beside_the_images_of_zarr_are_labels_and_attributes(version: int, tmp_path: Path) -> None:
    needs("zarr")
    count = len(GRAY)
    arrays: dict[str, Any] = {
        "images": GRAY,
        "labels": np.arange(count) % 3,
        "pose": np.ones((count, 2)),
        "mean": np.zeros(7),
        "features": np.zeros((count, MAX_COLUMNS + 1)),
    }
    for name, array in arrays.items():
        write_zarr(tmp_path / "set.zarr", array, version, name)
    source = open_source(tmp_path / "set.zarr")
    assert_array_equal(pixels(source)[..., 0], GRAY)
    assert source.labels is not None
    assert_array_equal(source.labels, np.arange(count) % 3)
    assert list(source.attributes) == ["pose 0", "pose 1"]
    assert [one.name for one in source.skipped] == ["features", "mean"]


def test_a_group_of_zarr_may_have_an_array_called_c(tmp_path: Path) -> None:
    needs("zarr")
    write_zarr(tmp_path / "a.zarr", GRAY, 3, "c")
    assert_array_equal(pixels(open_source(tmp_path / "a.zarr"))[..., 0], GRAY)


@pytest.mark.parametrize("version", [2, 3])
def test_ome_zarr_opens_at_its_highest_resolution(version: int, tmp_path: Path) -> None:
    needs("zarr")
    path = write_ome_zarr(tmp_path / "cells.zarr", DEEP, "tczyx", version)
    write_ome_zarr(path / "labels" / "nuclei", DEEP[:, :1], "tczyx", version)
    source = open_source(path)
    assert (source.count, source.image_shape) == (6, (20, 18, 3))
    assert [(one.name, str(one.reason)) for one in source.skipped] == [
        ("labels/nuclei", "Masks of cells are not read.")
    ]
    expected = from_twelve_bits(DEEP.transpose(0, 2, 3, 4, 1).reshape(6, 20, 18, 3))
    assert_array_equal(pixels(source), expected)


@pytest.mark.parametrize("codec", ["pickle", "msgpack2"])
def test_codecs_of_anything_but_numbers_are_refused(codec: str, tmp_path: Path) -> None:
    needs("zarr")
    path = write_zarr(tmp_path / "set.zarr", GRAY, 2)
    metadata = path / ".zarray"
    metadata.write_text(metadata.read_text().replace('"filters": null', f'"filters": [{{"id": "{codec}"}}]'))
    with pytest.raises(DataError, match=f"its codec “{codec}” is not read"):
        open_source(path)


# -- DICOM -------------------------------------------------------------------------------------------------------------


def test_frames_of_dicom_without_the_patient(tmp_path: Path) -> None:
    needs("dicom")
    stored = DEEP[0, :, 0]
    source = open_source(write_dicom(tmp_path / "scan.dcm", stored))
    assert (source.count, source.found.frames, source.found.range) == (3, 3, (0, 4095))
    assert_array_equal(pixels(source)[..., 0], from_twelve_bits(stored))
    assert "Secret" not in repr((describe(source), vars(source)))
    assert open_source(join(tmp_path / "scan.dcm", Choices(frames="first"))).count == 1


def test_values_are_rescaled_and_the_window_is_the_range(tmp_path: Path) -> None:
    needs("dicom")
    stored = (DEEP[0, 0, 0].astype(np.int32) - 1000).astype(np.int16)
    write_dicom(
        tmp_path / "ct.dcm", stored, RescaleSlope=2, RescaleIntercept=-24, WindowCenter=[40, 1], WindowWidth=[401, 2]
    )
    source = open_source(tmp_path / "ct.dcm")
    assert (source.found.dtype, source.found.range) == ("float32", (-160.5, 239.5))
    expected = np.rint(np.clip((stored * 2.0 - 24 + 160.5) / 400, 0, 1) * 255)
    assert np.abs(pixels(source)[0, ..., 0] - expected).max() <= 1  # rounding of float32
    assert open_source(join(tmp_path / "ct.dcm", Choices(range=(0.0, 100.0)))).found.range == (0, 100)


def test_monochrome1_is_inverted(tmp_path: Path) -> None:
    needs("dicom")
    path = write_dicom(tmp_path / "xray.dcm", GRAY[0], PhotometricInterpretation="MONOCHROME1")
    assert_array_equal(pixels(open_source(path))[0, ..., 0], 255 - GRAY[0])


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90"], ids=["RLE", "JPEG 2000"])
def test_compressed_dicom(syntax: str, tmp_path: Path) -> None:
    needs("dicom")
    stored = RNG.integers(0, 4096, (64, 64)).astype(np.uint16)
    stored[0, 0] = 4095
    path = write_dicom(tmp_path / "scan.dcm", stored, compressed=syntax, BitsStored=12, HighBit=11)
    assert_array_equal(pixels(open_source(path))[0, ..., 0], from_twelve_bits(stored))


def test_a_folder_of_slices_skips_what_is_none(tmp_path: Path) -> None:
    needs("dicom")
    for number in (10, 2, 1):
        write_dicom(tmp_path / f"slice{number}.dcm", GRAY[number])
    write_dicom(tmp_path / "other.dcm", GRAY[0, :7])
    (tmp_path / "broken.dcm").write_bytes(b"hello")
    source = open_source(tmp_path)
    assert_array_equal(pixels(source)[..., 0], GRAY[[1, 2, 10]])
    assert sorted(one.name for one in source.skipped) == ["broken.dcm", "other.dcm"]


def test_dicom_in_folders_has_labels_and_splits(tmp_path: Path) -> None:
    needs("dicom")
    for number, name in enumerate(("train/a/1.dcm", "train/b/x/2.dcm", "test/a/3.dcm", "test/b/4.dcm")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_dicom(tmp_path / name, GRAY[number])
    source = open_source(tmp_path)
    assert_array_equal(pixels(source)[..., 0], GRAY[:4])
    assert [source.label(index) for index in range(4)] == ["a", "b", "a", "b"]
    assert (source.splits.train.tolist(), source.splits.test.tolist()) == ([0, 1], [2, 3])
    assert open_source(tmp_path / "train" / "b").count == 1, "a patient, a study, a series"


@pytest.mark.parametrize("name", ["IM0001", "1.2.840.113619.2.55"])
def test_a_dicom_file_without_an_extension_is_known_by_its_content(name: str, tmp_path: Path) -> None:
    """As scanners write them, with an index that has no image."""
    needs("dicom")
    write_dicom(tmp_path / name, GRAY[0])
    source = open_source(tmp_path / name)
    assert (source.count, source.found.channels) == (1, 1)
    assert_array_equal(pixels(source)[0, ..., 0], GRAY[0])


@pytest.mark.parametrize("folder", ["", "PATIENT/STUDY"])
def test_a_folder_of_dicom_files_without_an_extension(folder: str, tmp_path: Path) -> None:
    needs("dicom")
    place = tmp_path / folder
    place.mkdir(parents=True, exist_ok=True)
    for number in (2, 10, 1):
        write_dicom(place / f"IM{number}", GRAY[number])
    content = (place / "IM1").read_bytes()
    (tmp_path / "DICOMDIR").write_bytes(content[:132])
    (tmp_path / "README").write_text("Made by a scanner.")
    if hasattr(os, "mkfifo"):
        os.mkfifo(place / "PIPE")
    source = open_source(tmp_path)
    assert_array_equal(pixels(source)[..., 0], GRAY[[1, 2, 10]])
    assert not source.skipped
    (place / "PIPE").unlink(missing_ok=True)
    archive = Path(shutil.make_archive(str(tmp_path / "scan"), "zip", tmp_path, folder or "."))
    assert_array_equal(pixels(open_source(archive))[..., 0], GRAY[[1, 2, 10]])


@pytest.mark.parametrize(("slices", "kept"), [(2, "dcm"), (1, "png")])
def test_dicom_among_other_images_is_one_or_the_other(slices: int, kept: str, tmp_path: Path) -> None:
    needs("dicom")
    for number in range(slices):
        write_dicom(tmp_path / f"{number}.dcm", GRAY[number])
    for number in range(2):
        Image.fromarray(GRAY[number]).save(tmp_path / f"{number}.png")
    source = open_source(tmp_path)
    assert source.count == 2
    assert {one.name for one in source.skipped} == ({"0.png", "1.png"} if kept == "dcm" else {"."})
    assert all("DICOM" in str(one.reason) for one in source.skipped)


def test_dicom_files_among_images_are_noted_once_for_each_folder(tmp_path: Path) -> None:
    for folder, count in (("", 1), ("cells/", 4)):
        (tmp_path / folder).mkdir(exist_ok=True)
        for number in range(4):
            Image.fromarray(GRAY[number]).save(tmp_path / f"{folder}{number}.png")
        for number in range(count):
            (tmp_path / f"{folder}{number}.dcm").write_bytes(b"a scan")
    (tmp_path / "cells" / "3.dcm").replace(tmp_path / "cells" / "IM3")
    (tmp_path / "cells" / "IM3").write_bytes(bytes(128) + b"DICM and a scan")
    source = open_source(tmp_path)
    assert source.count == 8
    apart = "not read together with other images. Open a folder with only these"
    assert {one.name: str(one.reason) for one in source.skipped} == {
        ".": f"1 DICOM file is {apart}",
        "cells": f"4 DICOM files are {apart}",
    }


def test_a_slice_without_the_chosen_frame_is_skipped(tmp_path: Path) -> None:
    needs("dicom")
    write_dicom(tmp_path / "a.dcm", GRAY[:3])
    write_dicom(tmp_path / "b.dcm", GRAY[3])
    source = open_source(join(tmp_path, Choices(frames="2")))
    assert_array_equal(pixels(source)[..., 0], GRAY[2:3])
    assert [one.name for one in source.skipped] == ["b.dcm"]


def test_headers_of_many_slices_are_reported(tmp_path: Path) -> None:
    """Else the reader, silent while it reads the headers of thousands of slices, would be ended as one that hangs."""
    needs("dicom")
    content = write_dicom(tmp_path / "0.dcm", GRAY[0]).read_bytes()
    for number in range(1, 120):
        (tmp_path / f"{number}.dcm").write_bytes(content)
    *reports, source = opening(tmp_path)
    headers = [one for one in reports if isinstance(one, Progress) and "headers" in str(one.note)]
    assert [(one.done, one.total) for one in headers] == [(0, 120), (50, 120), (100, 120)]
    assert isinstance(source, Source)
    assert source.count == 120


# -- all ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("extra", "name"), [("parquet", "a.parquet"), ("zarr", "a.zarr"), ("dicom", "a.dcm")])
def test_a_missing_extra_is_named_with_its_command(
    extra: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(extras.EXTRAS, extra, ("latent_explorer_has_no_such_package",))
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(DataError) as error:
        open_source(tmp_path / name)
    assert str(error.value).endswith(f"Run: pip install '.[{extra}]'")


@pytest.mark.parametrize(
    ("name", "choices"),
    [("a.h5", Choices(frames="first")), ("a.tif", Choices(array="images")), ("a.mat", Choices(layout="flat"))],
)
def test_choices_without_a_meaning_are_refused(name: str, choices: Choices, tmp_path: Path) -> None:
    from scipy.io import savemat

    path = tmp_path / name
    writers: dict[str, Any] = {
        ".h5": lambda: write_hdf5(path, {"x": COLOR}),
        ".tif": lambda: write_tiff(path, GRAY),
        ".mat": lambda: savemat(path, {"X": COLOR}),
    }
    writers[path.suffix]()
    with pytest.raises(DataError, match="there is nothing to choose"):
        open_source(join(path, choices))
