from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from explorer.data.preprocessing import Preprocessing
from explorer.data.sources import open_source
from explorer.data.sources.idx import read_idx
from explorer.errors import DataError

RNG = np.random.default_rng(0)
TRAIN, TEST = (RNG.integers(0, 256, (count, 6, 5), dtype=np.uint8) for count in (12, 4))
TRAIN_LABELS, TEST_LABELS = (RNG.integers(0, 10, count, dtype=np.uint8) for count in (12, 4))
RECIPE = Preprocessing.standard((6, 5, 1))
NAMES = {
    "train-images-idx3-ubyte": TRAIN,
    "train-labels-idx1-ubyte": TRAIN_LABELS,
    "t10k-images-idx3-ubyte": TEST,
    "t10k-labels-idx1-ubyte": TEST_LABELS,
}


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write(path: Path, array: np.ndarray) -> Path:
    content = idx(array)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.fixture(params=["", ".gz"])
def mnist(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    for name, array in NAMES.items():
        write(tmp_path / f"{name}{request.param}", array)
    return tmp_path


def assert_mnist(path: Path) -> None:
    source = open_source(path)
    assert source.image_shape == (6, 5, 1)
    np.testing.assert_array_equal(source.read(range(16), RECIPE)[..., 0], np.concatenate([TRAIN, TEST]))
    np.testing.assert_array_equal(source.labels, np.concatenate([TRAIN_LABELS, TEST_LABELS]))
    np.testing.assert_array_equal(source.splits.train, np.arange(12))
    np.testing.assert_array_equal(source.splits.test, np.arange(12, 16))
    assert source.splits.origin == "given"


def assert_part(path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    source = open_source(path)
    np.testing.assert_array_equal(source.read(range(source.count), RECIPE)[..., 0], images)
    np.testing.assert_array_equal(source.labels, labels)
    assert source.splits.origin != "given"


def test_the_folder_opens_the_set_and_a_file_its_images_with_their_labels(mnist: Path) -> None:
    assert_mnist(mnist)
    for path in mnist.iterdir():
        if path.name.startswith("train"):
            assert_part(path, TRAIN, TRAIN_LABELS)
        else:
            assert_part(path, TEST, TEST_LABELS)


@pytest.mark.parametrize("others", [(), ("MNIST/processed",), ("MNIST/processed", "cifar-10-batches-py")])
def test_the_folders_of_pytorch(others: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    for name, array in NAMES.items():
        write(tmp_path / "MNIST" / "raw" / name, array)
    for other in others:
        (tmp_path / other).mkdir()
    for folder in (tmp_path / "MNIST" / "raw", tmp_path / "MNIST", tmp_path):
        assert_mnist(folder)


def test_names_with_a_dot_and_a_prefix(tmp_path: Path) -> None:
    for name, array in NAMES.items():
        write(tmp_path / f"emnist-letters-{name.replace('-idx', '.idx')}", array)
    assert_mnist(tmp_path)


def test_two_data_sets_in_one_folder(mnist: Path) -> None:
    write(mnist / "kuzushiji-train-images-idx3-ubyte", TRAIN[:5])
    with pytest.raises(DataError, match="the IDX files of 2 datasets"):
        open_source(mnist)
    assert open_source(mnist / "kuzushiji-train-images-idx3-ubyte").count == 5
    assert_part(next(mnist.glob("t10k-labels*")), TEST, TEST_LABELS)


def test_packed_beside_unpacked(mnist: Path) -> None:
    for name, array in NAMES.items():
        for suffix in ("", ".gz"):
            write(mnist / (name + suffix), array)
    assert_mnist(mnist)
    assert_part(mnist / "train-images-idx3-ubyte.gz", TRAIN, TRAIN_LABELS)


def test_one_split_is_divided(tmp_path: Path) -> None:
    write(tmp_path / "train-images-idx3-ubyte", TRAIN)
    source = open_source(tmp_path)
    assert source.labels is None
    assert (len(source.splits.train), len(source.splits.test)) == (10, 2)
    assert source.splits.origin != "given"


def test_test_images_without_labels_leave_the_source_unlabeled(mnist: Path) -> None:
    next(mnist.glob("t10k-labels*")).unlink()
    source = open_source(mnist)
    assert source.count == 16
    assert source.labels is None


def test_black_and_white_images_of_zeros_and_ones(tmp_path: Path) -> None:
    path = write(tmp_path / "train-images-idx3-ubyte", TRAIN > 127)
    np.testing.assert_array_equal(open_source(path).read(range(12), RECIPE)[..., 0], np.where(TRAIN > 127, 255, 0))
    assert open_source(path).found.range == (0.0, 1.0)
    np.testing.assert_array_equal(open_source(f"{path}?range=0,255").read([0], RECIPE)[0, ..., 0], TRAIN[0] > 127)
    with pytest.raises(DataError, match="there is nothing to choose"):
        open_source(f"{path}?frames=all")


def test_a_lone_file_of_any_name(tmp_path: Path) -> None:
    np.testing.assert_array_equal(
        open_source(write(tmp_path / "sketches.idx", TRAIN)).read([3], RECIPE)[0, ..., 0], TRAIN[3]
    )
    assert open_source(write(tmp_path / "sketches.gz", TRAIN)).count == 12


def test_labels_without_images(tmp_path: Path) -> None:
    path = write(tmp_path / "train-labels-idx1-ubyte", TRAIN_LABELS)
    with pytest.raises(DataError, match="labels without images"):
        open_source(path)
    with pytest.raises(DataError, match="Choose the images file"):
        open_source(write(tmp_path / "other", TRAIN_LABELS))


def test_labels_of_another_number(mnist: Path) -> None:
    path = next(mnist.glob("train-labels*"))
    write(path, TRAIN_LABELS[:11])
    with pytest.raises(DataError, match="there are 12 images"):
        open_source(mnist)


def test_splits_of_other_sizes(mnist: Path) -> None:
    write(next(mnist.glob("t10k-images*")), TEST[:, :4])
    with pytest.raises(DataError, match="splits have different shapes 6×5, 4×5"):
        open_source(mnist)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx(TRAIN)[:-1], "359 of the 360 bytes"),
        (idx(TRAIN) + b"\0", "larger than the 360 bytes"),
        (idx(TRAIN)[:9], "its IDX header is truncated"),
        (b"\0\0\x08", "are not those of IDX integers"),
        (b"\1\0\x08\3" + bytes(12), "are not those of IDX integers"),
        (b"\0\0\x0d\3" + bytes(12), "are not those of IDX integers"),
        (b"", "are not those of IDX integers"),
        (idx(TRAIN[:0]), "not uint8 images"),
        (struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**31, 2**31), "train-images"),
    ],
    ids=["short", "long", "header", "tiny", "magic", "doubles", "empty", "none", "huge"],
)
def test_broken_files_say_what_is_wrong(content: bytes, message: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"train-images-idx3-ubyte{suffix}"
    path.write_bytes(gzip.compress(content) if suffix else content)
    with pytest.raises(DataError, match=message):
        open_source(path)


def test_a_truncated_gzip_file(tmp_path: Path) -> None:
    path = write(tmp_path / "train-images-idx3-ubyte.gz", TRAIN)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="as an IDX file"):
        open_source(path)
    path.write_bytes(path.read_bytes()[:3])
    with pytest.raises(DataError, match="as an IDX file"):
        open_source(path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_header_that_promises_too_much_is_not_unfolded(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    for shape in ((1 << 30, 28, 28), (1 << 20, 28, 28)):
        path.write_bytes(pack(struct.pack(">HBB3I", 0, 8, 3, *shape) + bytes(1000)))
        with pytest.raises(DataError, match="more than 300 times its size"):
            open_source(path)


def test_read_idx_of_wider_labels(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(struct.pack(">HBBI3i", 0, 0x0C, 1, 3, 7, -1, 70_000))
    np.testing.assert_array_equal(read_idx(path), [7, -1, 70_000])


def test_the_canonical_mnist(shared_data: Path) -> None:
    source = open_source(shared_data / "mnist")
    assert (source.count, source.image_shape, source.splits.origin) == (70_000, (28, 28, 1), "given")
    digits = open_source("digits")
    recipe = Preprocessing.standard((28, 28, 1))
    np.testing.assert_array_equal(source.read(source.splits.test, recipe), digits.read(range(10_000), recipe))
    assert source.labels is not None
    assert digits.labels is not None
    np.testing.assert_array_equal(source.labels[60_000:], digits.labels)
