"""``morph``: every kind of file, every path, and the recipe in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer.cli.inputs import Model, open_model
from explorer.export.recipe_file import read_recipe
from explorer.latent.animation import Animation, animation_codes
from explorer.latent.easing import EASINGS
from explorer.latent.paths import PATHS

WORDS = ["morph", "--model", "digits-vae-2d", "--keys", "digits:3", "digits:18", "digits:5"]
SHORT = ["--steps", 5, "--hold", 1]


@pytest.fixture(scope="module")
def model(vae: Path) -> Model:
    return open_model(str(vae))


def codes_of(model: Model) -> Any:
    return np.concatenate([model.codec.encode(model.images.read(f"digits:{index}")) for index in (3, 18, 5)])


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.apng", "a.mp4", "a.png", "frames"])
def test_every_kind_of_file_and_its_recipe(ask: Any, model: Model, tmp_path: Path, name: str) -> None:
    if name.endswith(".mp4"):
        pytest.importorskip("av", reason="MP4 is an extra: pip install '.[mp4]'")
    result = ask(*WORDS, *SHORT, "--fps", 25, "--loop", "none", "--scale", 2, "--out", tmp_path / name)
    assert (result["frames"], result["fps"], result["seconds"], result["path"]) == (
        11,
        25,
        0.44,
        str(tmp_path / name),
    )
    files = list((tmp_path / name).iterdir()) if name == "frames" else [tmp_path / name]
    assert result["bytes"] == sum(file.stat().st_size for file in files)
    if name == "frames":
        assert len([file for file in files if file.suffix == ".png"]) == 11
    elif name.endswith((".gif", ".webp", ".apng")):
        with Image.open(tmp_path / name) as pil_image:
            assert (pil_image.n_frames, pil_image.size) == (11, (56, 56))
    recipe = read_recipe(tmp_path / name)
    assert recipe is not None
    assert recipe.model == "digits-vae-2d"
    np.testing.assert_array_equal(recipe.key_codes(), codes_of(model))
    assert recipe.model_hash == model.card.files["decoder.keras"]
    animation = Animation.from_dict(recipe.animation.model_dump())
    assert (animation.frames, animation.loop, animation.hold) == (11, "none", 1)
    assert str(tmp_path) not in recipe.to_text()


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.apng"])
def test_a_size_is_met_exactly(ask: Any, tmp_path: Path, name: str) -> None:
    ask(*WORDS, *SHORT, "--size", 100, "--out", tmp_path / name)
    with Image.open(tmp_path / name) as pil_image:
        assert pil_image.size == (100, 100)


@pytest.mark.parametrize("path", list(PATHS))
def test_every_path_shows_its_own_frames(ask: Any, model: Model, tmp_path: Path, path: str) -> None:
    out = tmp_path / "a.apng"
    ask(*WORDS, *SHORT, "--path", path, "--easing", "ease", "--loop", "none", "--out", out)
    recipe = read_recipe(out)
    assert recipe is not None
    animation = Animation.from_dict(recipe.animation.model_dump())
    assert {segment.path for segment in animation.segments} == {path}
    codes = animation_codes(codes_of(model), animation, model.bundle.sample.codes)
    expected = (np.clip(model.codec.decode(codes), 0, 1) * 255).round()[..., 0]
    with Image.open(out) as pil_image:
        for number in range(11):
            pil_image.seek(number)
            assert np.abs(np.asarray(pil_image.convert("L")).astype(int) - expected[number]).max() <= 1


@pytest.mark.parametrize("easing", list(EASINGS))
def test_every_easing_runs(ask: Any, tmp_path: Path, easing: str) -> None:
    assert ask(*WORDS, *SHORT, "--easing", easing, "--loop", "repeat", "--out", tmp_path / "a.gif")["frames"] == 11


def test_a_spline_that_repeats_has_no_seam(ask: Any, tmp_path: Path) -> None:
    words = ["--steps", 12, "--hold", 0, "--path", "spline", "--loop", "repeat"]
    assert ask(*WORDS, *words, "--out", tmp_path / "a.apng")["frames"] == 3 * 11
    with Image.open(tmp_path / "a.apng") as pil_image:
        frames = []
        for number in range(pil_image.n_frames):
            pil_image.seek(number)
            frames.append(np.asarray(pil_image.convert("L"), np.float64))
    steps = [np.sqrt(((a - b) ** 2).mean()) for a, b in zip(frames, [*frames[1:], frames[0]], strict=True)]
    assert 0 < steps[-1] < 1.5 * max(steps[:-1])


def test_caption_dither_and_palette_are_taken(ask: Any, tmp_path: Path) -> None:
    ask(*WORDS, *SHORT, "--scale", 3, "--caption", "--dither", "--palette", "frame", "--out", tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as pil_image:
        assert pil_image.size[0] == 84
        assert pil_image.size[1] > 84
        strip = np.asarray(pil_image.convert("L"))[84:]
    assert strip.max() == 255
    assert strip.min() < 128


def test_a_folder_of_something_else_is_left_alone(call: Any, tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "notes.txt").write_text("mine")
    assert "notes.txt" in call(*WORDS, *SHORT, "--out", tmp_path / "frames").error
    assert [file.name for file in (tmp_path / "frames").iterdir()] == ["notes.txt"]


def test_a_speed_that_a_format_lacks_is_reported(call: Any, tmp_path: Path) -> None:
    outcome = call(*WORDS, *SHORT, "--fps", 200, "--out", tmp_path / "a.webp", "--json")
    assert outcome.document["fps"] == pytest.approx(1000 / 11)
    assert "does not support 200 frames per second; using 90.9091" in outcome.err
