"""Small image sets in the layouts that people have, with the figures that opening them must give."""

from __future__ import annotations

import json
import os
import pickle
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer_testing.containers import encoded, write_dicom, write_hdf5, write_parquet, write_zarr
from explorer_testing.deep_files import png_16

_RNG: Final = np.random.default_rng(7)
GRAY: Final = _RNG.integers(0, 256, (12, 16, 16), dtype=np.uint8)
GRAY[:, 0, 0] = 255
COLOR: Final = _RNG.integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
BITS: Final = (GRAY > 127).astype(np.uint8)
LARGE: Final = COLOR.repeat(2, 1).repeat(2, 2)
CLASSES: Final = np.arange(12) % 3
DEEP: Final = (GRAY.astype(np.uint16) << 4) + 15

Any8Bits = NDArray[Any]
Write = Callable[[Path], "Path | str"]


@dataclass(frozen=True)
class Layout:
    """A set, and what opening it gives.

    `write` writes it into an empty folder, and returns what to open; it needs the `extra`. `images` are the expected
    8-bit pixels ``(n, h, w)`` or ``(n, h, w, 3)``, `labels` as texts, `splits` the numbers of training, test and
    validation images; None for a random split.
    """

    name: str
    write: Write
    images: Any8Bits
    range: tuple[float, float] | None = None
    labels: list[str] | None = None
    splits: tuple[int, int, int] | None = None
    attributes: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    extra: str = ""
    frames: int = 0
    far: int = field(default=0, kw_only=True)
    """Largest difference of a pixel, of formats with losses and of colors that are converted."""


def _npz(**arrays: Any) -> Write:
    def write(folder: Path) -> Path:
        np.savez(folder / "set.npz", **arrays)
        return folder / "set.npz"

    return write


def _npy(array: Any8Bits) -> Write:
    def write(folder: Path) -> Path:
        np.save(folder / "set.npy", array)
        return folder / "set.npy"

    return write


def _files(images: dict[str, Any8Bits], texts: dict[str, str] | None = None, opened: str = "") -> Write:
    def write(folder: Path) -> Path:
        for name, pixels in images.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / name)
        for name, text in (texts or {}).items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder / opened

    return write


def _pages(name: str, **options: Any) -> Write:
    def write(folder: Path) -> Path:
        first, *others = (Image.fromarray(one) for one in GRAY[:4])
        first.save(folder / name, save_all=True, append_images=others, **options)
        return folder / name

    return write


def _idx(opened: str) -> Write:
    def write(folder: Path) -> Path:
        raw = folder / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for split, part in (("train", slice(0, 8)), ("t10k", slice(8, 12))):
            images, labels = GRAY[part], CLASSES[part].astype(np.uint8)
            head = struct.pack(">HBB3I", 0, 8, 3, *images.shape)
            (raw / f"{split}-images-idx3-ubyte").write_bytes(head + images.tobytes())
            head = struct.pack(">HBBI", 0, 8, 1, len(labels))
            (raw / f"{split}-labels-idx1-ubyte").write_bytes(head + labels.tobytes())
        return folder / opened

    return write


def _linked(folder: Path) -> Path:
    for label in ("a", "b"):
        (folder / f"elsewhere {label}").mkdir()
        Image.fromarray(GRAY[ord(label) - ord("a")]).save(folder / f"elsewhere {label}" / "0.png")
        (folder / "set").mkdir(exist_ok=True)
        os.symlink(folder / f"elsewhere {label}", folder / "set" / label)
    return folder / "set"


def _celeba(folder: Path) -> Path:
    names = [f"{number:06d}.png" for number in range(1, 5)]
    _files({f"img_align_celeba/{name}": COLOR[place] for place, name in enumerate(names)})(folder)
    lines = [f"{name} {-1 if place % 2 else 1} -1" for place, name in enumerate(names)]
    (folder / "list_attr_celeba.txt").write_text("4\nBald Smiling\n" + "\n".join(lines) + "\n")
    parts = [f"{name} {place}" for name, place in zip(names, (0, 0, 1, 2), strict=True)]
    (folder / "list_eval_partition.txt").write_text("\n".join(parts) + "\n")
    return folder


