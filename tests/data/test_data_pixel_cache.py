"""The cache of decoded images: rows that are whole or not there, shared, cleared, and on a disk without room."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.programs import environment, run_python
from PIL import Image

from explorer.data.pixel_cache import PixelCache, cache_size, clear_cache, stamp_of
from explorer.data.preprocessing import Preprocessing
from explorer.data.sources import open_source
from explorer.types import Indices, Pixels

RECIPE = Preprocessing.standard((6, 5, 3))
ROWS = np.array([0, 1, 4], np.int64)
STAMPS = np.array([11, 12, 15], np.uint64)


def images(count: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (count, 6, 5, 3), dtype=np.uint8)


def loaded(
    cache: PixelCache, rows: Indices = ROWS, stamps: np.ndarray[tuple[int], np.dtype[np.uint64]] = STAMPS
) -> Pixels:
    """Return the rows that are there, in order."""
    out = np.zeros((len(rows), 6, 5, 3), np.uint8)
    return out[cache.load(rows, stamps, out)]


def test_what_was_stored_is_found_by_row_and_stamp() -> None:
    kept = images(3)
    cache = PixelCache("here", RECIPE, 5)
    assert len(loaded(cache)) == 0
    cache.store(ROWS, STAMPS, kept)
    for reader in (cache, PixelCache("here", RECIPE, 5)):
        np.testing.assert_array_equal(loaded(reader), kept)
        np.testing.assert_array_equal(loaded(reader, ROWS[::-1].copy(), STAMPS[::-1].copy()), kept[::-1])
        np.testing.assert_array_equal(loaded(reader, stamps=np.array([11, 99, 15], np.uint64)), kept[[0, 2]])
        assert len(loaded(reader, np.array([2]), np.array([0], np.uint64))) == 0


def test_of_many_caches_the_files_of_few_stay_open() -> None:
    caches = [PixelCache(f"source {number}", RECIPE, 5) for number in range(12)]
    for cache in caches:
        cache.store(ROWS, STAMPS, images(3))
    assert [cache.is_mapped for cache in caches] == [False] * 8 + [True] * 4
    np.testing.assert_array_equal(loaded(caches[0]), images(3))
    assert caches[0].is_mapped
    assert sum(cache.is_mapped for cache in caches) == 4


def test_another_source_or_recipe_has_a_cache_of_its_own() -> None:
    PixelCache("here", RECIPE, 5).store(ROWS, STAMPS, images(3))
    assert len(loaded(PixelCache("there", RECIPE, 5))) == 0
    assert len(loaded(PixelCache("here", Preprocessing.standard((6, 5, 3), invert=True), 5))) == 0


@pytest.mark.parametrize("name", ["pixels", "records"])
def test_damage_is_noticed_and_not_shown(name: str) -> None:
    cache = PixelCache("here", RECIPE, 5)
    kept = images(3)
    cache.store(ROWS, STAMPS, kept)
    with (cache.folder / name).open("r+b") as file:
        file.seek(4 * cache.row_bytes + 7 if name == "pixels" else 4 * 16)
        value = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([value ^ 1]))
    np.testing.assert_array_equal(loaded(cache), kept[:2])
    cache.store(ROWS, STAMPS, kept)
    np.testing.assert_array_equal(loaded(cache), kept)


def test_a_cache_grows_while_another_reader_has_it_open() -> None:
    kept = images(3)
    small = PixelCache("here", RECIPE, 5)
    small.store(ROWS, STAMPS, kept)
    large = PixelCache("here", RECIPE, 50)
    large.store(ROWS + 40, STAMPS, kept)
    np.testing.assert_array_equal(loaded(small), kept)
    np.testing.assert_array_equal(loaded(large), kept)
    np.testing.assert_array_equal(loaded(large, ROWS + 40), kept)


def test_the_size_is_what_the_disk_holds() -> None:
    assert cache_size() == 0
    recipe = Preprocessing.standard((100, 100, 3))
    cache = PixelCache("here", recipe, 10_000)
    cache.store(np.arange(20), np.arange(20, dtype=np.uint64), np.full((20, 100, 100, 3), 7, np.uint8))
    assert cache_size() >= 20 * 30_000
    if sys.platform == "linux":
        assert cache_size() < 2_000_000  # of 300 MB


def test_clearing_while_it_is_open() -> None:
    cache, kept = PixelCache("here", RECIPE, 5), images(3)
    cache.store(ROWS, STAMPS, kept)
    assert clear_cache() == 0
    assert len(loaded(cache)) == 0
    cache.store(ROWS, STAMPS, kept)
    np.testing.assert_array_equal(loaded(cache), kept)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps files that are mapped")
def test_another_process_may_delete_it_at_any_time() -> None:
    cache, kept = PixelCache("here", RECIPE, 5), images(3)
    cache.store(ROWS, STAMPS, kept)
    np.testing.assert_array_equal(loaded(cache), kept)
    shutil.rmtree(cache.folder)
    assert len(loaded(cache)) == 0
    cache.store(ROWS, STAMPS, kept)
    np.testing.assert_array_equal(loaded(cache), kept)


def test_a_stamp_follows_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    assert stamp_of(str(path)) == 0
    path.write_bytes(b"one")
    first = stamp_of(str(path))
    assert first == stamp_of(str(path)) != 0
    os.utime(path, ns=(1, 1))
    assert stamp_of(str(path)) != first


# -- whole folders, in processes of their own --------------------------------------------------------------------------

FILL = """
import json, sys
from explorer.data import image_index
image_index.BIG_FOLDER = 10
from explorer.data.preprocessing import Preprocessing
from explorer.data.sources import open_source
source = open_source(json.loads(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for item in source.streaming(source.splits.select("all"), Preprocessing.standard((32, 32, 3)), 0):
    pass
print(json.dumps(len(item)), flush=True)
"""


def write_folder(folder: Path, count: int, side: int = 40) -> Path:
    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


def test_two_processes_fill_it_at_once(tmp_path: Path, explorer_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folder(tmp_path / "images", 300)
    command = [sys.executable, "-c", FILL, f'"{folder.as_posix()}"']
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment()}
    fillers = [subprocess.Popen(command, **pipes) for _ in range(2)]  # type: ignore[call-overload]
    for filler in fillers:
        assert filler.stdout.readline() == "ready\n"
    for filler in fillers:
        filler.stdin.write("\n")
        filler.stdin.flush()
    assert [filler.communicate(timeout=60)[0] for filler in fillers] == ["300\n", "300\n"]
    plain = open_source(folder)  # as a small folder, which has no cache
    recipe = Preprocessing.standard((32, 32, 3))
    everything = np.arange(300)
    wanted = plain.read(everything, recipe)
    monkeypatch.setattr("explorer.data.image_index.BIG_FOLDER", 10)
    monkeypatch.setattr("explorer.data.sources.files.open_image", None)  # nothing is decoded any more
    np.testing.assert_array_equal(open_source(folder).read(everything, recipe), wanted)


ON_A_FULL_DISK = """
import json, resource, sys
from explorer.data import image_index
image_index.BIG_FOLDER = 10
from explorer.data.preprocessing import Preprocessing
from explorer.data.sources import open_source
from explorer.errors import DataError
source = open_source(json.loads(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
recipe = Preprocessing.standard((32, 32, 3))
pixels = source.read(range(12), recipe)
try:
    for item in source.streaming(source.splits.train, recipe, 0):
        pass
    problem = ""
except DataError as error:
    problem = str(error)
print(json.dumps([pixels.tolist(), problem]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files there")
def test_without_room_images_are_read_and_only_streaming_says_why_it_cannot(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "images", 12)
    pixels, problem = run_python(ON_A_FULL_DISK, str(folder))
    wanted = open_source(folder).read(range(12), Preprocessing.standard((32, 32, 3)))
    np.testing.assert_array_equal(np.array(pixels, np.uint8), wanted)
    assert "decoded images" in problem
    assert "Free disk space" in problem


STREAM = """
import json, sys
import numpy as np
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.sources import open_source

def own_kb():
    text = open("/proc/self/status").read()
    return int(text.split("RssAnon:")[1].split()[0])

source = open_source(json.loads(sys.argv[1]))
recipe = Preprocessing.standard((128, 128, 3))
source.read([0], recipe)
begun, most = own_kb(), 0
for item in source.streaming(source.splits.select("all"), recipe, 1 << 20):
    most = max(most, own_kb())
order = np.random.default_rng(0).permutation(len(item))
total = 0
for start in range(0, len(order), 64):
    total += int(item[order[start : start + 64]].sum(dtype=np.int64))
    most = max(most, own_kb())
print(json.dumps([len(item), item.nbytes, total, (most - begun) / 1024]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_streaming_needs_little_memory(tmp_path: Path) -> None:
    seeds = write_folder(tmp_path / "seeds", 20, 128)
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(1_500):
        os.link(seeds / f"{number % 20}.png", folder / f"{number}.png")
    count, size, total, grown_mb = run_python(STREAM, str(folder))
    once = open_source(seeds).read(range(20), Preprocessing.standard((128, 128, 3))).sum(dtype=np.int64)
    assert (count, size) == (1_500, 1_500 * 128 * 128 * 3)
    assert total == once * 75
    assert grown_mb < size / 2**20 / 3
