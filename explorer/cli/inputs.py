"""What options name: models, pictures, codes, and files to write; and decoding, which most commands end with."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.array_files import ZipLimits, read_arrays, read_header, read_values
from explorer.cli.console import Console
from explorer.cli.places import OF_SOURCE, file_path
from explorer.data.formats import open_picture
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.source import Source
from explorer.data.sources import open_source, skipped_json
from explorer.errors import DataError, ExportError, UsageError
from explorer.export.sheet import mosaic
from explorer.inference.codec import open_codec
from explorer.latent.checks import check_table
from explorer.latent.statistics import CodeStatistics
from explorer.models.batches import readable_batches
from explorer.models.bundle import Bundle, resolve_bundle
from explorer.models.card import Card
from explorer.reading import reading
from explorer.types import Codec, Floats, Indices, Pixels, Progress
from explorer.workers.loading import render

READ_BATCH = 500
_MOST_CODES = 16 << 30
_WARNED = 20


@dataclass(frozen=True)
class Model:
    """A bundle and its codec."""

    bundle: Bundle
    codec: Codec

    @property
    def card(self) -> Card:
        """What it is."""
        return self.bundle.card

    @property
    def preprocessing(self) -> Preprocessing:
        """What pictures go through."""
        return self.bundle.card.preprocessing

    @property
    def statistics(self) -> CodeStatistics:
        """Of the codes that the bundle carries.

        Raises
        ------
        ModelError
            If they are damaged.
        """
        return self.bundle.sample.statistics

    @cached_property
    def pictures(self) -> PictureReader:
        """Single pictures, as this model takes them."""
        return PictureReader(self.preprocessing)


def open_model(model: str) -> Model:
    """Open a bundle by name or folder, and its codec.

    Raises
    ------
    ModelError
        If there is none, or it is damaged.
    """
    bundle = resolve_bundle(model)
    return Model(bundle, open_codec(bundle))


class PictureReader:
    """Reads pictures as a model takes them; a source that several come from is opened once."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        self._preprocessing = preprocessing
        self._sources: dict[str, Source] = {}

    def read(self, picture: str) -> Floats:
        """Return float32 ``(1, h, w, c)`` in [0, 1] of a file or of ``DATA:INDEX``.

        Raises
        ------
        DataError
            If there is no such picture, or it cannot be read.
        """
        match = OF_SOURCE.fullmatch(picture)
        if match is not None:
            spec = match["data"]
            if spec not in self._sources:
                self._sources[spec] = open_source(spec)
            return to_floats(self._sources[spec].read([int(match["index"])], self._preprocessing))
        path = Path(picture).expanduser()
        if not path.is_file():
            raise DataError(
                "a picture as a file, or as DATA:INDEX", f"“{picture}”, which is neither", "Write for example digits:3."
            )
        return to_floats(self._preprocessing.pixels(open_picture(path))[np.newaxis])


def position_in(picture: str, source: Source) -> int | None:
    """Return where a picture, a file or ``DATA:INDEX``, stands in a source; None where it is none of it."""
    match = OF_SOURCE.fullmatch(picture)
    if match is not None:
        index = int(match["index"])
        same = match["data"] == source.spec or open_source(match["data"]).spec == source.spec
        return index if same and index < source.count else None
    path, folder = Path(picture).expanduser().resolve(), Path(source.spec).resolve()
    if folder not in path.parents:
        return None
    name = path.relative_to(folder).as_posix()
    return next((index for index in range(source.count) if source.file_name(index) == name), None)


def select(source: Source, split: str, count: int | None = None) -> Indices:
    """Return positions of a split, at most `count` spread evenly over it; int64 ``(n,)``, n > 0.

    Raises
    ------
    UsageError
        If the split is empty.
    """
    indices = source.splits.select(split, count)
    if not len(indices):
        raise UsageError(f"pictures in the {split} split of {source.name}", "none", "Choose another --split.")
    return indices


def encode_source(model: Model, source: Source, indices: Indices) -> Iterator[Progress | tuple[Floats, Indices]]:
    """Encode images of a source: yields progress, and codes float32 ``(n, latent_dim)`` with their positions last.

    Those that cannot be read are left out.
    """
    check_table(len(indices), model.codec.latent_dim)
    found: list[tuple[Floats, Indices]] = []
    for done, pixels, kept in readable_batches(source, indices, model.preprocessing, READ_BATCH):
        found.append((model.codec.encode(to_floats(pixels)), kept))
        yield Progress(done, len(indices), "encoding")
    codes, positions = (np.concatenate(parts) for parts in zip(*found, strict=True))
    yield codes, positions


