"""How much a file of images may unfold into."""

from __future__ import annotations

from typing import Final

MAX_BYTES: Final = 16 << 30
"""More than this is no data set that is opened into memory."""

MAX_ARRAYS: Final = 10_000

MAX_RATIO: Final = 300
UNSUSPICIOUS_BYTES: Final = 256 << 20
"""Arrays of one value pack about 1,000 : 1; images do not, and small files do no harm."""
