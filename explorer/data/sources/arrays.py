"""Images in NumPy files, ``.npz`` and ``.npy``, in the layouts of Keras, scikit-learn and others."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

import numpy as np

from explorer.array_files import ZipLimits, read_arrays, read_header, read_values
from explorer.data.attributes import Attribute, column_of
from explorer.data.choices import ChoiceNeeded, Choices, refuse_unused
from explorer.data.image_arrays import images_of
from explorer.data.label_arrays import ArrayLabels, columns_of, labels_of
from explorer.data.ranges import AnyArray
from explorer.data.source import ArraySource, Facts, Found, Skipped
from explorer.data.sources.array_limits import MAX_ARRAYS, MAX_BYTES, MAX_RATIO, UNSUSPICIOUS_BYTES
from explorer.data.sources.entry import PathKind, path_facts, suffix_patterns
from explorer.data.splits import Splits, given_splits, grouped_splits, random_splits
from explorer.errors import DataError
from explorer.messages import Message, message
from explorer.reading import reading
from explorer.types import Indices, Pixels

_SUFFIXES: Final = (".npz", ".npy")
_SPLITS: Final = (("train", "training"), ("test", "testing"), ("val", "valid", "validation"))
"""Names of the splits, in the order of the images."""

_SPLIT_KEYS: Final = (("x_{}", "y_{}"), ("{}_images", "{}_labels"), ("images_{}", "labels_{}"), ("{}_x", "{}_y"))
_IMAGE_KEYS: Final = ("images", "image", "imgs", "x", "pictures", "pixels", "data", "arr_0")
_LABEL_KEYS: Final = ("labels", "label", "y", "targets", "target", "arr_1")
_NAME_KEYS: Final = ("label_names", "class_names", "target_names")
_GROUP_KEY: Final = "groups"
_LATENTS_KEY: Final = "latents_values"
_LATENT_NAMES_KEY: Final = "latents_names"
_DSPRITES: Final = ("color", "shape", "scale", "orientation", "posX", "posY")
"""The latents of dSprites, whose names are in an object array."""

_FACT_KEYS: Final = ("name", "title", "license", "licence", "attribution")
_LONGEST_FACT: Final = 300
_ATTRIBUTE: Final = "attr_"
_OBJECT: Final = message("not read: object arrays can execute code.")
_MEANS_NOTHING: Final = message("not used: its name has no meaning. Begin it with attr_ for a value of each image.")


@dataclass(frozen=True)
class _Part:
    """The keys of images and of their labels; `split` as in the keys, empty for images without splits."""

    split: str
    images: str
    labels: str | None


def takes(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in _SUFFIXES


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[ArraySource]:
    """Open a NumPy file; the descriptions in it replace the metadata. See `PathKind.scan_as`.

    ``.npy`` has images; ``.npz`` has ``x_train``, ``x_val`` and ``x_test`` (and ``y_train`` …), or ``images`` or ``x``
    (and ``labels`` or ``y``), or one array of images under any key; ``facts.choices`` may name another. For layouts and
    values see `images_of`, for labels `labels_of`. ``groups`` are not divided between the splits. ``attr_<name>`` with
    one number or text per image is an attribute; with splits it is as long as all together (training, test,
    validation), or each has its own: ``attr_<name>_train`` …. The columns of ``latents_values`` are attributes, too.
    Single texts ``name``, ``title``, ``license`` and ``attribution`` describe the images, for the cards of models
    trained on them.

    DataError if the file is damaged or too large when unpacked, or has other keys, shapes or values.
    """
    arrays = _read(path)
    yield _opened(_described(arrays, facts), arrays, path)


def _described(arrays: Mapping[str, AnyArray | None], facts: Facts) -> Facts:
    """Return facts with the descriptions in the file; anything but a single text of limited length is ignored."""
    texts = {key: arrays.get(key) for key in _FACT_KEYS}
    given = {
        key: " ".join(str(text.item()).split())
        for key, text in texts.items()
        if text is not None and text.dtype.kind == "U" and text.size == 1
    }
    given = {key: text for key, text in given.items() if 0 < len(text) <= _LONGEST_FACT}
    return replace(
        facts,
        name=given.get("name", facts.name),
        title=given.get("title", facts.title),
        license=given.get("license", given.get("licence", "")),
        attribution=given.get("attribution", ""),
    )


def load_as(facts: Facts, path: Path, label_names: tuple[str, ...] | None = None) -> ArraySource:
    """Open the file of a known source as `scan_as` does, but only with the given metadata and label names."""
    return _opened(facts, _read(path), path, label_names, known=True)


def _opened(
    facts: Facts,
    arrays: Mapping[str, AnyArray | None],
    path: Path,
    label_names: tuple[str, ...] | None = None,
    *,
    known: bool = False,
) -> ArraySource:
    allowed = {"array", "range", "layout", "channels"} - ({"array"} if path.suffix.lower() == ".npy" else set())
    refuse_unused(facts.choices, allowed, facts.name)
    plain = {key: array for key, array in arrays.items() if array is not None}
    parts = _chosen(plain, arrays, path, facts.choices.array) or _split_parts(plain) or [_only(plain, path)]
    images, found = _images(plain, parts, path, facts.choices)
    counts = [len(part) for part in images]
    joined = _shared(path, facts.choices, images[0] if len(images) == 1 else np.concatenate(images))
    labels, names = _labels(plain, parts, counts, facts)
    attributes, unfit = _all_attributes(plain, parts, path, len(joined))
    attributes = {**labels.attributes, **attributes}
    if facts.choices.array:
        attributes = {key: one for key, one in attributes.items() if len(one) == len(joined)}
    skipped = [Skipped(key, _OBJECT) for key, array in arrays.items() if array is None]
    skipped += [Skipped(parts[0].labels or "", labels.refused)] if labels.refused is not None else []
    skipped += [] if known or facts.choices.array else [Skipped(key, _MEANS_NOTHING) for key in _unused(plain, parts)]
    return ArraySource(
        replace(facts, found=found),
        joined,
        _splits(plain, parts, counts),
        labels.values,
        _names_for(labels.values, label_names or labels.names or names),
        attributes,
        (*skipped, *unfit),
    )


def _chosen(
    plain: Mapping[str, AnyArray], arrays: Mapping[str, AnyArray | None], path: Path, chosen: str
) -> list[_Part]:
    """Return the chosen array with its labels; empty if none was chosen."""
    if not chosen:
        return []
    key = _plain_key(chosen)
    if key not in arrays:
        raise DataError(
            "{file} has no array “{key}”, but {keys}. Choose one of these.",
            file=path.name,
            key=chosen,
            keys=list(plain),
        )
    if key not in plain:
        raise _object_array(path)
    split = [part for part in _split_parts(plain) if part.images == key]
    labels = _label_key(plain, key)
    fits = labels is not None and plain[labels].shape[:1] == plain[key].shape[:1]
    return split or [_Part("", key, labels if fits else None)]


def _split_parts(arrays: Mapping[str, AnyArray]) -> list[_Part]:
    """Return the splits that the keys name; empty without any."""
    for images, labels in _SPLIT_KEYS:
        found = [next((word for word in words if _filled(arrays, images.format(word))), "") for words in _SPLITS]
        if found[0] or (any(found) and not any(key in arrays for key in _IMAGE_KEYS)):
            keys = [(word, images.format(word), labels.format(word)) for word in found if word]
            return [_Part(word, key, label if label in arrays else None) for word, key, label in keys]
    return []


def _filled(arrays: Mapping[str, AnyArray], key: str) -> bool:
    return key in arrays and arrays[key].size > 0


def _only(arrays: Mapping[str, AnyArray], path: Path) -> _Part:
    key = _image_key(arrays, path)
    return _Part("", key, _label_key(arrays, key))


def _label_key(arrays: Mapping[str, AnyArray], images: str) -> str | None:
    return next((key for key in _LABEL_KEYS if key in arrays and key != images), None)


def _images(
    arrays: Mapping[str, AnyArray], parts: Sequence[_Part], path: Path, choices: Choices
) -> tuple[list[Pixels], Found]:
    """Return the images of each part, of one shape, and how they were read."""
    keys = [part.images for part in parts]
    name = _place(", ".join(keys), path) if path.suffix.lower() == ".npz" else path.name
    first = arrays[keys[0]]
    known = bool(parts[0].split) or any(
        array.shape[:1] == first.shape[:1] for key, array in arrays.items() if _is_per_image(key, keys)
    )
    count = len(first) if known and first.ndim else None
    says_alpha = "rgba" in " ".join((path.stem, *keys)).lower()
    images, found = images_of([arrays[key] for key in keys], name, choices, count, alpha=says_alpha)
    for part, key in zip(images, keys, strict=True):
        if part.shape[1:] != images[0].shape[1:]:
            raise DataError(
                "Cannot open “{file}”: the images of {train} have shape {first}, those of {test} {second}. Resize them "
                "to one shape.",
                file=path.name,
                train=keys[0],
                test=key,
                first=str(images[0].shape[1:]),
                second=str(part.shape[1:]),
            )
    others = [key for key, array in arrays.items() if key in keys or _is_wide(array)]
    return images, replace(found, arrays=tuple(others) if len(others) > 1 else ())


def _is_per_image(key: str, images: Sequence[str]) -> bool:
    return key not in images and (key in (*_LABEL_KEYS, _GROUP_KEY, _LATENTS_KEY) or key.startswith(_ATTRIBUTE))


def _is_wide(array: AnyArray) -> bool:
    return array.ndim >= 3 and array.dtype.kind in "biuf"


def _labels(
    arrays: Mapping[str, AnyArray], parts: Sequence[_Part], counts: Sequence[int], facts: Facts
) -> tuple[ArrayLabels, tuple[str, ...] | None]:
    """Return the labels of the images of all parts, and the names of labels in the file."""
    name_key = next((name for name in _NAME_KEYS if name in arrays), None)
    names = None if name_key is None else tuple(str(name) for name in arrays[name_key].reshape(-1))
    given = [None if part.labels is None else _column(arrays[part.labels]) for part in parts]
    present = [array for array in given if array is not None]
    if not present:
        return ArrayLabels(), names
    if len(parts) > 1:
        _check_lengths(given, counts, facts)
    if len({array.shape[1:] for array in present}) > 1:
        shapes = " ".join(str(array.shape) for array in present)
        return ArrayLabels(refused=message("not used: their shapes {shapes} do not match.", shapes=shapes)), names
    labels = labels_of(present[0] if len(present) == 1 else np.concatenate(present), "label", names)
    if len(present) == len(parts) or labels.refused is not None:
        return labels, names
    known = np.repeat([array is not None for array in given], counts)
    return labels.spread(np.flatnonzero(known), sum(counts)), names


def _check_lengths(labels: Sequence[AnyArray | None], counts: Sequence[int], facts: Facts) -> None:
    lengths = [
        count if array is None else len(np.atleast_1d(array)) for array, count in zip(labels, counts, strict=True)
    ]
    if lengths != list(counts):
        raise DataError(
            "Cannot open “{file}”: {labels} labels for {images} images. Save one label per image.",
            file=facts.name,
            labels=message("{first} and {last}", first=lengths[:-1], last=lengths[-1]),
            images=message("{first} and {last}", first=list(counts[:-1]), last=counts[-1]),
        )


def _column(array: AnyArray) -> AnyArray:
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _splits(arrays: Mapping[str, AnyArray], parts: Sequence[_Part], counts: Sequence[int]) -> Splits:
    if len(parts) > 1:
        sizes = {part.split: count for part, count in zip(parts, counts, strict=True)}
        return given_splits(*(sum(sizes.get(word, 0) for word in words) for words in _SPLITS))
    groups = arrays.get(_GROUP_KEY)
    if groups is not None and groups.shape == (counts[0],) and groups.dtype.kind in "iuU":
        return grouped_splits(np.unique(groups, return_inverse=True)[1].astype(np.int64))
    return random_splits(counts[0])


_open: WeakValueDictionary[tuple[object, ...], Pixels] = WeakValueDictionary()
"""Images in memory, by the file that they are from."""


def _shared(path: Path, choices: Choices, images: Pixels) -> Pixels:
    """Return the images of an unchanged file as they are in memory already; a set opened twice is there once."""
    status = path.stat()
    key = (path, choices, status.st_ino, status.st_size, status.st_mtime_ns, images.shape)
    return _open.setdefault(key, images)


def _place(key: str, path: Path) -> Message:
    return message("“{key}” in {file}", key=key, file=path.name)


def _read(path: Path) -> Mapping[str, AnyArray | None]:
    """Return the arrays by key; None for object arrays, which are not read."""
    with reading(message("a NumPy file"), str(path), remedy=message("Save or copy it again.")), path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            file.seek(0)
            header = read_header(file, path.stat().st_size, str(path))
            if header.dtype.hasobject:
                raise _object_array(path)
            return {"images": read_values(file, header)}
        file.seek(0)
        arrays = read_arrays(file, ZipLimits(MAX_BYTES, MAX_ARRAYS, MAX_RATIO, UNSUSPICIOUS_BYTES), str(path))
    if not arrays:
        raise DataError("Cannot open {file}: it has no arrays. Save it again.", file=path)
    if not any(array is not None for array in arrays.values()):
        raise _object_array(path)
    return {_plain_key(key): array for key, array in arrays.items()}


def _plain_key(key: str) -> str:
    """Return a key in lower case, except the name of an attribute."""
    start = len(_ATTRIBUTE)
    return key.lower() if key[:start].lower() != _ATTRIBUTE else _ATTRIBUTE + key[start:]


def _all_attributes(
    arrays: Mapping[str, AnyArray], parts: Sequence[_Part], path: Path, count: int
) -> tuple[dict[str, Attribute], list[Skipped]]:
    """Return the columns ``attr_…`` and of the latents, and what does not fit."""
    attributes = _attributes(arrays, [part.split for part in parts], path)
    latents = arrays.get(_LATENTS_KEY)
    if latents is None:
        return attributes, []
    if latents.ndim != 2 or len(latents) != count or latents.dtype.kind not in "biuf":
        reason = message("not used: its shape is {shape}. Save one row per image.", shape=str(latents.shape))
        return attributes, [Skipped(_LATENTS_KEY, reason)]
    names = arrays.get(_LATENT_NAMES_KEY)
    if names is not None:
        titles: Sequence[str] | None = tuple(str(name) for name in names.reshape(-1))
    else:
        titles = _DSPRITES if "imgs" in arrays else None
    return {**columns_of(latents, "latent", titles), **attributes}, []


def _attributes(arrays: Mapping[str, AnyArray], splits: Sequence[str], path: Path) -> dict[str, Attribute]:
    """Return the columns ``attr_…``; those given by split are concatenated."""
    found = {key[len(_ATTRIBUTE) :]: array for key, array in arrays.items() if key.startswith(_ATTRIBUTE)}
    for name in [name.removesuffix(f"_{splits[0]}") for name in found if name.endswith(f"_{splits[0]}")]:
        keys = [f"{name}_{split}" for split in splits]
        if len(splits) > 1 and all(key in found for key in keys):
            found[name] = np.concatenate([found.pop(key).reshape(-1) for key in keys])
    return {name: column_of(array, _place(f"{_ATTRIBUTE}{name}", path)) for name, array in found.items() if name}


def _unused(arrays: Mapping[str, AnyArray], parts: Sequence[_Part]) -> list[str]:
    """Return the keys that mean nothing; other arrays that may be images are to be chosen from."""
    used = {*_NAME_KEYS, *_FACT_KEYS, _GROUP_KEY, _LATENTS_KEY, _LATENT_NAMES_KEY}
    used |= {part.images for part in parts} | {part.labels or "" for part in parts}
    return [
        key
        for key, array in arrays.items()
        if key not in used and not key.startswith(_ATTRIBUTE) and not _is_wide(array) and array.size
    ]


def _object_array(path: Path) -> DataError:
    return DataError(
        "Cannot open {file}: object arrays (images of different sizes, or pickles) can execute code. Save one uint8 "
        "array, or a folder of image files.",
        file=path,
    )


def _image_key(arrays: Mapping[str, AnyArray], path: Path) -> str:
    for key in _IMAGE_KEYS:
        if key in arrays:
            return key
    wide = [key for key, array in arrays.items() if _is_wide(array)]
    if len(wide) == 1:
        return wide[0]
    if wide:
        raise ChoiceNeeded(
            "Cannot open {file}: several of its arrays may be images: {arrays}. Choose one (--array {first}).",
            file=path,
            arrays=wide,
            first=wide[0],
        )
    raise DataError(
        "Cannot open {file}: no images under its keys {keys}. Save them as x_train and x_test, images, or x.",
        file=path,
        keys=sorted(arrays),
    )


def _names_for(labels: Indices | None, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return the names if they cover all labels, else None."""
    if labels is None or names is None or not len(labels):
        return None
    return names if int(labels.max()) < len(names) and int(labels.min()) >= -1 else None


KIND = PathKind(
    message("a NumPy file"),
    takes,
    scan_as,
    label="NumPy files",
    patterns=suffix_patterns(_SUFFIXES),
    facts=lambda path: path_facts(path, title=path.stem),
)
