from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.builders import make_card, write_bundle
from explorer_testing.codec import MatrixCodec
from hypothesis import given
from hypothesis import strategies as st

from explorer import paths
from explorer.errors import ExportError, ModelError
from explorer.models.bundle import (
    CARD,
    CODES,
    COMPILED,
    NETWORKS,
    check_replaceable,
    current_folder,
    file_hash,
    find_bundles,
    open_bundle,
    resolve_bundle,
    seal,
)
from explorer.models.card import Card, read_card
from explorer.paths import pretrained_dir, replacing_folder, user_models_dir

FILES = sorted([CODES, *NETWORKS, *COMPILED])


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    write_bundle(folder)
    return folder


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the card of a bundle as a hand with an editor would."""
    card = json.loads((folder / CARD).read_text("utf-8"))
    change(card)
    (folder / CARD).write_text(json.dumps(card), "utf-8")


def test_what_is_written_opens(bundle: Path) -> None:
    opened = open_bundle(bundle)
    assert opened.path == bundle.resolve()
    assert opened.name == "tiny"
    assert sorted(opened.card.files) == FILES
    assert opened.card.model_copy(update={"files": {}}) == make_card(MatrixCodec())
    assert opened.sample.codes.shape == (40, 2)
    assert opened.sample.labels is not None


@pytest.mark.parametrize(
    ("noise", "task"),
    [
        *(("", "reconstruct"), ("gaussian:0.1", "denoise"), ("grey:1", "colorize"), ("gray:0.5", "colorize")),
        *(("gray:1+blur:1", "denoise"), ("nothing of the kind", "reconstruct")),
    ],
)
def test_a_card_of_version_1_gets_its_task_and_its_license(noise: str, task: str) -> None:
    card = json.loads(make_card(MatrixCodec()).model_dump_json())
    del card["task"]
    card["training"]["noise"] = noise
    card["data"]["licence"] = card["data"].pop("license")
    read = read_card(json.dumps(card).encode(), "here")
    assert (read.task, read.data.license) == (task, "CC0")
    written = json.loads(read.model_dump_json())
    assert (written["task"], written["data"]["license"]) == (task, "CC0")
    assert "licence" not in written["data"]


def test_a_card_comes_back_as_it_was() -> None:
    card = make_card(MatrixCodec((16, 20, 3), 5), variational=True, value_range=(-1.0, 1.0), trained_from="parent")
    assert read_card(card.model_dump_json().encode(), "here") == card


def test_figures_that_json_has_no_number_for_come_back() -> None:
    """A model that gives every image back exactly has an infinite PSNR."""
    card = make_card(MatrixCodec(), metrics={"mse": 0.0, "psnr": float("inf")})
    text = card.model_dump_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert read_card(text.encode(), "here").metrics == {"mse": 0.0, "psnr": float("inf")}


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(ModelError, match=name):
        open_bundle(bundle)


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_named(bundle: Path, name: str) -> None:
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{name} was changed or is damaged: its SHA-256"):
        open_bundle(bundle)


@pytest.mark.parametrize("name", FILES)
def test_a_file_without_checksum_is_refused(bundle: Path, name: str) -> None:
    edit(bundle, lambda card: card["files"].pop(name))
    with pytest.raises(ModelError, match=rf"no checksum of {name}"):
        open_bundle(bundle)


@pytest.mark.parametrize("way", ["up", "absolute", "inside"])
def test_names_that_lead_out_of_the_folder_are_refused(bundle: Path, way: str) -> None:
    """Even where the file is there and its checksum is right: a card must not make us read what it names."""
    (bundle / "sub").mkdir()
    for place in (bundle.parent, bundle / "sub"):
        (place / "secret").write_bytes(b"secret")
    name = {"up": "../secret", "absolute": str(bundle.parent / "secret"), "inside": "sub/secret"}[way]
    edit(bundle, lambda card: card["files"].update({name: file_hash(bundle.parent / "secret")}))
    with pytest.raises(ModelError, match="names a file outside the model's folder"):
        open_bundle(bundle)


def test_the_folder_above_is_no_file_of_a_bundle(bundle: Path) -> None:
    edit(bundle, lambda card: card["files"].update({"..": "0" * 64}))
    with pytest.raises(ModelError):
        open_bundle(bundle)


def test_another_format_is_refused_by_its_number(bundle: Path) -> None:
    edit(bundle, lambda card: card.update(format_version=2))
    with pytest.raises(ModelError, match=r"has format 2, but this version reads format 1\. .*newer"):
        open_bundle(bundle)


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"name": ""},
        {"name": "x" * 201},
        {"image_shape": [28, 28]},
        {"image_shape": "28x28"},
        {"preprocessing": {"steps": []}},
        {"metrics": {"mse": "low"}},
        {"engine": "pickle"},
        {"training": None},
    ],
)
def test_absurd_cards_are_refused_by_field(bundle: Path, change: dict[str, Any]) -> None:
    edit(bundle, lambda card: card.update(change))
    (field,) = change
    with pytest.raises(ModelError, match=field):
        open_bundle(bundle)


@given(text=st.one_of(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)))
def test_whatever_stands_in_a_card_is_an_error_and_no_crash(text: str) -> None:
    with pytest.raises(ModelError, match="is not a valid card"):
        read_card(text.encode(), "here")


@given(data=st.data())
def test_a_card_with_any_one_value_exchanged_opens_or_is_refused(data: st.DataObject) -> None:
    record = json.loads(make_card(MatrixCodec()).model_dump_json())
    key = data.draw(st.sampled_from(sorted(record)))
    junk: st.SearchStrategy[object] = (
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([]) | st.just({})
    )
    record[key] = data.draw(junk)
    with suppress(ModelError):
        assert isinstance(read_card(json.dumps(record).encode(), "here"), Card)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b"[]"])
def test_a_folder_that_is_no_bundle(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / CARD).write_bytes(content)
    with pytest.raises(ModelError):
        open_bundle(tmp_path)


def test_an_aborted_writing_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "new"

    def write() -> None:
        with replacing_folder(target) as folder:
            (folder / "encoder.keras").write_bytes(b"half")
            raise MemoryError

    with pytest.raises(MemoryError):
        write()
    assert list(tmp_path.iterdir()) == []


replaceable = partial(check_replaceable, force=True)


def test_an_aborted_replacement_leaves_the_old_one_whole(bundle: Path) -> None:
    before = {file.name: file.read_bytes() for file in bundle.iterdir()}

    def write() -> None:
        with replacing_folder(bundle, replaceable=replaceable) as folder:
            (folder / CARD).write_text("half")
            raise MemoryError

    with pytest.raises(MemoryError):
        write()
    assert {file.name: file.read_bytes() for file in bundle.iterdir()} == before
    assert [path.name for path in bundle.parent.iterdir()] == ["tiny"]
    open_bundle(bundle)


def test_a_replacement_is_whole_and_without_the_old_files(bundle: Path) -> None:
    with pytest.raises(ExportError, match="it already exists"), replacing_folder(bundle):
        pytest.fail("an existing folder was given away")
    with replacing_folder(bundle, replaceable=replaceable) as folder:
        for name in FILES:
            (folder / name).write_bytes((bundle / name).read_bytes())
        assert open_bundle(bundle).name == "tiny"
        seal(folder, make_card(MatrixCodec(), name="second"))
    assert open_bundle(bundle).name == "second"
    assert sorted(file.name for file in bundle.iterdir()) == sorted([CARD, *FILES])
    assert [path.name for path in bundle.parent.iterdir()] == ["tiny"]


def test_found_by_name_and_by_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_shipped", lambda name: tmp_path / "shipped" / name)
    write_bundle(pretrained_dir() / "shipped-one")
    write_bundle(user_models_dir() / "mine", name="my model")
    write_bundle(user_models_dir() / "broken")
    write_bundle(user_models_dir() / ".mine.x.part")
    (user_models_dir() / "broken" / CODES).unlink()
    assert resolve_bundle("shipped-one").path == (pretrained_dir() / "shipped-one").resolve()
    assert resolve_bundle("mine").name == resolve_bundle("my model").name == "my model"
    assert resolve_bundle(str(user_models_dir() / "mine")).name == "my model"
    with pytest.raises(ModelError, match=CODES):
        resolve_bundle("broken")
    with pytest.raises(ModelError, match=r"no model “other”.*shipped-one.*broken.*mine"):
        resolve_bundle("other")
    found = find_bundles()
    assert [entry.path.name for entry in found] == ["shipped-one", "broken", "mine"]
    assert [entry.bundle is None for entry in found] == [entry.error is not None for entry in found]
    assert [entry.error is None for entry in found] == [True, False, True]


def test_cards_are_read_again_only_after_a_change(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The window lists all models several times while it opens."""
    card = bundle / CARD
    long_ago = card.stat().st_mtime_ns - 10**11
    os.utime(card, ns=(long_ago, long_ago))
    first = open_bundle(bundle, whole=False).card
    monkeypatch.setattr("explorer.models.bundle.read_card", lambda content, where: pytest.fail("read again"))
    assert open_bundle(bundle, whole=False).card is first
    monkeypatch.undo()
    card.write_text(card.read_text().replace('"name": "tiny"', '"name": "less"'))
    assert open_bundle(bundle, whole=False).name == "less"
    card.write_text(card.read_text().replace('"name": "less"', '"name": "more"'))
    assert open_bundle(bundle, whole=False).name == "more", "within the resolution of the clock of the disk"
    (bundle / CODES).unlink()
    with pytest.raises(ModelError, match=CODES):
        open_bundle(bundle, whole=False)


