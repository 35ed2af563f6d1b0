"""The bundled models match their recipes, reach their targets, and are documented correctly."""

from __future__ import annotations

import fnmatch
import tomllib
from pathlib import Path

import numpy as np
import pretrained_previews
import pretrained_table
import pytest
import train_pretrained
from explorer_testing.builders import make_card, write_bundle
from explorer_testing.codec import MatrixCodec
from pretrained_recipes import RECIPES, Goal, Recipe

from explorer import paths
from explorer.data.preprocessing import to_pixels
from explorer.document.session_record import ModelRecord
from explorer.engine.codecs import open_codec
from explorer.models.bundle import CARD, PREVIEW, RENAMED, find_bundles, open_bundle
from explorer.models.card import Card
from explorer.models.preview import COUNT, read_preview
from explorer.models.settings import CHECKPOINT, checkpoint_folder
from explorer.workers.session_io import find_model

PRETRAINED = paths.pretrained_dir()
CARDS = pretrained_table.read_cards(PRETRAINED)
BY_NAME = {recipe.name: recipe for recipe in RECIPES}
MEGABYTE = 1_000_000


def size_of(name: str) -> int:
    return sum(file.stat().st_size for file in (PRETRAINED / name).iterdir())


# -- bundled models ----------------------------------------------------------------------------------------------------


def test_every_model_that_ships_was_trained_by_its_recipe() -> None:
    assert len(BY_NAME) == len(RECIPES)
    assert CARDS.keys() <= BY_NAME.keys()
    for name, card in CARDS.items():
        assert (card.name, card.command) == (name, BY_NAME[name].command)


def test_the_cards_say_the_task() -> None:
    tasks = {"digits-denoise": "denoise", "faces-denoise": "denoise", "faces-colorize": "colorize"}
    for name, card in CARDS.items():
        assert card.task == tasks.get(name, "reconstruct"), name
        text = (PRETRAINED / name / CARD).read_text(encoding="utf-8")
        assert f'"task": "{card.task}"' in text
        assert '"license": ' in text


def test_a_session_finds_a_renamed_model() -> None:
    for old, new in RENAMED.items():
        card = CARDS[new]
        record = ModelRecord(
            name=old,
            path=str(PRETRAINED / old),
            model_hash=card.decoder_hash or "",
            latent_dim=card.latent_dim,
            image_shape=card.image_shape,
            preprocessing=card.preprocessing,
        )
        assert find_model(record, None).path == PRETRAINED / new


def test_a_model_comes_after_the_one_it_goes_on_from() -> None:
    names = list(BY_NAME)
    for recipe in RECIPES:
        assert recipe.parent is None or names.index(recipe.parent) < names.index(recipe.name)
        if recipe.name in CARDS:
            assert CARDS[recipe.name].trained_from == recipe.parent


def test_a_figure_that_is_missed_has_its_reason_and_no_other_has() -> None:
    for name, card in CARDS.items():
        goal = BY_NAME[name].goal
        missed = goal is not None and not goal.reached(card, CARDS)
        assert bool(BY_NAME[name].reason) == missed, name


def test_the_table_is_up_to_date() -> None:
    written = (PRETRAINED / pretrained_table.README).read_text(encoding="utf-8")
    assert written == pretrained_table.readme(CARDS), "run python scripts/pretrained_table.py"


def test_each_has_a_small_preview_of_its_reconstructions() -> None:
    for name, card in CARDS.items():
        bundle = open_bundle(PRETRAINED / name)
        images = read_preview(bundle.path / PREVIEW)
        decoded = to_pixels(open_codec(bundle).decode(np.ascontiguousarray(bundle.sample.codes[:COUNT], np.float32)))
        assert len(images) == COUNT
        if images.shape[1:] == card.image_shape:
            np.testing.assert_allclose(images.astype(int), decoded, atol=1, err_msg=name)
        else:
            assert images.mean((1, 2, 3)) == pytest.approx(decoded.mean((1, 2, 3)), abs=2)


def test_a_lost_preview_is_written_again(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained_previews, "pretrained_dir", lambda: shipped)
    monkeypatch.setattr("sys.argv", ["pretrained_previews.py"])
    write_bundle(shipped / "tiny")
    assert pretrained_previews.main() == 0
    assert len(read_preview(shipped / "tiny" / PREVIEW)) == COUNT
    (shipped / "tiny" / PREVIEW).write_bytes(b"kept")
    assert pretrained_previews.main() == 0
    assert (shipped / "tiny" / PREVIEW).read_bytes() == b"kept"


