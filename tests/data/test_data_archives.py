from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from explorer.data import archives
from explorer.data.archives import _safe_name, remove_unpacked, unpack
from explorer.data.preprocessing import Preprocessing
from explorer.data.sources import describe, open_source, opening, unpacked
from explorer.errors import DataError, ExportError
from explorer.paths import cache_dir
from explorer.types import Progress

RECIPE = Preprocessing.standard((8, 8, 1))


def png(value: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (8, 8), value).save(buffer, "PNG")
    return buffer.getvalue()


TREE = {
    "set/cat/1.png": png(10),
    "set/cat/2.png": png(20),
    "set/ant/1.png": png(30),
    "set/attributes.csv": b"file,weight\ncat/1.png,1.5\nant/1.png,3\n",
    "set/readme.md": b"not wanted",
    "__MACOSX/set/cat/._1.png": b"not an image",
}


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    packers: dict[str, Callable[[bytes], bytes]] = {".tar": bytes, ".bz2": bz2.compress, ".xz": lzma.compress}
    pack: Callable[[bytes], bytes] = packers.get(path.suffix, gzip.compress)
    path.write_bytes(pack(path.read_bytes()))
    return path


def left_behind() -> list[str]:
    folder = cache_dir() / "unpacked"
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".TGZ"])
def test_an_archive_opens_as_the_folder_in_it(ending: str, tmp_path: Path) -> None:
    path = (zipped if ending == ".zip" else tarred)(tmp_path / f"animals{ending}", TREE)
    items = list(opening(path))
    assert sum(isinstance(item, Progress) for item in items) > 3
    source = open_source(path)
    assert (source.name, source.title, source.spec) == (path.name, "animals", str(path))
    assert source.label_names == ("ant", "cat")
    np.testing.assert_array_equal(source.read(range(3), RECIPE)[:, 0, 0, 0], [30, 10, 20])
    np.testing.assert_array_equal(source.attributes["weight"].values, [3, 1.5, np.nan])
    assert describe(source)["attributes"] == ["weight"]
    assert not source.skipped
    (unpacked,) = left_behind()
    assert not list((cache_dir() / "unpacked" / unpacked).rglob("*.md"))
    assert open_source(source.spec).count == 3


def test_a_second_opening_finds_what_the_first_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", TREE)
    assert list(unpack(path, unpacked))
    assert not list(unpack(path, unpacked))
    zipped(path, {"other.png": png()})
    os.utime(path, ns=(1, 1))
    assert open_source(path).count == 1
    assert len(left_behind()) == 2
    remove_unpacked()
    assert left_behind() == []
    assert open_source(path).count == 1


@pytest.mark.parametrize("ending", [".zip", ".tgz"])
def test_cancelling_leaves_nothing(ending: str, tmp_path: Path) -> None:
    path = (zipped if ending == ".zip" else tarred)(tmp_path / f"a{ending}", TREE)
    items = unpack(path, unpacked)
    next(items)
    next(items)
    assert left_behind()
    items.close()
    assert left_behind() == []


def refused(path: Path, match: str) -> None:
    with pytest.raises(DataError, match=match):
        open_source(path)
    assert left_behind() == []


@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/tmp/evil.png", "C:\\evil.png", "..\\evil.png", "c:evil.png"]
)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_that_lead_out_are_refused(
    pack: Callable[[Path, dict[str, bytes]], Path], name: str, tmp_path: Path
) -> None:
    path = pack(tmp_path / f"evil{'.zip' if pack is zipped else '.tgz'}", {"good.png": png(), name: png()})
    refused(path, "evil.*leads out of the archive's folder")
    assert not list(tmp_path.parent.rglob("evil.png"))


