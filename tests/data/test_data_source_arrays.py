from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.data.preprocessing import Preprocessing
from explorer.data.source import ArraySource, Facts
from explorer.data.sources import arrays, describe, open_source
from explorer.data.splits import random_splits
from explorer.errors import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 9, 7), dtype=np.uint8)
RECIPE = Preprocessing.standard((9, 7, 1))


def npz(folder: Path, **arrays: Any) -> Path:
    path = folder / "images.npz"
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
    path = tmp_path / "images.npy"
    np.save(path, array)
    np.testing.assert_array_equal(read_all(path)[..., 0], IMAGES)


def test_flat_squares_bool_color_and_one_image(tmp_path: Path) -> None:
    flat = np.random.default_rng(1).integers(0, 256, (6, 784), dtype=np.uint8)
    np.testing.assert_array_equal(read_all(npz(tmp_path, x=flat)), flat.reshape(6, 28, 28, 1))
    mask = IMAGES > 127
    np.testing.assert_array_equal(read_all(npz(tmp_path, x=mask))[..., 0], mask * 255)
    color = np.repeat(IMAGES[..., np.newaxis], 3, axis=3)
    np.testing.assert_array_equal(read_all(npz(tmp_path, images=color)), color)
    np.testing.assert_array_equal(read_all(npz(tmp_path, images=color[0])), color[:1])


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


def test_attributes_of_the_file(tmp_path: Path) -> None:
    eyes = np.array(["open", "wink", "", "open"] * 5)
    source = open_source(
        npz(tmp_path, x=IMAGES, attr_eyeShape=eyes, attr_age=np.arange(20.0), attr_glad=eyes == "wink")
    )
    assert list(source.attributes) == ["eyeShape", "age", "glad"]
    assert source.attributes["eyeShape"].names == ("open", "wink")
    assert [source.attributes["eyeShape"].text(index) for index in range(4)] == ["open", "wink", "", "open"]
    assert source.attributes["age"].values[7] == 7
    assert source.attributes["glad"].text(1) == "true"
    assert describe(source)["attributes"] == ["eyeShape", "age", "glad"]
    assert "attributes" not in describe(open_source(npz(tmp_path, x=IMAGES)))


def test_attributes_of_a_file_with_splits(tmp_path: Path) -> None:
    both = {"x_train": IMAGES[:15], "x_test": IMAGES[15:], "attr_a": np.arange(20)}
    source = open_source(npz(tmp_path, **both, attr_b_test=np.arange(15, 20), attr_b_train=np.arange(15)))
    for name in ("a", "b"):
        np.testing.assert_array_equal(source.attributes[name].values, np.arange(20))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.arange(19), "“a” of .* has 19 values for 20 images"),
        (np.zeros((20, 2)), "“attr_a” in .* must have one number or text per image"),
    ],
)
def test_attributes_that_do_not_fit(values: np.ndarray, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        open_source(npz(tmp_path, x=IMAGES, attr_a=values))


def test_the_only_images_are_found_under_any_key(tmp_path: Path) -> None:
    assert open_source(npz(tmp_path, faces=IMAGES, age=np.arange(20))).count == 20


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((3, 8, 8), np.nan), "192 values are NaN or infinite"),
        (np.zeros((3, 20, 20, 20)), r"its shape is \(3, 20, 20, 20\)"),
        (np.zeros((3, 8, 8, 5)), "its shape .* can be read as channels-first, channels-last"),
        (np.zeros((3, 64, 64, 17)), r"its shape is \(3, 64, 64, 17\)"),
        (np.zeros((0, 8, 8)), r"its shape is \(0, 8, 8\)"),
        (np.zeros((3, 40)), "flat squares"),
        (np.zeros((30, 300)), "flat squares"),
        (np.zeros((10, 27)), "flat squares"),
        (np.zeros((300, 400)), "its shape .* can be read as flat, channels-last. Choose the layout"),
        (np.zeros((3, 8, 3)), "can be read as channels-first, channels-last"),
        (np.zeros((9, 3, 8, 3)), "can be read as channels-first, channels-last"),
        (np.zeros(5), r"its shape is \(5,\)"),
        (np.array([["a", "b"]] * 4).reshape(2, 2, 2), "its dtype is <U1"),
        (np.zeros((3, 8, 8), complex), "its dtype is complex128"),
    ],
)
def test_what_is_no_image_is_refused_with_the_reason(array: np.ndarray, message: str, tmp_path: Path) -> None:
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


def header(shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"shape": shape, "fortran_order": False, "descr": "|u1"})
    return buffer.getvalue()


def test_a_member_that_promises_too_much_is_not_unfolded(tmp_path: Path) -> None:
    path = tmp_path / "huge.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header((1 << 40, 28, 28)) + bytes(1000))
    with pytest.raises(DataError, match=r"Cannot read “x” in .*: its header declares .* bytes"):
        open_source(path)


