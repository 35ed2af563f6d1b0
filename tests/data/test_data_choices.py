"""Choices of how a file is read, as part of its spec."""

from pathlib import Path

import numpy as np
import pytest

from explorer.data.choices import Choices, join, place_of, split
from explorer.data.sources import open_source
from explorer.errors import DataError


@pytest.mark.parametrize(
    "choices",
    [
        Choices(),
        Choices(array="a group/images & more?"),
        Choices(range=(-0.1, 4095.0), frames="all"),
        Choices(frames="3", layout="channels-first", channels=(2, 0)),
    ],
)
def test_a_spec_gives_back_its_choices(choices: Choices) -> None:
    assert split(join("/a folder/file.h5", choices)) == ("/a folder/file.h5", choices)


def test_a_file_with_a_question_mark_in_its_name_is_a_path(tmp_path: Path) -> None:
    path = tmp_path / "why?array=x"
    path.touch()
    assert split(str(path)) == (str(path), Choices())
    assert split(f"{path}?frames=all") == (str(path), Choices(frames="all"))


def test_an_unknown_choice_is_part_of_a_name() -> None:
    assert split("/a/b?c=1") == ("/a/b?c=1", Choices())


@pytest.mark.parametrize(
    "chosen", ["range=1", "range=2,1", "range=a,b", "range=0,inf", "frames=-1", f"frames={10**9}", "layout=x"]
)
def test_an_invalid_choice_is_refused(chosen: str) -> None:
    with pytest.raises(DataError, match="Invalid choice"):
        split(f"/a/b?{chosen}")
    assert place_of(f"/a/b?{chosen}") == f"/a/b?{chosen}"


def test_a_source_keeps_its_choices(tmp_path: Path) -> None:
    path = tmp_path / "images.npy"
    np.save(path, np.zeros((2, 4, 4), np.uint8))
    source = open_source(f"{path}?range=0,255")
    assert source.choices == Choices(range=(0, 255))
    assert source.spec == f"{path}?range=0,255"
    assert open_source(source.spec).content_hash() == open_source(path).content_hash()
