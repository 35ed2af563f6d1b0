"""Decoders of compressed TIFF files, imported before the reader process may open no more files.

They are optional, and imagecodecs imports each at its first use.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

_CODECS: Final = (
    *("lzw", "packbits", "zlib", "deflate", "zstd", "lzma", "lerc", "packints"),
    *("jpeg", "jpeg8", "ljpeg", "jpeg2k", "jpegxr", "webp", "png", "delta", "floatpred", "bitorder", "ccittrle", "eer"),
)

with suppress(ImportError):
    import imagecodecs

    for name in _CODECS:
        with suppress(AttributeError):
            getattr(imagecodecs, f"{name}_decode")
