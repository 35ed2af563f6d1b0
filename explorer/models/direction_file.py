"""Directions to share: a small JSON file, tied to the model whose code space they are of."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from explorer.errors import ModelError
from explorer.json_limits import LARGE, json_text
from explorer.latent.directions import Direction
from explorer.models.card import Card
from explorer.paths import replacing_file
from explorer.reading import read_limited

FORMAT = "latent-explorer-directions"
SUFFIX = ".directions.json"
MOST = 200


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DirectionRecord(_Record):
    """One direction; see `explorer.latent.directions.Direction`."""

    name: str = Field(min_length=1, max_length=200)
    vector: tuple[FiniteFloat, ...]
    method: Literal["means", "logistic"]
    count: tuple[int, int]
    accuracy: FiniteFloat
    effect: FiniteFloat
    chance: tuple[FiniteFloat, FiniteFloat]
    p: FiniteFloat


class DirectionFile(_Record):
    """Directions of one model.

    Attributes
    ----------
    model, model_hash
        The model's name, and what its decoder is known by.
    """

    format: Literal["latent-explorer-directions"] = FORMAT  # type: ignore[assignment]
    version: Literal[1] = 1
    model: str = Field(max_length=200)
    model_hash: str = Field(max_length=100)
    directions: tuple[DirectionRecord, ...] = Field(max_length=MOST)


def write_directions(path: Path, card: Card, directions: dict[str, Direction]) -> None:
    """Write directions by name.

    Raises
    ------
    ModelError
        If they are more than could be read again.
    ExportError
        If the file cannot be written.
    """
    if len(directions) > MOST:
        raise ModelError(f"at most {MOST} directions in a file", str(len(directions)), "Write fewer.")
    records = tuple(
        DirectionRecord(
            name=name,
            vector=tuple(float(value) for value in direction.vector),
            method=direction.method,
            count=direction.count,
            accuracy=direction.accuracy,
            effect=direction.effect,
            chance=direction.chance,
            p=direction.p,
        )
        for name, direction in directions.items()
    )
    file = DirectionFile(model=card.name, model_hash=card.decoder_hash or "", directions=records)
    text = file.model_dump_json()
    json_text(text.encode(), LARGE, "the file of directions", ModelError)
    with replacing_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_directions(path: Path, card: Card) -> dict[str, Direction]:
    """Read directions for a model.

    Raises
    ------
    ModelError
        If the file holds none, or those of another model.
    """
    try:
        content = read_limited(path, LARGE.size, "a file of directions", ModelError)
        file = DirectionFile.model_validate_json(json_text(content, LARGE, path.name, ModelError))
    except OSError as error:
        raise ModelError(f"a file of directions at {path}", f"“{error}”", "Choose another file.") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the document"
        raise ModelError(
            f"directions in {path.name}", f"“{field}”: {first['msg']}", f"Choose a file that ends in {SUFFIX}."
        ) from error
    if file.model_hash != (card.decoder_hash or ""):
        raise ModelError(
            f"directions of “{card.name}”", f"those of “{file.model}”, or of another version of it", "Open that model."
        )
    if any(len(record.vector) != card.latent_dim for record in file.directions):
        raise ModelError(f"directions of {card.latent_dim} numbers in {path.name}", "another number of them")
    return {
        record.name: Direction(
            np.array(record.vector, np.float32),
            record.method,
            record.count,
            record.accuracy,
            record.effect,
            record.chance,
            record.p,
        )
        for record in file.directions
    }
