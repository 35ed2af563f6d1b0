"""Limits of the unpacked size of files with images."""

from __future__ import annotations

from typing import Final

MAX_BYTES: Final = 16 << 30
"""Largest dataset that is opened into memory."""

MAX_ARRAYS: Final = 10_000

MAX_RATIO: Final = 300
UNSUSPICIOUS_BYTES: Final = 256 << 20
"""Constant arrays compress about 1,000:1, images do not; small files are harmless."""