def warn_of_skipped(console: Console, source: Source) -> list[dict[str, str]]:
    """Warn of images that could not be read, the first of very many, and return them for ``--json``."""
    told = skipped_json(source.skipped)
    warn_of(console, told)
    return told


def warn_of(console: Console, skipped: Sequence[dict[str, str]]) -> None:
    """Warn of what is left out: ``file`` and ``reason`` of each, the first of very many."""
    for one in skipped[:_WARNED]:
        console.warn(f"{one['file']} is left out: {one['reason']}")
    if len(skipped) > _WARNED:
        console.warn(f"{len(skipped) - _WARNED:,} more are left out")


LARGEST_SHEET = 100_000_000
"""Pixels; 10,000 × 10,000."""


def check_sheet(count: int, card: Card) -> None:
    """Make sure that so many images of a model fit on one sheet, before they are made.

    Raises
    ------
    UsageError
        If the sheet would be larger than any program opens.
    """
    pixels = count * math.prod(card.image_shape[:2])
    if pixels > LARGEST_SHEET:
        raise UsageError(
            f"a sheet of at most {LARGEST_SHEET:,} pixels",
            f"{count:,} pictures, {pixels:,} pixels",
            "Ask for fewer steps or pictures.",
        )


def decode_codes(model: Model, codes: Floats, console: Console) -> Pixels:
    """Return uint8 pictures ``(n, h, w, c)`` of codes ``(n, latent_dim)``; progress goes to the console.

    Raises
    ------
    UsageError
        If the sheet would be larger than any program opens.
    """
    check_sheet(len(codes), model.card)
    pictures = np.empty((len(codes), *model.codec.image_shape), np.uint8)

    def job() -> Iterator[Progress]:
        for row, picture in enumerate(render(model.codec, codes)):
            pictures[row] = picture
            yield Progress(row + 1, len(codes), "decoding")

    console.track(job())
    return pictures


def sheet(pictures: Pixels) -> Pixels:
    """Return pictures ``(n, h, w, c)`` side by side without gaps, in as square a sheet as whole rows allow."""
    return mosaic(pictures, math.ceil(math.sqrt(len(pictures))))


def read_codes(path: Path, card: Card) -> Floats:
    """Read codes ``(n, latent_dim)`` for a model from a ``.npy`` file, or from ``codes`` in an ``.npz`` file.

    One code alone, and codes in the shape that the model gives them, are taken too.

    Raises
    ------
    DataError
        If the file is missing or holds no such codes.
    """
    array = _load_array(path)
    shapes = {(card.latent_dim,), card.latent_shape}
    fits = array.shape in shapes or array.shape[1:] in shapes
    if not fits or array.dtype.kind not in "fiu" or not array.size:
        raise DataError(
            f"numbers (n, {card.latent_dim}) for {card.name} in {path}",
            f"{array.shape} of {array.dtype}",
            "Give codes that this model made.",
        )
    codes: Floats = array.reshape(-1, card.latent_dim).astype(np.float32)
    if not np.isfinite(codes).all():
        raise DataError(f"finite codes in {path}", "infinite or undefined numbers", "Correct the file.")
    return codes


def _load_array(path: Path) -> NDArray[Any]:
    with reading("codes as a .npy or .npz file", str(path), remedy="Check the path."), path.open("rb") as file:
        if zipfile.is_zipfile(file):
            file.seek(0)
            array = read_arrays(file, ZipLimits(_MOST_CODES), str(path)).get("codes")
            if array is None:
                raise DataError(f"an array called “codes” in {path}", "none", "Write it with the encode command.")
            return array
        file.seek(0)
        header = read_header(file, path.stat().st_size, str(path))
        if header.dtype.hasobject:
            raise DataError(f"numbers in {path}", "an array of objects", "Save it as float32.")
        return read_values(file, header)


def output_file(text: str, *suffixes: str) -> Path:
    """Return the absolute path of a file to write, checked before any work is done for it.

    Raises
    ------
    ExportError
        If it ends in none of the suffixes, or its folder does not exist, or it is a folder itself.
    """
    path = file_path(text)
    if suffixes and path.suffix.lower() not in suffixes:
        raise ExportError(f"a file that ends in {' or '.join(suffixes)}", f"“{path.name}”", "Give it this ending.")
    if path.is_dir():
        raise ExportError("a file to write", f"{path}, which is a folder", "Choose another name.")
    if not path.parent.is_dir():
        raise ExportError(
            "a folder to write into", f"{path.parent}, which does not exist", "Make the folder, or choose another."
        )
    return path


def short(values: Floats) -> list[float]:
    """Return float32 values ``(n,)`` as the shortest numbers that stand for them: 0.3, not 0.30000001192."""
    return [float(str(value)) for value in np.asarray(values, np.float32).ravel()]
