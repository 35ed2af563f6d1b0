"""Letters of fonts as images: 64×64 pixels, white-on-black, split by typeface."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from explorer.data.attributes import Attribute, column_of
from explorer.data.formats import IMAGE_SUFFIXES
from explorer.data.source import ArraySource, Facts, Skipped, Source
from explorer.data.sources.entry import PathKind, path_facts, suffix_members, suffix_patterns
from explorer.data.splits import grouped_splits
from explorer.errors import DataError
from explorer.messages import message
from explorer.reading import reading
from explorer.types import Pixels, Progress

FONT_SUFFIXES: Final = frozenset({".ttf", ".otf", ".woff", ".woff2"})
SIDE: Final = 64
MAX_FONTS: Final = 2_000
"""Most fonts, whose letters take about 200 MB; more are skipped by name."""

ALPHABETS: Final = {
    "Latin": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "Greek": "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ",
    "Cyrillic": "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ",
    "Arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "Hebrew": "אבגדהוזחטיכלמנסעפצקרשת",
    "Armenian": "ԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖ",
    "Georgian": "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
    "Devanagari": "कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसह",
    "Bengali": "কখগঘঙচছজঝঞটঠডঢণতথদধনপফবভমযরলশষসহ",
    "Thai": "กขคฆงจฉชซญฐณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ",
    "Hiragana": "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん",
    "Hangul": "가나다라마바사아자차카타파하",
}
"""Letters by script, in order of preference."""

_FIRST: Final = "Latin"
_ENOUGH: Final = 0.5
_MARGIN: Final = 6
_TRIAL_SIZE: Final = 96
_LOOK_SIZE: Final = 24
_MOST: Final = 0.9
"""A font has a script if it has this fraction of its letters."""

_NEVER_DRAWN: Final = ("\U0010ffff", "\uffff", "\U000e0fff")
"""No font has these: they are drawn as the glyph of missing characters."""

_MAX_BYTES: Final = 64 << 20
_LOOKED_AT: Final = 2_000


def takes(path: Path) -> bool:
    """Return whether `path` is a font, or a folder with fonts and without images among its first files."""
    if path.is_file():
        return path.suffix.lower() in FONT_SUFFIXES
    fonts = 0
    for name in islice(_names(path), _LOOKED_AT):
        suffix = os.path.splitext(name)[1].lower()
        if suffix in IMAGE_SUFFIXES:
            return False
        fonts += suffix in FONT_SUFFIXES
    return fonts > 0


def _names(folder: Path) -> Iterator[str]:
    """Yield the names of files at any depth lazily, so that the first few of a large folder come quickly."""
    left = [str(folder)]
    while left:
        try:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        left += [] if entry.name.startswith(".") else [entry.path]
                    else:
                        yield entry.name
        except OSError:
            continue


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | Source]:
    """Draw the letters of fonts: yields progress, and the source last; see `PathKind.scan_as`.

    The path is a font, or a folder with fonts at any depth. The letters are A to Z if half of the fonts have them,
    otherwise those of the most common script. Letters that a font lacks are omitted. Letters are labels, the typeface
    is an attribute, and all fonts of one typeface are in the same split. DataError if no font can be read, or none has
    the letters of a known script.
    """
    files = _files(path)
    skipped = [
        Skipped(file.name, message("More than {most:,} fonts. Open the others separately.", most=MAX_FONTS))
        for file in files[MAX_FONTS:]
    ]
    fonts: list[_Font] = []
    for number, file in enumerate(files[:MAX_FONTS]):
        yield Progress(number, 2 * len(files), message("Reading fonts"))
        try:
            fonts.append(_open(file))
        except DataError as error:
            skipped.append(Skipped(file.name, error.message))
    scripts = _Scripts(fonts)
    for number in scripts.look():
        yield Progress(number, len(fonts), message("Finding the script"))
    script = scripts.common()
    if script is None:
        raise _no_letters(path, skipped)
    drawn: list[tuple[_Font, list[int], Pixels]] = []
    for number, font in enumerate(fonts):
        yield Progress(len(files) + number, 2 * len(files), message("Drawing letters"))
        letters = scripts.letters(font, script)
        if not letters:
            skipped.append(Skipped(font.path.name, message("Too few letters in the {script} script.", script=script)))
            continue
        try:
            with _reading(font.path):
                drawn.append((font, letters, _draw(font, [ALPHABETS[script][letter] for letter in letters])))
        except DataError as error:
            skipped.append(Skipped(font.path.name, error.message))
    if not drawn:
        raise _no_letters(path, skipped)
    yield _source(facts, ALPHABETS[script], drawn, tuple(skipped))


@dataclass(frozen=True)
class _Font:
    """A readable font and its names."""

    path: Path
    typeface: str
    style: str


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = (Path(place, name) for place, _, names in os.walk(path) for name in names if not name.startswith("."))
    return sorted(file for file in found if file.suffix.lower() in FONT_SUFFIXES)


def _open(path: Path) -> _Font:
    """Return a font with its names; DataError if it cannot be read or drawn."""
    with _reading(path):
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(
                "Cannot read {file}: it is larger than {most:,} MB. Remove it.", file=path.name, most=_MAX_BYTES >> 20
            )
        font = _truetype(path, _LOOK_SIZE)
        typeface, style = font.getname()
        _pixels(font, "A")
    return _Font(path, typeface or path.stem, style or "")


def _reading(path: Path) -> AbstractContextManager[None]:
    """FreeType raises OSError, ValueError and others, also for a single letter."""
    return reading(message("a font"), path.name, DataError, message("Remove it, or replace it."))


def _no_letters(path: Path, skipped: Sequence[Skipped]) -> DataError:
    if skipped:
        return DataError(
            "Cannot open {file}: {count:# font is|# fonts are} unusable. First “{name}”: {reason}",
            file=path,
            count=len(skipped),
            name=skipped[0].name,
            reason=skipped[0].reason,
        )
    return DataError("Cannot open {file}: no font has the letters of a known script. Choose other fonts.", file=path)


def _truetype(path: Path, size: int) -> ImageFont.FreeTypeFont:
    # The basic layout is always available; the other one also joins Arabic letters.
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


def _pixels(font: ImageFont.FreeTypeFont, text: str) -> bytes:
    """Return the pixels of a drawn text, to compare them; empty if it is blank."""
    pil_image = Image.new("L", (3 * _LOOK_SIZE, 3 * _LOOK_SIZE))
    ImageDraw.Draw(pil_image).text((_LOOK_SIZE, 2 * _LOOK_SIZE), text, fill=255, font=font, anchor="ls")
    return pil_image.tobytes() if pil_image.getbbox() else b""


def _letters(font: _Font, script: str) -> list[int]:
    """Return the positions of a script's letters in a font; empty if it lacks too many, or is damaged."""
    alphabet = ALPHABETS[script]
    try:
        with _reading(font.path):
            opened = _truetype(font.path, _LOOK_SIZE)
            missing = {b"", *(_pixels(opened, sign) for sign in _NEVER_DRAWN)}
            drawn = [_pixels(opened, letter) for letter in alphabet]
    except DataError:
        return []
    there = [position for position, pixels in enumerate(drawn) if pixels not in missing]
    # A font that draws the same glyph for every letter does not have them.
    different = len({drawn[position] for position in there})
    return there if len(there) >= _MOST * len(alphabet) and different > len(alphabet) / 2 else []