def test_they_take_little_room_and_the_wheel_carries_a_few() -> None:
    text = (Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    left_out = tomllib.loads(text)["tool"]["hatch"]["build"]["targets"]["wheel"]["exclude"]
    carried = {name for name in CARDS if not any(fnmatch.fnmatch(f"/pretrained/{name}", rule) for rule in left_out)}
    assert carried == {name for name in CARDS if BY_NAME[name].in_wheel}
    assert carried, "the window opens one of them at its start"
    assert sum(map(size_of, carried)) < 15 * MEGABYTE
    assert sum(map(size_of, CARDS)) < 100 * MEGABYTE


def test_what_the_program_opens_by_itself_is_in_the_wheel() -> None:
    from explorer.app import FIRST_MODEL
    from explorer.bench import decode_one, grid, morph, neighbors

    named = {FIRST_MODEL, neighbors.MODEL, grid.CASE, morph.STAND_IN, *decode_one.CASES}
    assert named <= {recipe.name for recipe in RECIPES if recipe.in_wheel}


# -- the table ---------------------------------------------------------------------------------------------------------


def card_with(**metrics: float) -> Card:
    return make_card(MatrixCodec(), name="one").model_copy(update={"metrics": metrics})


@pytest.mark.parametrize(("value", "reached"), [(0.07201, True), (0.07204, True), (0.07206, False), (0.05, True)])
def test_a_figure_is_reached_as_precisely_as_it_was_published(value: float, reached: bool) -> None:
    assert Goal("bce", 0.0720).reached(card_with(bce=value), {}) == reached


def test_a_figure_can_be_that_of_another_model() -> None:
    goal = Goal("mse", 0.75, beside="other")
    assert goal.reached(card_with(mse=0.0299), {"other": card_with(mse=0.04)})
    assert not goal.reached(card_with(mse=0.0301), {"other": card_with(mse=0.04)})
    assert goal.text() == "MSE ≤ 0.75 × `other`"
    assert Goal("loss", 146.95, 2).text() == "loss 146.95"


def test_rows_have_a_cell_for_each_column_and_a_missed_figure_its_reason() -> None:
    recipe = Recipe("R2", "latent-explorer train --out one", goal=Goal("bce", 0.0720), reason="It was too short.")
    card = card_with(mse=0.01, bce=0.08, psnr=20.0, ssim=0.9)
    cells = pretrained_table.row(recipe, card, {"one": card})
    assert len(cells) == len(pretrained_table.COLUMNS)
    assert cells[-2:] == ["BCE 0.0720", "**no**"]
    assert pretrained_table.note(recipe, {"one": card}) == "* `one`: It misses its target: It was too short."
    assert "`one` |" in pretrained_table.readme({"one": card})
    assert "* `digits-vae-2d` is not trained yet." in pretrained_table.readme({"one": card})


# -- training ----------------------------------------------------------------------------------------------------------


TINY = Recipe("R2", "latent-explorer train --arch dense --data digits --out tiny --epochs 1 --limit 64 --seed 0")
CHILD = Recipe(
    "R2",
    "latent-explorer train --arch dense --data digits --out child --from tiny --epochs 1 --noise gaussian:0.3 "
    "--limit 64 --seed 0",
)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "pretrained"
    monkeypatch.setattr(train_pretrained, "pretrained_dir", lambda: folder)
    return folder


def test_a_model_of_another_command_is_not_final(shipped: Path, tmp_path: Path) -> None:
    write_bundle(shipped / "tiny", name="tiny")
    assert train_pretrained.state(TINY, tmp_path) == "missing"
    (checkpoint_folder(tmp_path / "tiny")).mkdir()
    (checkpoint_folder(tmp_path / "tiny") / CHECKPOINT).touch()
    assert train_pretrained.state(TINY, tmp_path) == "begun"


@pytest.mark.engine
def test_what_fails_ships_not_and_what_is_whole_is_left_alone(
    shipped: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    checkpoint = checkpoint_folder(work / "tiny")
    checkpoint.mkdir(parents=True)
    (checkpoint / CHECKPOINT).write_bytes(b"no checkpoint")
    assert train_pretrained.run([TINY, CHILD], work) == ["tiny", "child"]
    assert not shipped.exists()
    assert "checkpoint" in capfd.readouterr().err
    (checkpoint / CHECKPOINT).unlink()

    assert train_pretrained.run([TINY], work) == []
    bundle = open_bundle(shipped / "tiny")
    assert bundle.card.command == TINY.command
    assert [path.name for path in shipped.iterdir()] == ["tiny"]
    before = (shipped / "tiny").stat().st_mtime_ns
    assert train_pretrained.run([TINY], work) == []
    assert (shipped / "tiny").stat().st_mtime_ns == before
    (shipped / "tiny" / "codes.npz").write_bytes(b"damaged")
    assert train_pretrained.state(TINY, work) == "trained"
    assert train_pretrained.run([TINY], work) == []
    assert train_pretrained.state(TINY, work) == "final"
    assert str(tmp_path) not in (shipped / "tiny" / "card.json").read_text(encoding="utf-8")


def test_the_data_is_laid_out_as_the_commands_name_it(shared_data: Path, tmp_path: Path) -> None:
    for name in train_pretrained.FACES:
        (tmp_path / name).touch()  # building them takes a quarter of a minute, and is tested with the samples
    train_pretrained.prepare_data(shared_data, tmp_path)
    assert (tmp_path / "keras" / "datasets" / "mnist.npz").is_file()
    kept = sorted(path.name for path in (tmp_path / "keras" / "datasets" / "fashion-mnist").iterdir())
    assert kept == sorted(train_pretrained.MNIST_ARRAYS.values())
    environment = train_pretrained.environment(tmp_path)
    assert environment["KERAS_HOME"] == str(tmp_path / "keras")


def test_all_of_them_are_found_and_whole() -> None:
    found = {entry.path.name: entry.error for entry in find_bundles(whole=True) if entry.path.parent == PRETRAINED}
    assert found == dict.fromkeys(sorted(CARDS))
