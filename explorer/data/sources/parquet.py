"""Images in parquet files, one file per row, as Hugging Face serves image datasets."""

from __future__ import annotations

import io
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from explorer import reader
from explorer.data.attributes import MAX_CATEGORIES, MAX_TEXT, UNKNOWN, Attribute
from explorer.data.choices import refuse_unused
from explorer.data.extras import require
from explorer.data.image_listing import natural_key
from explorer.data.source import UNLABELED, Facts, Skipped, Source
from explorer.data.sources.array_source import splits_of
from explorer.data.sources.containers import MAX_COLUMNS, SPLIT_ORDER, SPLITS, LeftOut, has_files
from explorer.data.sources.entry import PathKind
from explorer.data.sources.packed import PackedFiles, PackedSource
from explorer.errors import DataError
from explorer.json_limits import RECORD, parse_json
from explorer.messages import message
from explorer.reader import Handed
from explorer.types import Bytes, Floats, ImageShape, Indices, Progress

SUFFIX: Final = ".parquet"
_SHARD: Final = re.compile(r"(?P<split>train|test|validation|valid|val)(?:[-_.].*)?", re.IGNORECASE)
_BESIDE_IMAGES: Final = "metadata"
"""What a table beside a folder of image files is called."""

_MAX_FILES: Final = 900
"""Files that are read: the reader process has all of them open."""

_IMAGES: Final = ("image", "img", "images", "pixel_values")
_LABELS: Final = ("label", "labels", "fine_label", "class", "target")
_GRAY: Final = ("1", "L", "LA", "La", "F", "I", "I;16", "I;16B", "I;16L")
_FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
_ORIENTATION, _SIDEWAYS = 0x0112, 5
_OTHERS: Final = (b"ftyp", b"jP  ")
"""Marks of HEIF and JPEG 2000 files, which may be decoded elsewhere."""

_BATCH_BYTES: Final = 32 << 20
_BATCH_ROWS: Final = 1_000


@dataclass(frozen=True)
class Table:
    """What the columns of the following rows are.

    Attributes
    ----------
    count
        Rows of all files together.
    label_names
        Of the classes; empty if they have no names.
    attributes, categories
        Names of the columns, and for each the names of its categories; empty for numbers.
    """

    count: int
    labeled: bool
    label_names: tuple[str, ...]
    attributes: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class PackedRows:
    """Some rows of a file.

    Attributes
    ----------
    file, start
        Position of the file among the files, and of the first row in it.
    content, sizes
        The image files one after another, and the bytes of each, int64 ``(n,)``; 0 for a missing one.
    shapes
        Height, width and channels of each image, int64 ``(n, 3)``; zeros if unknown, -1 if it is none.
    labels
        Int64 ``(n,)``, -1 without one.
    values
        Of the attributes, float32 ``(m, n)``, NaN where unknown.
    """

    file: int
    start: int
    content: Bytes
    sizes: Indices
    shapes: Indices
    labels: Indices
    values: Floats