class _Scripts:
    """Finds the scripts of fonts. Most have Latin letters; other scripts are checked only if too few do."""

    def __init__(self, fonts: Sequence[_Font]) -> None:
        self._fonts = fonts
        self._found: dict[tuple[Path, str], list[int]] = {}

    def look(self) -> Iterator[int]:
        """Check the scripts of each font; yields the number of fonts done."""
        for number, font in enumerate(self._fonts):
            yield number
            self.letters(font, _FIRST)
        if self._share(_FIRST) >= _ENOUGH:
            return
        for number, font in enumerate(self._fonts):
            yield number
            for script in ALPHABETS:
                self.letters(font, script)

    def letters(self, font: _Font, script: str) -> list[int]:
        key = (font.path, script)
        if key not in self._found:
            self._found[key] = _letters(font, script)
        return self._found[key]

    def common(self) -> str | None:
        """Return the script to draw, or None if no font has one."""
        if self._share(_FIRST) >= _ENOUGH:
            return _FIRST
        shares = {script: self._share(script) for script in ALPHABETS}
        most = max(shares, key=lambda script: shares[script])
        return most if shares[most] else None

    def _share(self, script: str) -> float:
        having = sum(bool(self._found.get((font.path, script))) for font in self._fonts)
        return having / len(self._fonts) if self._fonts else 0.0


def _draw(font: _Font, letters: Sequence[str]) -> Pixels:
    """Return letters uint8 ``(n, 64, 64, 1)``, all of one scale, each centered."""
    trial = _truetype(font.path, _TRIAL_SIZE)
    boxes = [trial.getbbox(letter) for letter in letters]
    extent = max(max(right - left, bottom - top) for left, top, right, bottom in boxes)
    size = max(1, int(_TRIAL_SIZE * (SIDE - 2 * _MARGIN) / extent))
    opened = _truetype(font.path, size)
    pixels = np.zeros((len(letters), SIDE, SIDE, 1), np.uint8)
    for row, letter in enumerate(letters):
        left, top, right, bottom = opened.getbbox(letter)
        pil_image = Image.new("L", (SIDE, SIDE))
        place = ((SIDE - left - right) / 2, (SIDE - top - bottom) / 2)
        ImageDraw.Draw(pil_image).text((round(place[0]), round(place[1])), letter, fill=255, font=opened)
        pixels[row, ..., 0] = np.asarray(pil_image)
    return pixels


def _source(
    facts: Facts, alphabet: str, drawn: Sequence[tuple[_Font, list[int], Pixels]], skipped: tuple[Skipped, ...]
) -> ArraySource:
    counts = [len(letters) for _, letters, _ in drawn]
    names = np.array([font.typeface for font, _, _ in drawn])
    styles = np.array([font.style for font, _, _ in drawn])
    typeface = column_of(np.repeat(names, counts), "typeface")
    attributes: dict[str, Attribute] = {"typeface": typeface, "style": column_of(np.repeat(styles, counts), "style")}
    return ArraySource(
        facts,
        np.concatenate([pixels for _, _, pixels in drawn]),
        grouped_splits(typeface.values.astype(np.int64)),
        np.array([letter for _, letters, _ in drawn for letter in letters], np.int64),
        tuple(alphabet),
        attributes,
        skipped,
    )


KIND = PathKind(
    message("fonts"),
    takes,
    scan_as,
    label="Fonts",
    patterns=suffix_patterns(FONT_SUFFIXES),
    facts=lambda path: path_facts(path, title=path.stem, how=message("drawn from {path}", path=path)),
    members=suffix_members(FONT_SUFFIXES),
)
