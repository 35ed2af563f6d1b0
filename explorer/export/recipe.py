"""What an exported film remembers of how it was made, so that the timeline can be had back from the file.

A recipe names the model and the hash of its decoder, holds the codes of the keys bit for bit, and says how the film
runs: plain values as JSON, bounded in size, without any path of the machine that made it. `explorer.export.recipe_file`
reads it from a file.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from explorer.errors import DataError, UsageError
from explorer.json_limits import JsonLimits, json_text
from explorer.types import Floats

VERSION = 1
KEYWORD = "latent-explorer"
"""Names the recipe among the texts of a PNG."""

MAX_TEXT = 1_000_000
"""Longest recipe in characters, written or read."""

MAX_CODE_TEXT = 400_000
"""Longest text of the keys' codes; a film with longer ones goes without them."""

MAX_KEYS = 10_000
MAX_VALUES = 1_000_000
MAX_STEPS = 1_000_000
_LIMITS = JsonLimits(4 * MAX_TEXT, 500_000)

_Word = Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class KeyCodes(_Record):
    """The codes of the keys.

    Attributes
    ----------
    count, latent_dim
        Shape of the table.
    float32
        Its values row by row, little-endian, deflated, in base 64.
    """

    count: int = Field(ge=1, le=MAX_KEYS)
    latent_dim: int = Field(ge=1, le=MAX_VALUES)
    float32: str = Field(max_length=MAX_CODE_TEXT)


class SegmentRecord(_Record):
    """The way from one key to the next: frames with both ends, and the names of path and easing."""

    steps: int = Field(ge=2, le=MAX_STEPS)
    path: _Word
    easing: _Word


class FilmRecord(_Record):
    """How the film runs, as `explorer.latent.film.Film.to_dict` gives it."""

    segments: tuple[SegmentRecord, ...] = Field(max_length=MAX_KEYS, strict=False)
    hold: int = Field(ge=0, le=MAX_STEPS)
    fps: FiniteFloat = Field(gt=0, le=10_000)
    loop: Literal["none", "repeat", "pingpong"]
    closed: bool
    times: Annotated[tuple[FiniteFloat, ...], Field(max_length=MAX_STEPS, strict=False)] | None = None


class Recipe(_Record):
    """How a film was made.

    Attributes
    ----------
    program, version
        Whose recipe it is, and of which form.
    model
        Name of the model.
    model_hash
        SHA-256 of its decoder, hexadecimal: the same codes give the same pictures where it is the same.
    keys
        Codes of the keys; None where they were too long to be kept.
    film
        How the film runs through them.
    """

    program: Literal["latent-explorer"] = "latent-explorer"
    version: Literal[1] = 1
    model: str = Field(min_length=1, max_length=200, pattern=r"^[^/\\\x00-\x1f]*$")
    model_hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    keys: KeyCodes | None
    film: FilmRecord

    def key_codes(self) -> Floats:
        """Codes of the keys, float32 ``(count, latent_dim)``.

        Raises
        ------
        DataError
            If the recipe holds none, or they are damaged.
        """
        if self.keys is None:
            raise DataError(
                "the codes of the keys in the file", "none, since they were too long", "Set the keys on the timeline."
            )
        shape = (self.keys.count, self.keys.latent_dim)
        wanted = 4 * shape[0] * shape[1]
        try:
            deflated = base64.b64decode(self.keys.float32, validate=True)
            # Never more than is wanted: a few bytes can swell to gigabytes.
            inflater = zlib.decompressobj()
            raw = inflater.decompress(deflated, wanted + 1) if wanted <= 4 * MAX_VALUES else b""
        except (binascii.Error, ValueError, zlib.error) as error:
            raise _damaged(f"codes that cannot be unpacked ({error})") from error
        codes = np.frombuffer(raw, "<f4").astype(np.float32) if len(raw) == wanted else None
        if codes is None or not inflater.eof or not np.isfinite(codes).all():
            raise _damaged(f"other codes than {shape[0]} of {shape[1]} finite numbers")
        return codes.reshape(shape)

    def to_text(self) -> str:
        """Return the recipe as JSON in ASCII, on one line: some of the places it goes to hold no more."""
        return json.dumps(self.model_dump(), separators=(",", ":"))


def make_recipe(model: str, model_hash: str, keys: Floats, film: Mapping[str, Any]) -> Recipe:
    """Make the recipe of a film.

    Parameters
    ----------
    model
        Name of the model. Of a path only the last part is kept.
    model_hash
        SHA-256 of its decoder, hexadecimal.
    keys
        Codes ``(k, d)`` float32. Where they are too long for a file that is to be passed around, the recipe goes
        without them: its `keys` are then None, and whoever writes the file should say so.
    film
        Plain values, as `explorer.latent.film.Film.to_dict` gives them. Of a film of tens of thousands of frames the
        times that were evened out are left out.

    Raises
    ------
    UsageError
        If they make no recipe.
    """
    # The last part of a path, on any system, without what no name is made of.
    name = "".join(letter for letter in re.split(r"[/\\]", model)[-1] if letter.isprintable())[:200]
    try:
        record = FilmRecord.model_validate_json(json.dumps(dict(film)))
        recipe = Recipe(model=name or "model", model_hash=model_hash, keys=_packed(keys), film=record)
    except (ValidationError, TypeError, ValueError) as error:
        reason = _first(error) if isinstance(error, ValidationError) else str(error)
        raise UsageError("a film that can be written down", reason, "Make it shorter.") from error
    if len(recipe.to_text()) > MAX_TEXT:
        recipe = recipe.model_copy(update={"film": record.model_copy(update={"times": None})})
    return recipe


def parse_recipe(text: str) -> Recipe:
    """Check and take a recipe from a file that nobody vouches for.

    Raises
    ------
    DataError
        If it is damaged, too long, or of a later form.
    """
    if len(text) > MAX_TEXT:
        raise _damaged(f"more than {MAX_TEXT:,} characters")
    try:
        return Recipe.model_validate_json(json_text(text.encode("utf-8", "surrogatepass"), _LIMITS, "the recipe"))
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"] == ("version",) and isinstance(first["input"], int) and first["input"] > VERSION:
            raise DataError(
                f"an animation with a recipe of form {VERSION}",
                f"form {first['input']}",
                "Open it with a newer Latent Explorer.",
            ) from error
        raise _damaged(_first(error)) from error


def _packed(codes: Floats) -> KeyCodes | None:
    """Return codes ``(k, d)`` as text; None where they are too long."""
    count, latent_dim = codes.shape
    if not (1 <= count <= MAX_KEYS and 1 <= codes.size <= MAX_VALUES):
        return None
    text = base64.b64encode(zlib.compress(codes.astype("<f4").tobytes(), 9)).decode("ascii")
    return KeyCodes(count=count, latent_dim=latent_dim, float32=text) if len(text) <= MAX_CODE_TEXT else None


def _damaged(received: str) -> DataError:
    return DataError("an animation with the recipe of a film", received, "The file was changed or damaged.")


def _first(error: ValidationError) -> str:
    """Say what is wrong first, without what stood there: that comes from the file."""
    first = error.errors(include_input=False)[0]
    return f"“{'.'.join(str(part) for part in first['loc']) or 'the text'}”: {first['msg']}"[:300]


def png_texts(recipe: Recipe | None) -> dict[str, str]:
    """Texts that a PNG carries for a recipe, by keyword."""
    return {} if recipe is None else {KEYWORD: recipe.to_text()}
