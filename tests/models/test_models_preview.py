"""The preview of a bundle: small whatever the images are, and refused where it is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.advice import has_advice
from explorer_testing.builders import make_sample, write_bundle
from explorer_testing.codec import MatrixCodec
from PIL import Image

from explorer.data.preprocessing import to_pixels
from explorer.errors import ModelError
from explorer.models.bundle import PREVIEW, check_replaceable, open_bundle, seal
from explorer.models.preview import COUNT, MOST_BYTES, read_preview, write_preview
from explorer.types import Floats

CODEC = MatrixCodec()


def test_it_holds_the_reconstructions_of_the_first_images(tmp_path: Path) -> None:
    sample = make_sample(CODEC)
    write_preview(tmp_path, CODEC, sample)
    np.testing.assert_array_equal(read_preview(tmp_path / PREVIEW), to_pixels(CODEC.decode(sample.codes[:COUNT])))


class FourChannels(MatrixCodec):
    """Decodes to images of four channels."""

    def decode(self, codes: Floats) -> Floats:
        return np.repeat(super().decode(codes)[..., :1], 4, axis=3)


@pytest.mark.parametrize(
    ("codec", "channels"),
    [(CODEC, None), (FourChannels(), "1 #0000ff 0-1, 2 #00ff00 0-1, 3 #ff0000 0-1, 4 #ffffff 0-1")],
)
def test_it_says_how_its_channels_are_shown(codec: MatrixCodec, channels: str | None, tmp_path: Path) -> None:
    write_preview(tmp_path, codec, make_sample(CODEC))
    with Image.open(tmp_path / PREVIEW) as strip:
        assert strip.info.get("channels") == channels


def test_fewer_images_than_four(tmp_path: Path) -> None:
    sample = make_sample(CODEC)
    write_preview(tmp_path, CODEC, replace(sample, codes=sample.codes[:3]))
    assert read_preview(tmp_path / PREVIEW).shape == (3, *CODEC.image_shape)


class Noise(MatrixCodec):
    """Decodes to what cannot be compressed."""

    def decode(self, codes: Floats) -> Floats:
        return np.random.default_rng(0).uniform(size=(len(codes), 300, 200, 3)).astype(np.float32)


def test_large_images_are_reduced_until_the_file_is_small(tmp_path: Path) -> None:
    write_preview(tmp_path, Noise(), make_sample(CODEC))
    assert (tmp_path / PREVIEW).stat().st_size <= MOST_BYTES
    count, height, width, channels = read_preview(tmp_path / PREVIEW).shape
    assert (count, channels) == (COUNT, 3)
    assert 40 < height <= 96
    assert width == pytest.approx(height * 2 / 3, abs=1)


def test_a_bundle_opens_with_any_preview_and_without(tmp_path: Path) -> None:
    write_bundle(tmp_path / "mine")
    bundle = open_bundle(tmp_path / "mine")
    write_preview(bundle.path, CODEC, bundle.sample)
    assert open_bundle(bundle.path).card == bundle.card
    seal(bundle.path, bundle.card)
    assert PREVIEW not in open_bundle(bundle.path).card.files
    check_replaceable(bundle.path, force=True)
    (bundle.path / PREVIEW).write_bytes(b"damaged")
    open_bundle(bundle.path)
    (bundle.path / PREVIEW).unlink()
    open_bundle(bundle.path)


def missing(path: Path) -> None:
    assert not path.exists()


def garbage(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n and nothing")


def cut(path: Path) -> None:
    write_preview(path.parent, CODEC, make_sample(CODEC))
    path.write_bytes(path.read_bytes()[:-40])


def too_long(path: Path) -> None:
    path.write_bytes(bytes(MOST_BYTES + 1))


def too_large(path: Path) -> None:
    Image.new("L", (6_000, 6_000)).save(path, "PNG", compress_level=9)


def unnumbered(path: Path) -> None:
    Image.new("L", (40, 10)).save(path, "PNG")


def another_format(path: Path) -> None:
    Image.new("L", (40, 10)).save(path, "BMP")


@pytest.mark.parametrize("make", [missing, garbage, cut, too_long, too_large, unnumbered, another_format])
def test_what_is_no_preview_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / PREVIEW)
    with pytest.raises(ModelError) as caught:
        read_preview(tmp_path / PREVIEW)
    assert has_advice(caught.value)