def test_a_bomb_is_refused_by_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "UNSUSPICIOUS_BYTES", 1 << 20)
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, x=np.zeros((5000, 28, 28), np.uint8))
    with pytest.raises(DataError, match="more than 300 times as much"):
        open_source(path)
    np.savez(path, x=np.zeros((5000, 28, 28), np.uint8))
    assert open_source(path).count == 5000
    monkeypatch.setattr(arrays, "MAX_BYTES", 1 << 20)
    with pytest.raises(DataError, match="more than 1 MB"):
        open_source(path)


def test_an_encrypted_file(tmp_path: Path) -> None:
    path = npz(tmp_path, x=IMAGES)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="is encrypted"):
        open_source(path)


def test_unknown_keys_and_lengths_that_differ_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="its keys a, b"):
        open_source(npz(tmp_path, a=np.zeros(3), b=np.zeros(3)))
    with pytest.raises(DataError, match="19 labels for 20 images"):
        open_source(npz(tmp_path, images=IMAGES, labels=np.zeros(19, int)))
    with pytest.raises(DataError, match="Resize them to one shape"):
        open_source(npz(tmp_path, x_train=IMAGES, x_test=IMAGES[:, :8]))
    with pytest.raises(DataError, match="21 and 19 labels for 20 and 20 images"):
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
    np.testing.assert_array_equal(np.asarray(source.pil_image(4)), IMAGES[4])
    assert source.label(4) == ""
    for outside in (-1, 20):
        with pytest.raises(DataError, match="from 0 to 19"):
            source.pil_image(outside)
        with pytest.raises(DataError, match="from 0 to 19"):
            source.read([0, outside], RECIPE)
    assert source.read([], RECIPE).shape == (0, 9, 7, 1)
    wrongs: tuple[Any, ...] = (images.astype(np.float64), images.repeat(17, axis=3), images[0])
    for wrong in wrongs:
        with pytest.raises(DataError, match="images of “some” must be uint8, uint16 or float32"):
            ArraySource(facts, wrong, random_splits(20))
    with pytest.raises(DataError, match="“some” has no images"):
        ArraySource(facts, images[:0], random_splits(0))


def test_reading_gives_a_copy() -> None:
    source = ArraySource(Facts("some", "Some", "some"), IMAGES[..., np.newaxis].copy(), random_splits(20))
    source.read([0], RECIPE)[:] = 0
    np.testing.assert_array_equal(source.read([0], RECIPE)[0, ..., 0], IMAGES[0])


def test_a_file_says_what_its_images_are(tmp_path: Path) -> None:
    """The cards of models repeat it, so that whoever passes a model on can name author and license of the images."""
    facts = {"name": "faces", "title": "Drawn\nfaces", "license": "CC BY 4.0", "attribution": "Draftbit"}
    images = np.zeros((4, 6, 5), np.uint8)
    texts = {key: np.array(text) for key, text in facts.items()} | {"license": np.array([facts["license"]])}
    source = open_source(str(npz(tmp_path, images=images, **texts)))
    assert (source.name, source.title) == ("faces", "Drawn faces"), "line breaks would break lists"
    assert (source.license, source.attribution) == ("CC BY 4.0", "Draftbit")
    texts["licence"] = texts.pop("license")
    assert open_source(str(npz(tmp_path, images=images, **texts))).license == "CC BY 4.0", (
        "as earlier versions wrote it"
    )
    path = npz(tmp_path, images=images, title=np.array("x" * 5_000), license=np.arange(3), name=np.array(""))
    source = open_source(str(path))
    assert (source.name, source.title, source.license) == (path.name, path.stem, "")


def test_dsprites_are_black_and_white_with_their_latents(tmp_path: Path) -> None:
    images = np.random.default_rng(2).integers(0, 2, (20, 64, 64), dtype=np.uint8)
    latents = np.random.default_rng(3).random((20, 6))
    metadata = np.array({"latents_names": ("color",)}, object)
    path = tmp_path / "dsprites.npz"
    np.savez(path, imgs=images, latents_values=latents, latents_classes=np.zeros((20, 6), int), metadata=metadata)
    source = open_source(path)
    np.testing.assert_array_equal(read_all(path)[..., 0], images * 255)
    assert list(source.attributes) == ["color", "shape", "scale", "orientation", "posX", "posY"]
    np.testing.assert_allclose(source.attributes["posX"].values, latents[:, 4], rtol=1e-6)
    assert [skipped.name for skipped in source.skipped] == ["metadata", "latents_classes"]
    assert "object arrays can execute code" in str(source.skipped[0].reason)
    assert "Begin it with attr_" in str(source.skipped[1].reason)
    assert source.found.range == (0, 1)


@pytest.mark.parametrize(
    ("names", "titles"), [(None, ["latent 0", "latent 1"]), (["hue", "size"], ["hue", "size"]), (["hue"], None)]
)
def test_latents_are_named_as_the_file_says(names: list[str] | None, titles: list[str] | None, tmp_path: Path) -> None:
    further = {} if names is None else {"latents_names": np.array(names)}
    source = open_source(npz(tmp_path, images=IMAGES, latents_values=np.ones((20, 2)), **further))
    assert list(source.attributes) == (titles or ["latent 0", "latent 1"])
    wrong = open_source(npz(tmp_path, images=IMAGES, latents_values=np.ones((19, 2))))
    assert [skipped.name for skipped in wrong.skipped] == ["latents_values"]


