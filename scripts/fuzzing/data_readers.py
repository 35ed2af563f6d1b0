"""Readers of images, arrays, archives, fonts and their caches."""

from __future__ import annotations

import gzip
import importlib.util
import io
import json
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from explorer_testing.heic import heic_file
from PIL import Image, ImageCms, features

from explorer.data import image_index
from explorer.data.choices import Choices, join
from explorer.data.decoding import open_image
from explorer.data.image_index import ImageIndex
from explorer.data.image_listing import list_folder
from explorer.data.imported_image import ImportedImage
from explorer.data.preprocessing import Preprocessing
from explorer.data.probing import probe_image
from explorer.data.sources import describe, open_source
from explorer.paths import resources_dir
from fuzzing.reader import Reader

_RECIPE = Preprocessing.standard((16, 16, 1))


def _images(count: int, *shape: int) -> Any:
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


def read_source(path: Path) -> None:
    """Open images like the window, and read the first and the last."""
    source = open_source(path)
    describe(source)
    for index in {0, source.count - 1}:
        source.read([index], _RECIPE)
        source.pil_image(index)


def _read_image(path: Path) -> None:
    header = probe_image(path)
    pil_image = open_image(path)
    pil_image.load()
    assert header.width > 0, "a width of 0"
    ImportedImage.open(path, path.name).read([0], _RECIPE)


def _save_image(folder: Path, suffix: str, mode: str, **options: Any) -> None:
    pil_image = Image.fromarray(_images(1, 24, 20, 3)[0]).convert("RGB")
    pil_image = (
        pil_image.convert(mode) if mode != "I;16" else Image.fromarray(_images(1, 24, 20)[0].astype(np.uint16) * 257)
    )
    pil_image.save(folder / f"{mode.replace(';', '')}.{suffix}", **options)


def _make_images(folder: Path, suffix: str, modes: tuple[str, ...], **options: Any) -> None:
    for mode in modes:
        _save_image(folder, suffix, mode, **options)


