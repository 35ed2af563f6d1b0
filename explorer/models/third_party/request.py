"""The request of an import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from explorer.models.import_record import ValueRange


@dataclass(frozen=True)
class ImportRequest:
    """An import into the bundle `out`, an existing one with `force`.

    `path` is a whole model, an encoder or decoder, or a folder with a file for each; None if both are given separately.
    `encoder` and `decoder` are files, or names of models within `path`; None if `path` is enough. `bottleneck` is the
    layer to split at, None for the most likely one; `ranges` the input range of image values, None to detect it. With
    `trust`, code in the files may run, in the model process only. `data` is the name or path of a dataset to evaluate
    it on, in addition to those that ship; or None.
    """

    path: Path | None
    out: Path
    encoder: Path | None = None
    decoder: Path | None = None
    bottleneck: str | None = None
    ranges: ValueRange | None = None
    trust: bool = False
    force: bool = False
    data: str | None = None

    @property
    def title(self) -> str:
        named = [path.name for path in (self.path, self.encoder, self.decoder) if path is not None]
        return named[0] if self.path is not None else " + ".join(named)
