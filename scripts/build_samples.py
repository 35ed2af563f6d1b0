"""Build the embedded sample data from its originals; the same bytes each time.

Usage: python scripts/build_samples.py ORIGINALS [--out FOLDER]

ORIGINALS holds ``mnist/t10k-images-idx3-ubyte.gz`` and ``mnist/t10k-labels-idx1-ubyte.gz`` as MNIST is published, and
``glyphs/arabic_ofl_64.npz`` with ``x (672, 64, 64)``, ``letter`` (0 … 27 in the order of the alphabet) and ``font``
(0 … 23, in the order of `FAMILIES`).
"""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path

import numpy as np

from explorer.data.sources.idx import read_idx
from explorer.paths import replacing_file

FAMILIES = (6, 4, 2, 2, 2, 2, 2, 4)
"""Fonts a typeface, in the order of the font index.

Weights and slants of one typeface are near copies of each other (two of the first six draw these letters identically),
so a split by single fonts would hold out what the model has seen.
"""

LETTERS = (
    *("alef ا", "beh ب", "teh ت", "theh ث", "jeem ج", "hah ح", "khah خ", "dal د", "thal ذ", "reh ر"),
    *("zain ز", "seen س", "sheen ش", "sad ص", "dad ض", "tah ط", "zah ظ", "ain ع", "ghain غ", "feh ف"),
    *("qaf ق", "kaf ك", "lam ل", "meem م", "noon ن", "heh ه", "waw و", "yeh ي"),
)
"""Unicode's names of the 28 letters, for interfaces whose font lacks them, and the letters."""


def build_digits(originals: Path, out: Path) -> None:
    """Write all 10,000 MNIST test digits."""
    folder = originals / "mnist"
    images = read_idx(folder / "t10k-images-idx3-ubyte.gz")
    labels = read_idx(folder / "t10k-labels-idx1-ubyte.gz")
    write_npz(
        out / "digits.npz", images=images[..., np.newaxis], labels=labels, label_names=np.array(list("0123456789"))
    )


def build_glyphs(originals: Path, out: Path) -> None:
    """Write the Arabic letters with their typeface as group."""
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
    """Write arrays with the strongest compression and without the time of day."""
    with replacing_file(path) as part, zipfile.ZipFile(part, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, buffer.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)


def main() -> None:
    """Build both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("originals", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "resources" / "data")
    options = parser.parse_args()
    build_digits(options.originals, options.out)
    build_glyphs(options.originals, options.out)


if __name__ == "__main__":
    main()