def test_a_renamed_model_is_found_by_its_old_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_shipped", lambda name: tmp_path / "shipped" / name)
    write_bundle(pretrained_dir() / "faces-colorize", name="faces-colorize")
    for model in ("faces-colour", str(pretrained_dir() / "faces-colour"), "faces-colorize"):
        assert resolve_bundle(model).path == (pretrained_dir() / "faces-colorize").resolve()
    write_bundle(user_models_dir() / "faces-colour", name="my own")
    assert resolve_bundle("faces-colour").name == "my own"
    assert current_folder(user_models_dir() / "faces-colour") == user_models_dir() / "faces-colour"


def test_folders_that_the_user_names_are_looked_into_and_copies_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a wheel, which carries a few, the repository has all of them."""
    monkeypatch.setattr(paths, "_shipped", lambda name: tmp_path / "wheel" / name)
    write_bundle(pretrained_dir() / "carried")
    write_bundle(user_models_dir() / "mine")
    for name in ("carried", "another"):
        write_bundle(tmp_path / "repository" / name)
    named = [tmp_path / "repository", tmp_path / "repository" / ".." / "repository", user_models_dir(), tmp_path / "no"]
    monkeypatch.setenv(paths.MODELS_VARIABLE, os.pathsep.join(["", *map(str, named)]))
    found = [entry.path for entry in find_bundles()]
    assert found == [pretrained_dir() / "carried", user_models_dir() / "mine", tmp_path / "repository" / "another"]
    assert resolve_bundle("another").path == tmp_path / "repository" / "another"
    monkeypatch.delenv(paths.MODELS_VARIABLE)
    assert [entry.path.name for entry in find_bundles()] == ["carried", "mine"]


def test_the_bundles_that_ship_are_whole_and_say_what_they_were_trained_on() -> None:
    found = {entry.path.name: entry for entry in find_bundles() if entry.path.parent == pretrained_dir()}
    assert {"digits-deep-49", "digits-vae-2d", "glyphs-vae-2d"} <= found.keys()
    for entry in found.values():
        assert entry.bundle is not None, entry.error
        card = entry.bundle.card
        assert card.data.trained_on == ("train",)
        assert card.command.startswith("latent-explorer train ")
        assert f"--seed {card.trained.seed}" in card.command
        assert entry.bundle.sample.codes.shape[1] == card.latent_dim
    deep, digits, glyphs = (found[name].bundle for name in ("digits-deep-49", "digits-vae-2d", "glyphs-vae-2d"))
    assert deep is not None
    assert digits is not None
    assert glyphs is not None
    assert deep.card.metrics["mse"] < 0.006
    assert (deep.card.latent_shape, digits.card.latent_shape) == ((49,), (2,))
    assert glyphs.card.image_shape == (64, 64, 1)
    assert glyphs.card.variational
    assert digits.card.variational
    assert np.isfinite(digits.sample.statistics.kl).all()  # type: ignore[arg-type]
