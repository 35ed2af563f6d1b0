"""Read the inputs of commands (models, images, codes), check their outputs, and decode codes."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.array_files import ZipLimits, read_arrays, read_header, read_values
from explorer.cli.console import Console
from explorer.cli.places import OF_SOURCE, file_path
from explorer.data.choices import NO_CHOICES, Choices, join, place_of, refuse_unused, split
from explorer.data.decoding import open_request
from explorer.data.deep_pixels import Deep
from explorer.data.formats import Request
from explorer.data.frames import MAX_FRAMES
from explorer.data.mixer import channels_text
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.probing import probe_image
from explorer.data.source import Source, range_differs
from explorer.data.sources import known_name, open_source, skipped_json
from explorer.data.sources.tiff import has_channels
from explorer.data.values import deep_pixels
from explorer.document.preferences import read_preferences
from explorer.engine.codecs import open_codec
from explorer.errors import DataError, ExportError, UsageError
from explorer.export.ome_tiff import SUFFIXES, ImageStack, is_ome_tiff, write_stacks
from explorer.export.sheet import mosaic, write_png
from explorer.inference.codec import ConditionedCodec, Network, OnnxCodec
from explorer.inference.providers import choosing, offered
from explorer.latent.checks import check_dimension, check_table
from explorer.latent.statistics import CodeStatistics
from explorer.messages import message
from explorer.models.batches import readable_batches, render, render_values
from explorer.models.bundle import Bundle, resolve_bundle
from explorer.models.card import Card
from explorer.models.conditions import Condition
from explorer.paths import settings_path
from explorer.reading import reading
from explorer.types import Codec, Floats, Indices, Pixels, Progress, Shown

READ_BATCH = 500
_MOST_CODES = 16 << 30
_WARNED = 20


@dataclass(frozen=True)
class Model:
    """A bundle and its codec, under a condition if one is given."""

    bundle: Bundle
    codec: Codec
    condition: Condition | None = None

    @property
    def card(self) -> Card:
        return self.bundle.card

    @property
    def preprocessing(self) -> Preprocessing:
        return self.bundle.card.preprocessing

    @property
    def statistics(self) -> CodeStatistics:
        """Statistics of the sample codes in the bundle; ModelError if the codes are damaged."""
        return self.bundle.sample.statistics

    @property
    def mean(self) -> Floats:
        """The mean code ``(latent_dim,)``, under the model's default condition unless one is given."""
        inputs = self.card.conditions
        return self.statistics.mean if inputs is None else inputs.replaced(self.statistics.mean, inputs.default)

    @property
    def dimensions(self) -> int:
        """Number of latent dimensions that can be changed: without those of a condition that is given."""
        return self.card.latent_dim if self.condition is None else self.condition.inputs.start

    def check_dimension(self, dimension: int) -> int:
        """Return a latent dimension unchanged; UsageError if there is none, or `condition` holds it."""
        if self.dimensions <= dimension < self.card.latent_dim:
            raise UsageError(
                "Dimension {dimension} belongs to the condition. Choose one below {start}, or leave out --condition.",
                dimension=dimension,
                start=self.dimensions,
            )
        return check_dimension(dimension, self.card.latent_dim)

    @cached_property
    def images(self) -> ImageReader:
        return ImageReader(self.preprocessing)


def open_model(model: str, condition: Sequence[float] | None = None) -> Model:
    """Open a bundle, by name or folder, with its codec, under a condition if one is given.

    ModelError if there is no such bundle, or it is damaged; UsageError if it does not take the condition.
    """
    bundle = resolve_bundle(model)
    codec = open_codec(bundle)
    if isinstance(codec, OnnxCodec) and codec.decoder is not None and offered():
        setting = read_preferences(settings_path()).provider
        for item in choosing(codec, bundle.sample.codes, setting, offered(), may_time=False):
            if isinstance(item, Network):
                codec.decoder = item
    if condition is None:
        return Model(bundle, codec)
    inputs = bundle.card.conditions
    if inputs is None:
        raise UsageError("“{model}” takes no condition. Leave out --condition.", model=bundle.name)
    chosen = Condition(inputs, inputs.read(condition, bundle.name))
    return Model(bundle, ConditionedCodec(codec, chosen), chosen)