def _camelyon(folder: Path) -> Path:
    for split, part in (("train", slice(0, 8)), ("test", slice(8, 10)), ("valid", slice(10, 12))):
        write_hdf5(folder / f"camelyonpatch_level_2_split_{split}_x.h5", {"x": COLOR[part]})
        write_hdf5(folder / f"camelyonpatch_level_2_split_{split}_y.h5", {"y": CLASSES[part, None, None, None]})
    return folder


def _matlab(**arrays: Any) -> Write:
    def write(folder: Path) -> Path:
        from scipy.io import savemat

        savemat(folder / "set.mat", arrays)
        return folder / "set.mat"

    return write


def _emnist(**mapping: list[list[int]]) -> Write:
    def write(folder: Path) -> Path:
        parts = {
            split: {
                "images": GRAY[part].transpose(0, 2, 1).reshape(-1, 256),
                "labels": CLASSES[part, None] + 1.0,
                "writers": 100.0 + CLASSES[part, None],
            }
            for split, part in (("train", slice(8)), ("test", slice(8, 12)))
        }
        return Path(_matlab(dataset=parts | mapping)(folder))

    return write


def _usps(folder: Path) -> Path:
    parts = {
        f"{split}/{name}": values[part]
        for split, part in (("test", slice(8, 12)), ("train", slice(8)))
        for name, values in (("data", GRAY.reshape(12, 256) / np.float32(255)), ("target", CLASSES))
    }
    return write_hdf5(folder / "usps.h5", parts)


def _csv(name: str, header: str, line: Callable[[int], str]) -> Write:
    def write(folder: Path) -> Path:
        (folder / name).write_text("\n".join([header, *map(line, range(4))]) + "\n")
        return folder / name

    return write


def _tiff(values: Any8Bits, name: str = "set.tif", **options: Any) -> Write:
    def write(folder: Path) -> Path:
        import tifffile

        tifffile.imwrite(folder / name, values, **options)
        return folder / name

    return write


def _cifar(kind: str) -> Write:
    big = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)

    def write(folder: Path) -> Path:
        if kind == "binary":
            rows = b"".join(bytes([place]) + one.tobytes() for place, one in enumerate(big))
            for name in ("data_batch_1.bin", "test_batch.bin"):
                (folder / name).write_bytes(rows)
        else:
            batch = {
                b"data": big.reshape(4, -1),
                b"fine_labels": [0, 1, 2, 3],
                b"coarse_labels": [0, 0, 1, 1],
                b"batch_label": b"batch",
            }
            for name in ("train", "test"):
                (folder / name).write_bytes(pickle.dumps(batch, 2))
            names = {b"fine_label_names": [b"%d" % n for n in range(100)], b"coarse_label_names": [b"a", b"b"]}
            (folder / "meta").write_bytes(pickle.dumps(names, 2))
        return folder

    return write


_CIFAR: Final = np.tile(
    np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32), dtype=np.uint8).transpose(0, 2, 3, 1), (2, 1, 1, 1)
)
_FREY: Final = _RNG.integers(0, 256, (1965, 28, 20), dtype=np.uint8)
_DIGITS: Final = [str(one) for one in CLASSES]
_DEEP_COLOR: Final = np.stack([DEEP[0], DEEP[1], DEEP[2]], -1)


def _twelve(values: Any8Bits) -> Any8Bits:
    return np.rint(values / 4095 * 255).astype(np.uint8)


def _deep_png(folder: Path) -> Path:
    (folder / "deep.png").write_bytes(png_16(_DEEP_COLOR))
    return folder / "deep.png"


def _motion(folder: Path) -> Path:
    content = encoded(np.full((16, 16, 3), 200, np.uint8), "JPEG")
    (folder / "PXL.MP.jpg").write_bytes(content + b"\0\0\0\x18ftypmp42" + bytes(9_000))
    return folder / "PXL.MP.jpg"


def _stylegan(folder: Path) -> Path:
    labels = json.dumps({"labels": [["0.png", 1], ["1.png", 0]]})
    return Path(_files({"0.png": COLOR[0], "1.png": COLOR[1]}, {"dataset.json": labels})(folder))


