"""Microscopy with four channels of 12 bits in 16: from the file through training and editing to exported files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from explorer_testing.programs import run_python
from explorer_testing.training import of, small_request, train, until
from numpy.typing import NDArray
from PIL import Image

from explorer.cli.main import main
from explorer.data.choices import Choices, join
from explorer.data.metrics import by_channel, mse_per_image, psnr_per_image
from explorer.data.mixer import shown
from explorer.data.preprocessing import Preprocessing, Reading, to_floats
from explorer.data.source import range_differs
from explorer.data.sources import open_source
from explorer.engine.client import ModelProcess
from explorer.engine.messages import (
    Cancel,
    Cancelled,
    Epoch,
    Failed,
    Finished,
    Import,
    ImportFinished,
    Live,
    Pause,
    Paused,
    Train,
)
from explorer.inference.codec import OnnxCodec
from explorer.models.bundle import Bundle, open_bundle
from explorer.models.evaluation import Evaluation, evaluate
from explorer.models.third_party.request import ImportRequest

pytestmark = pytest.mark.engine

COUNT, SIDE, CHANNELS = 200, 16, 4
READING = Reading(low=0, high=4095, depth=16)


def cells() -> NDArray[np.uint16]:
    """Return images of a spot in each channel, 12 bits: at its own place, the dyes of different brightness."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    place = rng.uniform(4, 12, (COUNT, CHANNELS, 2, 1, 1))
    distance = (rows - place[:, :, 0]) ** 2 + (columns - place[:, :, 1]) ** 2
    light = np.array([4000, 2500, 1200, 300])[:, np.newaxis, np.newaxis]
    values = light * np.exp(-distance / 8) + rng.uniform(20, 60, (COUNT, 1, 1, 1))
    return np.moveaxis(values.astype(np.uint16), 1, 3)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cells") / "cells.npy"
    np.save(path, cells())
    return path


