"""Imports of the reader of images (`explorer.data.image_reader`), before its process can open no file any more."""

from __future__ import annotations

from contextlib import suppress

from PIL import Image

Image.preinit()
with suppress(ImportError):
    pass
with suppress(ImportError):  # Pillow before 11.3
    pass
with suppress(ImportError):  # the extra "heif"
    import pi_heif  # noqa: F401
