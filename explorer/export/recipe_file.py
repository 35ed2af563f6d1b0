"""Read the recipe in an exported file or folder, of any registered format.

The file is untrusted. Its blocks are visited by their lengths, and only a text of limited length is read into memory;
no image is decoded, and no XML parsed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO

from explorer.errors import DataError
from explorer.export import FOLDER, FORMATS
from explorer.export.folder import FOLDER_FILE, OLD_FOLDER_FILE
from explorer.export.recipe import KEYWORD, MAX_TEXT, Recipe, parse_recipe
from explorer.messages import message
from explorer.reading import reading


def read_recipe(path: Path) -> Recipe | None:
    """Read the recipe of an exported animation, a file or a folder of frames.

    None if the file has no recipe, such as another image or file type. DataError if the file cannot be read, or its
    recipe is damaged or of a newer version.
    """
    text = _text_of(path)
    return None if text is None else parse_recipe(text)


def has_recipe(path: Path) -> bool:
    """Return whether a file, or a folder of frames, has a recipe, which may be damaged; False if it cannot be read."""
    try:
        return os.path.exists(path) and _text_of(path) is not None
    except DataError:
        return False


def _text_of(path: Path) -> str | None:
    if os.path.isdir(path):
        found = next((path / name for name in (FOLDER_FILE, OLD_FOLDER_FILE) if os.path.isfile(path / name)), None)
        if found is None:
            return None
        path = found
    with reading(message("an animation"), str(path), remedy=message("Check the path.")), path.open("rb") as file:
        text = _find(file)
    # A comment of another program is not a recipe, and not an error.
    return text if text is not None and f'"{KEYWORD}"' in text[:MAX_TEXT] else None


def _find(file: BinaryIO) -> str | None:
    """Return the text that may be a recipe; the first bytes give the format of the file."""
    head = file.read(16)
    for kind in (*FORMATS.values(), FOLDER):
        if re.match(kind.signature, head, re.DOTALL):
            found = kind.read_text(file)
            return None if found is None else found.decode("latin-1")
    return None
