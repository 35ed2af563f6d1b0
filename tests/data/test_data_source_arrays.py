from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.data.preprocessing import Preprocessing
from explorer.data.source import ArraySource, Facts
from explorer.data.sources import describe, open_source
from explorer.data.splits import random_splits
from explorer.errors import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 9, 7), dtype=np.uint8)
RECIPE = Preprocessing.standard((9, 7, 1))


def npz(folder: Path, **arrays: Any) -> Path:
    path = folder / "pictures.npz"
    np.savez(path, **arrays)
    return path


def read_all(path: Path) -> np.ndarray:
    source = open_source(path)
    assert source.image_shape is not None
    height, width, channels = source.image_shape
    return source.read(range(source.count), Preprocessing.standard((height, width, channels)))


@pytest.mark.parametrize(
    "array",
    [
        IMAGES,
        IMAGES[..., np.newaxis],
        IMAGES.astype(np.int64),
        IMAGES.astype(np.float32) / 255,
        IMAGES.astype(np.float64)[..., np.newaxis] / 255,
        (IMAGES / 255).astype(np.float32) + np.float32(2e-6),
        np.asfortranarray(IMAGES),
    ],
    ids=["n h w", "n h w 1", "int64", "float32", "float64", "overshoot", "fortran"],
)
def test_layouts_and_types(array: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "pictures.npy"
    np.save(path, array)
    np.testing.assert_array_equal(read_all(path)[..., 0], IMAGES)


def test_flat_squares_bool_colour_and_one_picture(tmp_path: Path) -> None:
    flat = np.random.default_rng(1).integers(0, 256, (6, 784), dtype=np.uint8)
    np.testing.assert_array_equal(read_all(npz(tmp_path, x=flat)), flat.reshape(6, 28, 28, 1))
    mask = IMAGES > 127
    np.testing.assert_array_equal(read_all(npz(tmp_path, x=mask))[..., 0], mask * 255)
    colour = np.repeat(IMAGES[..., np.newaxis], 3, axis=3)
    np.testing.assert_array_equal(read_all(npz(tmp_path, images=colour)), colour)
    np.testing.assert_array_equal(read_all(npz(tmp_path, images=colour[0])), colour[:1])


def test_keras_keys_keep_the_splits_and_join_them_train_first(tmp_path: Path) -> None:
    labels = np.arange(20) % 4
    source = open_source(
        npz(tmp_path, x_test=IMAGES[15:], y_test=labels[15:], x_train=IMAGES[:15], y_train=labels[:15])
    )
    assert source.splits.origin == "given"
    np.testing.assert_array_equal(source.splits.test, np.arange(15, 20))
    np.testing.assert_array_equal(source.labels, labels)
    np.testing.assert_array_equal(source.read([16, 2], RECIPE)[..., 0], IMAGES[[16, 2]])
    assert describe(source)["labels"] == 4
    assert source.label(6) == "2"


@pytest.mark.parametrize(("image_key", "label_key"), [("x", "y"), ("X", "Y"), ("images", "labels"), ("data", "target")])
def test_other_keys(image_key: str, label_key: str, tmp_path: Path) -> None:
    source = open_source(npz(tmp_path, **{image_key: IMAGES, label_key: np.arange(20)}))
    assert source.count == 20
    np.testing.assert_array_equal(source.labels, np.arange(20))
    assert (len(source.splits.train), len(source.splits.test)) == (16, 4)


@pytest.mark.parametrize(
    ("labels", "values", "names"),
    [
        (np.array(["cat", "ant"] * 10), [1, 0] * 10, ("ant", "cat")),
        (np.eye(4)[np.arange(20) % 4], np.arange(20) % 4, None),
        (np.arange(20.0)[:, np.newaxis] % 3, np.arange(20) % 3, None),
    ],
    ids=["names", "one-hot", "column"],
)
def test_forms_of_labels(labels: np.ndarray, values: object, names: object, tmp_path: Path) -> None:
    source = open_source(npz(tmp_path, images=IMAGES, labels=labels))
    np.testing.assert_array_equal(source.labels, values)
    assert source.label_names == names


def test_label_names_and_groups_of_the_file_are_used(tmp_path: Path) -> None:
    groups = np.arange(20) // 4
    source = open_source(
        npz(tmp_path, images=IMAGES, labels=np.arange(20) % 2, label_names=np.array(["a", "b"]), groups=groups)
    )
    assert source.label(3) == "b"
    assert set(groups[source.splits.train]).isdisjoint(groups[source.splits.test])
    assert len(source.splits.test) == 4


def test_the_only_pictures_are_found_under_any_key(tmp_path: Path) -> None:
    assert open_source(npz(tmp_path, faces=IMAGES, age=np.arange(20))).count == 20


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((3, 8, 8), np.nan), "finite values.*NaN"),
        (np.full((3, 8, 8), 2.0), r"floats from 0 to 1.*Divide by 255"),
        (np.full((3, 8, 8), -1.0), "floats from 0 to 1.*Scale them"),
        (np.full((3, 8, 8), 300), "whole numbers from 0 to 255"),
        (np.zeros((3, 3, 8, 8)), "Channels come last"),
        (np.zeros((3, 8, 8, 4)), "pictures"),
        (np.zeros((0, 8, 8)), "pictures"),
        (np.zeros((3, 10)), "flat squares"),
        (np.zeros(5), "pictures"),
        (np.array([["a", "b"]] * 4).reshape(2, 2, 2), "numbers"),
        (np.zeros((3, 8, 8), complex), "numbers"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(array: np.ndarray, message: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.npy"
    np.save(path, array)
    with pytest.raises(DataError, match=message):
        open_source(path)


def test_object_arrays_are_not_opened(tmp_path: Path) -> None:
    ragged = np.empty(2, object)
    ragged[:] = [np.zeros((2, 2)), np.zeros((3, 3))]
    path = tmp_path / "ragged.npy"
    np.save(path, ragged, allow_pickle=True)
    with pytest.raises(DataError, match="object array"):
        open_source(path)
    with pytest.raises(DataError, match="object array"):
        open_source(npz(tmp_path, images=ragged))
    assert open_source(npz(tmp_path, images=IMAGES, notes=ragged)).count == 20


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_broken_files(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"broken{suffix}"
    (np.save if suffix == ".npy" else np.savez)(path, IMAGES)
    content = path.read_bytes()
    for wrong in (b"", b"not numpy", content[:50], content[:-300]):
        path.write_bytes(wrong)
        with pytest.raises(DataError, match="broken"):
            open_source(path)


def test_a_header_that_promises_too_much(tmp_path: Path) -> None:
    path = tmp_path / "huge.npy"
    np.save(path, IMAGES)
    path.write_bytes(path.read_bytes().replace(b"(20, 9, 7), }        ", b"(200000000000, 9, 7)}"))
    with pytest.raises(DataError, match=r"huge\.npy"):
        open_source(path)


def test_unknown_keys_and_lengths_that_differ_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the keys a, b"):
        open_source(npz(tmp_path, a=np.zeros(3), b=np.zeros(3)))
    with pytest.raises(DataError, match="19 labels for 20 pictures"):
        open_source(npz(tmp_path, images=IMAGES, labels=np.zeros(19, int)))
    with pytest.raises(DataError, match="one shape"):
        open_source(npz(tmp_path, x_train=IMAGES, x_test=IMAGES[:, :8]))
    with pytest.raises(DataError, match="one label a picture"):
        open_source(npz(tmp_path, x_train=IMAGES, x_test=IMAGES, y_train=np.zeros(21), y_test=np.zeros(19)))


def test_array_source_checks_and_hash() -> None:
    facts = Facts("some", "Some", "some")
    images = IMAGES[..., np.newaxis]
    source = ArraySource(facts, images, random_splits(20))
    same = ArraySource(facts, np.asfortranarray(images), random_splits(20))
    other = images.copy()
    other[3, 3, 3] ^= 1
    assert source.content_hash() == same.content_hash()
    # A value that was written down once: it must not depend on the machine.
    assert source.content_hash() == "cf2d497dfdc4edade062cec8c4a215657d8963f97484b78664ed1469e47c1968"
    assert source.content_hash() != ArraySource(facts, other, random_splits(20)).content_hash()
    np.testing.assert_array_equal(np.asarray(source.picture(4)), IMAGES[4])
    assert source.label(4) == ""
    for outside in (-1, 20):
        with pytest.raises(DataError, match="from 0 to 19"):
            source.picture(outside)
        with pytest.raises(DataError, match="from 0 to 19"):
            source.read([0, outside], RECIPE)
    assert source.read([], RECIPE).shape == (0, 9, 7, 1)
    with pytest.raises(DataError, match="8-bit pictures"):
        ArraySource(facts, images.astype(np.float32), random_splits(20))


def test_reading_gives_a_copy() -> None:
    source = ArraySource(Facts("some", "Some", "some"), IMAGES[..., np.newaxis].copy(), random_splits(20))
    source.read([0], RECIPE)[:] = 0
    np.testing.assert_array_equal(source.read([0], RECIPE)[0, ..., 0], IMAGES[0])