class ImageReader:
    """Reads single images with the preprocessing of a model; each dataset is opened once."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        self._preprocessing = preprocessing
        self._sources: dict[str, Source] = {}

    def read(self, image: str, console: Console | None = None) -> Floats:
        """Return an image as float32 ``(1, h, w, c)`` in [0, 1].

        It is a file, ``file.gif?frames=3`` for one of its frames, or ``DATA:INDEX``. Without a choice, it is the first
        frame, and a warning is given if there are others. An image of more than 8 bits is read with the range that the
        model learned from. DataError if there is no such image, or it cannot be read.
        """
        match = OF_SOURCE.fullmatch(image)
        if match is not None:
            return self._read_from(self._source(match["data"]), int(match["index"]))
        place, choices = split(image)
        path = Path(place).expanduser()
        if not path.is_file():
            raise DataError(
                "“{given}” is neither an image file nor DATA:INDEX. Write, for example, digits:3.", given=image
            )
        if has_channels(path):
            return self._read_channels(path, choices, console)
        refuse_unused(choices, ("range", "frames"), path.name)
        count = 1 if choices.frames or console is None else probe_image(path).frames
        _warn_of_frames(console, path.name, count)
        frame = int(choices.frames) if choices.frames.isdigit() else 0
        return to_floats(self._read_file(path, frame, choices.range)[np.newaxis])

    def _source(self, spec: str) -> Source:
        if spec not in self._sources:
            self._sources[spec] = open_source(spec)
        return self._sources[spec]

    def _read_from(self, source: Source, index: int) -> Floats:
        return to_floats(source.read([index], self._preprocessing))

    def _read_channels(self, path: Path, choices: Choices, console: Console | None) -> Floats:
        """Return the first image of a TIFF file, of the channels of the model and, if it is deep, in its range."""
        learned = self._preprocessing.reading
        choices = replace(choices, channels=choices.channels or learned.channels)
        source = self._source(join(path, choices))
        if choices.range is None and learned.range is not None and source.found.range not in (None, learned.range):
            source = self._source(join(path, replace(choices, range=learned.range)))
        _warn_of_frames(console, path.name, source.count)
        return self._read_from(source, 0)

    def _read_file(self, path: Path, frame: int, limits: tuple[float, float] | None) -> Pixels:
        found = open_request(Request(path, str(path), frame), limits, deep=self._preprocessing.dtype != np.uint8)
        if isinstance(found, Deep):
            return deep_pixels(found, limits or self._preprocessing.reading.range, self._preprocessing)
        return self._preprocessing.pixels(found)


def _warn_of_frames(console: Console | None, name: str, count: int) -> None:
    if console is not None and count > 1:
        shown = f"more than {MAX_FRAMES:,}" if count > MAX_FRAMES else f"{count:,}"
        console.warn(
            f"{name} has {shown} frames or pages, and the first is used. Choose another one with {name}?frames=N, "
            "counted from 0."
        )


def position_in(image: str, source: Source) -> int | None:
    """Return the index of an image, a file or ``DATA:INDEX``, in a dataset; None if it does not belong to it.

    DATA without choices of how to read it is the dataset, too.
    """
    match = OF_SOURCE.fullmatch(image)
    if match is not None:
        index = int(match["index"])
        place, choices = split(match["data"])
        place = known_name(place) or str(Path(place).expanduser().resolve())
        same = place == place_of(source.spec) and choices in (NO_CHOICES, source.choices)
        return index if same and index < source.count else None
    path, folder = Path(image).expanduser().resolve(), Path(place_of(source.spec)).resolve()
    if folder not in path.parents:
        return None
    name = path.relative_to(folder).as_posix()
    return next((index for index in range(source.count) if source.file_name(index) == name), None)


def select(source: Source, split: str, count: int | None = None) -> Indices:
    """Return indices of a split, at most `count`, evenly spaced; int64 ``(n,)``, n > 0.

    Raises UsageError if the split is empty.
    """
    indices = source.splits.select(split, count)
    if not len(indices):
        raise UsageError("The {split} split of {name} is empty. Choose another --split.", split=split, name=source.name)
    return indices


def encode_source(model: Model, source: Source, indices: Indices) -> Iterator[Progress | tuple[Floats, Indices]]:
    """Encode images; yields progress, and finally codes float32 ``(n, latent_dim)`` and their indices.

    Images that cannot be read are skipped.
    """
    check_table(len(indices), model.codec.latent_dim)
    found: list[tuple[Floats, Indices]] = []
    for done, pixels, kept in readable_batches(source, indices, model.preprocessing, READ_BATCH):
        found.append((model.codec.encode(to_floats(pixels)), kept))
        yield Progress(done, len(indices), message("Encoding"))
    codes, positions = (np.concatenate(parts) for parts in zip(*found, strict=True))
    yield codes, positions


def warn_of_skipped(console: Console, source: Source) -> list[dict[str, str]]:
    """Warn of images that could not be read, and return them for ``--json``."""
    skipped = skipped_json(source.skipped)
    warn_of(console, skipped)
    return skipped


def warn_of_range(console: Console, model: Model, source: Source) -> None:
    """Warn if the values of a dataset have another range than those that the model learned from."""
    differs = range_differs(model.preprocessing, source)
    learned = model.preprocessing.reading.range
    if differs is not None:
        advice = ""
        if learned is not None and source.found.range is not None:
            advice = " Use --data-range {:.9g},{:.9g}.".format(*learned)
        console.warn(f"{differs}{advice}")


def warn_of(console: Console, skipped: Sequence[dict[str, str]]) -> None:
    for one in skipped[:_WARNED]:
        console.warn(f"{one['file']} was skipped: {one['reason']}")
    if len(skipped) > _WARNED:
        console.warn(f"{len(skipped) - _WARNED:,} more were skipped")


LARGEST_SHEET = 100_000_000
"""Pixels; 10,000 × 10,000."""


def check_sheet(count: int, card: Card) -> None:
    """Check that this many images of a model fit on one sheet; UsageError if the sheet would exceed `LARGEST_SHEET`."""
    pixels = count * math.prod(card.image_shape[:2])
    if pixels > LARGEST_SHEET:
        raise UsageError(
            "The sheet would be too large: {count:# image|# images}, {pixels:,} pixels of at most {most:,}. Use fewer "
            "steps or images.",
            count=count,
            pixels=pixels,
            most=LARGEST_SHEET,
        )


IMAGE_SUFFIXES = (".png", *SUFFIXES)
"""Extensions of a file of decoded images."""


def write_decoded(model: Model, codes: Floats, path: Path, console: Console) -> list[str]:
    """Decode codes ``(n, latent_dim)`` to a file; draws progress, and returns lines that say what was written.

    PNG is a sheet about as wide as high, OME-TIFF has the values of all channels. UsageError if a sheet would exceed
    `LARGEST_SHEET`.
    """
    if not is_ome_tiff(path):
        write_png(sheet(decode_codes(model, codes, console)), path, channels_texts(model.card))
        return written_lines(model.card, path)
    reading, (height, width, channels) = model.preprocessing.reading, model.codec.image_shape
    images = render_values(model.codec, codes, reading)
    stack = ImageStack(
        "images", len(codes), (height, width, channels), np.dtype(reading.kept[0]), images, reading.values_text()
    )
    console.track(write_stacks([stack], path))
    return written_lines(model.card, path)


def written_lines(card: Card, path: Path) -> list[str]:
    """Return lines about a written file of images: how the channels are shown, or what the values mean; its path."""
    about = card.preprocessing.reading.values_text() if is_ome_tiff(path) else channels_text(card.image_shape[2])
    label = "values" if is_ome_tiff(path) else "channels"
    return [*([f"{label}: {about}"] if about else []), f"written to {path}"]


def channels_texts(card: Card) -> dict[str, str]:
    """Return the text of a PNG that says how the channels are shown, by keyword; empty for grayscale and color."""
    about = channels_text(card.image_shape[2])
    return {"channels": about.replace("…", "-")} if about else {}


def decode_codes(model: Model, codes: Floats, console: Console) -> Shown:
    """Decode codes ``(n, latent_dim)`` to uint8 images ``(n, h, w, 1 | 3)``, as they are shown; draws progress.

    Raises UsageError if a sheet of them would exceed `LARGEST_SHEET`.
    """
    check_sheet(len(codes), model.card)
    height, width, channels = model.codec.image_shape
    images = np.empty((len(codes), height, width, 1 if channels == 1 else 3), np.uint8)

    def job() -> Iterator[Progress]:
        for row, image in enumerate(render(model.codec, codes)):
            images[row] = image
            yield Progress(row + 1, len(codes), message("Decoding"))

    console.track(job())
    return images


def sheet(images: Shown) -> Shown:
    """Return images ``(n, h, w, c)`` as a sheet without gaps, about as many rows as columns."""
    return mosaic(images, math.ceil(math.sqrt(len(images))))


def read_codes(path: Path, card: Card) -> Floats:
    """Read codes ``(n, latent_dim)`` for a model from a ``.npy`` file, or from ``codes`` in an ``.npz`` file.

    A single code, and codes in the latent shape of the model, are accepted too.

    Raises DataError if the file is missing or contains no such codes.
    """
    array = _load_array(path)
    shapes = {(card.latent_dim,), card.latent_shape}
    fits = array.shape in shapes or array.shape[1:] in shapes
    if not fits or array.dtype.kind not in "fiu" or not array.size:
        raise DataError(
            "Cannot decode {path}: {model} needs numbers of shape (n, {dim}), but the file contains {dtype} of shape "
            "{shape}. Use codes of this model.",
            path=path,
            model=card.name,
            dim=card.latent_dim,
            dtype=array.dtype,
            shape=str(array.shape),
        )
    codes: Floats = array.reshape(-1, card.latent_dim).astype(np.float32)
    if not np.isfinite(codes).all():
        raise DataError("Cannot decode {path}: it contains infinity or NaN. Use finite codes.", path=path)
    return codes


def _load_array(path: Path) -> NDArray[Any]:
    with reading("codes (.npy or .npz)", str(path), remedy=message("Check the path.")), path.open("rb") as file:
        if zipfile.is_zipfile(file):
            file.seek(0)
            array = read_arrays(file, ZipLimits(_MOST_CODES), str(path)).get("codes")
            if array is None:
                raise DataError(
                    "Cannot decode {path}: it has no “codes” array. Create it with the encode command.", path=path
                )
            return array
        file.seek(0)
        header = read_header(file, path.stat().st_size, str(path))
        if header.dtype.hasobject:
            raise DataError("Cannot decode {path}: it contains Python objects. Save the codes as float32.", path=path)
        return read_values(file, header)


def output_file(text: str, *suffixes: str) -> Path:
    """Return the absolute path of an output file, checked before any work is done.

    Raises ExportError if its suffix is wrong, its folder does not exist, or it is a folder itself.
    """
    path = file_path(text)
    if suffixes and not (path.suffix and path.name.lower().endswith(suffixes)):
        raise ExportError(
            "Cannot write “{name}”: the file name must end in {suffixes}.", name=path.name, suffixes=suffixes
        )
    if path.is_dir():
        raise ExportError("Cannot write {path}: it is a folder. Choose another name.", path=path)
    if not path.parent.is_dir():
        raise ExportError(
            "Cannot write {name}: the folder {folder} does not exist. Create it, or choose another.",
            name=path.name,
            folder=path.parent,
        )
    return path


def short(values: Floats) -> list[float]:
    """Return float32 values ``(n,)`` as the shortest equivalent decimals: 0.3, not 0.30000001192."""
    return [float(str(value)) for value in np.asarray(values, np.float32).ravel()]