@pytest.fixture(scope="module")
def bundle(process: ModelProcess, file: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    out = tmp_path_factory.mktemp("models") / "cells"
    request = small_request(file, out, architecture="vae", latent=6, epochs=2, noise="gaussian:0.02")
    (finished,) = of(Finished, train(process, request))
    made = open_bundle(out)
    assert (finished.channels, finished.range) == (made.card.channel_metrics, (0, 4095))
    return made


def test_the_source_keeps_channels_and_depth(file: Path) -> None:
    source = open_source(str(file))

    assert source.image_shape == (SIDE, SIDE, CHANNELS)
    assert (source.depth, source.found.dtype, source.found.range) == (16, "uint16", (0, 4095))
    assert source.reading() == READING
    recipe = Preprocessing.standard((SIDE, SIDE, CHANNELS), reading=READING)
    floats = to_floats(source.read([3], recipe))
    np.testing.assert_allclose(floats[0], cells()[3] / 4095, atol=1e-5)
    np.testing.assert_array_equal(READING.values(floats)[0], cells()[3], "the values of the file come back")


def test_the_bundle_has_channels_range_and_metrics_of_each_channel(bundle: Bundle, file: Path) -> None:
    card, source = bundle.card, open_source(str(file))

    assert (card.image_shape, card.preprocessing.reading) == ((SIDE, SIDE, CHANNELS), READING)
    assert bundle.sample.thumbnails.dtype == np.uint16
    first = int(bundle.sample.indices[0])
    np.testing.assert_array_equal(bundle.sample.thumbnails[0], source.read([first], card.preprocessing)[0])
    assert range_differs(card.preprocessing, source) is None
    wider = open_source(join(str(file), Choices(range=(0, 65535))))
    assert "The model learned from values of 0 … 4095" in str(range_differs(card.preprocessing, wider))

    codec = OnnxCodec(bundle)
    *_, result = evaluate(codec, source, source.splits.test, card.preprocessing)
    assert isinstance(result, Evaluation)
    clean = to_floats(source.read(source.splits.test, card.preprocessing))
    made = codec.decode(codec.encode(clean))
    for channel, figures in enumerate(result.channels):
        part = slice(channel, channel + 1)
        assert figures["mse"] == pytest.approx(float(((clean - made)[..., part] ** 2).mean()), rel=1e-4)
        assert figures["psnr"] == pytest.approx(
            float(psnr_per_image(clean[..., part], made[..., part]).mean()), rel=1e-4
        )
    assert len(card.channel_metrics) == CHANNELS
    for measured, kept in zip(result.channels, card.channel_metrics, strict=True):
        assert kept == pytest.approx(measured, rel=1e-3), "the card was measured with Keras"
    assert result.mse == pytest.approx(np.mean([figures["mse"] for figures in result.channels]), rel=1e-4)
    np.testing.assert_allclose(by_channel(mse_per_image, clean, made).mean(axis=1), mse_per_image(clean, made))


def test_an_edited_code_is_exported_as_values_and_as_colors(bundle: Bundle, tmp_path: Path) -> None:
    codec = OnnxCodec(bundle)
    code = bundle.sample.codes[:1].copy()
    code[0, 2] += 1.5
    np.save(tmp_path / "code.npy", code)
    words = ["decode", "--model", str(bundle.path), "--codes", str(tmp_path / "code.npy"), "--out"]

    assert main([*words, str(tmp_path / "a.ome.tif")]) == 0
    assert main([*words, str(tmp_path / "a.png")]) == 0

    decoded = codec.decode(code)
    values = np.moveaxis(tifffile.imread(tmp_path / "a.ome.tif").reshape(CHANNELS, SIDE, SIDE), 0, 2)
    assert values.dtype == np.uint16
    assert np.abs(values - np.clip(decoded[0], 0, 1) * 4095).max() <= 0.51
    with Image.open(tmp_path / "a.png") as png:
        pixels = np.asarray(png)
        assert png.info["channels"].startswith("1 #0000ff 0-1, 2 #00ff00 0-1")
    blue, green, red, gray = np.moveaxis(np.clip(decoded[0], 0, 1), 2, 0)
    mixed = np.clip(np.stack([red + gray, green + gray, blue + gray], axis=2), 0, 1) * 255
    assert np.abs(pixels - mixed).max() <= 0.51


def test_reconstructions_are_exported_beside_their_originals(
    bundle: Bundle, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "rows.ome.tif"

    words = ["reconstruct", "--model", str(bundle.path), "--data", str(file), "--count", "3", "--out", str(out)]
    assert main([*words, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["data_range"], report["range"], len(report["channels"])) == (1, [0, 4095], CHANNELS)
    assert report["mse"] == pytest.approx(np.mean([one["mse"] for one in report["channels"]]), rel=1e-4)

    chosen = open_source(str(file)).splits.select("test", 3)
    with tifffile.TiffFile(out) as tiff:
        originals, made = (np.moveaxis(series.asarray(), 1, 3) for series in tiff.series)
    np.testing.assert_array_equal(originals, cells()[chosen])
    assert made.shape == originals.shape


def test_an_animation_is_exported_as_gif_and_as_values(bundle: Bundle, file: Path, tmp_path: Path) -> None:
    words = ["morph", "--model", str(bundle.path), "--keys", f"{file}:0", f"{file}:1", "--steps", "4", "--hold", "0"]

    assert main([*words, "--loop", "none", "--out", str(tmp_path / "a.gif")]) == 0
    assert main([*words, "--loop", "none", "--out", str(tmp_path / "a.ome.tif")]) == 0

    values = tifffile.imread(tmp_path / "a.ome.tif")
    assert values.shape == (4, CHANNELS, SIDE, SIDE)
    with Image.open(tmp_path / "a.gif") as gif:
        drawn = np.asarray(gif.convert("RGB")).astype(int)
    assert b"1 #0000ff 0" in (tmp_path / "a.gif").read_bytes(), "how the channels are shown is stated in the file"
    expected = shown((np.moveaxis(values[0], 0, 2) / 4095).astype(np.float32))
    assert np.abs(drawn - expected).max() <= 16, "the palette of a GIF rounds colors"


@pytest.mark.parametrize("architecture", ["dense", "conv-pool", "conv-stride"])
def test_other_architectures_learn_and_show_many_channels(
    process: ModelProcess, file: Path, tmp_path: Path, architecture: str
) -> None:
    request = small_request(
        file, tmp_path / architecture, architecture=architecture, latent=4, epochs=1, augment=200, loss="mse"
    )

    events = train(process, request, live=True)

    assert of(Finished, events)
    live = of(Live, events)[-1]
    assert live.originals.dtype == live.reconstructions.dtype == np.uint16
    assert live.originals.shape[1:] == live.reconstructions.shape[1:] == (SIDE, SIDE, CHANNELS)
    assert live.sample.thumbnails.shape[1:] == (SIDE, SIDE, CHANNELS)
    assert open_bundle(tmp_path / architecture).card.image_shape == (SIDE, SIDE, CHANNELS)


def test_a_training_is_not_resumed_with_another_range(process: ModelProcess, file: Path, tmp_path: Path) -> None:
    """Its checkpoint is of other pixels, also where the files are the same."""
    request = small_request(file, tmp_path / "new", latent=4, epochs=50)
    events = process.run(Train(request))
    until(events, Epoch)
    process.order(Pause())
    until(events, Paused)
    process.order(Cancel())
    until(events, Cancelled)

    wider = request.model_copy(update={"data": f"{file}?range=0,65535", "resume": True})
    *_, last = process.run(Train(wider))

    assert isinstance(last, Failed)
    assert "reading" in str(last.message)


_WRITE = """
import json, sys
import keras
k = keras.layers
model = keras.Sequential([
    keras.Input((16, 16, 4)), k.Flatten(), k.Dense(6, "relu", name="code"), k.Dense(1024, "sigmoid"),
    k.Reshape((16, 16, 4)),
])
model.save(json.loads(sys.argv[1]))
print("null")
"""


def test_a_keras_model_of_four_channels_is_imported_with_images_of_four(
    process: ModelProcess, file: Path, tmp_path: Path
) -> None:
    path, out = tmp_path / "four.keras", tmp_path / "imported"
    run_python(_WRITE, str(path))

    *_, refused = process.run(Import(ImportRequest(path=path, out=out)))
    *_, finished = process.run(Import(ImportRequest(path=path, out=out, data=str(file))))

    assert isinstance(refused, Failed)
    assert "no dataset has images of 4 channels. Open such images first, or name them (--data)" in str(refused.message)
    assert isinstance(finished, ImportFinished)
    card = open_bundle(out).card
    assert (card.image_shape, card.latent_dim, card.preprocessing.reading) == ((16, 16, 4), 6, READING)
    assert f" --data {file.name}" in card.command
