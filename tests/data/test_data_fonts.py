from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.data.preprocessing import Preprocessing
from explorer.data.sources import fonts, open_source, opening
from explorer.errors import DataError
from explorer.paths import resources_dir
from explorer.types import Pixels, Progress

REGULAR = resources_dir() / "fonts" / "Inter-Regular.otf"
BOLD = resources_dir() / "fonts" / "Inter-SemiBold.otf"
RECIPE = Preprocessing.standard((64, 64, 1))


def renamed(font: Path, path: Path, name: str) -> Path:
    """Copy a font under another family name of the same length, which is all that FreeType asks of it."""
    content = font.read_bytes()
    for encoding in ("utf-16-be", "latin1"):
        content = content.replace("Inter".encode(encoding), name.encode(encoding))
    path.write_bytes(content)
    return path


def images(path: Path) -> Pixels:
    source = open_source(path)
    return source.read(range(source.count), RECIPE)[..., 0]


def test_one_font_is_the_alphabet() -> None:
    source = open_source(REGULAR)
    assert (source.count, source.image_shape, source.name) == (26, (64, 64, 1), "Inter-Regular.otf")
    assert [source.label(index) for index in range(26)] == list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert source.attributes["typeface"].text(3) == "Inter"
    assert source.attributes["style"].text(3) == "Regular"
    letters = images(REGULAR)
    # White on black, whole, in the middle, and one scale for all: the widest fills the width.
    assert letters[:, 0].max() == letters[:, -1].max() == letters[:, :, 0].max() == letters[:, :, -1].max() == 0
    assert (letters.max(axis=(1, 2)) == 255).all()
    for letter in letters:
        rows, columns = np.flatnonzero(letter.max(axis=1)), np.flatnonzero(letter.max(axis=0))
        assert abs(rows[0] + rows[-1] - 63) <= 2
        assert abs(columns[0] + columns[-1] - 63) <= 3
    widths = [int((letter.max(axis=0) > 0).sum()) for letter in letters]
    assert 46 <= max(widths) <= 56
    assert widths[8] < widths[22] / 3
    assert len({letter.tobytes() for letter in letters}) == 26


def test_letters_are_what_their_label_says() -> None:
    letters = images(REGULAR) > 127
    # An O has a hole in the middle, an I has not, a T is heavier above than below, an L the other way round.
    assert not letters[14][30:34, 30:34].any()
    assert letters[8][30:34, 30:34].any()
    assert letters[19][:32].sum() > letters[19][32:].sum()
    assert letters[11][:32].sum() < letters[11][32:].sum()


def test_a_folder_is_split_by_typeface(tmp_path: Path) -> None:
    for number, name in enumerate(("Alpha", "Bravo", "Charl", "Delta", "Echos")):
        (tmp_path / name).mkdir()
        renamed(REGULAR, tmp_path / name / f"{number}.otf", name)
        renamed(BOLD, tmp_path / name / f"{number}b.OTF", name)
    items = list(opening(tmp_path))
    source = items[-1]
    assert not isinstance(source, Progress)
    assert sum(isinstance(item, Progress) for item in items) > 20
    assert source.count == 5 * 2 * 26
    typeface = source.attributes["typeface"]
    assert typeface.names == ("Alpha", "Bravo", "Charl", "Delta", "Echos")
    held_out = set(typeface.values[source.splits.test])
    assert len(held_out) == 1
    assert held_out.isdisjoint(typeface.values[source.splits.train])


def test_broken_fonts_are_skipped_with_the_reason(tmp_path: Path) -> None:
    shutil.copy(REGULAR, tmp_path)
    (tmp_path / "text.ttf").write_text("no font")
    (tmp_path / "cut.otf").write_bytes(REGULAR.read_bytes()[:3000])
    (tmp_path / "empty.woff2").write_bytes(b"")
    source = open_source(tmp_path)
    assert source.count == 26
    assert {skipped.name for skipped in source.skipped} == {"text.ttf", "cut.otf", "empty.woff2"}
    assert all(" as a font: " in str(skipped.reason) for skipped in source.skipped)
    (tmp_path / REGULAR.name).unlink()
    with pytest.raises(DataError, match="3 fonts are unusable"):
        open_source(tmp_path)


def test_another_script_is_taken_where_there_is_no_latin_one(monkeypatch: pytest.MonkeyPatch) -> None:
    private = "".join(map(chr, range(0xF8000, 0xF8010)))
    monkeypatch.setattr(fonts, "ALPHABETS", {"Latin": private, "Greek": "ΑΒΓΔ\U000f8000", "Cyrillic": "АБВГДЕЖЗИЙ"})
    assert open_source(REGULAR).label_names == tuple("АБВГДЕЖЗИЙ")
    monkeypatch.setattr(fonts, "_MOST", 0.8)
    source = open_source(REGULAR)
    # The letter that the font lacks is no image, whatever the font draws in its place.
    assert source.count == 4
    assert [source.label(index) for index in range(4)] == list("ΑΒΓΔ")
    monkeypatch.setattr(fonts, "ALPHABETS", {"Latin": private})
    with pytest.raises(DataError, match="letters of a known script"):
        open_source(REGULAR)


def test_a_font_that_draws_one_sign_for_all_has_no_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "ALPHABETS", {"Latin": "AAAAAAAA"})
    with pytest.raises(DataError, match="letters of a known script"):
        open_source(REGULAR)


def test_too_many_fonts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(REGULAR, tmp_path)
    shutil.copy(BOLD, tmp_path)
    monkeypatch.setattr(fonts, "MAX_FONTS", 1)
    source = open_source(tmp_path)
    assert source.count == 26
    assert [skipped.name for skipped in source.skipped] == [BOLD.name]


def test_fonts_in_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "inter.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(REGULAR, "Inter/Regular.otf")
        archive.writestr("Inter/OFL.txt", "license")
    source = open_source(path)
    assert (source.count, source.name, source.spec) == (26, "inter.zip", str(path))


def test_images_beside_fonts_win(tmp_path: Path) -> None:
    shutil.copy(REGULAR, tmp_path)
    (tmp_path / "sub").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "sub" / "a.png")
    assert open_source(tmp_path).count == 1


def test_every_kind_of_font_file_is_drawn_alike(tmp_path: Path) -> None:
    # FreeType tells by the content, so that the wrong ending shows that each ending is taken.
    for ending in (".ttf", ".otf", ".woff", ".woff2"):
        path = tmp_path / f"font{ending}"
        shutil.copy(REGULAR, path)
        assert open_source(path).count == 26