def takes(path: Path) -> bool:
    """Return whether it is a parquet file, or a folder with some in it or in its ``data``."""
    if path.is_dir():
        return any(has_files(folder, (SUFFIX,)) for folder in (path, path / "data")) and bool(_shards(path))
    return bool(_shards(path))


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[Progress | Source]:
    """Open the images of parquet files; see `PathKind.scan_as`.

    Images are encoded files: a column of bytes, or of ``{bytes, path}``. ``label`` has classes, texts or numbers whose
    names may be in the metadata. Other columns of numbers, classes and texts are attributes. Files whose names begin
    with ``train``, ``test`` or ``validation`` are the splits of a folder. DataError if there are no images.
    """
    refuse_unused(facts.choices, ("range",), facts.name)
    require("parquet", message("parquet"), path.name)
    shards = _shards(path)
    skipped: list[Skipped] = []
    if len(shards) > _MAX_FILES:
        skipped.append(Skipped(path.name, message("Only its first {most} files are read", most=_MAX_FILES)))
        shards = shards[:_MAX_FILES]
    packed = PackedFiles(shards[0], sum(shard.stat().st_size for shard in shards))
    columns: _Columns | None = None
    progress = Progress(0, 0, message("Reading images"))
    yield progress
    total = 0
    for record in reader.steps("parquet", shards, (Table, PackedRows, LeftOut, Progress)):
        if isinstance(record, Progress):
            progress = record
        elif isinstance(record, LeftOut):
            skipped.append(Skipped(record.name, record.reason))
        elif isinstance(record, Table):
            columns, total = _Columns(record), record.count
        elif record is not None and columns is not None:
            columns.add(record, packed, [shard.stem for shard in shards], skipped)
            progress = Progress(min(total, len(packed)), total, message("Reading images"))
        yield progress
    if columns is None or not len(packed):
        raise DataError(
            "Cannot open {file}. {reason} Choose another file.",
            file=path.name,
            reason=skipped[-1].reason if skipped else message("It has no images."),
        )
    yield columns.source(facts, packed, [_split_of(shard) for shard in shards] if path.is_dir() else [""], skipped)


def _shards(path: Path) -> list[Path]:
    """Return the parquet files to read, in the order train, test, validation."""
    if path.is_file():
        return [path] if path.suffix.lower() == SUFFIX else []
    for folder in (path, path / "data"):
        files = sorted(folder.glob(f"*{SUFFIX}"))
        found = [file for file in files if file.is_file() and not file.stem.startswith(_BESIDE_IMAGES)]
        if found:
            return sorted(found, key=lambda file: SPLIT_ORDER.index(_split_of(file)))
    return []


def _split_of(path: Path) -> str:
    match = _SHARD.fullmatch(path.stem)
    return SPLITS[match["split"].lower()] if match else ""


