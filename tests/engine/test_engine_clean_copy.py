"""Weights reach Keras only as arrays that were read elsewhere, and are what they were."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from explorer.engine.third_party.clean_copy import Sizes, copy_weights
from explorer.errors import ModelError
from explorer.models.third_party import hdf5
from explorer.models.third_party.reading import read_third_party

ARRAYS: dict[str, Any] = {
    "float32": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "float16": np.linspace(-1, 1, 5).astype(np.float16),
    "big endian": np.arange(6, dtype=">f8"),
    "int64": np.array([[-(2**62), 2**62]]),
    "bool": np.array([True, False]),
    "one number": np.float32(7),
    "nothing": np.zeros((0, 3), np.float32),
    "opaque": np.array([b"ab", b"cd"], "V2"),
}


def write(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = '{"class_name": "Sequential", "config": {"layers": []}}'
        file.attrs["training_config"] = "left out"
        file.attrs["backend"] = "tensorflow"
        file.create_group("optimizer_weights")["left out"] = 1
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = np.array([b"dense", b"dense_1"])
        group.attrs["weight_names"] = ["dense/kernel:0", "größe"]
        group.attrs["count"] = 3
        group.attrs["numbers"] = np.arange(3)
        for name, value in ARRAYS.items():
            group.create_dataset(f"deep/{name}", data=value)
        group["deep/float32"].attrs["dtype"] = "float32"


def check(copied: Any) -> None:
    for name, value in ARRAYS.items():
        dataset = copied[f"deep/{name}"]
        assert (dataset.dtype, dataset.shape) == (value.dtype, value.shape)
        assert dataset[()].tobytes() == value.tobytes()
    assert copied["deep/float32"].attrs["dtype"] == "float32"
    assert copied.attrs["layer_names"].tolist() == [b"dense", b"dense_1"]
    assert copied.attrs["weight_names"].tolist() == ["dense/kernel:0", "größe"]
    assert copied.attrs["count"] == 3
    np.testing.assert_array_equal(copied.attrs["numbers"], np.arange(3))


def test_all_kinds_of_numbers_and_notes_come_through(tmp_path: Path) -> None:
    write(tmp_path / "model.h5")
    with h5py.File(tmp_path / "copy.h5", "w") as copy:
        sizes = copy_weights(tmp_path / "model.h5", "", copy)
        check(copy["model_weights"])
        assert dict(copy.attrs) == {"backend": "tensorflow"}
        assert list(copy) == ["model_weights"]
    assert sizes == Sizes(24, 24 + 5 + 6 + 2 + 2 + 1 + 0 + 2)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_part_of_a_zip_comes_alone(compression: int, tmp_path: Path) -> None:
    write(tmp_path / "weights.h5")
    with zipfile.ZipFile(tmp_path / "model.keras", "w", compression) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("metadata.json", "{}")
        archive.write(tmp_path / "weights.h5", "model.weights.h5")
    with h5py.File(tmp_path / "copy.h5", "w") as copy:
        copy_weights(tmp_path / "model.keras", "model_weights", copy)
        check(copy)


def test_large_arrays_come_in_several_pieces(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((40_000, 1_000), np.float32)
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.create_dataset("model_weights/large", data=values)
    with h5py.File(tmp_path / "copy.h5", "w") as copy:
        copy_weights(tmp_path / "model.h5", "", copy)
        np.testing.assert_array_equal(copy["model_weights/large"][::997], values[::997])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.array(["text"], h5py.string_dtype()), "The weights “text” of model.h5 are not numbers, but object"),
        (np.array([(1, 2.0)], [("a", "i4"), ("b", "f4")]), "The weights “text” of model.h5 are not numbers"),
    ],
)
def test_what_is_no_number_is_refused(values: Any, said: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.create_dataset("text", data=values)
    with h5py.File(tmp_path / "copy.h5", "w") as copy, pytest.raises(ModelError, match=said):
        copy_weights(tmp_path / "model.h5", "", copy)


def test_a_part_that_is_not_there_is_named(tmp_path: Path) -> None:
    write(tmp_path / "model.h5")
    with (
        h5py.File(tmp_path / "copy.h5", "w") as copy,
        pytest.raises(ModelError, match=r"model\.h5 has no weights of “decoder”"),
    ):
        copy_weights(tmp_path / "model.h5", "decoder", copy)


def test_a_link_to_another_file_is_not_followed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file["link"] = h5py.ExternalLink("/elsewhere.h5", "x")
    with h5py.File(tmp_path / "copy.h5", "w") as copy, pytest.raises(ModelError, match="stores “link” in another file"):
        copy_weights(tmp_path / "model.h5", "", copy)


def test_weights_that_are_cut_short_are_found_while_the_file_is_described(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    write(tmp_path / "weights.h5")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", '{"class_name": "Sequential", "config": {}}')
        archive.writestr("metadata.json", "{}")
        archive.write(tmp_path / "weights.h5", "model.weights.h5")
    data = bytearray(path.read_bytes())
    place = data.index(np.arange(24, dtype=np.float32).tobytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"it is damaged \(BadZipFile: Bad CRC-32"):
        read_third_party(path)


def test_one_row_has_a_limit(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.create_dataset("wide", (1, hdf5.MAX_ROW_BYTES), np.float32, chunks=(1, 4096))
    with h5py.File(tmp_path / "copy.h5", "w") as copy, pytest.raises(ModelError, match="the limit is 128 MB"):
        copy_weights(tmp_path / "model.h5", "", copy)
