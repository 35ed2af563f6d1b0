"""Build the embedded sample datasets from their originals, reproducibly.

Usage: python scripts/build_samples.py ORIGINALS [--out FOLDER] [--training FOLDER]

``--training`` also writes the training data of bundled models that is not bundled itself: ``faces-training.npz``, the
9,000 faces before those of the sample, and ``faces-224.npz``, 1,500 of them at a larger size.

ORIGINALS contains

* ``mnist/t10k-images-idx3-ubyte.gz`` and ``mnist/t10k-labels-idx1-ubyte.gz`` as MNIST is published;
* ``fashion-mnist/`` with files of the same names, as Fashion-MNIST is published;
* ``glyphs/arabic_ofl_64.npz`` with ``x (672, 64, 64)``, ``letter`` (0 … 27 in the order of the alphabet) and ``font``
  (0 … 23, in the order of `FAMILIES`);
* ``avatars/personas_64.npz`` with ``x (10000, 64, 64, 3)`` and ``attr_<name>`` (texts), one face for each of the seeds
  ``personas-0`` … ``personas-9999``;
* ``avatars/personas_224/{train,test}/<hair>/<seed>.jpg``, faces of 224 × 224 pixels.
"""

from __future__ import annotations

import argparse
import io
import re
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from explorer.data.sources.idx import read_idx
from explorer.data.sources.keras_cache import CLOTHING_NAMES
from explorer.paths import replacing_file

FAMILIES = (6, 4, 2, 2, 2, 2, 2, 4)
"""Number of fonts per typeface, in the order of the font index.

Weights and slants of one typeface are near copies of each other (two of the first six draw these letters identically),
so a split by single fonts would hold out what the model has seen.
"""

CLOTHES_PER_CLASS = 250
FACES = 1_000
"""Number of sample faces, the last ones: bundled models are trained on the first 9,000 only."""

FACE_LABEL = "attr_hair"
HEX_COLOR = re.compile(r"#[0-9a-f]{6}")

LETTERS = (
    *("alef ا", "beh ب", "teh ت", "theh ث", "jeem ج", "hah ح", "khah خ", "dal د", "thal ذ", "reh ر"),
    *("zain ز", "seen س", "sheen ش", "sad ص", "dad ض", "tah ط", "zah ظ", "ain ع", "ghain غ", "feh ف"),
    *("qaf ق", "kaf ك", "lam ل", "meem م", "noon ن", "heh ه", "waw و", "yeh ي"),
)
"""The 28 letters with their Unicode names, for fonts that lack them."""


def build_digits(originals: Path, out: Path) -> None:
    """Write all 10,000 MNIST test digits."""
    folder = originals / "mnist"
    images = read_idx(folder / "t10k-images-idx3-ubyte.gz")
    labels = read_idx(folder / "t10k-labels-idx1-ubyte.gz")
    write_npz(
        out / "digits.npz", images=images[..., np.newaxis], labels=labels, label_names=np.array(list("0123456789"))
    )


def build_clothing(originals: Path, out: Path) -> None:
    """Write the first Fashion-MNIST test images of each class, in order."""
    folder = originals / "fashion-mnist"
    images = read_idx(folder / "t10k-images-idx3-ubyte.gz")
    labels = read_idx(folder / "t10k-labels-idx1-ubyte.gz")
    classes = range(len(CLOTHING_NAMES))
    chosen = np.sort(np.concatenate([np.flatnonzero(labels == label)[:CLOTHES_PER_CLASS] for label in classes]))
    write_npz(
        out / "clothing.npz",
        images=images[chosen][..., np.newaxis],
        labels=labels[chosen],
        label_names=np.array(CLOTHING_NAMES),
    )


def build_faces(originals: Path, out: Path) -> None:
    """Write the last faces with all their attributes."""
    write_npz(out / "faces.npz", **face_arrays(originals, slice(-FACES, None)))


