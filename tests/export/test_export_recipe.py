"""Recipes in exported animations of every format; hostile recipes are refused."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from explorer.errors import DataError, UsageError
from explorer.export import FORMATS, ExportSettings, format_of
from explorer.export.recipe import KEYWORD, MAX_TEXT, Recipe, make_recipe, parse_recipe
from explorer.export.recipe_file import read_recipe
from explorer.types import Floats, Pixels

HASH = "0123456789abcdef" * 4
ANIMATION: dict[str, Any] = {
    "segments": ({"steps": 9, "path": "slerp", "easing": "ease"}, {"steps": 4, "path": "data", "easing": "linear"}),
    "hold": 2,
    "fps": 29.97,
    "loop": "repeat",
    "closed": False,
    "times": None,
}
NAMES = [f"a{suffix}" for suffix in FORMATS]


def codes(count: int = 3, dim: int = 5, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


def recipe(**changed: Any) -> Recipe:
    wanted = {"model": "digits-vae-2d", "model_hash": HASH, "keys": codes(), "animation": ANIMATION} | changed
    return make_recipe(**wanted)


def export(path: Path, note: Recipe | None) -> None:
    frames: list[Pixels] = list(np.random.default_rng(1).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8))
    if path.suffix == ".mp4":
        pytest.importorskip("av", reason="MP4 is an extra: pip install '.[mp4]'")
    list(format_of(path).write(iter(frames), 4, path, ExportSettings(10, True, recipe=note)))


@pytest.mark.parametrize("name", [*NAMES, "animation"])
def test_an_animation_reopens(tmp_path: Path, name: str) -> None:
    note = recipe(model='γ <&> "quoted" ]]>')
    export(tmp_path / name, note)
    back = read_recipe(tmp_path / name)
    assert back == note
    np.testing.assert_array_equal(back.key_codes(), codes())
    assert back.key_codes().dtype == np.float32
    assert back.animation.model_dump() == ANIMATION


@pytest.mark.parametrize("name", [*NAMES, "animation"])
def test_an_animation_without_a_recipe_is_a_strangers(tmp_path: Path, name: str) -> None:
    export(tmp_path / name, None)
    assert read_recipe(tmp_path / name) is None


def test_other_readers_find_it(tmp_path: Path) -> None:
    note = recipe()
    export(tmp_path / "a.gif", note)
    with Image.open(tmp_path / "a.gif") as pil_image:
        assert json.loads(pil_image.info["comment"]) == json.loads(note.to_text())
    export(tmp_path / "a.apng", note)
    with Image.open(tmp_path / "a.apng") as pil_image:
        assert pil_image.info[KEYWORD] == note.to_text()
    export(tmp_path / "a.webp", note)
    with Image.open(tmp_path / "a.webp") as pil_image:
        assert b"le:recipe" in pil_image.info["xmp"]
    av = pytest.importorskip("av", reason="MP4 is an extra: pip install '.[mp4]'")
    export(tmp_path / "a.mp4", note)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.metadata["comment"] == note.to_text()


@settings(max_examples=40)
@given(st.integers(1, 5), st.integers(1, 40), st.integers(0, 99))
def test_codes_come_back_bit_for_bit(count: int, dim: int, seed: int) -> None:
    table = codes(count, dim, seed)
    np.testing.assert_array_equal(parse_recipe(recipe(keys=table).to_text()).key_codes(), table)


def test_codes_that_are_too_long_are_left_out() -> None:
    note = recipe(keys=codes(3, 100_352))
    assert note.keys is None
    assert len(note.to_text()) < 1000
    with pytest.raises(DataError, match="too long"):
        note.key_codes()
    # A spatial code that repeats itself compresses, and stays.
    assert recipe(keys=np.ones((2, 100_352), np.float32)).keys is not None


def test_times_of_an_endless_animation_are_left_out() -> None:
    many = ANIMATION | {"times": tuple(np.linspace(0, 2, 90_000))}
    note = recipe(animation=many)
    assert note.animation.times is None
    assert len(note.to_text()) < MAX_TEXT


@pytest.mark.parametrize("name", ["/home/someone/models/mine", r"C:\Users\someone\mine", "mine", "\nmine\x00"])
def test_no_folder_of_the_machine_is_reported(name: str) -> None:
    note = recipe(model=name)
    assert note.model == "mine"
    assert "someone" not in note.to_text()


def test_an_animation_that_cannot_be_written_down() -> None:
    with pytest.raises(UsageError, match="fps"):
        recipe(animation=ANIMATION | {"fps": float("inf")})
    with pytest.raises(UsageError, match="model_hash"):
        recipe(model_hash="none")


def changed(**parts: Any) -> str:
    record = json.loads(recipe().to_text())
    for name, value in parts.items():
        record[name] = value
    return json.dumps(record)


def hostile_codes(count: int, dim: int, raw: bytes) -> dict[str, Any]:
    return {"count": count, "latent_dim": dim, "float32": base64.b64encode(zlib.compress(raw, 9)).decode()}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{" * 100_000,
        "x" * (MAX_TEXT + 1),
        changed(program="other"),
        changed(model=""),
        changed(model="../../etc/passwd"),
        changed(model_hash="../x"),
        changed(extra=1),
        changed(animation=ANIMATION | {"steps": 10**30}),
        changed(animation=ANIMATION | {"fps": 0}),
        changed(animation=ANIMATION | {"loop": "for ever"}),
        changed(animation=ANIMATION | {"segments": [{"steps": 10**9, "path": "linear", "easing": "linear"}]}),
        changed(animation=ANIMATION | {"segments": [{"steps": 9, "path": "os.system", "easing": "linear"}]}),
        changed(animation=ANIMATION | {"times": ["0", 1]}),
        changed(keys={"count": 10**9, "latent_dim": 10**9, "float32": ""}),
        changed(keys={"count": True, "latent_dim": 1, "float32": ""}),
        changed(version="1"),
        changed(animation=ANIMATION | {"fps": 1}).replace('"fps": 1', '"fps": NaN'),
    ],
)
def test_hostile_recipes_are_refused(text: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_recipe(text)
    assert len(str(caught.value)) < 1000


def test_a_recipe_of_version_1_opens(tmp_path: Path) -> None:
    note = recipe()
    old = json.loads(note.to_text()) | {"version": 1}
    old["film"] = old.pop("animation")
    assert parse_recipe(json.dumps(old)) == note
    (tmp_path / "film.json").write_text(json.dumps(old))
    assert read_recipe(tmp_path) == note
    for damaged in (old | {"version": True}, old | {"version": 2}, old | {"animation": ANIMATION}):
        with pytest.raises(DataError):
            parse_recipe(json.dumps(damaged))


def test_a_later_form_names_itself() -> None:
    with pytest.raises(DataError, match=r"newer version \(format 7 instead of 2\)"):
        parse_recipe(changed(version=7))


@pytest.mark.parametrize(
    "keys",
    [
        hostile_codes(3, 5, b"\0" * 59),
        hostile_codes(3, 5, b"\0" * 61),
        hostile_codes(10_000, 1_000_000, b"\0" * 1_000_000),
        hostile_codes(1, 1, b"\0" * 50_000_000),
        hostile_codes(1, 1, struct.pack("<f", float("nan"))),
        {"count": 1, "latent_dim": 1, "float32": "…"},
        {"count": 1, "latent_dim": 1, "float32": "AAAA"},
    ],
)
def test_hostile_codes_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        parse_recipe(changed(keys=keys)).key_codes()


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_are_no_crash(tmp_path: Path, name: str) -> None:
    export(tmp_path / name, recipe())
    whole = (tmp_path / name).read_bytes()
    rng = np.random.default_rng(0)
    for trial in range(120):
        damaged = bytearray(whole)
        for place in rng.integers(0, min(len(whole), 4000), 1 + trial % 5):
            damaged[place] = rng.integers(0, 256)
        (tmp_path / name).write_bytes(damaged[: rng.integers(1, len(whole))] if trial % 2 else damaged)
        try:
            found = read_recipe(tmp_path / name)
            assert found is None or isinstance(found, Recipe)
        except DataError:
            pass


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"RIFF____WEBP", b"____ftyp", b"{"])
)
@settings(max_examples=150)
def test_any_bytes_are_no_crash(tmp_path_factory: pytest.TempPathFactory, content: bytes, head: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.bin"
    path.write_bytes(head + content)
    with suppress(DataError):
        assert read_recipe(path) is None


def test_strangers_comments_and_missing_files(tmp_path: Path) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "a.gif", comment=b"made with love")
    assert read_recipe(tmp_path / "a.gif") is None
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert read_recipe(tmp_path / "a.json") is None
    assert read_recipe(tmp_path) is None
    with pytest.raises(DataError, match="nothing"):
        read_recipe(tmp_path / "nothing.gif")
