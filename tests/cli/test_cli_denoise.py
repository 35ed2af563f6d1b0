from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.builders import write_bundle
from explorer_testing.codec import MatrixCodec
from PIL import Image

from explorer.cli.inputs import open_model
from explorer.data.corruption import CORRUPTIONS, Noise, corrupt
from explorer.data.preprocessing import to_floats
from explorer.data.sources import open_source


def page(noise: float) -> Image.Image:
    """Return digits side by side, as on a badly scanned page."""
    source = open_source("digits")
    rows = [
        np.concatenate([np.asarray(source.pil_image(5 * row + column)) for column in range(5)], 1) for row in range(3)
    ]
    values = to_floats(np.concatenate(rows)[np.newaxis, ..., np.newaxis])
    return Image.fromarray((corrupt(values, [Noise("gaussian", noise, seed=1)])[0, ..., 0] * 255).astype(np.uint8))


def test_a_page_larger_than_the_model_is_cleaned(ask: Any, tmp_path: Path) -> None:
    page(0.4).save(tmp_path / "noisy.png")
    result = ask("denoise", "--model", "digits-deep-49", tmp_path / "noisy.png", "--out", tmp_path / "clean.png")
    assert result == {"count": 1, "path": str(tmp_path / "clean.png"), "skipped": [], "notes": []}
    clean = np.asarray(page(0)).astype(float)
    with Image.open(tmp_path / "clean.png") as written:
        assert (written.mode, written.size) == ("L", (140, 84))
        after = np.asarray(written).astype(float)
    with Image.open(tmp_path / "noisy.png") as noisy:
        before = np.asarray(noisy).astype(float)
    assert ((after - clean) ** 2).mean() < 0.85 * ((before - clean) ** 2).mean()


def test_an_image_of_the_models_size_is_its_reconstruction(ask: Any, deep: Path, tmp_path: Path) -> None:
    image = open_source("digits").pil_image(3)
    image.save(tmp_path / "three.png")
    ask("denoise", "--model", "digits-deep-49", tmp_path / "three.png", "--out", tmp_path / "clean.png")
    model = open_model(str(deep))
    output = model.codec.decode(model.codec.encode(to_floats(np.asarray(image)[np.newaxis, ..., np.newaxis])))
    with Image.open(tmp_path / "clean.png") as written:
        np.testing.assert_allclose(np.asarray(written) / 255, output[0, ..., 0].clip(0, 1), atol=0.01)


def test_a_folder_goes_into_another(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    page(0.2).convert("RGB").save(tmp_path / "in" / "sub" / "color.jpg")
    page(0.2).crop((0, 0, 20, 9)).save(tmp_path / "in" / "small.png")
    (tmp_path / "in" / "broken.png").write_bytes(b"?")
    monkeypatch.chdir(tmp_path)
    outcome = call("denoise", "--model", "digits-deep-49", "in", "--out", "out", "--json")
    assert outcome.code == 0
    assert (outcome.document["count"], outcome.document["path"]) == (2, str(tmp_path / "out"))
    (skipped,) = outcome.document["skipped"]
    assert skipped["file"] == "broken.png"
    assert outcome.err == f"warning: broken.png was skipped: {skipped['reason']}\n"
    with Image.open("out/sub/color.jpg") as color, Image.open("out/small.png") as small:
        assert (color.mode, color.size) == ("RGB", (140, 84))
        assert (small.mode, small.size) == ("L", (20, 9))


def test_originals_stay(call: Any, tmp_path: Path) -> None:
    file = tmp_path / "page.png"
    page(0.1).save(file)
    before = file.read_bytes()
    denoise = ("denoise", "--model", "digits-deep-49")
    assert f"it is the input {file}" in call(*denoise, file, "--out", file, "--force").error
    assert f"it is inside the input {tmp_path}" in call(*denoise, tmp_path, "--out", tmp_path / "x", "--force").error
    assert "does not exist" in call("denoise", "--model", "digits-deep-49", tmp_path / "y.png", "--out", "z.png").error
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("kind", sorted(CORRUPTIONS))
def test_every_noise_goes_into_every_command_that_takes_one(ask: Any, tmp_path: Path, kind: str) -> None:
    # A color model: gray in is colorisation, down-sampled in is super-resolution.
    write_bundle(tmp_path / "model", MatrixCodec((16, 16, 3), 200))
    values = np.random.default_rng(0).integers(0, 256, (10, 16, 16, 3), dtype=np.uint8)
    np.save(tmp_path / "data.npy", values)
    words = ("--model", tmp_path / "model", "--data", tmp_path / "data.npy", "--split", "all")
    noise = f"{kind}:{CORRUPTIONS[kind].default}:1"
    clean = ask("evaluate", *words)
    noisy = ask("evaluate", *words, "--noise", noise)
    assert noisy["mse"] > clean["mse"] * 1.001
    drawn = ask("reconstruct", *words, "--count", 10, "--noise", noise, "--out", tmp_path / "rows.png")
    assert drawn["mse"] > clean["mse"] * 1.001
    with Image.open(tmp_path / "rows.png") as rows:
        middle = np.asarray(rows).reshape(3, 16, 10, 16, 3)[1].swapaxes(0, 1)
    assert (middle != values).any()
    if kind == "gray":
        assert (middle == middle[..., :1]).all()
