"""Exports of the progress of a training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from explorer.data.mixer import DEFAULT_MIXER, Mix, MixedChannel, Mixer
from explorer.models.runs import ProgressFrame, write_strip
from explorer.workers.training_progress import export_training_progress, progress_image

SIDE, COUNT = 16, 3


@pytest.fixture
def strips(tmp_path: Path) -> tuple[Path, tuple[ProgressFrame, ...], list[np.ndarray]]:
    """The originals, two frames, and the images of all three: 16 bits, four channels."""
    values = np.random.default_rng(0).integers(0, 65536, (3, COUNT, SIDE, SIDE, 4)).astype(np.uint16)
    paths = [tmp_path / f"{name}.png" for name in ("originals", "0", "1")]
    for path, images in zip(paths, values, strict=True):
        write_strip(path, images)
    return paths[0], tuple(ProgressFrame(float(path.stem), path) for path in paths[1:]), list(values)


def exported(*arguments: object) -> None:
    *_, path = export_training_progress(*arguments)  # type: ignore[arg-type]
    assert path == arguments[2]


def test_channels_are_shown_as_in_the_mixer_and_stated(
    strips: tuple[Path, tuple[ProgressFrame, ...], list[np.ndarray]], tmp_path: Path
) -> None:
    originals, frames, (above, *_) = strips
    red = Mix(channels=(MixedChannel(color="#ff0000"), *(MixedChannel(visible=False),) * 3))
    for name, mixer in (("default", DEFAULT_MIXER), ("red", Mixer(mixes=(red,)))):
        exported(originals, frames[:1], tmp_path / name, mixer)
    with Image.open(tmp_path / "red" / "frame-0001.png") as pil_image:
        drawn = np.asarray(pil_image)
    scale = 96 // SIDE
    pixels = drawn[scale // 2 :: scale, scale // 2 :: scale][:SIDE, :SIDE]
    np.testing.assert_array_equal(pixels[..., 0], np.rint(above[0, ..., 0] / 257))
    assert not pixels[..., 1:].any()
    images = (2 * SIDE + 2) * scale
    assert drawn.shape[0] > images, "a caption is below"
    with Image.open(tmp_path / "default" / "frame-0001.png") as pil_image:
        other = np.asarray(pil_image)
    assert not np.array_equal(other[images:], drawn[images:]), "it says how the channels are shown"


def test_a_format_of_values_gets_all_channels(
    strips: tuple[Path, tuple[ProgressFrame, ...], list[np.ndarray]], tmp_path: Path
) -> None:
    originals, frames, (above, *made) = strips
    exported(originals, frames, tmp_path / "a.ome.tif")
    values = tifffile.imread(tmp_path / "a.ome.tif")
    wanted = [np.moveaxis(progress_image(above, images), 2, 0) for images in made]
    np.testing.assert_array_equal(values, wanted)