LAYOUTS: Final = (
    Layout(
        "dSprites",
        _npz(imgs=BITS, latents_values=_RNG.random((12, 6)), metadata=np.array({"x": 1}, object)),
        BITS * 255,
        (0, 1),
        attributes=("color", "shape", "scale", "orientation", "posX", "posY"),
        skipped=("metadata",),
    ),
    Layout("float 0 to 255", _npy(GRAY.astype(np.float32)), GRAY, (0, 255)),
    Layout("float 0 to 16", _npy((GRAY // 16).astype(np.float32)), np.rint(GRAY // 16 / 16 * 255), (0, 16)),
    Layout("float 0 to 1", _npy(GRAY / 255), GRAY, (0, 1)),
    Layout("float −1 to 1", _npy(GRAY / 127.5 - 1), GRAY, (-1, 1)),
    Layout("channels first", _npy(COLOR.transpose(0, 3, 1, 2)), COLOR),
    Layout("opaque RGBA", _npy(np.concatenate([COLOR, np.full_like(COLOR[..., :1], 255)], 3)), COLOR),
    Layout("one (16, 16)", _npy(GRAY[0]), GRAY[:1]),
    Layout("one (16, 16, 3)", _npy(COLOR[0]), COLOR[:1]),
    Layout("one (32, 32, 4)", _npy(np.dstack([LARGE[0], np.full((32, 32), 255, np.uint8)])), LARGE[:1]),
    Layout("one (3, 16, 16)", _npy(COLOR[0].transpose(2, 0, 1)), COLOR[:1]),
    Layout(
        "MedMNIST chest",
        _npz(
            **{f"{split}_images": GRAY[part] for split, part in (("train", slice(8)), ("val", slice(8, 10)))},
            **{f"{split}_labels": np.eye(14, dtype=int)[:n] * 0 + 1 for split, n in (("train", 8), ("val", 2))},
            test_images=GRAY[10:],
            test_labels=np.ones((2, 14), int),
        ),
        GRAY[[*range(8), 10, 11, 8, 9]],
        splits=(8, 2, 2),
        attributes=tuple(f"label {place}" for place in range(14)),
    ),
    Layout("Keras", _npz(x_train=GRAY, y_train=CLASSES), GRAY, labels=_DIGITS),
    Layout(
        "Keras with x_val",
        _npz(x_train=GRAY[:8], y_train=CLASSES[:8], x_val=GRAY[8:], y_val=CLASSES[8:]),
        GRAY,
        labels=_DIGITS,
        splits=(8, 4, 0),  # without test images, the validation images are used for both
    ),
    Layout(
        "folders train, test, valid",
        _files(
            {f"{split}/{place % 2}/{place}.png": GRAY[place] for place, split in enumerate(("train", "train", "test"))}
            | {"valid/0/3.png": GRAY[3]}
        ),
        GRAY[:4],
        labels=["0", "1", "0", "0"],
        splits=(2, 1, 1),
    ),
    Layout("class folders that are links", _linked, GRAY[:2], labels=["a", "b"]),
    Layout("CelebA", _celeba, COLOR[[0, 1, 2, 3]], splits=(2, 1, 1), attributes=("Bald", "Smiling")),
    Layout(
        "tables of two splits",
        _files(
            {f"{place}.png": GRAY[place] for place in range(4)},
            {"train.csv": "file,label\n0.png,a\n1.png,b\n2.png,a\n", "test.csv": "file,label\n3.png,b\n"},
        ),
        GRAY[:4],
        labels=["a", "b", "a", "b"],
        splits=(3, 1, 0),
    ),
    Layout("StyleGAN", _stylegan, COLOR[:2], labels=["1", "0"]),
    Layout("MNIST/raw from its parent", _idx("MNIST"), GRAY, labels=_DIGITS, splits=(8, 4, 0)),
    Layout("one IDX file", _idx("MNIST/raw/t10k-images-idx3-ubyte"), GRAY[8:], labels=_DIGITS[8:]),
    Layout("pages of TIFF", _pages("pages.tif"), GRAY[:4], frames=4),
    Layout("pages of LZW", _pages("pages.tif", compression="tiff_lzw"), GRAY[:4], frames=4),
    Layout("frames of GIF", _pages("frames.gif", duration=40), np.stack([GRAY[:4]] * 3, -1), frames=4),
    Layout("frames of WebP", _pages("frames.webp", lossless=True), np.stack([GRAY[:4]] * 3, -1), frames=4),
    Layout("12 bits in a 16-bit PNG", _files({"a.png": DEEP[0]}, opened="a.png"), _twelve(DEEP[:1]), (0, 4095)),
    Layout("12 bits of color in PNG", _deep_png, _twelve(_DEEP_COLOR[None]), (0, 4095)),
    Layout("16-bit TIFF", _tiff(DEEP[0], metadata=None), _twelve(DEEP[:1]), (0, 4095)),
    Layout("float TIFF", _tiff((GRAY[0] / 255).astype(np.float32), metadata=None), GRAY[:1], (0, 1)),
    Layout("motion photo", _motion, np.full((1, 16, 16, 3), 200), far=2),
    Layout(
        "Kaggle MNIST",
        _csv(
            "train.csv",
            "label," + ",".join(f"pixel{place}" for place in range(256)),
            lambda place: f"{CLASSES[place]}," + ",".join(map(str, GRAY[place].ravel())),
        ),
        GRAY[:4],
        labels=_DIGITS[:4],
    ),
    Layout(
        "FER2013",
        _csv(
            "fer2013.csv",
            "emotion,pixels,Usage",
            lambda place: (
                f"{CLASSES[place]},{' '.join(map(str, GRAY[place].ravel()))},"
                + ("Training", "Training", "PublicTest", "PrivateTest")[place]
            ),
        ),
        GRAY[:4],
        labels=["angry", "disgust", "fear", "angry"],
        splits=(2, 1, 1),
    ),
    Layout(
        "3dshapes",
        lambda folder: write_hdf5(folder / "3dshapes.h5", {"images": COLOR, "labels": _RNG.random((12, 6))}),
        COLOR,
        attributes=("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation"),
    ),
    Layout("PatchCamelyon", _camelyon, COLOR, labels=_DIGITS, splits=(8, 2, 2)),
    Layout("USPS", _usps, GRAY, (0, 1), labels=_DIGITS, splits=(8, 4, 0)),
    Layout(
        "EMNIST letters",
        _emnist(mapping=[[1, 65, 97], [2, 66, 98], [3, 67, 99]]),
        GRAY,
        labels=["ABC"[one] + "/" + "abc"[one] for one in CLASSES],
        splits=(8, 4, 0),
        attributes=("writers",),
    ),
    Layout(
        "EMNIST balanced",
        _emnist(mapping=[[3, 97], [1, 48], [2, 65]]),
        GRAY,
        labels=["0Aa"[one] for one in CLASSES],
        splits=(8, 4, 0),
        attributes=("writers",),
    ),
    Layout(
        "SVHN",
        _matlab(X=LARGE.transpose(1, 2, 3, 0), y=np.where(CLASSES == 0, 10, CLASSES)[:, None]),
        LARGE,
        labels=_DIGITS,
    ),
    Layout("Frey faces", _matlab(ff=_FREY.reshape(1965, 560).T), _FREY),
    Layout(
        "Hugging Face",
        lambda folder: write_parquet(
            folder / "train-00000-of-00001.parquet", [*map(encoded, COLOR)], ["x", "y", "z"], label=CLASSES.tolist()
        ),
        COLOR,
        labels=["xyz"[one] for one in CLASSES],
        extra="parquet",
    ),
    Layout("TIFF stack", _tiff(DEEP), _twelve(DEEP), (0, 4095), frames=12),
    Layout(
        "OME-TIFF",
        _tiff(GRAY.reshape(4, 3, 16, 16), "set.ome.tif", metadata={"axes": "TCYX"}),
        GRAY.reshape(4, 3, 16, 16).transpose(0, 2, 3, 1),
        frames=4,
    ),
    Layout("Zarr", lambda folder: write_zarr(folder / "set.zarr", COLOR), COLOR, extra="zarr"),
    Layout(
        "DICOM", lambda folder: write_dicom(folder / "a.dcm", DEEP), _twelve(DEEP), (0, 4095), extra="dicom", frames=12
    ),
    Layout(
        "CIFAR-10, binary",
        _cifar("binary"),
        _CIFAR,
        labels=["airplane", "automobile", "bird", "cat"] * 2,
        splits=(4, 4, 0),
    ),
    Layout(
        "CIFAR-100", _cifar("pickled"), _CIFAR, labels=list("0123") * 2, splits=(4, 4, 0), attributes=("coarse label",)
    ),
)
"""The table."""
