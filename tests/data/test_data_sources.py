from __future__ import annotations

import gzip
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.data.preprocessing import Preprocessing
from explorer.data.sources import KNOWN, describe, known_sources, open_source
from explorer.errors import DataError
from explorer.paths import resources_dir

EMBEDDED = tuple(known.name for known in KNOWN if known.held_out_of)


def test_digits_are_the_ten_thousand() -> None:
    source = open_source("digits")
    assert (source.count, source.image_shape, source.status) == (10_000, (28, 28, 1), "embedded")
    assert source.labels is not None
    assert np.bincount(source.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert [source.label(index) for index in range(5)] == ["7", "2", "1", "0", "4"]
    assert "CC BY-SA" in source.license
    assert "LeCun" in source.attribution
    pixels = source.read(range(10_000), Preprocessing.standard((28, 28, 1)))
    assert pixels.mean() == pytest.approx(33.79, abs=0.01)


def test_digits_have_a_fixed_split() -> None:
    splits = open_source("digits").splits
    assert (len(splits.train), len(splits.test)) == (8_000, 2_000)
    # Written down: a change would make figures of older models worthless.
    assert splits.test[:5].tolist() == [1, 4, 15, 17, 27]


def test_glyphs_are_split_by_typeface() -> None:
    source = open_source("glyphs")
    assert (source.count, source.image_shape) == (672, (64, 64, 1))
    assert source.label_names is not None
    assert len(source.label_names) == 28
    assert source.labels is not None
    assert np.bincount(source.labels).tolist() == [24] * 28
    assert [name[-1] for name in source.label_names] == list("ابتثجحخدذرزسشصضطظعغفقكلمنهوي")
    with np.load(resources_dir() / "data" / "glyphs.npz", allow_pickle=False) as arrays:
        for key in ("groups", "fonts"):
            values = arrays[key]
            assert set(values[source.splits.train]).isdisjoint(values[source.splits.test])
    held_out = source.read(source.splits.test, Preprocessing.standard((64, 64, 1)))
    trained_on = {image.tobytes() for image in source.read(source.splits.train, Preprocessing.standard((64, 64, 1)))}
    assert not any(image.tobytes() in trained_on for image in held_out)


def test_clothing_is_a_balanced_part_of_the_test_images() -> None:
    source = open_source("clothing")
    assert (source.count, source.image_shape, source.license) == (2_500, (28, 28, 1), "MIT")
    assert source.labels is not None
    assert np.bincount(source.labels).tolist() == [250] * 10
    assert [source.label(index) for index in range(4)] == ["Ankle boot", "Pullover", "Trouser", "Trouser"]
    assert source.splits.test[:5].tolist() == [2, 4, 12, 31, 36]
    assert source.read([0], Preprocessing.standard((28, 28, 1))).mean() > 20


def test_faces_have_what_is_drawn_in_them_as_attributes() -> None:
    source = open_source("faces")
    assert (source.count, source.image_shape) == (1_000, (64, 64, 3))
    assert "Draftbit" in source.attribution
    assert list(source.attributes)[:5] == ["body", "clothing color", "eyes", "facial hair", "hair"]
    assert {"mouth", "nose", "skin color"} <= set(source.attributes)
    assert all(column.names and len(column) == 1_000 for column in source.attributes.values())
    assert source.attributes["eyes"].names == ("glasses", "happy", "open", "sleep", "sunglasses", "wink")
    assert "none" in (source.attributes["facial hair"].names or ())
    assert [source.label(index) for index in range(9)] == [source.attributes["hair"].text(index) for index in range(9)]
    assert describe(source)["attributes"] == list(source.attributes)
    # What the attribute says is in the image: ears and neck have the color of the skin.
    pixels = source.read(range(1_000), Preprocessing.standard((64, 64, 3)))
    skin = source.attributes["skin color"]
    near = 0
    for index in range(1_000):
        color = np.array([int(skin.text(index)[place : place + 2], 16) for place in (1, 3, 5)])
        near += bool((np.abs(pixels[index].astype(int) - color).max(axis=-1) < 4).mean() > 0.005)
    assert near > 990


def test_embedded_faces_are_the_ones_that_models_do_not_see(shared_data: Path) -> None:
    everyone = open_source(shared_data / "avatars" / "personas_64.npz")
    recipe = Preprocessing.standard((64, 64, 3))
    faces = open_source("faces")
    np.testing.assert_array_equal(faces.read(range(1_000), recipe), everyone.read(range(9_000, 10_000), recipe))
    assert len(everyone.attributes) == len(faces.attributes)
    assert everyone.attributes["eyes"].text(9_000) == faces.attributes["eyes"].text(0)


def test_the_samples_are_small() -> None:
    total = sum(path.stat().st_size for path in (resources_dir() / "data").glob("*.npz"))
    assert total < 4.2e6


def test_what_the_list_says_is_so() -> None:
    entries = {entry.name: entry for entry in known_sources()}
    assert list(entries) == [known.name for known in KNOWN]
    for name in EMBEDDED:
        entry, source = entries[name], open_source(name)
        assert entry.status == "embedded"
        assert (entry.count, entry.train, entry.test) == (
            source.count,
            len(source.splits.train),
            len(source.splits.test),
        )
        assert entry.image_shape == source.image_shape
        assert entry.labels == len(source.label_names or ())
        assert not entry.can_fetch
        assert (entry.license, entry.attribution, entry.how) == (source.license, source.attribution, source.how)


def test_describe_is_plain_json() -> None:
    facts = json.loads(json.dumps(describe(open_source("digits"))))
    assert facts["image_shape"] == [28, 28, 1]
    assert facts["labels"] == list("0123456789")
    assert (facts["count"], facts["train"], facts["test"], facts["skipped"]) == (10_000, 8_000, 2_000, [])
    assert {"name", "status", "how", "license", "attribution"} <= set(facts)


def test_unknown_names_and_paths_list_what_is_known(tmp_path: Path) -> None:
    for unknown in ("digit", str(tmp_path / "nowhere"), "", "a" * 5000, "nul\0"):
        with pytest.raises(
            DataError, match="digits, clothing, glyphs, faces, mnist, fashion_mnist, cifar10, lfw, stanford_dogs"
        ):
            open_source(unknown)


def test_files_of_no_known_kind(tmp_path: Path) -> None:
    path = tmp_path / "images.rar"
    path.write_bytes(b"Rar!")
    with pytest.raises(DataError, match=r"images\.rar: unknown type\..*a zip or tar archive.*Unpack"):
        open_source(path)


def test_a_known_name_wins_over_a_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "digits").mkdir()
    Image.new("L", (4, 4)).save(tmp_path / "digits" / "a.png")
    monkeypatch.chdir(tmp_path)
    assert open_source("digits").count == 10_000
    assert open_source("./digits").count == 1
    assert open_source(Path("digits")).count == 1
    relative = open_source("./digits")
    assert Path(relative.spec).is_absolute()
    assert open_source(relative.spec).count == 1


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "datasets").mkdir()
    return tmp_path / "datasets"


