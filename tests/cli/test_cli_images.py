from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity

from explorer.cli.inputs import Model, open_model
from explorer.data.corruption import corrupt, parse_noise
from explorer.data.preprocessing import to_floats, to_pixels
from explorer.data.sources import open_source

SIDE = 28


def pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as pil_image:
        assert pil_image.format == "PNG"
        return np.asarray(pil_image)


def cells(path: Path) -> NDArray[np.uint8]:
    """Return the cells of a grid image, ``(rows, columns, 28, 28)``."""
    image = pixels(path)
    rows, columns = image.shape[0] // SIDE, image.shape[1] // SIDE
    assert image.shape == (rows * SIDE, columns * SIDE)
    return image.reshape(rows, SIDE, columns, SIDE).swapaxes(1, 2)


def decoded(model: Model, codes: Any) -> NDArray[np.uint8]:
    return to_pixels(model.codec.decode(np.atleast_2d(np.asarray(codes, np.float32))))[..., 0]


def same(cell: NDArray[np.uint8], expected: NDArray[np.uint8]) -> bool:
    """Return whether images agree; another batch size may round single pixels differently."""
    return bool(np.abs(cell.astype(int) - expected.astype(int)).max() <= 1)


@pytest.fixture(scope="module")
def model(vae: Path) -> Model:
    return open_model(str(vae))


@pytest.fixture(scope="module")
def deep_model(deep: Path) -> Model:
    return open_model(str(deep))


# -- reconstruct, evaluate ---------------------------------------------------------------------------------------------


def test_reconstruct_draws_what_it_measures(ask: Any, model: Model, tmp_path: Path) -> None:
    out = tmp_path / "rows.png"
    result = ask("reconstruct", "--model", "digits-vae-2d", "--data", "digits", "--count", 7, "--out", out)
    assert set(result) == {"mse", "psnr", "ssim", "bce", "data_range", "range", "count", "skipped"}
    drawn = cells(out)
    assert drawn.shape[:2] == (2, result["count"]) == (2, 7)
    source = open_source("digits")
    originals = source.read(source.splits.select("test", 7), model.preprocessing)
    np.testing.assert_array_equal(drawn[0], originals[..., 0])
    clean, shown = drawn[0] / 255, drawn[1] / 255
    assert result["mse"] == pytest.approx(((clean - shown) ** 2).mean(), abs=1e-4)
    similar = np.mean([structural_similarity(a, b, data_range=1) for a, b in zip(clean, shown, strict=True)])
    assert result["ssim"] == pytest.approx(similar, abs=0.02)


def test_reconstruct_noisy_stands_between_and_is_repeatable(ask: Any, model: Model, tmp_path: Path) -> None:
    words = ["reconstruct", "--model", "digits-vae-2d", "--data", "digits", "--split", "train", "--noise"]
    first = ask(*words, "gaussian:0.3", "--out", tmp_path / "a.png")
    again = ask(*words, "gaussian:0.3", "--out", tmp_path / "b.png")
    assert first == again
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    ask(*words, "gaussian:0.3:7", "--out", tmp_path / "c.png")
    drawn = cells(tmp_path / "c.png")
    assert drawn.shape[:2] == (3, 10)
    noisy = corrupt(to_floats(drawn[0][..., np.newaxis]), parse_noise("gaussian:0.3:7"))
    np.testing.assert_array_equal(drawn[1], to_pixels(noisy)[..., 0])
    assert same(drawn[2], to_pixels(model.codec.decode(model.codec.encode(noisy)))[..., 0])


def test_reconstruct_takes_no_more_than_there_is(ask: Any, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (50, 40), (80 * number,) * 3).save(folder / f"{number}.png")
    result = ask("reconstruct", "--model", "digits-vae-2d", "--data", folder, "--out", tmp_path / "x.png")
    assert result["count"] == 1