@given(st.text(st.sampled_from("ab./\\: \0é"), max_size=12))
def test_every_name_is_refused_or_stays_inside(name: str) -> None:
    root = Path("/some/folder")
    try:
        inside = root / _safe_name(name, root)
    except DataError:
        return
    assert Path(os.path.normpath(inside)).is_relative_to(root)
    assert os.path.normpath(inside) != str(root)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.FIFOTYPE, "a device"),
    ],
)
def test_links_and_devices_in_a_tar(kind: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.tar"
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("good.png")
        entry.size = len(png())
        archive.addfile(entry, io.BytesIO(png()))
        odd = tarfile.TarInfo("odd.png")
        odd.type, odd.linkname = kind, "/etc/passwd"
        archive.addfile(odd)
    refused(path, message)


@pytest.mark.parametrize(("mode", "message"), [(stat.S_IFLNK, "a link"), (stat.S_IFCHR, "a device")])
def test_links_and_devices_in_a_zip(mode: int, message: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "odd.zip", TREE)
    with zipfile.ZipFile(path, "a") as archive:
        entry = zipfile.ZipInfo("odd.png")
        entry.external_attr = (mode | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    refused(path, message)


def test_an_encrypted_zip(tmp_path: Path) -> None:
    path = zipped(tmp_path / "secret.zip", {"a.png": png()})
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    refused(path, "is encrypted")


def test_a_bomb_is_refused_before_it_unfolds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "UNSUSPICIOUS_BYTES", 1 << 20)
    zeros = bytes(3 << 20)
    refused(zipped(tmp_path / "bomb.zip", {"a.bmp": zeros}), "more than 200 times its size")
    refused(tarred(tmp_path / "bomb.tgz", {"a.bmp": zeros}), "more than 200 times its size")
    # What would not be written is counted too.
    refused(tarred(tmp_path / "hidden.tgz", {"a.bin": zeros, "b.png": png()}), "more than 200 times its size")
    assert open_source(tarred(tmp_path / "honest.tar", {"a.bin": zeros, "b.png": png()})).count == 1


def test_too_much_for_the_disk_and_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "a.zip", TREE)
    with monkeypatch.context() as patch:
        patch.setattr(archives, "DISK_RESERVE_BYTES", 1 << 60)
        refused(path, "0 MB of disk space are free")
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    refused(path, "more than 3 files")


def test_a_header_that_would_fill_the_memory(tmp_path: Path) -> None:
    header = bytearray(tarfile.TarInfo("long").tobuf())
    header[156:157] = b"x"  # an extended header, read in one piece
    header[124:136] = b"77777777777\0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    path = tmp_path / "long.tar"
    path.write_bytes(bytes(header) + bytes(10240))
    refused(path, "one of its headers declares")


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tgz", ".tar.xz"])
def test_truncated_archives(ending: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, 40_000, dtype=np.uint8).tobytes()
    path = (zipped if ending == ".zip" else tarred)(tmp_path / f"cut{ending}", {"a.png": png(), "b.bmp": noise})
    whole = path.read_bytes()
    for length in (0, 100, 700, 20_000, len(whole) - 10_240 if ending == ".tar" else len(whole) - 30):
        path.write_bytes(whole[:length])
        refused(path, r"Cannot (read|unpack) .*cut\.[^:]*: ")


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tgz", ".tar.bz2"])
def test_wrong_magic(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"wrong{ending}"
    path.write_bytes(b"this is text" * 100)
    refused(path, "as an archive: ")


def test_a_flipped_byte_inside_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "flipped.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.png", png())
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)
    refused(path, "as an archive: ")


def test_archives_without_images_say_what_to_do(tmp_path: Path) -> None:
    refused(zipped(tmp_path / "text.zip", {"a.txt": b"hello"}), "no images among its 1 entry")
    buffer = io.BytesIO()
    np.savez(buffer, x=np.zeros((2, 8, 8), np.uint8))
    refused(zipped(tmp_path / "arrays.zip", {"in/a.npz": buffer.getvalue()}), "Unpack it, and open “in/a.npz”")


def test_idx_files_in_an_archive(tmp_path: Path) -> None:
    files = {}
    for split, count in (("train", 3), ("t10k", 2)):
        header = struct.pack(">HBB3I", 0, 8, 3, count, 4, 4)
        files[f"raw/{split}-images-idx3-ubyte.gz"] = gzip.compress(header + bytes(range(count * 16)))
        files[f"raw/{split}-labels-idx1-ubyte.gz"] = gzip.compress(struct.pack(">HBBI", 0, 8, 1, count) + bytes(count))
    source = open_source(zipped(tmp_path / "mnist.zip", files))
    assert (source.count, source.splits.test.tolist(), source.name) == (5, [3, 4], "mnist.zip")


def test_a_cache_that_cannot_be_written(tmp_path: Path, explorer_home: Path) -> None:
    (explorer_home / "cache").write_text("in the way")
    with pytest.raises(ExportError, match=r"Cannot write .*Not a directory"):
        open_source(zipped(tmp_path / "a.zip", TREE))
