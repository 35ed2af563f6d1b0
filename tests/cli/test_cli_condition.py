"""``--condition`` of the commands that decode, with an imported model that takes a class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing import onnx_models
from PIL import Image

from explorer.cli.inputs import open_model
from explorer.data.preprocessing import to_pixels
from explorer.engine.third_party.importing import import_model
from explorer.export.recipe_file import read_recipe
from explorer.models.third_party.request import ImportRequest
from explorer.types import Floats

CLASSES, OWN, SIDE = 4, 10, 28


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose encoder and decoder take one of four classes; the code has ten values before it."""
    folder = tmp_path_factory.mktemp("conditional")
    encoder = onnx_models.save(onnx_models.encoder(one_hot=CLASSES), folder / "encoder.onnx")
    decoder = onnx_models.save(onnx_models.decoder(one_hot=CLASSES), folder / "decoder.onnx")
    list(import_model(ImportRequest(None, folder / "classes", encoder, decoder)))
    return folder / "classes"


@pytest.fixture(scope="module")
def codes(model: Path) -> Floats:
    """Codes under the first class."""
    own = np.random.default_rng(0).normal(0, 1, (4, OWN))
    return np.concatenate([own, np.tile(np.eye(CLASSES)[0], (4, 1))], axis=1).astype(np.float32)


def under(codes: Floats, label: int) -> Floats:
    changed = codes.copy()
    changed[:, OWN:] = np.eye(CLASSES)[label]
    return changed


def images(model: Path, codes: Floats) -> Any:
    """Return the images of codes, as they are shown."""
    return to_pixels(open_model(str(model)).codec.decode(codes))[..., 0]


def cells(path: Path) -> Any:
    """Return the images of a sheet, row by row, ``(n, h, w)``."""
    pixels = np.asarray(Image.open(path))
    rows, columns = pixels.shape[0] // SIDE, pixels.shape[1] // SIDE
    return pixels.reshape(rows, SIDE, columns, SIDE).swapaxes(1, 2).reshape(-1, SIDE, SIDE)


@pytest.mark.parametrize("given", ["2", "0,0,1,0"])
def test_codes_are_decoded_under_a_class(ask: Any, model: Path, codes: Floats, tmp_path: Path, given: str) -> None:
    np.save(tmp_path / "codes.npy", codes)
    out = tmp_path / "sheet.png"
    words = ("decode", "--model", model, "--codes", tmp_path / "codes.npy", "--out", out)
    assert ask(*words, "--condition", given) == {"count": 4}
    np.testing.assert_array_equal(cells(out), images(model, under(codes, 2)))
    ask(*words, "--force")
    np.testing.assert_array_equal(cells(out), images(model, codes))
    assert (images(model, codes) != images(model, under(codes, 2))).any()


def test_a_grid_and_a_traversal_keep_the_condition(ask: Any, call: Any, model: Path, tmp_path: Path) -> None:
    out, opened = tmp_path / "out.png", open_model(str(model))
    center = under(opened.statistics.mean[None], 3)
    words = ("--model", model, "--condition", "3", "--out", out, "--force")
    ask("grid", *words, "--range", "0", "1", "--steps", "2")
    corner = center.copy()
    corner[0, :2] = 0, 1
    np.testing.assert_array_equal(cells(out)[0], images(model, corner)[0])
    result = ask("traverse", *words, "--steps", "3")
    assert result["rows"] == list(range(OWN)), "not the dimensions of the condition"
    np.testing.assert_array_equal(cells(out)[1], images(model, center)[0])
    result = ask("traverse", *words, "--mean-to-max")
    assert len(result["rows"]) == OWN
    assert "Dimension 12 belongs to the condition" in call("traverse", *words, "--dim", "12").error
    assert "Dimension 11 belongs to the condition" in call("grid", *words, "--plane", "0", "11").error
    plain = ask("traverse", "--model", model, "--out", out, "--force", "--steps", "3")
    assert plain["rows"] == list(range(OWN + CLASSES))
    np.testing.assert_array_equal(cells(out)[1], images(model, under(center, 0))[0])


def test_samples_are_of_one_class_or_of_random_ones(ask: Any, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "samples.png"
    words = ("sample", "--model", model, "--count", "9", "--seed", "1", "--prior", "normal", "--out", out, "--force")
    drawn = np.random.default_rng(1).standard_normal((9, OWN + CLASSES), dtype=np.float32)
    ask(*words, "--condition", "1")
    np.testing.assert_array_equal(cells(out), images(model, under(drawn, 1)))
    ask(*words)
    every = np.stack([images(model, under(drawn, label)) for label in range(CLASSES)])
    chosen = [int((every[:, place] == cell).all(axis=(1, 2)).argmax()) for place, cell in enumerate(cells(out))]
    for place, label in enumerate(chosen):
        np.testing.assert_array_equal(cells(out)[place], every[label, place])
    assert len(set(chosen)) > 1


def test_images_are_encoded_and_decoded_under_a_class(ask: Any, model: Path, tmp_path: Path) -> None:
    out, animation, options = tmp_path / "rows.png", tmp_path / "animation.png", ("--model", model, "--condition", "2")
    ask("reconstruct", *options, "--data", "digits", "--count", "3", "--out", out)
    originals = (cells(out)[:3, ..., None] / np.float32(255)).astype(np.float32)
    codec = open_model(str(model), (2.0,)).codec
    codes = codec.encode(originals)
    np.testing.assert_array_equal(codes, under(codes, 2))
    np.testing.assert_array_equal(cells(out)[3:], images(model, codes))
    assert (codec.encode(originals) != under(open_model(str(model), (1.0,)).codec.encode(originals), 2)).any()
    ask("morph", *options, "--keys", "digits:3", "digits:5", "--steps", "2", "--hold", "0", "--out", animation)
    recipe = read_recipe(animation)
    assert recipe is not None
    np.testing.assert_array_equal(recipe.key_codes(), under(recipe.key_codes(), 2))


@pytest.mark.parametrize(
    "words",
    [
        ("decode", "--codes", "codes.npy"),
        ("traverse",),
        ("grid",),
        ("sample",),
        ("morph", "--keys", "digits:1", "digits:2"),
        ("reconstruct", "--data", "digits"),
    ],
    ids=lambda words: words[0],
)
def test_a_condition_that_does_not_fit_is_refused(
    call: Any, model: Path, vae: Path, codes: Floats, tmp_path: Path, words: tuple[str, ...]
) -> None:
    np.save(tmp_path / "codes.npy", codes)
    given = [tmp_path / word if word == "codes.npy" else word for word in words]
    out = ("--out", tmp_path / "out.png")
    said = call(*given, "--model", vae, "--condition", "3", *out).error
    assert said == "“digits-vae-2d” takes no condition. Leave out --condition."
    said = call(*given, "--model", model, "--condition", "4", *out).error
    assert said.startswith("The condition “label” of “classes” takes a class from 0 to 3, not 4.")
    assert "takes 4 values, not 3" in call(*given, "--model", model, "--condition", "0,1,0", *out).error
    assert "neither a class" in call(*given, "--model", model, "--condition", "nine", *out).error
    assert not (tmp_path / "out.png").exists()