def test_perfect_figures_are_null_and_not_infinite(call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("explorer.cli.commands.reconstruct.psnr", lambda clean, output: math.inf)
    outcome = call(
        *("reconstruct", "--model", "digits-vae-2d", "--data", "digits", "--out", tmp_path / "x.png", "--json"),
    )
    assert outcome.document["psnr"] is None


def test_evaluate_of_a_variational_model(ask: Any, model: Model) -> None:
    result = ask("evaluate", "--model", "digits-vae-2d", "--data", "digits")
    assert set(result) == {
        *("mse", "bce", "psnr", "ssim", "count", "split", "seen_in_training", "skipped", "data_range", "range"),
        *("kl", "loss", "active_dims", "kl_per_dim"),
    }
    assert (result["count"], result["split"], result["seen_in_training"]) == (2_000, "test", False)
    assert (result["active_dims"], len(result["kl_per_dim"])) == (2, 2)
    assert result["kl"] == pytest.approx(sum(result["kl_per_dim"]), rel=1e-5)
    assert result["mse"] == pytest.approx(model.card.metrics["mse"], rel=0.1)


def test_evaluate_of_a_plain_model_agrees_with_its_card(ask: Any, call: Any, deep_model: Model) -> None:
    result = ask("evaluate", "--model", "digits-deep-49", "--data", "digits", "--split", "all")
    figures, facts = {"mse", "bce", "psnr", "ssim"}, {"count", "split", "seen_in_training", "skipped"}
    assert set(result) == figures | facts | {"data_range", "range"}
    assert (result["data_range"], result["range"]) == (1, None)
    # The embedded digits are MNIST's test digits, on which the card's figures were measured.
    for name in ("mse", "bce", "psnr", "ssim"):
        assert result[name] == pytest.approx(deep_model.card.metrics[name], rel=1e-3)
    assert (
        "10,000 images (all split of digits)"
        in call("evaluate", "--model", "digits-deep-49", "--data", "digits", "--split", "all").out
    )
    noisy = ask("evaluate", "--model", "digits-deep-49", "--data", "digits", "--noise", "gaussian:0.5@0.5")
    assert noisy["mse"] > 2 * result["mse"]


def test_evaluate_warns_of_images_that_were_trained_on(call: Any) -> None:
    words = ["evaluate", "--model", "glyphs-vae-2d", "--data", "glyphs", "--json", "--split"]
    for split, seen in (("train", True), ("all", True), ("test", False)):
        outcome = call(*words, split)
        assert outcome.document["seen_in_training"] is seen
        assert outcome.err.startswith("warning: ") is seen
        assert outcome.err.count("\n") == seen


def test_empty_split(call: Any, tmp_path: Path) -> None:
    Image.new("L", (28, 28)).save(tmp_path / "one.png")
    error = call("evaluate", "--model", "digits-vae-2d", "--data", tmp_path / "one.png", "--split", "train").error
    assert "train split" in error


# -- encode, decode ----------------------------------------------------------------------------------------------------


def test_encode_keeps_source_order(ask: Any, model: Model, tmp_path: Path) -> None:
    source = open_source("digits")
    for split, count in (("all", 10_000), ("test", 2_000)):
        out = tmp_path / f"{split}.npz"
        result = ask("encode", "--model", "digits-vae-2d", "--data", "digits", "--split", split, "--out", out)
        assert result == {"count": count, "latent_shape": [2], "skipped": []}
        with np.load(out, allow_pickle=False) as file:
            assert set(file.files) == {"codes", "labels", "indices"}
            np.testing.assert_array_equal(file["indices"], source.splits.select(split))
            np.testing.assert_array_equal(file["labels"], source.labels[file["indices"]])  # type: ignore[index]
            assert file["codes"].shape == (count, 2)
            image = to_floats(source.read(file["indices"][5:6], model.preprocessing))
            np.testing.assert_allclose(file["codes"][5:6], model.codec.encode(image), atol=1e-4)


def test_encode_the_validation_images(ask: Any, call: Any, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 28, 28), dtype=np.uint8)
    data, out = tmp_path / "three.npz", tmp_path / "codes.npz"
    np.savez(data, x_train=images[:4], x_test=images[4:6], x_val=images[6:])
    ask("encode", "--model", "digits-vae-2d", "--data", data, "--split", "val", "--out", out)
    with np.load(out, allow_pickle=False) as file:
        np.testing.assert_array_equal(file["indices"], [6, 7, 8])
    assert (
        "val split of digits is empty"
        in call(
            *("encode", "--model", "digits-vae-2d", "--data", "digits", "--split", "val", "--out", tmp_path / "no.npz")
        ).error
    )


def test_encode_without_labels(ask: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.zeros((4, 28, 28), np.uint8))
    ask("encode", "--model", "digits-vae-2d", "--data", tmp_path / "images.npy", "--out", tmp_path / "c.npz")
    with np.load(tmp_path / "c.npz", allow_pickle=False) as file:
        assert file["labels"].tolist() == [-1] * 4