class _Columns:
    """Labels and attributes of the images that can be read, in their order."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._labels: list[Indices] = []
        self._values: list[Floats] = []
        self._files: list[Indices] = []

    def add(self, rows: PackedRows, packed: PackedFiles, shards: Sequence[str], skipped: list[Skipped]) -> None:
        """Copy the images of some rows; those that are none are skipped by name."""
        kept = []
        starts = np.cumsum(rows.sizes) - rows.sizes
        for place, (start, size) in enumerate(zip(starts.tolist(), rows.sizes.tolist(), strict=True)):
            name = f"{shards[rows.file]}/{rows.start + place}"
            height, width, channels = rows.shapes[place].tolist()
            if channels < 0:
                reason = message("Unknown image format.") if size else message("The image is missing.")
                skipped.append(Skipped(name, reason))
            else:
                packed.add(rows.content[start : start + size], name, (height, width, channels))
                kept.append(place)
        self._labels.append(rows.labels[kept])
        self._values.append(rows.values[:, kept])
        self._files.append(np.full(len(kept), rows.file, np.int64))

    def source(self, facts: Facts, packed: PackedFiles, splits: Sequence[str], skipped: Sequence[Skipped]) -> Source:
        files = np.concatenate(self._files)
        parts: dict[str, int] = {}
        for place, split in enumerate(splits):
            parts[split] = parts.get(split, 0) + int((files == place).sum())
        table = self._table
        labels = np.concatenate(self._labels) if table.labeled else None
        values = np.concatenate(self._values, axis=1)
        attributes = {
            name: _attribute(column, names)
            for name, column, names in zip(table.attributes, values, table.categories, strict=True)
        }
        fits = labels is not None and int(labels.max()) < len(table.label_names)
        names = table.label_names if fits else None
        given = () if "" in parts else tuple(parts.items())
        return PackedSource(facts, packed, splits_of(given, len(packed)), labels, names, skipped, attributes)


def _attribute(column: Floats, names: tuple[str, ...]) -> Attribute:
    if not names:
        return Attribute(column)
    inside = (column >= 0) & (column < len(names))  # false for NaN
    return Attribute(np.where(inside, column, UNKNOWN).astype(np.int64), names)


# -- in the reader process ---------------------------------------------------------------------------------------------


def read_parquet(files: tuple[Handed, ...]) -> Iterator[Table | PackedRows | LeftOut | Progress]:
    """Read the columns of parquet files; see `scan_as`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pa.set_memory_pool(pa.system_memory_pool())  # the others reserve more memory than the limit allows
    opened = [pq.ParquetFile(handed.file) for handed in files]
    schema = opened[0].schema_arrow
    image = _image_column(schema, files[0].name)
    classes = _classes(schema, files[0].name)
    numbers = [name for name in schema.names if name != image and _is_number(schema.field(name).type)]
    texts: dict[str, tuple[str, ...]] = {}
    for name in schema.names:
        if _is_text(schema.field(name).type):
            found = yield from _distinct(opened, name)
            if found is None:
                yield LeftOut(name, message("More than {most:,} different texts group no images.", most=MAX_CATEGORIES))
            elif found:
                texts[name] = found
            else:
                yield LeftOut(name, message("It is empty."))
    classes |= texts
    known = [name for name in schema.names if name in numbers or name in texts]
    label = next((name for wanted in _LABELS for name in known if name.lower() == wanted and _labels(schema, name)), "")
    others = [name for name in known if name != label]
    attributes = others[:MAX_COLUMNS]
    for name in others[MAX_COLUMNS:]:
        yield LeftOut(name, message("Only {most} columns are read.", most=MAX_COLUMNS))
    for name in schema.names:
        kind = schema.field(name).type
        if name != image and name not in known and not _is_text(kind):
            yield LeftOut(name, message("Only columns of numbers, classes and texts are read."))
    names = tuple(classes.get(name, ()) for name in attributes)
    count = sum(file.metadata.num_rows for file in opened)
    yield Table(count, bool(label), classes.get(label, ()), tuple(attributes), names)
    wanted = [image, *([label] if label else []), *attributes]
    for place, file in enumerate(opened):
        if not all(_fits(schema, file.schema_arrow, name) for name in wanted):
            yield LeftOut(files[place].name, message("It has other columns than the first file."))
            continue
        average = files[place].size // max(1, file.metadata.num_rows)
        rows = max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(1, average)))
        start = 0
        for batch in file.iter_batches(rows, columns=wanted, use_threads=False):
            yield _packed((place, start), _coded(batch, texts), image, label, attributes)
            start += len(batch)


def _fits(schema: Any, other: Any, name: str) -> bool:
    """Return whether another file has a column of the same kind as the first, or one without any value."""
    import pyarrow.types as kinds

    if name not in other.names:
        return False
    first, kind = schema.field(name).type, other.field(name).type
    return bool(kinds.is_null(kind)) or any(
        is_one(first) and is_one(kind) for is_one in (_is_number, _is_text, _has_bytes)
    )


def _distinct(opened: Sequence[Any], name: str) -> Generator[Progress, None, tuple[str, ...] | None]:
    """Return the different texts in a column of all files, sorted naturally; None if there are too many."""
    found: set[str] = set()
    for place, file in enumerate(opened):
        if name in file.schema_arrow.names and _is_text(file.schema_arrow.field(name).type):
            for batch in file.iter_batches(_BATCH_ROWS, columns=[name], use_threads=False):
                yield Progress(place, len(opened), message("Reading columns"))
                found |= {_text(one) for one in batch.column(0).to_pylist() if one}
                if len(found) > MAX_CATEGORIES:
                    return None
    return tuple(sorted(found, key=natural_key))


def _text(value: str) -> str:
    return value[:MAX_TEXT]


