"""Attribute directions as a JSON file, tied to the model whose latent space they belong to."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from explorer.errors import ModelError
from explorer.json_limits import LARGE, invalid_field, json_text
from explorer.latent.directions import Direction
from explorer.messages import message
from explorer.models.card import Card
from explorer.paths import replacing_file
from explorer.reading import read_limited

FORMAT = "latent-explorer-directions"
SUFFIX = ".directions.json"
MOST = 200


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DirectionRecord(_Record):
    """One direction; see `explorer.latent.directions.Direction`. Earlier versions wrote `null_effect` as ``chance``."""

    name: str = Field(min_length=1, max_length=200)
    vector: tuple[FiniteFloat, ...]
    method: Literal["means", "logistic"]
    count: tuple[int, int]
    accuracy: FiniteFloat
    effect: FiniteFloat
    null_effect: tuple[FiniteFloat, FiniteFloat] = Field(validation_alias=AliasChoices("null_effect", "chance"))
    p: FiniteFloat


class DirectionFile(_Record):
    """Directions of one model, by its name and the SHA-256 of its decoder."""

    format: Literal["latent-explorer-directions"] = FORMAT  # type: ignore[assignment]
    version: Literal[1] = 1
    model: str = Field(max_length=200)
    model_hash: str = Field(max_length=100)
    directions: tuple[DirectionRecord, ...] = Field(max_length=MOST)


def write_directions(path: Path, card: Card, directions: dict[str, Direction]) -> None:
    """Write directions by name; ModelError if there are more than `MOST`; ExportError if the file cannot be written."""
    if len(directions) > MOST:
        raise ModelError(
            "Cannot save {count:# direction|# directions}: a file holds at most {most}. Select fewer.",
            count=len(directions),
            most=MOST,
        )
    records = tuple(
        DirectionRecord(
            name=name,
            vector=tuple(float(value) for value in direction.vector),
            method=direction.method,
            count=direction.count,
            accuracy=direction.accuracy,
            effect=direction.effect,
            null_effect=direction.null_effect,
            p=direction.p,
        )
        for name, direction in directions.items()
    )
    file = DirectionFile(model=card.name, model_hash=card.decoder_hash or "", directions=records)
    text = file.model_dump_json()
    json_text(text.encode(), LARGE, path.name, ModelError)
    with replacing_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_directions(path: Path, card: Card) -> dict[str, Direction]:
    """Read directions for a model; ModelError if the file is damaged, or its directions belong to another model."""
    try:
        content = read_limited(path, LARGE.size, message("a file of directions"), ModelError)
        file = DirectionFile.model_validate_json(json_text(content, LARGE, path.name, ModelError))
    except OSError as error:
        raise ModelError(
            "Cannot read {file}: {reason}. Choose another file.", file=path, reason=error.strerror or error
        ) from error
    except ValidationError as error:
        raise ModelError(
            "{file} holds no valid directions ({reason}). Choose a file that ends in {suffix}.",
            file=path.name,
            reason=invalid_field(error),
            suffix=SUFFIX,
        ) from error
    if file.model_hash != (card.decoder_hash or ""):
        raise ModelError(
            "{file} holds directions of “{other}” or another version of it, not of “{model}”. Open that model first.",
            file=path.name,
            other=file.model,
            model=card.name,
        )
    if any(len(record.vector) != card.latent_dim for record in file.directions):
        raise ModelError(
            "{file} is damaged: its directions do not have {count:# dimension|# dimensions}. Choose another file.",
            file=path.name,
            count=card.latent_dim,
        )
    return {
        record.name: Direction(
            np.array(record.vector, np.float32),
            record.method,
            record.count,
            record.accuracy,
            record.effect,
            record.null_effect,
            record.p,
        )
        for record in file.directions
    }