@pytest.mark.parametrize(
    ("images", "labels", "validation"),
    [
        ("{}_images", "{}_labels", "val"),
        ("x_{}", "y_{}", "val"),
        ("X_{}", "Y_{}", "valid"),
        ("images_{}", "labels_{}", "validation"),
    ],
)
def test_images_for_validation_belong_to_the_set(images: str, labels: str, validation: str, tmp_path: Path) -> None:
    classes = np.zeros((10, 14), np.uint8)
    classes[:5, [2, 7]] = 1
    parts = [("train", IMAGES[:10], classes), (validation, IMAGES[5:15], classes[::-1]), ("test", IMAGES[10:], classes)]
    keys = {images.format(split): array for split, array, _ in parts}
    keys |= {labels.format(split): array for split, _, array in parts}
    path = npz(tmp_path, **keys)
    source = open_source(path)
    facts = describe(source)
    assert (facts["count"], facts["train"], facts["validation"], facts["test"]) == (30, 10, 10, 10)
    assert facts["attributes"] == [f"label {place}" for place in range(14)]
    assert facts["labels"] is None
    read = read_all(path)[..., 0]
    np.testing.assert_array_equal(read[source.splits.select("val")], IMAGES[5:15])
    np.testing.assert_array_equal(read[source.splits.select("test")], IMAGES[10:])
    np.testing.assert_array_equal(source.attributes["label 7"].values[source.splits.validation], classes[::-1, 7])


def test_images_for_training_alone_keep_their_labels(tmp_path: Path) -> None:
    source = open_source(npz(tmp_path, x_train=IMAGES, y_train=np.arange(20)))
    np.testing.assert_array_equal(source.labels, np.arange(20))
    assert (len(source.splits.train), len(source.splits.test)) == (16, 4)


def test_images_for_validation_replace_missing_test_images(tmp_path: Path) -> None:
    source = open_source(npz(tmp_path, x_train=IMAGES[:15], x_val=IMAGES[15:], y_train=np.arange(15)))
    assert (len(source.splits.train), len(source.splits.test), len(source.splits.validation)) == (15, 5, 0)
    np.testing.assert_array_equal(source.labels, [*range(15), *[-1] * 5])


def test_splits_have_one_range(tmp_path: Path) -> None:
    dark = np.minimum(IMAGES, 1)
    path = npz(tmp_path, x_train=IMAGES, x_test=dark)
    np.testing.assert_array_equal(read_all(path)[20:, ..., 0], dark)


def test_one_of_several_arrays_is_chosen_by_its_key(tmp_path: Path) -> None:
    path = npz(tmp_path, Left=IMAGES, right=IMAGES[:5, ::-1], y=np.arange(20), attr_a=np.arange(20))
    with pytest.raises(DataError, match=r"may be images: left, right. Choose one \(--array left\)"):
        open_source(path)
    left, right = open_source(f"{path}?array=Left"), open_source(f"{path}?array=right")
    assert left.found.arrays == ("left", "right")
    np.testing.assert_array_equal(left.labels, np.arange(20))
    assert list(left.attributes) == ["a"]
    assert (right.count, right.labels, right.attributes) == (5, None, {})
    np.testing.assert_array_equal(np.asarray(right.pil_image(2)), IMAGES[2, ::-1])
    with pytest.raises(DataError, match="has no array “middle”, but left, right, y"):
        open_source(f"{path}?array=middle")
    both = open_source(npz(tmp_path, images=IMAGES, test_images=IMAGES[:5]))
    assert (both.count, both.found.arrays) == (20, ("images", "test_images"))
    documented = open_source(npz(tmp_path, images=IMAGES, masks=IMAGES > 9))
    assert documented.found.arrays == ("images", "masks")


def test_one_split_is_chosen_with_its_labels(tmp_path: Path) -> None:
    path = npz(tmp_path, x_train=IMAGES[:15], y_train=np.arange(15), x_test=IMAGES[15:], y_test=np.arange(5))
    source = open_source(f"{path}?array=x_test")
    np.testing.assert_array_equal(source.labels, np.arange(5))
    np.testing.assert_array_equal(np.asarray(source.pil_image(0)), IMAGES[15])


def test_labels_tell_rows_of_a_table_from_one_image(tmp_path: Path) -> None:
    """8×8 digits as 64 rows of 64 values are a square table, as is an image."""
    table = np.random.default_rng(4).integers(0, 256, (64, 64), dtype=np.uint8)
    assert open_source(npz(tmp_path, images=table, labels=np.arange(64))).image_shape == (8, 8, 1)
    assert open_source(npz(tmp_path, x_train=table)).image_shape == (8, 8, 1)
    assert open_source(npz(tmp_path, images=table)).image_shape == (64, 64, 1)


def test_labels_of_no_use_are_named(tmp_path: Path) -> None:
    source = open_source(npz(tmp_path, images=IMAGES, labels=np.zeros((20, 3, 3))))
    assert source.labels is None
    assert describe(source)["skipped"][0]["file"] == "labels"
