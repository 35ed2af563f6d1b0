"""Images in NumPy files, ``.npz`` and ``.npy``, in the layouts of Keras, scikit-learn and others."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from explorer.array_files import ZipLimits, read_arrays, read_header, read_values
from explorer.data.attributes import Attribute, column_of
from explorer.data.preprocessing import to_pixels
from explorer.data.source import ArraySource, Facts
from explorer.data.sources.array_limits import MAX_ARRAYS, MAX_BYTES, MAX_RATIO, UNSUSPICIOUS_BYTES
from explorer.data.sources.entry import PathKind, path_facts, suffix_patterns
from explorer.data.splits import given_splits, grouped_splits, random_splits
from explorer.errors import DataError
from explorer.messages import Message, Value, message
from explorer.reading import reading
from explorer.types import Indices, Pixels

AnyArray: TypeAlias = NDArray[Any]

_SUFFIXES: Final = (".npz", ".npy")
_SPLIT_KEYS: Final = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("images_train", "labels_train", "images_test", "labels_test"),
)
_IMAGE_KEYS: Final = ("images", "x", "pictures", "pixels", "data", "arr_0")
_LABEL_KEYS: Final = ("labels", "label", "y", "targets", "target", "arr_1")
_NAME_KEYS: Final = ("label_names", "class_names", "target_names")
_GROUP_KEY: Final = "groups"
_FACT_KEYS: Final = ("name", "title", "license", "licence", "attribution")
_LONGEST_FACT: Final = 300
_ATTRIBUTE: Final = "attr_"
_CHANNELS: Final = (1, 3)
_OVERSHOOT: Final = 1e-5
"""Resizing floats leaves values this far outside [0, 1]; they are clipped."""


def takes(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in _SUFFIXES


def scan_as(facts: Facts, path: Path, origin: Path) -> Iterator[ArraySource]:
    """Open a NumPy file; the descriptions in it replace the metadata. See `PathKind.scan_as`.

    ``.npy`` has images; ``.npz`` has ``x_train``/``x_test`` (and ``y_train``/``y_test``) or ``images`` or ``x`` (and
    ``labels`` or ``y``). Images are ``(n, h, w)``, ``(n, h, w, 1 | 3)``, one ``(h, w, 1 | 3)``, or flat squares ``(n,
    side²)``; uint8, integers from 0 to 255, bool, or floats in [0, 1], which are rounded to 8 bits. ``groups`` are not
    divided between the splits. ``attr_<name>`` with one number or text per image is an attribute; with ``x_train`` and
    ``x_test`` it is as long as both together, or ``attr_<name>_train`` and ``attr_<name>_test`` exist. Single texts
    ``name``, ``title``, ``license`` and ``attribution`` describe the images, for the cards of models trained on them.

    DataError if the file is damaged or too large when unpacked, or has other keys, shapes or values.
    """
    arrays = _read(path)
    yield _opened(_described(arrays, facts), arrays, path)


def _described(arrays: Mapping[str, AnyArray], facts: Facts) -> Facts:
    """Return facts with the descriptions in the file; anything but a single text of limited length is ignored."""
    texts = {key: arrays[key] for key in _FACT_KEYS if key in arrays}
    given = {
        key: " ".join(str(text.item()).split())
        for key, text in texts.items()
        if text.dtype.kind == "U" and text.size == 1
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
    """Open a NumPy file as `scan_as` does, but only with the given metadata and label names."""
    return _opened(facts, _read(path), path, label_names)


def _opened(
    facts: Facts, arrays: Mapping[str, AnyArray], path: Path, label_names: tuple[str, ...] | None = None
) -> ArraySource:
    for keys in _SPLIT_KEYS:
        if keys[0] in arrays and keys[2] in arrays:
            return _split_source(facts, arrays, keys, label_names)
    key = _image_key(arrays, path)
    images = as_pixels(arrays[key], _place(key, path) if path.suffix.lower() == ".npz" else path.name)
    label_key = next((name for name in _LABEL_KEYS if name in arrays and name != key), None)
    labels, found = None, None
    if label_key is not None:
        labels, found = _as_labels(arrays[label_key], _place(label_key, path))
    name_key = next((name for name in _NAME_KEYS if name in arrays), None)
    if name_key is not None and found is None:
        found = tuple(str(name) for name in arrays[name_key].reshape(-1))
    groups = arrays.get(_GROUP_KEY)
    if groups is not None and groups.shape == (len(images),) and groups.dtype.kind in "iuU":
        splits = grouped_splits(np.unique(groups, return_inverse=True)[1].astype(np.int64))
    else:
        splits = random_splits(len(images))
    attributes = _attributes(arrays, path)
    images = _shared(path, images)
    return ArraySource(facts, images, splits, labels, _names_for(labels, label_names or found), attributes)


_open: WeakValueDictionary[tuple[object, ...], Pixels] = WeakValueDictionary()
"""Images in memory, by the file that they are from."""


def _shared(path: Path, images: Pixels) -> Pixels:
    """Return the images of an unchanged file as they are in memory already; a set opened twice is there once."""
    status = path.stat()
    key = (path, status.st_ino, status.st_size, status.st_mtime_ns, images.shape)
    return _open.setdefault(key, images)


def _place(key: str, path: Path) -> Message:
    return message("“{key}” in {file}", key=key, file=path.name)


def as_pixels(array: AnyArray, name: Value) -> Pixels:
    """Return uint8 images ``(n, h, w, c)`` of an array in one of the accepted layouts and dtypes.

    DataError if its shape or dtype is not supported, or its values are out of range or not finite.
    """
    return _as_bytes(_as_stack(array, name), name)


def _read(path: Path) -> Mapping[str, AnyArray]:
    with reading(message("a NumPy file"), str(path), remedy=message("Save or copy it again.")), path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            file.seek(0)
            header = read_header(file, path.stat().st_size, str(path))
            if header.dtype.hasobject:
                raise _object_array(path)
            return {"images": read_values(file, header)}
        file.seek(0)
        # Object arrays (pickles) are ignored unless there is nothing else.
        arrays = read_arrays(file, ZipLimits(MAX_BYTES, MAX_ARRAYS, MAX_RATIO, UNSUSPICIOUS_BYTES), str(path))
    plain = {_plain_key(key): array for key, array in arrays.items() if array is not None}
    if not plain and arrays:
        raise _object_array(path)
    if not plain:
        raise DataError("Cannot open {file}: it has no arrays. Save it again.", file=path)
    return plain


def _plain_key(key: str) -> str:
    """Return a key in lower case, except the name of an attribute."""
    start = len(_ATTRIBUTE)
    return key.lower() if key[:start].lower() != _ATTRIBUTE else _ATTRIBUTE + key[start:]


def _attributes(arrays: Mapping[str, AnyArray], path: Path) -> dict[str, Attribute]:
    """Return the columns ``attr_…``; those given by split are concatenated, train first."""
    found = {key[len(_ATTRIBUTE) :]: array for key, array in arrays.items() if key.startswith(_ATTRIBUTE)}
    for name in [name.removesuffix("_train") for name in found if name.endswith("_train")]:
        if f"{name}_test" in found:
            parts = [found.pop(f"{name}_train"), found.pop(f"{name}_test")]
            found[name] = np.concatenate([half.reshape(-1) for half in parts])
    return {name: column_of(array, _place(f"{_ATTRIBUTE}{name}", path)) for name, array in found.items() if name}


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
    wide = [key for key, array in arrays.items() if array.ndim >= 3]
    if len(wide) == 1:
        return wide[0]
    raise DataError(
        "Cannot open {file}: no images under its keys {keys}. Save them as x_train and x_test, images, or x.",
        file=path,
        keys=sorted(arrays),
    )


def _split_source(
    facts: Facts,
    arrays: Mapping[str, AnyArray],
    keys: tuple[str, str, str, str],
    label_names: tuple[str, ...] | None,
) -> ArraySource:
    x_train, y_train, x_test, y_test = keys
    train, test = as_pixels(arrays[x_train], x_train), as_pixels(arrays[x_test], x_test)
    if train.shape[1:] != test.shape[1:]:
        raise DataError(
            "Cannot open “{file}”: the images of {train} have shape {first}, those of {test} {second}. Resize them to "
            "one shape.",
            file=facts.name,
            train=x_train,
            test=x_test,
            first=str(train.shape[1:]),
            second=str(test.shape[1:]),
        )
    labels, found = None, None
    if y_train in arrays and y_test in arrays:
        if (len(arrays[y_train]), len(arrays[y_test])) != (len(train), len(test)):
            raise DataError(
                "Cannot open “{file}”: {first:,} and {second:,} labels for {train:,} and {test:,} images. Save one "
                "label per image.",
                file=facts.name,
                first=len(arrays[y_train]),
                second=len(arrays[y_test]),
                train=len(train),
                test=len(test),
            )
        both = [arrays[key] if arrays[key].ndim == 1 else _flat_labels(arrays[key], key) for key in (y_train, y_test)]
        labels, found = _as_labels(np.concatenate(both), message("{train} and {test}", train=y_train, test=y_test))
    splits = given_splits(len(train), len(test))
    attributes = _attributes(arrays, Path(facts.name))
    names = _names_for(labels, label_names or found)
    return ArraySource(facts, np.concatenate([train, test]), splits, labels, names, attributes)


def _as_stack(array: AnyArray, name: Value) -> AnyArray:
    """Reshape to ``(n, h, w, c)``."""
    shape = array.shape
    if array.ndim == 4 and shape[3] in _CHANNELS and array.size:
        return array
    if array.ndim == 3 and array.size:
        return array[np.newaxis] if shape[2] in _CHANNELS else array[..., np.newaxis]
    if array.ndim == 2 and array.size and math.isqrt(shape[1]) ** 2 == shape[1] and shape[1] > 1:
        side = math.isqrt(shape[1])
        return array.reshape(shape[0], side, side, 1)
    if array.ndim == 4 and shape[1] in _CHANNELS:
        raise DataError(
            "Cannot open {array}: its shape is {shape}. Channels come last: use array.transpose(0, 2, 3, 1).",
            array=name,
            shape=str(shape),
        )
    raise DataError(
        "Cannot open {array}: its shape is {shape}. Save it as (n, h, w), (n, h, w, 1 or 3), or flat squares (n, "
        "side²).",
        array=name,
        shape=str(shape),
    )


def _as_bytes(array: AnyArray, name: Value) -> Pixels:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind not in "iuf":
        raise DataError("Cannot open {array}: its dtype is {dtype}. Save it as uint8.", array=name, dtype=array.dtype)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise DataError(
            "Cannot open {array}: {bad:# value is|# values are} NaN or infinite. Replace them first.",
            array=name,
            bad=bad,
        )
    low, high = float(array.min()), float(array.max())
    if array.dtype.kind in "iu":
        if low < 0 or high > 255:
            raise DataError(
                "Cannot open {array}: its integers range from {low:g} to {high:g}. Scale them to 0–255.",
                array=name,
                low=low,
                high=high,
            )
        return array.astype(np.uint8)
    if low < -_OVERSHOOT or high > 1 + _OVERSHOOT:
        if low >= 0 and high <= 255:
            raise DataError(
                "Cannot open {array}: its floats range from {low:g} to {high:g}. Divide them by 255, or save them as "
                "uint8.",
                array=name,
                low=low,
                high=high,
            )
        raise DataError(
            "Cannot open {array}: its floats range from {low:g} to {high:g}. Scale them to 0–1.",
            array=name,
            low=low,
            high=high,
        )
    pixels = np.empty(array.shape, np.uint8)
    for index, image in enumerate(array):  # one by one: a float64 copy of all may not fit into memory
        pixels[index] = to_pixels(image.astype(np.float32))
    return pixels


def _flat_labels(array: AnyArray, name: Value) -> AnyArray:
    """Reshape labels ``(n, 1)``, and decode one-hot labels, to ``(n,)``."""
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0]
    if array.ndim == 2 and array.dtype.kind in "biuf" and np.all((array == 0) | (array == 1)):
        one_hot: AnyArray = array.argmax(axis=1)
        return one_hot
    if array.ndim == 1:
        return array
    raise DataError(
        "Cannot use the labels {array}: their shape is {shape}. Save one label per image, (n,).",
        array=name,
        shape=str(array.shape),
    )


def _as_labels(array: AnyArray, name: Value) -> tuple[Indices, tuple[str, ...] | None]:
    flat = _flat_labels(array, name)
    if flat.dtype.kind in "US":
        names, positions = np.unique(flat.astype(str), return_inverse=True)
        return positions.astype(np.int64), tuple(str(text) for text in names)
    whole = flat.dtype.kind in "biu" or (flat.dtype.kind == "f" and bool(np.all(flat == np.rint(flat))))
    if not whole:
        raise DataError(
            "Cannot use the labels {array}: they are fractional or of dtype {dtype}. Save integers or names.",
            array=name,
            dtype=flat.dtype,
        )
    return flat.astype(np.int64), None


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
