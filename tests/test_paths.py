"""Outputs never overlap inputs, however both are named; files are replaced only if allowed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from explorer.errors import ExportError
from explorer.paths import check_apart, check_file


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with two files, one of them in a subfolder."""
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    for name in ("a.png", "inner/b.png"):
        (folder / name).write_bytes(name.encode())
    return folder


def refused(written: Path, *read: Path) -> str:
    with pytest.raises(ExportError) as caught:
        check_apart(written, read)
    return str(caught.value)


def test_the_same_file_or_folder_is_refused(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"{photos}: it is the input {photos}." in refused(photos, photos)
    assert "it is the input /" in refused(photos / "a.png", photos / "a.png")
    assert "it is the input /" in refused(photos / "inner" / ".." / "a.png", photos / "a.png")
    monkeypatch.chdir(photos)
    assert "it is the input /" in refused(Path("a.png"), photos / "a.png")
    assert "it is the input ." in refused(photos, Path())


def test_an_output_inside_or_around_an_input_is_refused(photos: Path) -> None:
    assert "it is inside" in refused(photos / "new.png", photos)
    assert "it is inside" in refused(photos / "inner" / "deep" / "new", photos)
    assert "contains" in refused(photos.parent, photos)
    assert "contains" in refused(photos, photos / "inner" / "b.png")


def test_the_first_that_is_in_the_way_is_named(photos: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    other.touch()
    assert f"it is the input {other}." in refused(other, photos, tmp_path / "missing", other)


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_to_a_file_is_that_file(photos: Path, tmp_path: Path, link: object) -> None:
    assert callable(link)
    link(photos / "a.png", tmp_path / "link.png")
    assert "it is the input /" in refused(tmp_path / "link.png", photos / "a.png")
    assert "it is the input /" in refused(photos / "a.png", tmp_path / "link.png")
    assert refused(tmp_path / "link.png", photos)


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_file_that_a_folder_holds_by_a_link_is_read_too(photos: Path, tmp_path: Path, link: object) -> None:
    assert callable(link)
    (tmp_path / "elsewhere.png").write_bytes(b"kept")
    link(tmp_path / "elsewhere.png", photos / "inner" / "c.png")
    assert "it is also in" in refused(tmp_path / "elsewhere.png", photos)


def test_links_to_folders_are_followed(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(photos, target_is_directory=True)
    assert "it is inside" in refused(tmp_path / "link" / "new.png", photos)
    assert "it is inside" in refused(photos / "new.png", tmp_path / "link")
    assert "it is the input /" in refused(tmp_path / "link", photos)
    (photos / "out").symlink_to(tmp_path, target_is_directory=True)
    assert "it is inside" in refused(photos / "out", photos), "the link would be replaced"


def test_other_places_are_free(photos: Path, tmp_path: Path) -> None:
    check_apart(tmp_path / "photos.png", [photos])
    check_apart(tmp_path / "photos2" / "a.png", [photos, photos / "a.png"])
    check_apart(photos / "c.png", [photos / "a.png", photos / "inner", photos / "missing.png"])
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    check_apart(tmp_path / "loop", [photos])
    check_apart(tmp_path / "new", [tmp_path / "loop"])


def test_only_files_are_replaced_and_only_where_asked_for(photos: Path, tmp_path: Path) -> None:
    check_file(tmp_path / "new.png", force=False)
    check_file(photos / "a.png", force=True)
    with pytest.raises(ExportError, match="replace it with --force"):
        check_file(photos / "a.png", force=False)
    (tmp_path / "gone").symlink_to(tmp_path / "missing")
    os.mkfifo(tmp_path / "pipe")
    for path in (photos, tmp_path / "gone", tmp_path / "pipe", Path(os.devnull)):
        for force in (False, True):
            with pytest.raises(ExportError) as caught:
                check_file(path, force=force)
            assert "--force" not in str(caught.value), "it would not help"