def build_training_faces(originals: Path, out: Path) -> None:
    """Write the faces before the sample, with the data facts for model cards."""
    write_npz(
        out / "faces-training.npz",
        **face_arrays(originals, slice(None, -FACES)),
        **face_facts("faces", "Avatars (cartoon faces)"),
    )


def build_large_faces(originals: Path, out: Path) -> None:
    """Write the faces of 224×224 pixels as an array, because a folder of images states no license."""
    root = originals / "avatars" / "personas_224"
    names = sorted({folder.name for split in ("train", "test") for folder in (root / split).iterdir()})
    parts: dict[str, np.ndarray] = {}
    for split in ("train", "test"):
        files = sorted((root / split).glob("*/*.jpg"))
        parts[f"x_{split}"] = np.stack([read_color(file) for file in files])
        parts[f"y_{split}"] = np.array([names.index(file.parent.name) for file in files], np.uint8)
    label_names = np.array([in_words(name) for name in names])
    write_npz(
        out / "faces-224.npz",
        **parts,
        label_names=label_names,
        **face_facts("faces-224", "Avatars (cartoon faces), 224 × 224"),
    )


def read_color(file: Path) -> np.ndarray:
    """Return an image file as uint8 ``(h, w, 3)``."""
    with Image.open(file) as pil_image:
        return np.asarray(pil_image.convert("RGB"))


def face_facts(name: str, title: str) -> dict[str, np.ndarray]:
    """Return the data facts of the faces for model cards."""
    return {
        "name": np.array(name),
        "title": np.array(title),
        "license": np.array("CC BY 4.0"),
        "attribution": np.array("Personas by Draftbit, drawn with DiceBear; modified: rendered as pixels and reduced"),
    }


def face_arrays(originals: Path, chosen: slice) -> dict[str, np.ndarray]:
    """Return faces and attributes; hair is the label, and missing features are “none”."""
    with np.load(originals / "avatars" / "personas_64.npz", allow_pickle=False) as arrays:
        images = arrays["x"][chosen]
        columns = {name: arrays[name][chosen] for name in arrays.files if name.startswith("attr_")}
    attributes = {in_words(name): np.array([in_words(value) for value in values]) for name, values in columns.items()}
    names, labels = np.unique(attributes[FACE_LABEL], return_inverse=True)
    found = {"images": images, "labels": labels.astype(np.uint8), "label_names": names}
    return found | dict(sorted(attributes.items()))


def in_words(name: str) -> str:
    """Return “bob bangs” for ``bobBangs``, “none” for an empty name; colors like ``#6dbb58`` are unchanged."""
    if HEX_COLOR.fullmatch(name):
        return name
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", name).lower() or "none"


def build_glyphs(originals: Path, out: Path) -> None:
    """Write the Arabic letters, grouped by typeface."""
    with np.load(originals / "glyphs" / "arabic_ofl_64.npz", allow_pickle=False) as arrays:
        images, letters, fonts = arrays["x"], arrays["letter"], arrays["font"]
    families = np.repeat(np.arange(len(FAMILIES)), FAMILIES)[fonts]
    write_npz(
        out / "glyphs.npz",
        images=images.reshape(-1, 64, 64, 1),
        labels=letters.astype(np.uint8),
        label_names=np.array(LETTERS),
        groups=families.astype(np.uint8),
        fonts=fonts.astype(np.uint8),
    )


def write_npz(path: Path, **arrays: np.ndarray) -> None:
    """Write arrays with maximum compression and without timestamps."""
    with replacing_file(path) as part, zipfile.ZipFile(part, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, buffer.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)


def main() -> None:
    """Build all files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("originals", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "resources" / "data")
    parser.add_argument("--training", type=Path)
    options = parser.parse_args()
    build_digits(options.originals, options.out)
    build_clothing(options.originals, options.out)
    build_glyphs(options.originals, options.out)
    build_faces(options.originals, options.out)
    if options.training is not None:
        options.training.mkdir(parents=True, exist_ok=True)
        build_training_faces(options.originals, options.training)
        build_large_faces(options.originals, options.training)


if __name__ == "__main__":
    main()
