"""The mean-to-max experiment of the reference, on codes of every length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.builders import write_bundle
from explorer_testing.codec import MatrixCodec
from PIL import Image

from explorer.cli.commands.traverse import MOST_CELLS
from explorer.cli.inputs import open_model
from explorer.data.preprocessing import to_pixels
from explorer.types import Floats

SIDE = 36


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with more latent dimensions than a sheet has cells."""
    folder = tmp_path_factory.mktemp("models") / "long"
    write_bundle(folder, MatrixCodec((SIDE, SIDE, 1), MOST_CELLS + 1))
    return folder


def cell(path: Path, number: int) -> Any:
    pixels = np.asarray(Image.open(path))
    row, column = divmod(number, pixels.shape[1] // SIDE)
    return pixels[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE]


def image(model: Any, code: Floats) -> Any:
    return to_pixels(model.codec.decode(code[None].astype(np.float32)))[0, ..., 0]


def test_mean_to_max_of_a_long_code_goes_along_axes(ask: Any, long: Path, tmp_path: Path) -> None:
    out = tmp_path / "max.png"
    result = ask("traverse", "--model", long, "--mean-to-max", "--out", out)
    model = open_model(str(long))
    sample, stats = model.bundle.sample, model.statistics
    assert result["rows"] == list(range(len(stats.components)))
    np.testing.assert_allclose(result["values"], sample.component_coordinates.max(axis=0), rtol=1e-5)
    for axis in (0, 7):
        code = stats.mean + result["values"][axis] * stats.component_sigma[axis] * stats.components[axis]
        difference = cell(out, axis).astype(int) - image(model, code)
        assert np.abs(difference).max() <= 1
    assert (cell(out, 0) != cell(out, 7)).any()


def test_mean_to_max_as_text(call: Any, long: Path, deep: Path, tmp_path: Path) -> None:
    for model, heading in ((long, "principal component"), (deep, "dimension")):
        outcome = call("traverse", "--model", model, "--mean-to-max", "--out", tmp_path / "max.png", "--force")
        assert outcome.code == 0
        assert outcome.out.startswith(heading)
        assert outcome.out.splitlines()[-1] == f"written to {tmp_path / 'max.png'}"


@pytest.mark.parametrize(
    "words", [("traverse", "--dim", "0"), ("traverse", "--mean-to-max"), ("grid", "--plane", "0", "1")]
)
def test_it_says_how_several_channels_are_shown(call: Any, tmp_path: Path, words: tuple[str, ...]) -> None:
    write_bundle(tmp_path / "cells", MatrixCodec((16, 16, 2), 3))
    out = tmp_path / "out.png"
    outcome = call(*words, "--model", tmp_path / "cells", "--out", out)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-2:] == ["channels: 1 #00ff00 0…1, 2 #ff00ff 0…1", f"written to {out}"]
    with Image.open(out) as image:
        assert image.text["channels"] == "1 #00ff00 0-1, 2 #ff00ff 0-1"
