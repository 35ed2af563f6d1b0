"""Pictures that stay in their files until they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from explorer.data.formats import Header, open_picture
from explorer.data.preprocessing import Preprocessing
from explorer.data.source import Facts, Skipped, Source
from explorer.data.splits import Splits
from explorer.errors import DataError
from explorer.types import ImageShape, Indices, Pixels


@dataclass(frozen=True)
class PictureFile:
    """One file that has been probed: where it lies, what it is called inside its source, and its size."""

    path: Path
    name: str
    header: Header


class FileSource(Source):
    """Pictures in files, decoded anew on each read.

    Parameters
    ----------
    facts
        What is known of them.
    files
        At least one, in source order.
    splits, labels, label_names, skipped
        As in `Source`.
    """

    def __init__(
        self,
        facts: Facts,
        files: Sequence[PictureFile],
        splits: Splits,
        labels: Indices | None = None,
        label_names: tuple[str, ...] | None = None,
        skipped: tuple[Skipped, ...] = (),
    ) -> None:
        super().__init__(
            facts,
            count=len(files),
            image_shape=_common_shape(files),
            splits=splits,
            labels=labels,
            label_names=label_names,
            skipped=skipped,
        )
        self._files = tuple(files)

    def file_name(self, index: int) -> str:
        """Return the name of one picture's file inside the source, with ``/`` between folders."""
        return self._file(index).name

    def picture(self, index: int) -> Image.Image:
        """Return one picture, decoded from its file."""
        file = self._file(index)
        return open_picture(file.path, file.name)

    def read(self, indices: Sequence[int] | Indices, preprocessing: Preprocessing) -> Pixels:
        """Return uint8 pictures ``(n, h, w, c)`` in the order of `indices`, decoded from their files."""
        positions = self.positions(indices)
        pixels = np.empty((len(positions), *preprocessing.image_shape), np.uint8)
        for row, position in enumerate(positions):
            pixels[row] = self._pixels(self._files[position], preprocessing)
        return pixels

    def _file(self, index: int) -> PictureFile:
        return self._files[int(self.positions([index])[0])]

    def _pixels(self, file: PictureFile, preprocessing: Preprocessing) -> Pixels:
        try:
            return preprocessing.pixels(open_picture(file.path, file.name))
        except DataError as error:
            if file.name in error.expected:
                raise
            raise DataError(f"{error.expected} in {file.name}", error.received, error.remedy) from error

    def _hash_content(self) -> str:
        digest = hashlib.sha256()
        for file in self._files:
            try:
                content = hashlib.sha256(file.path.read_bytes()).hexdigest()
            except OSError as error:
                raise DataError(
                    f"a picture in {file.name}", f"“{error.strerror or error}”", "Open the folder again."
                ) from error
            digest.update(f"{file.name}\0{content}\n".encode())
        return digest.hexdigest()


def _common_shape(files: Sequence[PictureFile]) -> ImageShape | None:
    sizes = {(file.header.height, file.header.width) for file in files}
    if len(sizes) != 1:
        return None
    height, width = sizes.pop()
    return height, width, max(file.header.channels for file in files)
