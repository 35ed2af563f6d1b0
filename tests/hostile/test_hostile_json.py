"""Small files that become large JSON: refused by what they say of themselves, before anything is parsed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.builders import make_card, make_model, make_source, write_bundle
from explorer_testing.codec import MatrixCodec
from explorer_testing.training import small_request
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.document.kept_timelines import MOST_CODES, MOST_MODELS
from explorer.document.preferences import heal
from explorer.document.session_file import read_session, session_bytes, write_session
from explorer.document.session_record import MOST as MOST_KEYS
from explorer.document.session_state import session_of, state_of
from explorer.document.state import Bookmark, KeptTimeline, Keyframe, ModelId, NamedDirection, State
from explorer.errors import DataError, ModelError, SessionError
from explorer.export.recipe import MAX_TEXT, make_recipe, parse_recipe
from explorer.json_limits import RECORD, SESSION, JsonLimits, json_text, parse_json
from explorer.latent.animation import Segment
from explorer.latent.directions import Direction
from explorer.models.bundle import CARD, find_bundles, open_bundle, seal
from explorer.models.card import MOST_EPOCHS, EpochRecord, LossParts, kept_epochs, read_card
from explorer.models.direction_file import MOST, read_directions, write_directions
from explorer.models.runs import LOG, RunWriter, find_runs
from explorer.paths import recent_path, user_models_dir
from explorer.types import Floats

LIMITS = JsonLimits(1_000, 20, 5)

REFUSED = """
import resource, sys
from pathlib import Path
from explorer.errors import ExplorerError
from explorer.models.bundle import open_bundle
from explorer.document.session_file import read_session
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 100 * 2**20,) * 2)
path = Path(sys.argv[1])
try:
    open_bundle(path) if path.is_dir() else read_session(path)
except ExplorerError as error:
    print(error)
"""
"""Opens a bundle or a session with 100 MB to spare, and prints our error."""


def refused_in_100_mb(path: Path) -> str:
    """Open a file in a process of its own that may take 100 MB; return what it was refused for."""
    if not Path("/proc/self/statm").is_file():
        pytest.skip("memory is limited on Linux only")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", REFUSED, str(path)], capture_output=True, text=True, check=False, env=environment
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout
    return ended.stdout


# -- the counts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" + b"[]," * 400 + b"[]]", "larger than 1 kB"),
        (b"[" + b"[]," * 30 + b"[]]", "more than 20 values"),
        (b"[" + b"1," * 30 + b"1]", "more than 20 values"),
        (b"{" + b'"a":1,' * 30 + b'"b":1}', "more than 20 values"),
        (b"[" * 6 + b"]" * 6, "deeper than 5 levels"),
        (b'{"a":' * 6 + b"1" + b"}" * 6, "deeper than 5 levels"),
        (b"[" * 6, "deeper than 5 levels"),
        (b"]" * 9 + b"[" * 6, "Cannot read x as JSON"),
        (b"\xff\xfe[\0]\0", "UTF-8"),
        (b"{", "x as JSON"),
        (b"", "x as JSON"),
        (b"1" * 900, "x as JSON"),
    ],
)
def test_what_is_too_much_is_refused_by_its_bytes(content: bytes, words: str) -> None:
    limits = LIMITS if words != "x as JSON" or not content.startswith(b"1") else JsonLimits(10_000, 20)
    with pytest.raises(DataError, match=words):
        parse_json(content if content != b"1" * 900 else content * 9, limits, "x")


@pytest.mark.parametrize(
    "value", ["[" * 100, "," * 100, '\\"[[[[[[[[[[{{{{', "\\", 'a"b', "\u2200\u0022", {"[": "]" * 50}, ["]", "[" * 30]]
)
def test_what_stands_in_strings_is_not_counted(value: object) -> None:
    assert parse_json(json.dumps(value).encode(), LIMITS, "x") == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode(), LIMITS, "x") == value


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse_json(b"\xef\xbb\xbf[1]", LIMITS, "x") == [1]


def depth_of(value: Any) -> int:
    if isinstance(value, dict | list):
        children = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth_of, children), default=0)
    return 0


def values_in(value: Any) -> int:
    if isinstance(value, dict | list):
        return 1 + sum(map(values_in, value.values() if isinstance(value, dict) else value))
    return 1


@settings(max_examples=200)
@given(
    value=st.recursive(
        st.none() | st.integers() | st.text(alphabet='[]{},"\\:a é', max_size=6),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('[{,"', max_size=3), inner, max_size=4),
        max_leaves=40,
    )
)
def test_exactly_what_is_within_the_limits_passes(value: Any) -> None:
    content = json.dumps(value).encode()
    depth, values = depth_of(value), values_in(value)
    assert json_text(content, JsonLimits(len(content), 2 * values, depth), "x") == content.decode()
    if depth:
        with pytest.raises(DataError, match="nested deeper"):
            json_text(content, JsonLimits(len(content), 2 * values, depth - 1), "x")
    if values > 1:  # a container and what is in it count once or twice
        with pytest.raises(DataError, match=r"more than .* values?\."):
            json_text(content, JsonLimits(len(content), (values - 1) // 2, depth), "x")


# -- the files that failed ---------------------------------------------------------------------------------------------


def test_a_session_of_31_mb_of_lists_in_32_kb(tmp_path: Path) -> None:
    path = tmp_path / "a.latent"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "session.json", b'{"format":"latent-explorer-session","noise":[' + b"[]," * 10_800_000 + b"[]]}"
        )
        archive.writestr("arrays.npz", b"")
    assert path.stat().st_size < 40_000
    assert "more than 8 MB" in refused_in_100_mb(path)


def test_a_session_of_8_mb_of_lists(tmp_path: Path) -> None:
    path = tmp_path / "a.latent"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("session.json", b"[" + b"[]," * 2_700_000 + b"[]]")
        archive.writestr("arrays.npz", b"")
    assert "values" in refused_in_100_mb(path)


def test_nine_arrays_of_512_mb_in_a_few_kb(tmp_path: Path) -> None:
    """Packed twice, as the 11 kB that took 5.2 GB were."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (128 << 20,)})
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("cursor.npy", "w", force_zip64=True) as member:
            member.write(header.getvalue())
            for _ in range(511):
                member.write(bytes(1 << 20))
        whole = archive.infolist()[0]
        for name in ("picture_code", "keyframes", "directions", "slot_0", "slot_1", "slot_2", "corners", "bookmarks"):
            archive.writestr(f"{name}.npy", b"")
            member_info = archive.getinfo(f"{name}.npy")  # the same bytes under another name
            for field in ("header_offset", "compress_size", "file_size", "CRC", "compress_type", "flag_bits"):
                setattr(member_info, field, getattr(whole, field))
    path = tmp_path / "a.latent"
    record = session_of(State(model=make_model(), source=make_source())).record
    record = record.model_copy(update={"checksum": hashlib.sha256(inner.getvalue()).hexdigest()})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("session.json", record.model_dump_json())
        archive.writestr("arrays.npz", inner.getvalue())
    assert path.stat().st_size < 100_000
    assert "more than 512 MB" in refused_in_100_mb(path)


