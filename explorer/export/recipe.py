"""The recipe in an exported animation, from which the timeline can be restored.

A recipe contains the name of the model, the hash of its decoder, the exact codes of the keyframes, and the animation
settings: JSON of limited size, without any path of the machine. `explorer.export.recipe_file` reads it from a file.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from explorer.errors import DataError, UsageError
from explorer.json_limits import JsonLimits, invalid_field, parse_json
from explorer.messages import Message, message
from explorer.reading import reason_of
from explorer.types import Floats

VERSION: Final = 2
KEYWORD = "latent-explorer"
"""Keyword of the recipe among the texts of a PNG."""

MAX_TEXT = 1_000_000
"""Most characters of a recipe."""

MAX_CODE_TEXT = 400_000
"""Most characters of the keyframes' codes; longer ones are omitted."""

MAX_KEYS = 10_000
MAX_VALUES = 1_000_000
MAX_STEPS = 1_000_000
MAX_BLOCKS = 1_000_000
"""Most blocks of a file that are visited to find a recipe."""

_LIMITS = JsonLimits(4 * MAX_TEXT, 500_000)

_OLD_NAMES = {"film": "animation"}

_Word = Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class KeyCodes(_Record):
    """The codes of the keyframes; `float32` has the table row by row, little-endian, deflated, in Base64."""

    count: int = Field(ge=1, le=MAX_KEYS)
    latent_dim: int = Field(ge=1, le=MAX_VALUES)
    float32: str = Field(max_length=MAX_CODE_TEXT)


class SegmentRecord(_Record):
    """A segment: its number of frames including both ends, path and easing."""

    steps: int = Field(ge=2, le=MAX_STEPS)
    path: _Word
    easing: _Word


class AnimationRecord(_Record):
    """Animation settings, as `explorer.latent.animation.Animation.to_dict` returns them."""

    segments: tuple[SegmentRecord, ...] = Field(max_length=MAX_KEYS, strict=False)
    hold: int = Field(ge=0, le=MAX_STEPS)
    fps: FiniteFloat = Field(gt=0, le=10_000)
    loop: Literal["none", "repeat", "pingpong"]
    closed: bool
    times: Annotated[tuple[FiniteFloat, ...], Field(max_length=MAX_STEPS, strict=False)] | None = None


class Recipe(_Record):
    """The recipe of an animation.

    `model_hash` is the SHA-256 of the model's decoder, hexadecimal: with the same decoder the same codes give the same
    images. `keys` are None if they were too long. `channels` says how the channels are shown, in words; empty for
    grayscale and color images as they are.
    """

    program: Literal["latent-explorer"] = "latent-explorer"
    version: Literal[2] = VERSION
    model: str = Field(min_length=1, max_length=200, pattern=r"^[^/\\\x00-\x1f]*$")
    model_hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    keys: KeyCodes | None
    animation: AnimationRecord
    channels: str = Field("", max_length=2_000)

    def key_codes(self) -> Floats:
        """Return the codes of the keyframes, float32 ``(count, latent_dim)``.

        DataError if the recipe has none, or they are damaged.
        """
        if self.keys is None:
            raise DataError(
                "The animation has no keyframes, because their codes were too long to store. Set them on the timeline."
            )
        shape = (self.keys.count, self.keys.latent_dim)
        wanted = 4 * shape[0] * shape[1]
        try:
            deflated = base64.b64decode(self.keys.float32, validate=True)
            # Limited: a few bytes can inflate to gigabytes.
            inflater = zlib.decompressobj()
            raw = inflater.decompress(deflated, wanted + 1) if wanted <= 4 * MAX_VALUES else b""
        except (binascii.Error, ValueError, zlib.error) as error:
            raise _damaged(message("its codes cannot be decompressed ({reason})", reason=reason_of(error))) from error
        codes = np.frombuffer(raw, "<f4").astype(np.float32) if len(raw) == wanted else None
        if codes is None or not inflater.eof or not np.isfinite(codes).all():
            raise _damaged(
                message(
                    "it does not have {count:# code|# codes} of {size:# finite number|# finite numbers}",
                    count=shape[0],
                    size=shape[1],
                )
            )
        return codes.reshape(shape)

    def to_text(self) -> str:
        """Return the recipe as one line of ASCII JSON; some formats allow no more."""
        # Earlier versions do not know the channels.
        values = self.model_dump(exclude=None if self.channels else {"channels"})
        return json.dumps(values, separators=(",", ":"))


