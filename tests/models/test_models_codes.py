from __future__ import annotations

import io
import pickle
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.builders import make_sample
from explorer_testing.codec import MatrixCodec
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer.errors import ModelError
from explorer.latent.statistics import CodeStatistics
from explorer.models.codes import SAMPLE_SIZE, load_codes, sample_size, save_codes

CODEC = MatrixCodec((8, 7, 1), 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_codes(tmp_path / "codes.npz", make_sample(CODEC))
    return tmp_path / "codes.npz"


def arrays_of_sample() -> dict[str, NDArray[np.float32]]:
    with np.load(io.BytesIO(WHOLE)) as file:
        return {key: file[key] for key in file.files}


def _whole() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        save_codes(Path(folder, "codes.npz"), make_sample(CODEC))
        return Path(folder, "codes.npz").read_bytes()


WHOLE = _whole()


@pytest.mark.parametrize("variational", [False, True])
def test_a_sample_comes_back_as_it_was(tmp_path: Path, variational: bool) -> None:
    sample = make_sample(CODEC, variational=variational)
    save_codes(tmp_path / "codes.npz", sample)
    back = load_codes(tmp_path / "codes.npz", 3)
    for name in ("codes", "indices", "labels", "thumbnails"):
        np.testing.assert_array_equal(getattr(back, name), getattr(sample, name))
    assert (back.statistics.kl is not None) == variational
    for field in fields(CodeStatistics):
        np.testing.assert_array_equal(getattr(back.statistics, field.name), getattr(sample.statistics, field.name))


def test_the_sample_shrinks_with_the_code() -> None:
    assert sample_size(2) == SAMPLE_SIZE
    assert sample_size(100_352) * 100_352 <= 4_000_000
    assert sample_size(4_000_000) == 16


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.npz"):
        load_codes(tmp_path / "nowhere.npz", 3)


def test_another_code_size_is_refused(path: Path) -> None:
    with pytest.raises(ModelError, match=r"4 values.*\(40, 3\)"):
        load_codes(path, 4)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
            return Path(tmp_path / "sprung").touch, ()  # type: ignore[return-value]

    (tmp_path / "codes.npz").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ModelError):
        load_codes(tmp_path / "codes.npz", 3)
    arrays = arrays_of_sample() | {"codes": np.array([Trap()] * 40, object)}
    np.savez(tmp_path / "codes.npz", **arrays)
    with pytest.raises(ModelError):
        load_codes(tmp_path / "codes.npz", 3)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("key", ["codes", "indices", "thumbnails", "mean", "sigma", "quantiles", "axes", "axis_sigma"])
@pytest.mark.parametrize("junk", ["missing", "shorter", "scalar", "words"])
def test_a_wrong_array_is_refused(tmp_path: Path, key: str, junk: str) -> None:
    arrays: dict[str, NDArray[np.float32]] = arrays_of_sample()
    changed = {
        "missing": None,
        "shorter": arrays[key][:-1],
        "scalar": np.array(1, arrays[key].dtype),
        "words": np.full(arrays[key].shape, "one"),
    }[junk]
    if changed is None:
        del arrays[key]
    else:
        arrays[key] = changed
    np.savez(tmp_path / "codes.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=r"codes\.npz"):
        load_codes(tmp_path / "codes.npz", 3)


def test_codes_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    arrays = arrays_of_sample()
    arrays["codes"][3, 1] = np.nan
    np.savez(tmp_path / "codes.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(ModelError):
        load_codes(tmp_path / "codes.npz", 3)


@given(data=st.data())
def test_a_damaged_file_opens_or_is_refused(data: st.DataObject) -> None:
    """Any byte changed, any end cut off: never another error, never a sample of another shape."""
    content = bytearray(WHOLE)
    content = content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content
    for _ in range(data.draw(st.integers(0, 3))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "codes.npz")
        path.write_bytes(content)
        with suppress(ModelError):
            assert load_codes(path, 3).codes.shape == (40, 3)