def test_a_card_of_63_mb_is_refused_and_the_others_are_listed() -> None:
    write_bundle(user_models_dir() / "good")
    bad = user_models_dir() / "bad"
    bad.mkdir()
    (bad / CARD).write_bytes(b'{"format":[' + b"[]," * 21_000_000 + b"[]]}")
    assert "larger than 1 MB" in refused_in_100_mb(bad)
    mine = [found for found in find_bundles() if found.path.parent == user_models_dir()]
    assert [(found.path.name, found.bundle is not None) for found in mine] == [("bad", False), ("good", True)]
    (bad / CARD).write_bytes(b'{"format":[' + b"[]," * 340_000 + b"[]]}")
    assert "values" in refused_in_100_mb(bad)


@pytest.mark.parametrize("content", [b"[" * 100_000, b"[" + b"[]," * 300_000 + b"[]]", b"\xff", b"nul", b"{}"])
def test_settings_and_the_list_of_sessions_heal(content: bytes, tmp_path: Path) -> None:
    from explorer.models.recent import note_recent, recent_sessions

    path = tmp_path / "settings.json"
    path.write_bytes(content)
    values, notes = heal(path)
    assert values == type(values)()
    assert bool(notes) == (content != b"{}")
    recent_path().parent.mkdir(parents=True, exist_ok=True)
    recent_path().write_bytes(content)
    assert recent_sessions() == []
    note_recent(path.with_name("other.latent"))
    path.with_name("other.latent").touch()
    assert recent_sessions() == [path.with_name("other.latent")]


# -- a run's log -------------------------------------------------------------------------------------------------------

