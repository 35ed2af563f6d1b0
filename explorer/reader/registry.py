"""The registry of readers of untrusted files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from explorer.errors import DataError, ExplorerError, ModelError

MB: Final = 1 << 20


@dataclass(frozen=True)
class Reader:
    """A function that reads a format, and its limits.

    Attributes
    ----------
    function
        ``module:function``. It gets the files as `Handed` and keyword arguments, and yields records. Its errors are
        `ExplorerError`; any other exception means that the file is damaged.
    preload
        Modules that it imports inside functions; they are imported before the limits are set, since later imports fail.
        ``module:function`` is also called then.
    error
        Class of the errors about the file.
    memory_bytes
        Memory beyond that of the interpreter with its libraries.
    cpu_seconds
        CPU time of all threads together.
    silent_seconds
        Timeout of the first record, and between records; None for `explorer.reader.client.PROGRESS_SECONDS`.
    forked
        Whether the fork server starts it (see `explorer.reader.fork_server`), for files that are opened one by one.
        Its imports must not start a thread.
    """

    function: str
    preload: tuple[str, ...] = ()
    error: type[ExplorerError] = DataError
    memory_bytes: int = 1024 * MB
    cpu_seconds: int = 60
    silent_seconds: float | None = None
    forked: bool = False


_KERAS: Final = ("h5py",)
_IMAGES: Final = tuple(f"PIL.{name}ImagePlugin" for name in ("Bmp", "Gif", "Jpeg", "Png", "Ppm", "Tiff", "WebP"))
_LONG: Final = 3600
"""CPU time for gigabytes, which take a while to decompress."""

READERS: Final[dict[str, Reader]] = {
    "images": Reader(
        "explorer.data.image_reader:read_images",
        ("explorer.data.image_plugins",),
        memory_bytes=4096 * MB,
        cpu_seconds=600,
        forked=True,
    ),
    "nothing": Reader("explorer.reader.child:nothing"),
    "onnx": Reader(
        "explorer.inference.gate.admission:read_onnx",
        ("explorer.inference.gate.check",),
        ModelError,
        memory_bytes=2048 * MB,
    ),
    "onnx import": Reader(
        "explorer.inference.onnx_import.reading:read_networks",
        ("explorer.inference.onnx_import.model", "numpy.random"),
        ModelError,
        memory_bytes=4096 * MB,
        cpu_seconds=120,
        silent_seconds=60.0,
    ),
    "tflite": Reader(
        "explorer.engine.third_party.tflite_reader:read_tflite",
        ("numpy.random",),
        ModelError,
        memory_bytes=4096 * MB,
        cpu_seconds=120,
        silent_seconds=60.0,
    ),
    "torch weights": Reader(
        "explorer.models.third_party.torch_weights:read_tensors", ("zipfile", "encodings.cp437"), ModelError, 512 * MB
    ),
    "torch script": Reader(
        "explorer.inference.torch_import.converting:convert",
        (
            "explorer.inference.torch_import.warming:warm_script",
            "torch._subclasses.schema_check_mode",
            "encodings.cp437",
        ),
        ModelError,
        memory_bytes=4096 * MB,
        cpu_seconds=600,
        silent_seconds=60.0,
    ),
    "torch program": Reader(
        "explorer.inference.torch_import.converting:convert",
        ("explorer.inference.torch_import.warming:warm",),
        ModelError,
        memory_bytes=4096 * MB,
        cpu_seconds=600,
        silent_seconds=300.0,
    ),
    "keras description": Reader("explorer.models.third_party.contents:describe", _KERAS, ModelError),
    "keras weights": Reader(
        "explorer.models.third_party.contents:weights", _KERAS, ModelError, memory_bytes=2048 * MB, cpu_seconds=600
    ),
    "tfjs description": Reader("explorer.models.third_party.tfjs:describe", _KERAS, ModelError),
    "tfjs weights": Reader("explorer.models.third_party.tfjs:weights", _KERAS, ModelError, cpu_seconds=600),
    "hdf5": Reader(
        "explorer.data.sources.hdf5:read_hdf5", _KERAS, memory_bytes=2048 * MB, cpu_seconds=_LONG, forked=True
    ),
    "matlab": Reader(
        "explorer.data.sources.matlab:read_matlab",
        (*_KERAS, "scipy.io.matlab"),
        memory_bytes=20 * 1024 * MB,  # what precedes version 7.3 is read at once
        cpu_seconds=_LONG,
        silent_seconds=300.0,
    ),
    "parquet": Reader(
        "explorer.data.sources.parquet:read_parquet",
        ("pyarrow", "pyarrow.parquet", "pyarrow.types", *_IMAGES),
        memory_bytes=8 * 1024 * MB,
        cpu_seconds=_LONG,
    ),
    **{
        name: Reader(
            function,
            ("tifffile", "explorer.data.sources.tiff_codecs", "xml.etree.ElementTree", "PIL.ImageCms"),
            memory_bytes=4096 * MB,
            cpu_seconds=_LONG,
            forked=True,
        )
        for name, function in (
            ("tiff", "explorer.data.sources.tiff:read_tiff"),
            ("tiff folder", "explorer.data.sources.tiff_folder:read_tiffs"),
        )
    },
    "dicom": Reader(
        "explorer.data.sources.dicom:read_dicom",
        ("pydicom", "pydicom.pixels.decoders", "pylibjpeg", "openjpeg.utils", "rle.utils", "PIL.Jpeg2KImagePlugin"),
        memory_bytes=4096 * MB,
        cpu_seconds=_LONG,
        forked=True,
    ),
    "zarr": Reader(
        "explorer.data.sources.zarr_store:read_zarr",
        ("zarr", "zarr.codecs", "zarr.codecs.numcodecs", "numcodecs", "numcodecs.registry", "asyncio"),
        memory_bytes=4096 * MB,
        cpu_seconds=_LONG,
    ),
}
"""Readers by name."""
