"""Imports of the reader of images (`explorer.data.image_reader`), before its process can open no file any more."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module

from PIL import Image

Image.preinit()
for _plugin in (
    "PIL.Jpeg2KImagePlugin",
    "PIL.TiffImagePlugin",  # also for EXIF data
    "PIL.WebPImagePlugin",
    "PIL.MpoImagePlugin",
    "PIL.ImageCms",
    "PIL.AvifImagePlugin",  # not before Pillow 11.3
    "pi_heif",  # the extra "heif"
):
    with suppress(ImportError):
        import_module(_plugin)