def test_decode(ask: Any, model: Model, tmp_path: Path) -> None:
    codes = np.random.default_rng(0).standard_normal((5, 2)).astype(np.float32)
    np.save(tmp_path / "codes.npy", codes)
    out = tmp_path / "sheet.png"
    assert ask("decode", "--model", "digits-vae-2d", "--codes", tmp_path / "codes.npy", "--out", out) == {"count": 5}
    drawn = cells(out)
    assert drawn.shape[:2] == (2, 3)
    assert same(drawn.reshape(6, SIDE, SIDE)[:5], decoded(model, codes))
    assert not drawn[1, 2].any()


def test_failure_leaves_what_was_there(call: Any, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    out.write_bytes(b"older")
    np.save(tmp_path / "codes.npy", np.zeros((5, 3)))
    words = ("decode", "--model", "digits-vae-2d", "--codes", tmp_path / "codes.npy", "--out", out, "--force", "--json")
    error = call(*words).error
    assert "(n, 2)" in error
    assert "(5, 3)" in error
    assert out.read_bytes() == b"older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["codes.npy", "sheet.png"]


# -- traverse, grid, sample --------------------------------------------------------------------------------------------


def test_traverse_one_dimension_in_code_units(ask: Any, model: Model, tmp_path: Path) -> None:
    out = tmp_path / "row.png"
    words = ["traverse", "--model", "digits-vae-2d", "--dim", 1, "--range", -2, -0.5, "--steps", 4, "--out", out]
    assert ask(*words) == {"rows": [1], "values": [-2, -1.5, -1, -0.5]}
    mean = model.statistics.mean
    assert same(cells(out)[0], decoded(model, [(mean[0], value) for value in (-2, -1.5, -1, -0.5)]))


def test_traverse_in_sigma_from_an_image(ask: Any, model: Model, tmp_path: Path) -> None:
    out = tmp_path / "row.png"
    words = ["traverse", "--model", "digits-vae-2d", "--image", "digits:7", "--dim", 0, "--steps", 3, "--out", out]
    assert ask(*words, "--sigma", "--range", -3, 3) == {"rows": [0], "values": [-3, 0, 3]} == ask(*words, "--force")
    code = model.codec.encode(model.images.read("digits:7"))[0]
    stats = model.statistics
    expected = [(stats.mean[0] + sigma * stats.sigma[0], code[1]) for sigma in (-3, 0, 3)]
    assert same(cells(out)[0], decoded(model, expected))


def test_traverse_along_an_axis(ask: Any, deep_model: Model, tmp_path: Path) -> None:
    out = tmp_path / "row.png"
    words = ["traverse", "--model", "digits-deep-49", "--axis", 2, "--range", -1, 1, "--steps", 3, "--out", out]
    assert ask(*words) == {"rows": [2], "values": [-1, 0, 1]}
    stats = deep_model.statistics
    expected = [stats.mean + sigma * stats.component_sigma[2] * stats.components[2] for sigma in (-1, 0, 1)]
    assert same(cells(out)[0], decoded(deep_model, expected))


def test_traverse_all_and_mean_to_max(ask: Any, call: Any, deep_model: Model, tmp_path: Path) -> None:
    out = tmp_path / "x.png"
    result = ask("traverse", "--model", "digits-deep-49", "--steps", 5, "--out", out)
    assert (result["rows"], result["values"]) == (list(range(49)), [-3, -1.5, 0, 1.5, 3])
    assert cells(out).shape[:2] == (49, 5)
    result = ask("traverse", "--model", "digits-deep-49", "--mean-to-max", "--out", out, "--force")
    stats = deep_model.statistics
    assert result["rows"] == list(range(49))
    np.testing.assert_allclose(result["values"], stats.quantiles[-1], rtol=1e-6)
    code = stats.mean.copy()
    code[10] = stats.quantiles[-1, 10]
    assert same(cells(out).reshape(-1, SIDE, SIDE)[10], decoded(deep_model, code)[0])
    words = ("traverse", "--model", "digits-deep-49", "--mean-to-max", "--range", 0, 1, "--out", out, "--force")
    assert "Remove --image, --range and --sigma." in call(*words).error


@pytest.mark.parametrize("words", [["--dim", 2], ["--axis", 2]])
def test_traverse_of_no_such_dimension(call: Any, tmp_path: Path, words: list[object]) -> None:
    assert (
        "Choose a number from 0 to 1."
        in call("traverse", "--model", "digits-vae-2d", *words, "--out", tmp_path / "x.png").error
    )


def test_grid_has_the_highest_second_coordinate_on_top(ask: Any, model: Model, tmp_path: Path) -> None:
    out = tmp_path / "grid.png"
    result = ask("grid", "--model", "digits-vae-2d", "--range", -2, 2, "--steps", 5, "--out", out)
    assert result == {"xs": [-2, -1, 0, 1, 2], "ys": [2, 1, 0, -1, -2]}
    drawn = cells(out)
    assert drawn.shape[:2] == (5, 5)
    for row, column in ((0, 0), (0, 4), (3, 1)):
        assert same(drawn[row, column], decoded(model, (result["xs"][column], result["ys"][row]))[0])


def test_grid_of_other_dimensions_goes_through_the_mean(ask: Any, deep_model: Model, tmp_path: Path) -> None:
    out = tmp_path / "grid.png"
    result = ask("grid", "--model", "digits-deep-49", "--plane", 7, 3, "--steps", 3, "--out", out)
    stats = deep_model.statistics
    np.testing.assert_allclose(
        result["xs"], stats.mean[7] + stats.sigma[7] * np.array([-3, 0, 3]), rtol=1e-4, atol=1e-5
    )
    code = stats.mean.copy()
    code[7], code[3] = result["xs"][2], result["ys"][0]
    assert same(cells(out)[0, 2], decoded(deep_model, code)[0])


def test_grid_with_axes_holds_the_mosaic(ask: Any, tmp_path: Path) -> None:
    ask("grid", "--model", "digits-vae-2d", "--steps", 4, "--out", tmp_path / "bare.png")
    ask("grid", "--model", "digits-vae-2d", "--steps", 4, "--axes", "--out", tmp_path / "axes.png")
    bare, figure = pixels(tmp_path / "bare.png"), pixels(tmp_path / "axes.png")
    height, width = bare.shape
    assert figure.shape[0] > height
    places = np.argwhere(figure[: -height + 1, : -width + 1] == bare[0, 0])
    assert any(np.array_equal(figure[y : y + height, x : x + width], bare) for y, x in places)


def test_grid_refuses_a_plane_that_is_none(call: Any, tmp_path: Path) -> None:
    words = ["grid", "--model", "digits-vae-2d", "--out", tmp_path / "x.png", "--plane"]
    assert "two different" in call(*words, 1, 1).error
    assert "Choose a number from 0 to 1." in call(*words, 0, 2).error


def test_sample(ask: Any, model: Model, tmp_path: Path) -> None:
    words = ["sample", "--count", 7, "--seed", 3, "--out"]
    assert ask(*words, tmp_path / "a.png", "--model", "digits-vae-2d") == {"count": 7, "prior": "normal"}
    ask(*words, tmp_path / "b.png", "--model", "digits-vae-2d")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert cells(tmp_path / "a.png").shape[:2] == (3, 3)
    ask(*words, tmp_path / "cold.png", "--model", "digits-vae-2d", "--temperature", 0)
    assert same(cells(tmp_path / "cold.png")[1, 1], decoded(model, (0, 0))[0])
    assert ask(*words, tmp_path / "d.png", "--model", "digits-deep-49")["prior"] == "fitted"
    assert ask(*words, tmp_path / "e.png", "--model", "digits-vae-2d", "--prior", "fitted")["prior"] == "fitted"


def test_sample_of_a_negative_temperature(call: Any, tmp_path: Path) -> None:
    words = ["sample", "--model", "digits-vae-2d", "--temperature", -1, "--out", tmp_path / "x.png"]
    assert "temperature" in call(*words).error


# -- morph -------------------------------------------------------------------------------------------------------------


def animation(path: Path) -> tuple[list[NDArray[np.uint8]], list[int]]:
    """Frames of a GIF and their durations in milliseconds."""
    frames, durations = [], []
    with Image.open(path) as pil_image:
        for number in range(getattr(pil_image, "n_frames", 1)):
            pil_image.seek(number)
            frames.append(np.asarray(pil_image.convert("L")))
            durations.append(int(pil_image.info["duration"]))
    return frames, durations


def test_morph_to_gif(ask: Any, model: Model, tmp_path: Path) -> None:
    out = tmp_path / "morph.gif"
    result = ask(
        *("morph", "--model", "digits-vae-2d", "--keys", "digits:3", "digits:18", "digits:5", "--steps", 6),
        *("--hold", 2, "--fps", 25, "--loop", "none", "--scale", 2, "--out", out),
    )
    count = 2 * 5 + 1 + 2 * 2
    assert result == {
        "frames": count,
        "fps": 25.0,
        "seconds": count / 25,
        "bytes": out.stat().st_size,
        "path": str(out),
    }
    frames, durations = animation(out)
    assert len(frames) == count
    assert sum(durations) == 1000 * count // 25
    assert frames[0].shape == (2 * SIDE, 2 * SIDE)
    keys = np.concatenate([model.codec.encode(model.images.read(f"digits:{index}")) for index in (3, 18, 5)])
    for place, code in ((0, keys[0]), (2, keys[0]), (7, keys[1]), (-1, keys[2]), (3, 0.8 * keys[0] + 0.2 * keys[1])):
        assert same(frames[place][::2, ::2], decoded(model, code)[0])


def test_morph_of_the_reference(ask: Any, tmp_path: Path) -> None:
    result = ask("morph", "--model", "digits-vae-2d", "--keys", "digits:1", "digits:2", "--out", tmp_path / "m.gif")
    assert (result["frames"], result["fps"], result["seconds"]) == (216, 50.0, 4.32)


def test_morph_says_what_speed_a_gif_can_play(call: Any, tmp_path: Path) -> None:
    words = ["morph", "--model", "digits-vae-2d", "--keys", "digits:1", "digits:2", "--steps", 4, "--fps", 60, "--json"]
    outcome = call(*words, "--out", tmp_path / "m.gif")
    assert outcome.code == 0
    assert outcome.document["fps"] == 50
    assert outcome.err.startswith("warning: ")
    assert outcome.err.count("\n") == 1


def test_morph_to_a_contact_sheet(ask: Any, tmp_path: Path) -> None:
    out = tmp_path / "m.png"
    result = ask(
        *("morph", "--model", "digits-vae-2d", "--keys", "digits:1", "digits:2", "--steps", 9, "--hold", 0),
        *("--loop", "none", "--out", out),
    )
    assert result["frames"] == 9
    assert pixels(out).shape == (3 * SIDE + 2, 3 * SIDE + 2)


def test_morph_refuses(call: Any, tmp_path: Path) -> None:
    words = ["morph", "--model", "digits-vae-2d", "--keys", "digits:1"]
    assert "at least two keyframes" in call(*words, "--out", tmp_path / "m.gif").error
    assert ".gif, .webp" in call(*words, "digits:2", "--out", tmp_path / "m.mp3").error
    assert "10000" in call(*words, "digits:10000", "--out", tmp_path / "m.gif").error
    assert list(tmp_path.iterdir()) == []


def test_human_lines_say_where_the_file_is(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = call("sample", "--model", "digits-vae-2d", "--count", 2, "--out", "s.png")
    assert outcome.out.splitlines()[-1] == f"written to {tmp_path / 's.png'}"


@pytest.mark.parametrize("command", ["traverse", "neighbors", "arithmetic", "morph"])
def test_the_first_of_several_frames_is_reported(command: str, call: Any, tmp_path: Path, vae: Path) -> None:
    animation = tmp_path / "film.gif"
    frames = [Image.new("L", (28, 28), gray) for gray in (10, 120, 250)]
    frames[0].save(animation, save_all=True, append_images=frames[1:])
    warning = (
        "warning: film.gif has 3 frames or pages, and the first is used. "
        "Choose another one with film.gif?frames=N, counted from 0.\n"
    )

    def words(image: object, out: str) -> list[object]:
        return {
            "traverse": ["--image", image, "--out", tmp_path / f"{out}.png"],
            "neighbors": ["--data", "digits", "--query", image],
            "arithmetic": ["--plus", image, "--out", tmp_path / f"{out}.png"],
            "morph": ["--keys", image, "digits:3", "--steps", 2, "--out", tmp_path / f"{out}.png"],
        }[command]

    assert call(command, "--model", vae, *words(animation, "a")).err == warning
    assert call(command, "--model", vae, *words(f"{animation}?frames=2", "b")).err == ""
    assert call(command, "--model", vae, *words("digits:2", "c")).err == ""
