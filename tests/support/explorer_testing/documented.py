"""The entries of the registries that the documentation must name."""

from __future__ import annotations

import re
from pathlib import Path

from explorer.data import sources
from explorer.data.corruption import CORRUPTIONS
from explorer.export import FORMATS
from explorer.models.architectures import ARCHITECTURES

DOCS = Path(__file__).resolve().parents[3] / "docs"


def undocumented() -> list[str]:
    """Return the words for entries that their page in the documentation does not contain."""
    wanted = {
        "reference-systems.md": [f"`{name}`" for name in ARCHITECTURES],
        "glossary.md": [f"| `{name}` |" for name in CORRUPTIONS],
        "features.md": [
            *(str(kind.title) for kind in CORRUPTIONS.values()),
            *(suffix.removeprefix(".") for suffix in FORMATS),
            *(f"`{known.name}`" for known in sources.KNOWN),
            *(str(kind.title) for kind in sources.SOURCES),
        ],
    }
    pages = {page: " ".join((DOCS / page).read_text(encoding="utf-8").lower().split()) for page in wanted}
    return [
        word
        for page, words in wanted.items()
        for word in words
        if re.search(rf"(?<!\w){re.escape(word.lower())}(?!\w)", pages[page]) is None
    ]
