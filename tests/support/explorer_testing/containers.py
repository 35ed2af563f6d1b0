"""Small files of the container formats, as their own libraries write them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def write_hdf5(path: Path, arrays: Mapping[str, object], **options: Any) -> Path:
    import h5py

    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, **(options if np.ndim(array) > 2 else {}))  # type: ignore[arg-type]
    return path


def write_matlab_73(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Write a file of MATLAB 7.3: HDF5 behind 512 bytes of text, with the axes in reverse order."""
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array.T).attrs["MATLAB_class"] = np.bytes_(array.dtype.name)
    with path.open("r+b") as head:
        head.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM")
    return path


def encoded(pixels: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    """Return an image file of some pixels."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind)
    return content.getvalue()


def write_parquet(
    path: Path, images: Sequence[bytes | None], classes: Sequence[str] = (), **columns: Sequence[object]
) -> Path:
    """Write a file as Hugging Face does: images as structs, and the names of the classes of ``label``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    packed = pa.array(
        [{"bytes": image, "path": None} for image in images],
        pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    )
    features: dict[str, object] = {"image": {"_type": "Image"}}
    if classes:
        features["label"] = {"_type": "ClassLabel", "names": list(classes)}
    table = pa.table({"image": packed, **{name: list(values) for name, values in columns.items()}})
    described = json.dumps({"info": {"features": features}})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"huggingface": described}), path)
    return path


def write_zarr(path: Path, array: NDArray[Any], version: int = 3, name: str = "", **options: Any) -> Path:
    """Write an array, the root of a store or with a name in a group."""
    import zarr
    from zarr.core.sync import cleanup_resources

    kind: Any = version
    if name:
        made = zarr.open_group(str(path), mode="a", zarr_format=kind).create_array(
            name, shape=array.shape, dtype=array.dtype, **options
        )
    else:
        made = zarr.create_array(str(path), shape=array.shape, dtype=array.dtype, zarr_format=kind, **options)
    made[...] = array
    cleanup_resources()  # its thread
    return path


def write_ome_zarr(path: Path, array: NDArray[Any], axes: str, version: int) -> Path:
    """Write an image at full and half resolution, in the layout of OME-Zarr 0.4 (Zarr 2) or 0.5 (Zarr 3)."""
    import zarr
    from zarr.core.sync import cleanup_resources

    write_zarr(path, array, version, "0", chunks=(1,) * (array.ndim - 2) + (8, 8))
    write_zarr(path, array[..., ::2, ::2], version, "1")
    scales = [{"axes": [{"name": axis} for axis in axes], "datasets": [{"path": "0"}, {"path": "1"}]}]
    group = zarr.open_group(str(path), mode="a")
    group.attrs.update({"multiscales": scales} if version == 2 else {"ome": {"version": "0.5", "multiscales": scales}})
    cleanup_resources()
    return path


def write_dicom(path: Path, stored: NDArray[Any], *, compressed: str = "", **elements: Any) -> Path:
    """Write stored values ``(h, w)`` or ``(frames, h, w)``; `compressed` is the UID of a transfer syntax."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    bits, instance = stored.dtype.itemsize * 8, generate_uid()
    dataset, meta = Dataset(), FileMetaDataset()
    described = {
        "TransferSyntaxUID": ExplicitVRLittleEndian,
        "MediaStorageSOPClassUID": SecondaryCaptureImageStorage,
        "MediaStorageSOPInstanceUID": instance,
    }
    content = {
        "SOPClassUID": SecondaryCaptureImageStorage,
        "SOPInstanceUID": instance,
        "PatientName": "Secret^Patient",
        "PatientID": "SecretNumber",
        "Rows": stored.shape[-2],
        "Columns": stored.shape[-1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(stored.dtype.kind == "i"),
        "PixelData": stored.astype(stored.dtype.newbyteorder("<")).tobytes(),
        **({"NumberOfFrames": len(stored)} if stored.ndim == 3 else {}),
        **elements,
    }
    for target, values in ((meta, described), (dataset, content)):
        for name, value in values.items():
            setattr(target, name, value)
    dataset.file_meta = meta
    if compressed:
        dataset.compress(compressed)
    dataset.save_as(path, enforce_file_format=True)
    return path
