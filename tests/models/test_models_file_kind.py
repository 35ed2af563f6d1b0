"""What a file is, by its name and content."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from explorer_testing.builders import write_bundle
from PIL import Image

from explorer.export.recipe import KEYWORD
from explorer.models.file_kind import identify, kind_of_name, may_have_images


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a file or folder of each kind."""
    for name in ("work.latent", "model.keras", "broken.png", "words.txt"):
        (tmp_path / name).write_bytes(b"words")
    for name in ("folder.latent", "photos", "frames", "digits", "halves", "a.png"):
        (tmp_path / name).mkdir()
    write_bundle(tmp_path / "bundle")
    (tmp_path / "broken.h5").write_bytes(b"\x89HDF")
    with h5py.File(tmp_path / "images.h5", "w") as file:
        file["images"] = np.zeros((30, 8, 8), np.uint8)
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.attrs["layer_names"] = ["dense"]
        file["dense/kernel"] = np.zeros((40, 40))
    (tmp_path / "hdf5.bin").write_bytes(b"\x89HDF and more")
    for half in ("encoder", "decoder"):
        (tmp_path / "halves" / f"{half}.h5").write_bytes(b"")
    (tmp_path / "frames" / "animation.json").write_text(json.dumps({KEYWORD: "damaged"}))
    Image.new("L", (8, 8)).save(tmp_path / "plain.gif")
    Image.new("L", (8, 8)).save(tmp_path / "animation.gif", comment=json.dumps({KEYWORD: 1}).encode())
    np.save(tmp_path / "array.npy", np.zeros((2, 3, 3)))
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("1.png", b"")
    return tmp_path


KINDS = {
    "work.latent": "session",
    "folder.latent": "images",
    "bundle": "model",
    "model.keras": "third_party",
    "hdf5.bin": "third_party",
    "broken.h5": "third_party",
    "weights.h5": "third_party",
    "images.h5": "images",
    "halves": "third_party",
    "frames": "animation",
    "animation.gif": "animation",
    "plain.gif": "image",
    "broken.png": "image",
    "a.png": "images",
    "photos": "images",
    "array.npy": "images",
    "archive.zip": "images",
    "words.txt": "images",
    "missing.png": "images",
    "n" * 300: "images",
    "null\0": "images",
}


@pytest.mark.parametrize("name", KINDS)
def test_a_file_is_identified(place: Path, name: str) -> None:
    assert identify(place / name) == identify(str(place / name)) == KINDS[name]


def test_the_name_of_a_dataset_comes_before_a_file(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    write_bundle(place / "mnist")
    assert identify("mnist") == "images"
    assert identify("./mnist") == "model"


def test_a_name_suggests_a_kind() -> None:
    names = ("a.latent", "a.KERAS", "a.h5", "a.PNG", "a.gif", "a", "a.npy")
    expected = ["session", "third_party", "third_party", "image", "image", None, None]
    assert [kind_of_name(Path("/nowhere") / name) for name in names] == expected
    assert [name for name in names if may_have_images(Path(name))] == ["a.h5"]