def test_missing_sets_say_how_to_get_them(keras_home: Path) -> None:
    for entry in known_sources():
        if entry.name in ("mnist", "fashion_mnist"):
            assert entry.status == "missing"
            assert f"keras.datasets.{entry.name}" in str(entry.how)
            with pytest.raises(DataError, match=r"keras\.datasets"):
                open_source(entry.name)


def test_mnist_of_the_keras_cache(keras_home: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (7, 28, 28), dtype=np.uint8)
    labels = np.arange(7)
    np.savez(keras_home / "mnist.npz", x_train=images[:5], y_train=labels[:5], x_test=images[5:], y_test=labels[5:])
    source = open_source("mnist")
    assert (source.name, source.status, source.license) == ("mnist", "present", "CC BY-SA 3.0")
    assert source.splits.test.tolist() == [5, 6]
    assert source.label(4) == "4"
    np.testing.assert_array_equal(source.read([6], Preprocessing.standard((28, 28, 1)))[0, ..., 0], images[6])
    assert {entry.name: entry.status for entry in known_sources()}["mnist"] == "present"


def test_fashion_mnist_of_the_keras_cache(keras_home: Path) -> None:
    folder = keras_home / "fashion-mnist"
    folder.mkdir()
    for split, count in (("train", 3), ("t10k", 2)):
        header = struct.pack(">HBB3I", 0, 8, 3, count, 28, 28)
        (folder / f"{split}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + bytes(count * 784)))
        header = struct.pack(">HBBI", 0, 8, 1, count)
        (folder / f"{split}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(header + bytes([9] * count)))
    source = open_source("fashion-mnist")
    assert (source.name, source.count, source.label(0)) == ("fashion_mnist", 5, "Ankle boot")
    assert source.splits.test.tolist() == [3, 4]


def test_the_data_room_is_light() -> None:
    script = (
        "import sys\n"
        "from explorer.data import augmentation, corruption, metrics, sources\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'scipy', 'PySide6', 'skimage'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_samples_are_built_reproducibly(shared_data: Path, tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    script = root / "scripts" / "build_samples.py"
    subprocess.run(
        [sys.executable, script, shared_data, "--out", tmp_path], check=True, timeout=120, env=_with_path(root)
    )
    for name in (f"{sample}.npz" for sample in EMBEDDED):
        with np.load(tmp_path / name) as built, np.load(resources_dir() / "data" / name) as shipped:
            assert built.files == shipped.files
            for key in built.files:
                np.testing.assert_array_equal(built[key], shipped[key])


def _with_path(root: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(root)}
