from __future__ import annotations

import io
import pickle
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.builders import make_sample
from explorer_testing.codec import MatrixCodec
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer.errors import ModelError
from explorer.latent.code_table import LONG_CODE
from explorer.latent.components import along_components, to_components
from explorer.latent.statistics import CodeStatistics, compute_statistics
from explorer.models.codes import (
    SAMPLE_SIZE,
    SPATIAL_COMPONENTS,
    CodeSample,
    first_thumbnails,
    load_codes,
    most_kept,
    most_measured,
    save_codes,
)

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
    assert most_kept(2) == most_measured(2) == SAMPLE_SIZE
    assert most_kept(100_352) * 100_352 <= 4_000_000
    assert 200 < most_measured(100_352) < 400
    assert most_kept(4_000_000) == most_measured(4_000_000) == 16


def long_sample(scale: float = 1.0) -> CodeSample:
    """Codes longer than are kept in 32 bits, of which half were measured and not kept."""
    rng = np.random.default_rng(0)
    codes = (np.maximum(rng.standard_normal((40, LONG_CODE + 8)), 0) * scale).astype(np.float32)
    statistics = compute_statistics(codes, max_components=SPATIAL_COMPONENTS)
    thumbnails = rng.integers(0, 256, (20, 16, 16, 1), dtype=np.uint8)
    return CodeSample(codes[::2], np.arange(20), None, thumbnails, statistics, along_components(codes, statistics))


def test_long_codes_are_kept_in_half_the_bits(tmp_path: Path) -> None:
    sample, path = long_sample(), tmp_path / "codes.npz"
    save_codes(path, sample, spatial=True)
    with np.load(path) as file:
        assert {file[key].dtype for key in ("codes", "axes", "quantiles")} == {np.dtype(np.float16)}
        assert {file[key].dtype for key in ("mean", "sigma", "axis_coordinates")} == {np.dtype(np.float32)}
    back = load_codes(path, LONG_CODE + 8)
    assert back.codes.dtype == back.statistics.components.dtype == np.float32
    np.testing.assert_allclose(back.codes, sample.codes, rtol=1e-3)
    np.testing.assert_allclose(back.statistics.components @ back.statistics.components.T, np.eye(16), atol=1e-3)
    np.testing.assert_array_equal(back.component_coordinates, sample.component_coordinates)
    assert back.component_coordinates.shape == (40, 16)
    np.testing.assert_allclose(back.component_coordinates.std(0), 1, rtol=1e-3)
    # Of the codes that were kept, the axes that were kept say the same.
    np.testing.assert_allclose(
        along_components(back.codes, back.statistics), sample.component_coordinates[::2], atol=1e-2
    )


@pytest.mark.parametrize("scale", [1e-9, 1e6])
def test_values_that_half_the_bits_cannot_hold_are_kept_whole(tmp_path: Path, scale: float) -> None:
    sample = long_sample(scale)
    save_codes(tmp_path / "codes.npz", sample, spatial=True)
    back = load_codes(tmp_path / "codes.npz", LONG_CODE + 8)
    np.testing.assert_array_equal(back.codes, sample.codes)
    np.testing.assert_array_equal(back.statistics.quantiles, sample.statistics.quantiles)


def test_short_spatial_codes_keep_their_values(tmp_path: Path) -> None:
    sample = make_sample(CODEC)
    save_codes(tmp_path / "codes.npz", sample, spatial=True)
    back = load_codes(tmp_path / "codes.npz", 3)
    np.testing.assert_array_equal(back.codes, sample.codes)
    np.testing.assert_allclose(back.statistics.components, sample.statistics.components, atol=1e-3)


def test_coordinates_of_an_older_file_are_those_of_its_codes(path: Path) -> None:
    back = load_codes(path, 3)
    assert back.coordinates is None
    np.testing.assert_allclose(back.component_coordinates, to_components(back.codes, back.statistics), atol=1e-6)
    assert back.component_coordinates is back.component_coordinates, "computed again at every look"


@pytest.mark.parametrize("junk", ["fewer", "narrower", "scalar", "words", "infinite"])
def test_wrong_coordinates_are_refused(tmp_path: Path, junk: str) -> None:
    save_codes(tmp_path / "whole.npz", long_sample())
    with np.load(tmp_path / "whole.npz") as file:
        arrays = {key: file[key] for key in file.files}
    good = arrays["axis_coordinates"]
    arrays["axis_coordinates"] = {
        "fewer": good[:19],
        "narrower": good[:, :-1],
        "scalar": np.array(1.0),
        "words": np.full(good.shape, "one"),
        "infinite": np.full_like(good, np.inf),
    }[junk]
    np.savez(tmp_path / "codes.npz", **arrays)
    with pytest.raises(ModelError, match=r"codes\.npz"):
        load_codes(tmp_path / "codes.npz", LONG_CODE + 8)


def test_the_first_thumbnails_are_read_alone(path: Path) -> None:
    wanted = load_codes(path, CODEC.latent_dim).thumbnails
    np.testing.assert_array_equal(first_thumbnails(path, 4), wanted[:4])
    np.testing.assert_array_equal(first_thumbnails(path, 10_000), wanted)


@pytest.mark.parametrize(
    "thumbnails",
    [np.zeros((4, 2, 2), np.uint8), np.zeros((4, 2, 2, 1)), np.zeros((4, 2, 2, 17), np.uint8), None],
    ids=["shape", "dtype", "channels", "missing"],
)
def test_wrong_thumbnails_are_refused(tmp_path: Path, thumbnails: NDArray[np.uint8] | None) -> None:
    arrays: dict[str, Any] = {"codes": np.zeros((4, 2), np.float32)}
    if thumbnails is not None:
        arrays["thumbnails"] = thumbnails
    np.savez(tmp_path / "codes.npz", **arrays)
    with pytest.raises(ModelError, match=r"codes\.npz"):
        first_thumbnails(tmp_path / "codes.npz", 4)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.npz"):
        load_codes(tmp_path / "nowhere.npz", 3)


def test_another_code_size_is_refused(path: Path) -> None:
    with pytest.raises(ModelError, match=r"codes\.npz does not match the model, whose codes have 4 dimensions"):
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