ODD_LINES = [
    b'{"event": "started", "first_epoch": "x"}',
    b'{"event": "started", "first_epoch": null}',
    b'{"event": "started", "first_epoch": 1e999}',
    b'{"event": "epoch", "epoch": 1e999, "loss": 1, "val_loss": 1}',
    b'{"event": "epoch", "epoch": 1e30, "loss": 1, "val_loss": 1}',
    b'{"event": "epoch", "epoch": -1, "loss": 1, "val_loss": 1}',
    b'{"event": "epoch", "epoch": [], "loss": 1, "val_loss": 1}',
    b'{"event": "epoch", "epoch": 1, "loss": "one", "val_loss": 1}',
    b'{"event": "epoch", "epoch": 1, "loss": 1, "val_loss": 1, "parts": 3}',
    b'{"event": "epoch", "epoch": 1, "loss": 1, "val_loss": 1, "parts": {"kl": []}}',
    b'{"event": "epoch", "epoch": 1, "loss": 1, "val_loss": 1, "kl_per_dim": 3}',
    b'{"event": "epoch", "epoch": 1, "loss": 1, "val_loss": 1, "kl_per_dim": [{}]}',
    b'{"event": "finished", "metrics": 3}',
    b'{"event": "finished", "metrics": [1]}',
    b'{"event": "finished", "metrics": {"mse": []}}',
    b'{"event": []}',
    b'{"event": {}}',
    b"[" * 100_000,
    b"[" + b"[]," * 3_000_000 + b"[]]",
    b"\xff\xfe\0",
    b"9" * 10_000,
]


@pytest.fixture
def runs(explorer_home: Path) -> tuple[RunWriter, RunWriter]:
    asked = small_request(explorer_home / "blobs.npz", explorer_home / "models" / "new", architecture="vae")
    return RunWriter.create(asked, datetime(2026, 3, 14)), RunWriter.create(asked, datetime(2026, 3, 15))


@pytest.mark.parametrize("line", ODD_LINES, ids=lambda line: line[:60].decode("latin-1"))
def test_an_odd_line_hides_neither_its_run_nor_the_others(line: bytes, runs: tuple[RunWriter, RunWriter]) -> None:
    odd, good = runs
    for writer in runs:
        writer.log("started", first_epoch=1)
        writer.log("epoch", epoch=1, loss=3.0, val_loss=4.0)
    with (odd.path / LOG).open("ab") as file:
        file.write(line + b"\n")
    odd.log("epoch", epoch=2, loss=1.0, val_loss=2.0)
    found = {run.path: run for run in find_runs()}
    assert found.keys() == {odd.path, good.path}
    assert [point.epoch for point in found[odd.path].curve] == [1, 2]
    assert all(isinstance(value, float) for value in found[odd.path].metrics.values())


@pytest.mark.parametrize("begun", ["", "0001-01-01T00:00:00+23:59", "9" * 99, "2026-03-14"])
def test_a_run_with_an_odd_date_hides_no_other(begun: str, runs: tuple[RunWriter, RunWriter]) -> None:
    facts = runs[0].path / "run.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"begun": begun}))
    (runs[0].path / "progress" / "inf.png").touch()
    (runs[0].path / "progress" / "nan.png").touch()
    found = find_runs()
    assert runs[1].path in [run.path for run in found]
    assert all(run.begun.tzinfo is not None and not run.progress_frames for run in found)


# -- whatever can be written can be read -------------------------------------------------------------------------------


def direction(dim: int) -> Direction:
    return Direction(np.ones(dim, np.float32), "logistic", (10**6, 10**6), 1 / 3, -1 / 3, (1 / 7, 1 / 9), 1e-17)