def make_recipe(model: str, model_hash: str, keys: Floats, animation: Mapping[str, Any], channels: str = "") -> Recipe:
    """Create the recipe of an animation; UsageError if a value is invalid.

    Parameters
    ----------
    model, model_hash
        Its name, of a path only the last part; SHA-256 of its decoder, hexadecimal.
    keys
        Codes ``(k, d)`` float32. If they are too long, the `keys` of the recipe are None; the caller should tell the
        user.
    animation
        Plain values, as `explorer.latent.animation.Animation.to_dict` returns them. The times of tens of thousands of
        frames are omitted.
    channels
        As in the recipe.
    """
    # The last part of a path on any system, without unprintable characters.
    name = "".join(letter for letter in re.split(r"[/\\]", model)[-1] if letter.isprintable())[:200]
    try:
        record = AnimationRecord.model_validate_json(json.dumps(dict(animation)))
        recipe = Recipe(
            model=name or "model", model_hash=model_hash, keys=_packed(keys), animation=record, channels=channels
        )
    except (ValidationError, TypeError, ValueError) as error:
        raise UsageError(
            "Cannot store this animation in a file: {reason}. Make it shorter.",
            reason=invalid_field(error) if isinstance(error, ValidationError) else reason_of(error),
        ) from error
    if len(recipe.to_text()) > MAX_TEXT:
        recipe = recipe.model_copy(update={"animation": record.model_copy(update={"times": None})})
    return recipe


def parse_recipe(text: str) -> Recipe:
    """Parse an untrusted recipe; DataError if it is damaged, too long, or of a newer version."""
    if len(text) > MAX_TEXT:
        raise _damaged(message("it has more than {most:,} characters", most=MAX_TEXT))
    raw = parse_json(text.encode("utf-8", "surrogatepass"), _LIMITS, message("the recipe"))
    version = raw.get("version") if isinstance(raw, dict) else None
    if type(version) is int and version == 1 and "animation" not in raw:
        # Version 1 has the same values, and one other name.
        raw = {_OLD_NAMES.get(key, key): value for key, value in raw.items()} | {"version": VERSION}
    try:
        return Recipe.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"] == ("version",) and isinstance(first["input"], int) and first["input"] > VERSION:
            raise DataError(
                "The animation was written by a newer version (format {version} instead of {known}). Update Latent "
                "Explorer.",
                version=first["input"],
                known=VERSION,
            ) from error
        raise _damaged(invalid_field(error)) from error


def _packed(codes: Floats) -> KeyCodes | None:
    """Return codes ``(k, d)`` as text; None if they are too long."""
    count, latent_dim = codes.shape
    if not (1 <= count <= MAX_KEYS and 1 <= codes.size <= MAX_VALUES):
        return None
    text = base64.b64encode(zlib.compress(codes.astype("<f4").tobytes(), 9)).decode("ascii")
    return KeyCodes(count=count, latent_dim=latent_dim, float32=text) if len(text) <= MAX_CODE_TEXT else None


def _damaged(reason: Message) -> DataError:
    return DataError("The recipe of the animation is damaged: {reason}. Use an unmodified copy.", reason=reason)


def png_texts(recipe: Recipe | None) -> dict[str, str]:
    """Return the PNG texts of a recipe, by keyword."""
    return {} if recipe is None else {KEYWORD: recipe.to_text()}