def _coded(batch: Any, texts: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return the columns of a batch by name, texts as their positions among the different ones."""
    import pyarrow as pa

    columns = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if name in texts:
            codes = {text: place for place, text in enumerate(texts[name])}
            columns[name] = pa.array([codes.get(_text(one)) if one else None for one in column.to_pylist()], pa.int64())
        else:
            columns[name] = column
    return columns


def _packed(
    place: tuple[int, int], batch: Mapping[str, Any], image: str, label: str, attributes: Sequence[str]
) -> PackedRows:
    images = batch[image]
    contents = [one.get("bytes") if isinstance(one, dict) else one for one in images.to_pylist()]
    joined = b"".join(one or b"" for one in contents)
    values = [_floats(batch[name]) for name in attributes]
    labels = _floats(batch[label]) if label else np.full(len(contents), np.nan)
    return PackedRows(
        *place,
        np.frombuffer(joined, np.uint8),
        np.array([len(one or b"") for one in contents], np.int64),
        np.array([_shape_of(one or b"") for one in contents], np.int64).reshape(-1, 3),
        np.where(np.isnan(labels), UNLABELED, labels).astype(np.int64),
        np.array(values, np.float32).reshape(len(values), len(contents)),
    )


def _shape_of(content: bytes) -> ImageShape:
    """Return height, width and channels of an image file, as `PackedRows` has them."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as pil_image:
            width, height = pil_image.size
            if pil_image.getexif().get(_ORIENTATION, 1) >= _SIDEWAYS:
                width, height = height, width
            return height, width, 1 if pil_image.mode in _GRAY else 3
    except Exception:  # Pillow raises anything
        return (0, 0, 0) if content[4:8] in _OTHERS else (-1, -1, -1)


def _floats(column: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([np.nan if value is None else float(value) for value in column.to_pylist()], np.float64)


def _image_column(schema: Any, file: str) -> str:
    """Return the column of images; DataError if there is none."""
    found = [name for name in schema.names if _has_bytes(schema.field(name).type)]
    if not found:
        raise DataError(
            "Cannot open {file}: it has no column of image files, only {columns}. Choose another file.",
            file=file,
            columns=list(schema.names[:20]) or [message("none")],
        )
    return str(next((name for wanted in _IMAGES for name in found if name.lower() == wanted), found[0]))


def _has_bytes(kind: Any) -> bool:
    import pyarrow.types as kinds

    if kinds.is_struct(kind):
        return any(
            kind.field(place).name == "bytes" and _has_bytes(kind.field(place).type) for place in range(len(kind))
        )
    return bool(kinds.is_binary(kind) or kinds.is_large_binary(kind))


def _is_number(kind: Any) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind))


def _is_text(kind: Any) -> bool:
    import pyarrow.types as kinds

    value = kind.value_type if kinds.is_dictionary(kind) else kind
    return bool(kinds.is_string(value) or kinds.is_large_string(value))


def _labels(schema: Any, name: str) -> bool:
    """Return whether a column can have labels: whole numbers or texts."""
    import pyarrow.types as kinds

    kind = schema.field(name).type
    return bool(kinds.is_integer(kind)) or _is_text(kind)


def _classes(schema: Any, file: str) -> dict[str, tuple[str, ...]]:
    """Return the names of the classes of columns, from the metadata that Hugging Face writes."""
    content = (schema.metadata or {}).get(b"huggingface", b"")
    if not content:
        return {}
    described = parse_json(content, RECORD, file)
    for key in ("info", "features"):
        described = described.get(key, {}) if isinstance(described, dict) else {}
    found = {}
    for name, feature in described.items() if isinstance(described, dict) else ():
        names = feature.get("names") if isinstance(feature, dict) else None
        if isinstance(names, list) and all(isinstance(one, str) for one in names):
            found[name] = tuple(names)
    return found


KIND = PathKind(
    message("parquet files"),
    takes,
    scan_as,
    label="Parquet files",
    patterns=(f"*{SUFFIX}",),
    members=r".*\.parquet",
)