def kept_timelines(codes: Floats, names: list[str]) -> tuple[KeptTimeline, ...]:
    """Return as many timelines as are kept, with as many codes as they may have together, mostly directions."""
    share = MOST_CODES // MOST_MODELS
    place = Path("/" + "p" * 4_095)
    models = [ModelId("n" * 200, place, place, f"{number:0100}", 2) for number in range(MOST_MODELS)]
    keyframes = tuple(Keyframe(code, Segment(1000, "linear", "ease_in")) for code in codes[: share // 10])
    bookmarks = tuple(map(Bookmark, names[share // 10 : share // 5], codes[share // 10 :]))
    directions = tuple(NamedDirection(name, direction(2)) for name in names[share // 5 : share])
    return tuple(KeptTimeline(model, keyframes, bookmarks=bookmarks, directions=directions) for model in models)


def test_a_session_with_the_most_of_everything_comes_back(tmp_path: Path) -> None:
    model = make_model()
    codes = np.random.default_rng(0).normal(size=(MOST_KEYS, 2)).astype(np.float32)
    names = [f"{number:05}" + "n" * 195 for number in range(MOST_KEYS)]
    thumbnail = np.zeros((28, 28, 1), np.uint8)
    state = State(
        model=model,
        source=make_source(),
        keyframes=tuple(Keyframe(code, Segment(1000, "linear", "ease_in")) for code in codes),
        bookmarks=tuple(Bookmark(name, code, thumbnail) for name, code in zip(names, codes, strict=True)),
        directions=tuple(NamedDirection(name[:150], direction(2)) for name in names),
        timelines=kept_timelines(codes, names),
    )
    path = tmp_path / "a.latent"
    write_session(path, session_of(state))
    back = state_of(read_session(path)[0], model, state.source)
    assert (len(back.keyframes), len(back.bookmarks), len(back.directions)) == (MOST_KEYS,) * 3
    assert [kept.name for kept in back.bookmarks] == names
    assert [kept.model for kept in back.timelines] == [kept.model for kept in state.timelines]
    assert sum(len(kept.codes) for kept in back.timelines) == MOST_CODES
    np.testing.assert_array_equal(np.stack([key.code for key in back.keyframes]), codes)


@pytest.mark.parametrize("latent_dim", [49, 3_000])
def test_codes_that_are_all_zero_look_like_a_bomb_and_come_back_all_the_same(latent_dim: int, tmp_path: Path) -> None:
    session = session_of(State(model=make_model(), source=make_source()))
    assert session.record.model is not None
    count = 40_000_000 // (4 * latent_dim)
    record = session.record.model_copy(
        update={
            "model": session.record.model.model_copy(update={"latent_dim": latent_dim}),
            "segments": (None,) * min(count, MOST_KEYS),
        }
    )
    keyframes = np.zeros((min(count, MOST_KEYS), latent_dim), np.float32)
    path = tmp_path / "a.latent"
    write_session(path, type(session)(record, {"keyframes": keyframes}))
    assert read_session(path)[0].arrays["keyframes"].shape == keyframes.shape


def test_a_session_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "a.latent"
    session = session_of(State(model=make_model(), source=make_source()))
    write_session(path, session)
    before = path.read_bytes()
    long = session.record.model_copy(update={"bookmarks": ("\u2200" * 200,) * 3 * MOST_KEYS})
    with pytest.raises(SessionError, match=r"names and settings take .* MB, more than 8 MB") as caught:
        write_session(path, type(session)(long, session.arrays))
    assert "Delete" in str(caught.value)
    huge = np.broadcast_to(np.zeros((), np.float32), (600 << 18,))
    with pytest.raises(SessionError, match=r"codes and thumbnails take 600\.0 MB, more than 511 MB"):
        write_session(path, type(session)(session.record, {"cursor": huge}))
    assert path.read_bytes() == before
    assert len(session_bytes(session)) < SESSION.size


@pytest.mark.parametrize("epochs", [0, 1, 2, 3, MOST_EPOCHS, MOST_EPOCHS + 1, 100_000])
def test_the_card_of_the_longest_training_can_be_read(epochs: int) -> None:
    third = 1 / 3
    history = tuple(
        EpochRecord(epoch=number, loss=third, val_loss=third, seconds=third, parts=parts)
        for parts in [LossParts(reconstruction=third, kl=third, val_reconstruction=third, val_kl=third)]
        for number in range(1, epochs + 1)
    )
    kept = kept_epochs(history)
    assert len(kept) == min(epochs, MOST_EPOCHS)
    assert kept[:1] == history[:1]
    assert kept[-1:] == history[-1:]
    assert len({one.epoch for one in kept}) == len(kept)
    card = make_card(MatrixCodec(), name="n" * 200).model_copy(update={"history": kept, "command": "c" * 20_000})
    text = card.model_dump_json(indent=2)
    assert read_card(text.encode(), "here") == card


def test_a_card_that_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    write_bundle(tmp_path / "model")
    card = open_bundle(tmp_path / "model").card
    before = (tmp_path / "model" / CARD).read_bytes()
    with pytest.raises(ModelError, match="larger than 1 MB"):
        seal(tmp_path / "model", card.model_copy(update={"command": "c" * RECORD.size}))
    assert (tmp_path / "model" / CARD).read_bytes() == before


def test_the_most_directions_come_back(tmp_path: Path) -> None:
    codec = MatrixCodec()
    card = make_card(codec)
    path = tmp_path / "a.directions.json"
    directions = {"\u2200" * 190 + str(number): direction(codec.latent_dim) for number in range(MOST)}
    write_directions(path, card, directions)
    assert read_directions(path, card).keys() == directions.keys()
    with pytest.raises(ModelError, match=f"a file holds at most {MOST}"):
        write_directions(path, card, directions | {"one more": direction(codec.latent_dim)})


@pytest.mark.parametrize("keys", [1, 4_000, 10_000])
def test_the_longest_recipe_comes_back(keys: int) -> None:
    segment = {"steps": 1_000_000, "path": "p" * 40, "easing": "e" * 40}
    animation = {"segments": [segment] * min(keys, 7_000), "hold": 0, "fps": 50.0, "loop": "none", "closed": False}
    codes = np.random.default_rng(0).normal(size=(keys, 2)).astype(np.float32)
    recipe = make_recipe("m" * 200, "a" * 64, codes, animation | {"times": [1 / 3] * 20_000})
    text = recipe.to_text()
    assert len(text) <= MAX_TEXT
    assert parse_recipe(text) == recipe