def _make_exif_jpeg(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    _make_images(folder, "jpg", ("RGB", "L", "CMYK"), exif=exif, quality=70)


def _make_frames(folder: Path, suffix: str) -> None:
    frames = [Image.fromarray(frame) for frame in _images(3, 24, 20, 3)]
    frames[0].save(folder / f"frames.{suffix}", save_all=True, append_images=frames[1:])
    _save_image(folder, suffix, "RGB")


def _make_animation(folder: Path) -> None:
    """Write animated PNG and a TIFF of several pages."""
    _make_frames(folder, "png")
    _make_frames(folder, "tif")


def _make_profiles(folder: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    _make_images(folder, "png", ("RGB", "LA"), icc_profile=profile)
    _make_images(folder, "jpg", ("RGB", "CMYK"), icc_profile=profile)


def _make_deep(folder: Path) -> None:
    deep = _images(1, 24, 20)[0].astype(np.uint16) << 4
    Image.fromarray(deep).save(folder / "bits12.png")
    Image.fromarray(deep.astype(np.float32)).save(folder / "float.tif")


def _make_isolated(folder: Path) -> None:
    """Write images of the formats that the reader process decodes, as far as they can be read here."""
    for feature, names in (("jpg_2000", ("a.jp2", "a.j2k")), ("avif", ("a.avif",))):
        for name in names if feature in (*features.modules, *features.codecs) and features.check(feature) else ():
            Image.fromarray(_images(1, 24, 20, 3)[0]).save(folder / name)
    if importlib.util.find_spec("pi_heif") is not None:
        (folder / "a.heic").write_bytes(heic_file())


_IMAGE_FORMATS: dict[str, Callable[[Path], None]] = {
    "png": partial(_make_images, suffix="png", modes=("RGB", "RGBA", "L", "P", "1", "I;16")),
    "jpeg": _make_exif_jpeg,
    "gif": partial(_make_frames, suffix="gif"),
    "webp": partial(_make_frames, suffix="webp"),
    "bmp": partial(_make_images, suffix="bmp", modes=("RGB", "L", "P", "1")),
    "tiff": partial(_make_images, suffix="tif", modes=("RGB", "L", "I;16"), compression="tiff_lzw"),
    "tga": partial(_make_images, suffix="tga", modes=("RGB", "RGBA", "L"), compression="tga_rle"),
    "ppm": partial(_make_images, suffix="ppm", modes=("RGB", "L")),
    "frames": _make_animation,
    "profiles": _make_profiles,
    "deep": _make_deep,
    "isolated": _make_isolated,
}


def _make_folder(folder: Path) -> None:
    """Write a folder of images per label and a table of attributes."""
    for number, pixels in enumerate(_images(4, 16, 16)):
        path = folder / "set" / f"label {number % 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)


def _make_csv(folder: Path) -> None:
    for name, text in {
        "labels.csv": "file,label,age\n0.png,a,1.5\n1.png,b,2\n2.png,a,\n",
        "metadata.jsonl": '{"file_name": "0.png", "text": "a", "n": 1}\n{"file_name": "1.png", "text": "b", "n": 2}\n',
    }.items():
        place = folder / Path(name).stem
        place.mkdir()
        for number, pixels in enumerate(_images(3, 8, 8)):
            Image.fromarray(pixels).save(place / f"{number}.png")
        (place / name).write_text(text, encoding="utf-8")


def _make_lfw(folder: Path) -> None:
    for person in ("Ann_Lee", "Bo_Ray"):
        place = folder / "lfw" / person
        place.mkdir(parents=True)
        Image.fromarray(_images(1, 32, 32, 3)[0]).save(place / f"{person}_0001.jpg")
    text = "# lfw_attributes.txt\n#\tperson\timagenum\tMale\tSmiling\nAnn Lee\t1\t1.5\t-0.5\nBo Ray\t1\t2\t1e-1\n"
    (folder / "lfw" / "lfw_attributes.txt").write_text(text, encoding="utf-8")


def _make_npy(folder: Path) -> None:
    np.save(folder / "gray.npy", _images(6, 12, 10))
    np.save(folder / "floats.npy", _images(4, 8, 8, 3).astype(np.float32) / 255)


def _make_npz(folder: Path) -> None:
    images, labels = _images(8, 12, 10), np.arange(8) % 3
    np.savez(folder / "splits.npz", x_train=images[:6], y_train=labels[:6], x_test=images[6:], y_test=labels[6:])
    np.savez_compressed(folder / "plain.npz", images=images, labels=labels, names=np.array(["a", "b", "c"]))


def _make_idx(folder: Path) -> None:
    head, labels = struct.pack(">HBBIII", 0, 8, 3, 6, 12, 10), struct.pack(">HBBI", 0, 8, 1, 6)
    for name, ending, pack in (("plain", "", bytes), ("gzip", ".gz", gzip.compress)):
        place = folder / name
        place.mkdir()
        (place / f"train-images-idx3-ubyte{ending}").write_bytes(pack(head + _images(6, 12, 10).tobytes()))
        (place / f"train-labels-idx1-ubyte{ending}").write_bytes(pack(labels + bytes(range(6))))


def _make_cifar(folder: Path) -> None:
    place = folder / "cifar-10-batches-py"
    place.mkdir()
    batch = {b"data": _images(3, 3072), b"labels": [0, 1, 2], b"batch_label": b"training batch 1 of 5"}
    for name in ("data_batch_1", "test_batch"):
        (place / name).write_bytes(pickle.dumps(batch, 2))
    (place / "batches.meta").write_bytes(pickle.dumps({b"label_names": [b"thing %d" % n for n in range(10)]}, 2))


def _make_fonts(folder: Path) -> None:
    (folder / "font.otf").write_bytes((resources_dir() / "fonts" / "Inter-Regular.otf").read_bytes())


def _members() -> dict[str, bytes]:
    made = {}
    for number, pixels in enumerate(_images(3, 8, 8)):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        made[f"set/{number % 2}/{number}.png"] = file.getvalue()
    return made


def _make_zip(folder: Path) -> None:
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(folder / f"{name}.zip", "w", method) as archive:
            for member, content in _members().items():
                archive.writestr(member, content)


_TAR_KINDS: tuple[tuple[str, Literal["w", "w:gz"]], ...] = (("plain.tar", "w"), ("packed.tgz", "w:gz"))


def _make_tar(folder: Path) -> None:
    for name, mode in _TAR_KINDS:
        file = io.BytesIO()
        with (
            tarfile.open(fileobj=file, mode=mode, compresslevel=1)
            if mode != "w"
            else tarfile.open(fileobj=file, mode="w") as archive
        ):
            for member, content in _members().items():
                info = tarfile.TarInfo(member)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        (folder / name).write_bytes(file.getvalue())


# -- caches of folders -------------------------------------------------------------------------------------------------


def _returned(steps: Generator[object, None, ImageIndex]) -> ImageIndex:
    """Run a generator to its end; return its result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            index: ImageIndex = end.value
            return index


def _make_index(folder: Path) -> None:
    _make_folder(folder)
    place = folder / "set"
    index = _returned(list_folder(place))
    for position in range(len(index)):
        index.look(position)
    image_index.save_index(index)
    (place / "kept.npz").write_bytes(image_index._place(place).read_bytes())


def _read_index(path: Path) -> None:
    """Replace the cached index of a folder by a damaged one, and open the folder."""
    raw = (path / "kept.npz").read_bytes()
    (path / "kept.npz").unlink()
    kept = image_index._place(path)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(raw)
    open_source(path)
    # With the first frame of each file, since a number of frames that the file does not have is found when it is read.
    assert open_source(join(path, Choices(frames="first"))).count == 4, "images of the folder are missing"


def _repair_index(path: Path) -> None:
    """Set the path of the folder in the index."""
    with np.load(path / "kept.npz") as file:
        arrays = dict(file)
    texts = json.loads(arrays["texts"].tobytes()) | {"root": str(path)}
    arrays["texts"] = np.frombuffer(json.dumps(texts).encode(), np.uint8)
    np.savez(path / "kept.npz", **arrays)


def _make_pixel_cache(folder: Path) -> None:
    from explorer.data.pixel_cache import PixelCache

    place = folder / "cache"
    place.mkdir()
    cache = PixelCache("fuzz", _RECIPE, 8)
    assert cache.ready()
    cache.store(np.arange(8), np.arange(1, 9).astype(np.uint64), _images(8, 16, 16, 1))
    for file in cache.folder.iterdir():
        (place / file.name).write_bytes(file.read_bytes())


def _read_pixel_cache(path: Path) -> None:
    from explorer.data.pixel_cache import PixelCache

    cache = PixelCache("fuzz", _RECIPE, 8)
    cache.folder.mkdir(parents=True, exist_ok=True)
    for file in path.iterdir():
        (cache.folder / file.name).write_bytes(file.read_bytes())
    out = np.empty((8, 16, 16, 1), np.uint8)
    stamps = np.arange(1, 9).astype(np.uint64)
    found = cache.load(np.arange(8), stamps, out)
    assert (out[found] == _images(8, 16, 16, 1)[found]).all(), "wrong pixels"
    cache.release()


READERS: tuple[Reader, ...] = (
    *(Reader(f"image-{name}", make, _read_image) for name, make in _IMAGE_FORMATS.items()),
    Reader("folder", _make_folder, read_source),
    Reader("table", _make_csv, read_source, ("*.csv", "*.jsonl")),
    Reader("lfw", _make_lfw, read_source, ("lfw_attributes.txt",)),
    Reader("npy", _make_npy, read_source),
    Reader("npz", _make_npz, read_source),
    Reader("idx", _make_idx, read_source),
    Reader("cifar", _make_cifar, read_source),
    Reader("font", _make_fonts, read_source),
    Reader("zip", _make_zip, read_source),
    Reader("tar", _make_tar, read_source),
    Reader("image-index", _make_index, _read_index, ("kept.npz",), _repair_index),
    Reader("pixel-cache", _make_pixel_cache, _read_pixel_cache),
)
