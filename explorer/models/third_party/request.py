"""The request of an import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from explorer.models.import_record import ValueRange


@dataclass(frozen=True)
class ImportRequest:
    """An import.

    Attributes
    ----------
    path
        A whole model, an encoder or decoder, or a folder with a file for each; None if both are given separately.
    encoder, decoder
        Files, or names of models within `path`; None if `path` is enough.
    out
        The bundle's folder.
    bottleneck
        The layer to split at; None for the most likely one.
    ranges
        Input range of image values; None to detect it.
    trust
        Whether code in the files may run, in the model process only.
    force
        Whether to replace an existing bundle at `out`.
    data
        Name or path of a dataset to evaluate it on, in addition to those that ship; or None.
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
