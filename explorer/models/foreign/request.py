"""What is to be imported, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from explorer.models.foreign.record import ValueRange


@dataclass(frozen=True)
class ImportRequest:
    """An import.

    Attributes
    ----------
    path
        A whole model, one half of one, or a folder with a file for each half; None where both halves are named.
    encoder, decoder
        Files of the halves, or names of models within `path`; None where `path` says all.
    out
        The bundle's folder.
    bottleneck
        The layer to cut at; None for the likeliest.
    ranges
        Range of the picture values that the model takes; None to find out.
    trust
        Whether code in the files may run, in the model process only.
    force
        Whether to take the place of what is at `out`.
    data
        Pictures to try it on, beside those that ship: a name or a path; or None.
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
        """Name of what is imported, without folders."""
        named = [path.name for path in (self.path, self.encoder, self.decoder) if path is not None]
        return named[0] if self.path is not None else " + ".join(named)
