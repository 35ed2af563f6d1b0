"""Session files: what is written comes back; hostile ones are refused with the reason; nothing is half written."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.advice import has_advice
from explorer_testing.builders import make_model, make_source
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from explorer.data.imported_image import MOST_BYTES, ImportedImage
from explorer.data.preprocessing import Preprocessing
from explorer.document.document import Document
from explorer.document.kept_timelines import MOST_CODES
from explorer.document.session_file import Session, migrated, read_session, session_bytes, write_session
from explorer.document.session_record import VERSION
from explorer.document.session_state import (
    imported_image_of,
    keeps_imported_image,
    picked_of,
    session_of,
    state_of,
)
from explorer.document.state import (
    Arithmetic,
    Bookmark,
    GridSettings,
    Jitter,
    KeptTimeline,
    Keyframe,
    ModelId,
    NamedDirection,
    Sampling,
    State,
    Term,
    Traversal,
)
from explorer.errors import DataError, ExportError, SessionError
from explorer.latent.animation import AnimationSettings, Segment
from explorer.latent.directions import Direction

RECORD, ARRAYS, IMPORTED_IMAGE = "session.json", "arrays.npz", "imported_image"
OLD = Path(__file__).parent / "sessions" / "version-1.latent"
WITHOUT_IMPORTED_IMAGE = OLD.with_name("version-2.latent")
OTHER = ModelId("other", Path("/nowhere/other"), None, "", 2)
WITHOUT_TIMELINES = OLD.with_name("version-4.latent")
WITHOUT_DIRECTIONS = OLD.with_name("version-5.latent")
WITH_ONE_MIX = OLD.with_name("version-6.latent")


def make_state() -> State:
    """Three keyframes, one of them with a way of its own, and two bookmarks; and timelines of two other models."""
    document = Document()
    document.open(make_model(latent_dim=3, name="long"), make_source())
    document.set_code(np.array([1, 2, 3], np.float32))
    for _ in range(2):
        document.timeline.add()
    found = Direction(np.array([3, 2, 1], np.float32), "logistic", (3, 4), 0.75, 1.5, (0.25, 0.5), 0.125)
    document.direction_search.keep([NamedDirection("smile", found)])
    terms = Term(2, (np.ones(3, np.float32), np.zeros(3, np.float32))), Term(-1), Term(1, (np.full(3, 7, np.float32),))
    document.set_arithmetic(Arithmetic(terms, "cross", 0.25, 3))
    document.timeline.set_animation_settings(AnimationSettings(5, 3, 25))
    animation = document.timeline.animation
    assert animation is not None
    document.timeline.even_out(animation, np.linspace(1, 2, animation.pass_frames - 1))
    learning = replace(make_model(name="learning"), run=Path("/nowhere/runs/one"), epochs=1.5)
    document.open(learning)
    document.set_code(np.array([4, 5], np.float32))
    document.timeline.add()
    document.timeline.set_segment(0, Segment(9))
    document.bookmarks.add("kept")
    document.open(make_model())
    codes = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    document.set_code(codes[0])
    for code in codes[:3]:
        document.set_code(code)
        document.timeline.add()
    document.timeline.set_segment(1, Segment(12, "slerp", "ease"))
    for code in codes[3:]:
        document.set_code(code)
        document.bookmarks.add()
    return document.state


def codes_of(state: State) -> list[bytes]:
    """Return every kept code, bit for bit."""
    return [key.code.tobytes() for key in state.keyframes] + [kept.code.tobytes() for kept in state.bookmarks]


def values_of(timeline: KeptTimeline) -> tuple[object, ...]:
    """Return everything of a timeline, to compare it."""
    return (
        timeline.model,
        [(key.code.tobytes(), key.segment) for key in timeline.keyframes],
        timeline.animation,
        timeline.times,
        [kept.name for kept in timeline.bookmarks],
        [(kept.name, vars(kept.direction) | {"vector": 0}) for kept in timeline.directions],
        [code.tobytes() for code in timeline.codes],
        timeline.arithmetic.settings,
        [len(term.codes) for term in timeline.arithmetic.terms],
    )


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.latent"
    write_session(path, session_of(make_state()))
    return path


def parts_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def arrays_of(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(parts_of(path)[ARRAYS])) as file:
        return {name: file[name] for name in file.files}


def packed(**arrays: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=True, **arrays)
    return file.getvalue()


def rewrite(path: Path, *, record: dict[str, Any] | None = None, arrays: bytes | None = None) -> None:
    """Put other values or other arrays into a session file, with the right checksums."""
    parts = parts_of(path)
    arrays = parts[ARRAYS] if arrays is None else arrays
    values = json.loads(parts[RECORD]) | {"checksum": hashlib.sha256(arrays).hexdigest()} | (record or {})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(RECORD, json.dumps(values))
        archive.writestr(ARRAYS, arrays)


def refused(path: Path, words: str) -> SessionError:
    """Read a file that must be refused with a reason and something to do."""
    with pytest.raises(SessionError, match=words) as caught:
        read_session(path)
    error = caught.value
    assert has_advice(error)
    return error


# -- there and back ----------------------------------------------------------------------------------------------------


def test_everything_comes_back(tmp_path: Path) -> None:
    state = make_state()
    path = tmp_path / "a.latent"
    checksum = write_session(path, session_of(state))
    session, read = read_session(path)
    assert checksum == read == hashlib.sha256(path.read_bytes()).hexdigest()
    assert state.model is not None
    back = state_of(session, state.model, state.source)
    for part in (
        "model",
        "source",
        "image_index",
        "noises",
        "jitter",
        "sampling",
        "traversal",
        "animation",
        "grid",
        "times",
    ):
        assert getattr(back, part) == getattr(state, part), part
    assert codes_of(back) == codes_of(state)
    assert len(codes_of(back)) == 5
    assert [key.segment for key in back.keyframes] == [key.segment for key in state.keyframes]
    assert [kept.name for kept in back.bookmarks] == ["Bookmark 1", "Bookmark 2"]
    assert [values_of(timeline) for timeline in back.timelines] == [values_of(timeline) for timeline in state.timelines]
    assert [(kept.model.name, len(kept.keyframes), kept.model.run) for kept in back.timelines] == [
        *(("long", 2, None), ("learning", 1, Path("/nowhere/runs/one")))
    ]
    assert back.timelines[0].times is not None
    assert [kept.name for kept in back.timelines[0].directions] == ["smile"]
    assert [len(term.codes) for term in back.timelines[0].arithmetic.terms] == [2, 0, 1]
    assert state.code is not None
    np.testing.assert_array_equal(back.code, state.code)
    # And what came back is written as the same file.
    again = session_of(back).record
    first = session.record
    assert again.model_copy(update={"written_at": "", "checksum": ""}) == first.model_copy(
        update={"written_at": "", "checksum": ""}
    )


def test_a_cursor_at_rest_comes_back_at_rest(tmp_path: Path) -> None:
    code = np.array([1, 2], np.float32)
    state = State(model=make_model(), source=make_source(), image_index=4, code=code, start_code=code)
    write_session(tmp_path / "a.latent", session_of(state))
    back = state_of(read_session(tmp_path / "a.latent")[0], state.model, state.source)
    assert back.code is back.start_code
    assert back.code is not None
    np.testing.assert_array_equal(back.code, code)


def test_without_the_model_the_images_stay_and_without_them_the_codes() -> None:
    state = make_state()
    session = session_of(state)
    images = state_of(session, None, state.source)
    assert (images.source, images.image_index, images.keyframes) == (state.source, 0, ())
    codes = state_of(session, state.model, None)
    assert (codes.source, codes.image_index, len(codes.keyframes), len(codes.bookmarks)) == (None, None, 3, 2)


def test_the_chosen_image_is_found_by_its_file_where_others_came_before_it(tmp_path: Path) -> None:
    from explorer.data.sources import open_source

    folder = tmp_path / "images"
    folder.mkdir()
    for name in "bdf":
        Image.new("L", (16, 16), ord(name)).save(folder / f"{name}.png")
    source = open_source(str(folder))
    session = session_of(State(source=source, image_index=1))
    Image.new("L", (16, 16), 9).save(folder / "a.png")
    other = open_source(str(folder))
    back = state_of(session, None, other)
    assert back.image_index is not None
    assert other.file_name(back.image_index) == source.file_name(1)


finite = st.floats(-1e6, 1e6, width=32)


@settings(max_examples=50)
@given(
    keys=st.lists(st.tuples(finite, finite), max_size=8),
    names=st.lists(st.text(min_size=1, max_size=200).filter(lambda text: text.isprintable()), max_size=5),
    steps=st.lists(st.none() | st.integers(2, 10_000), min_size=8, max_size=8),
)
def test_any_keyframes_and_bookmarks_come_back_bit_for_bit(
    keys: list[tuple[float, float]], names: list[str], steps: list[int | None], tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = make_model()
    state = State(
        model=model,
        keyframes=tuple(
            Keyframe(np.array(key, np.float32), None if step is None else Segment(step))
            for key, step in zip(keys, steps, strict=False)
        ),
        bookmarks=tuple(
            Bookmark(name, np.array((number, 0), np.float32), np.full((4, 5, 1), number, np.uint8))
            for number, name in enumerate(names)
        ),
    )
    path = tmp_path_factory.mktemp("session") / "a.latent"
    write_session(path, session_of(state))
    back = state_of(read_session(path)[0], model, None)
    assert [key.segment for key in back.keyframes] == [key.segment for key in state.keyframes]
    assert [kept.name for kept in back.bookmarks] == names
    assert codes_of(back) == codes_of(state)
    for kept, number in zip(back.bookmarks, range(len(names)), strict=True):
        assert kept.thumbnail is not None
        assert (kept.thumbnail == number).all()


# -- imported images ----------------------------------------------------------------------------------------------


def image_file() -> bytes:
    """Return a small photograph-like JPEG."""
    content = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(content, "JPEG")
    return content.getvalue()


def state_with_imported_image(imported_image: ImportedImage) -> State:
    """The code is that of the imported image."""
    code = np.array([1, 2], np.float32)
    return State(
        model=make_model(),
        source=make_source(),
        image_index=4,
        imported_image=imported_image,
        code=code,
        start_code=code,
    )


@pytest.fixture
def with_imported_image(tmp_path: Path) -> Path:
    path = tmp_path / "imported.latent"
    write_session(path, session_of(state_with_imported_image(ImportedImage.open(image_file(), "mine.jpg"))))
    return path


@pytest.mark.parametrize("negative", [False, True])
def test_an_image_of_its_own_comes_back_as_it_was(tmp_path: Path, negative: bool) -> None:
    imported_image = ImportedImage.open(image_file(), "mine.jpg")
    state = state_with_imported_image(imported_image.inverted() if negative else imported_image)
    write_session(tmp_path / "a.latent", session_of(state))
    session, _ = read_session(tmp_path / "a.latent")
    found = imported_image_of(session)
    assert found is not None
    back = state_of(session, state.model, state.source, found)
    assert back.imported_image is found
    assert (found.title, found.negative, back.image_index) == ("mine.jpg", negative, 4)
    assert back.code is back.start_code, "it is still the imported image's code"
    recipe = Preprocessing.standard((30, 40, 3))
    assert state.imported_image is not None
    np.testing.assert_array_equal(found.read([0], recipe), state.imported_image.read([0], recipe))
    assert (found.read([0], recipe) != imported_image.read([0], recipe)).any() == negative
    assert session_of(back).imported_image == session.imported_image, "and is saved again"


def test_a_negative_of_a_negative_is_the_image() -> None:
    imported_image = ImportedImage.open(image_file(), "mine.jpg")
    assert (
        imported_image.inverted().inverted().content_hash()
        == imported_image.content_hash()
        != imported_image.inverted().content_hash()
    )


def test_an_image_whose_file_is_too_large_is_left_out_with_its_code(tmp_path: Path) -> None:
    padded = image_file() + bytes(MOST_BYTES)  # what follows a JPEG's end is nobody's
    file = tmp_path / "large.jpg"
    file.write_bytes(padded)
    for image in (padded, file):
        state = state_with_imported_image(ImportedImage.open(image, "large.jpg"))
        assert not keeps_imported_image(state)
        session = session_of(state)
        assert (session.record.imported_image, session.imported_image) == (None, b"")
        back = state_of(session, state.model, state.source)
        assert (back.imported_image, back.start_code) == (None, None)
        np.testing.assert_array_equal(back.code, state.code)


def test_an_image_that_is_none_leaves_the_rest() -> None:
    state = state_with_imported_image(ImportedImage.open(image_file(), "mine.jpg"))
    session = session_of(state)
    with pytest.raises(DataError):
        imported_image_of(Session(session.record, session.arrays, b"no image"))
    back = state_of(session, state.model, state.source, None)
    assert (back.imported_image, back.image_index, back.start_code) == (None, 4, None)
    np.testing.assert_array_equal(back.code, state.code)


def put_imported_image(path: Path, content: bytes | None) -> None:
    """Replace or remove the imported image in a session file."""
    parts = parts_of(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(RECORD, parts[RECORD])
        archive.writestr(ARRAYS, parts[ARRAYS])
        if content is not None:
            archive.writestr(IMPORTED_IMAGE, content)


@pytest.mark.parametrize("content", [None, b"", b"another"])
def test_another_image_than_is_noted_is_refused(with_imported_image: Path, content: bytes | None) -> None:
    put_imported_image(with_imported_image, content)
    refused(with_imported_image, "checksum")


def test_an_image_that_is_not_noted_is_refused(good: Path) -> None:
    put_imported_image(good, image_file())
    refused(good, "checksum")


def test_an_image_that_grows_too_large_is_refused(with_imported_image: Path) -> None:
    put_imported_image(with_imported_image, bytes(MOST_BYTES + 1))
    assert with_imported_image.stat().st_size < 1 << 20
    refused(with_imported_image, "more than 32 MB")


# -- versions ----------------------------------------------------------------------------------------------------------


def test_a_file_of_version_1_opens() -> None:
    assert b'"version": 1' in parts_of(OLD)[RECORD]
    session, _ = read_session(OLD)
    record = session.record
    assert (record.version, record.bookmarks, record.view.tab) == (VERSION, (), "")
    assert record.data is not None
    assert (record.data.name, record.data.image_index, len(record.segments)) == ("digits", 17, 3)
    assert record.noise == "gaussian:0.3:7+blur:1.5"


def test_a_file_of_version_2_opens() -> None:
    assert b'"version": 2' in parts_of(WITHOUT_IMPORTED_IMAGE)[RECORD]
    session, _ = read_session(WITHOUT_IMPORTED_IMAGE)
    record = session.record
    assert (record.version, record.imported_image, session.imported_image) == (VERSION, None, b"")
    assert (record.bookmarks, record.view.tab, record.view.playhead) == (("kept",), "noise", 5)
    assert record.data is not None
    assert (record.data.image_index, len(record.segments)) == (3, 2)


def test_a_file_of_version_4_opens() -> None:
    """It was written by the program of commit ca4a70a with every value, from the models of the tests."""
    old = json.loads(parts_of(WITHOUT_TIMELINES)[RECORD])
    assert old["version"] == 4
    session, _ = read_session(WITHOUT_TIMELINES)
    view = old["view"] | {"workspace": "", "stage": ""}
    model = old["model"] | {"run": ""}
    new = {"version": VERSION, "timelines": [], "view": view, "mixer": {"mixes": []}, "model": model}
    assert json.loads(session.record.model_dump_json()) == old | new
    state = state_of(session, make_model(), make_source(), imported_image_of(session))
    assert (state.timelines, session.record.view.tab, session.record.view.playhead) == ((), "train", 4)
    assert [key.code.tolist() for key in state.keyframes] == [[0, 0], [1, 2], [-1, 0.5]]
    assert state.keyframes[1].segment == Segment(5, "slerp", "ease")
    assert state.animation == AnimationSettings(5, 3, 25, "none", "linear", "ease_out")
    assert state.times == pytest.approx(np.linspace(0, 2, 9) ** 2 / 2)
    assert [(kept.name, kept.code.tolist()) for kept in state.bookmarks] == [("first", [1, 1]), ("second", [2, -2])]
    assert [kept.name for kept in state.directions] == ["bright"]
    assert [[code.tolist() for code in term.codes] for term in state.arithmetic.terms] == [
        [[1, 0], [0, 1]],
        [[1, 1]],
        [],
    ]
    assert [list(corner) for corner in state.grid.corners] == [[0, 0], [1, 0.5], [0, 2]]
    assert state.imported_image is not None
    assert state.code is not None
    assert state.start_code is not None
    assert (state.code.tolist(), state.start_code.tolist()) == ([0.5, -1], [0.25, 0.5])
    picked = picked_of(session, make_source())
    assert picked is not None
    assert (picked.title, picked.indices.tolist()) == ("two of them", [3, 5])


def test_a_record_of_version_4_has_no_timelines(good: Path) -> None:
    """Whatever a file of that version claims."""
    arrays = arrays_of(good)
    rewrite(good, record={"version": 4, "timelines": [{"surprise": 1}]})
    refused(good, "timeline_codes")
    del arrays["timeline_codes"], arrays["timeline_times"]
    rewrite(good, record={"version": 4, "timelines": [{"surprise": 1}]}, arrays=packed(**arrays))
    assert read_session(good)[0].record.timelines == ()


def test_a_file_of_version_5_opens() -> None:
    """Its timelines of other models have no directions and no arithmetic."""
    old = json.loads(parts_of(WITHOUT_DIRECTIONS)[RECORD])
    assert old["version"] == 5
    session, _ = read_session(WITHOUT_DIRECTIONS)
    state = state_of(session, make_model(), make_source())
    assert [(kept.model.name, len(kept.keyframes), len(kept.bookmarks)) for kept in state.timelines] == [
        ("long", 2, 0),
        ("learning", 1, 1),
    ]
    assert state.timelines[0].animation == AnimationSettings(5, 3, 25)
    assert [code.tolist() for code in state.timelines[1].codes] == [[4, 5], [4, 5]]
    for kept in state.timelines:
        assert (kept.directions, kept.arithmetic.settings) == ((), Arithmetic().settings)
    assert len(state.keyframes) == 3


def test_a_record_of_version_5_has_no_directions_of_other_models(good: Path) -> None:
    """Whatever a file of that version claims."""
    rewrite(good, record={"version": 5})
    refused(good, "timeline_codes")
    for junk in ({"timelines": 7}, {"timelines": [7]}):
        rewrite(good, record={"version": 5} | junk)
        refused(good, ".")


def test_a_file_of_version_6_opens() -> None:
    """Its channel mixer, for images of four channels, is the mix of that number of channels."""
    old = json.loads(parts_of(WITH_ONE_MIX)[RECORD])
    assert old["version"] == 6
    mixer = read_session(WITH_ONE_MIX)[0].record.mixer
    assert mixer.model_dump(mode="json") == {"mixes": [old["mixer"]]}
    assert mixer.mix(4).description() == "1 #0000ff 0…0.5, 3 #ff8000 0.25…1, 4 #ffffff 0…1"
    assert mixer.mix(2).is_default


@pytest.mark.parametrize("mixer", [7, {"channels": []}, {"channels": [{}] * 17}])
def test_a_damaged_mixer_of_version_6_is_refused(good: Path, mixer: object) -> None:
    rewrite(good, record={"version": 6, "mixer": mixer})
    refused(good, "mixer")


def test_a_record_of_version_3_gets_its_current_names(with_imported_image: Path) -> None:
    parts = parts_of(with_imported_image)
    now = json.loads(parts[RECORD])
    now["noise"], now["view"]["tab"], now["traversal"]["by"] = "gray:0.5", "neighbors_panel", "components"
    direction = {"name": "a", "method": "means", "count": [1, 2], "accuracy": 0.5, "effect": 1, "p": 0.5}
    now["directions"] = [direction | {"null_effect": [0.25, 0.5]}]
    arrays = packed(**arrays_of(with_imported_image), directions=np.ones((1, 2), np.float32))
    now["checksum"] = hashlib.sha256(arrays).hexdigest()
    old = now | {"version": 3, "noise": "grey:0.5", "guest": now["imported_image"], "film": now["animation"]}
    old |= {"traversal": now["traversal"] | {"by": "axes"}, "view": now["view"] | {"tab": "neighbours_panel"}}
    old["data"] = {"picture" if key == "image_index" else key: value for key, value in now["data"].items()}
    old["grid"] = {"axes" if key == "components" else key: value for key, value in now["grid"].items()}
    old["directions"] = [direction | {"chance": [0.25, 0.5]}]
    del old["imported_image"], old["animation"]
    with zipfile.ZipFile(with_imported_image, "w") as archive:
        archive.writestr(RECORD, json.dumps(old))
        archive.writestr(ARRAYS, arrays)
        archive.writestr("guest", parts[IMPORTED_IMAGE])
    session, _ = read_session(with_imported_image)
    assert json.loads(session.record.model_dump_json()) == now
    assert session.imported_image == parts[IMPORTED_IMAGE]
    rewritten = session_bytes(session)
    with zipfile.ZipFile(io.BytesIO(rewritten)) as archive:
        assert archive.namelist() == [RECORD, ARRAYS, IMPORTED_IMAGE]


@pytest.mark.parametrize("name", ["work", "copy", "imported"])
def test_a_record_is_written_as_it_was_read(name: str) -> None:
    path = Path(__file__).parents[1] / "fixtures" / "v1" / f"{name}.latent"
    session, _ = read_session(path)
    expected = migrated(json.loads(parts_of(path)[RECORD]), name)
    expected["view"] |= {"workspace": "", "stage": ""}
    expected["model"] |= {"run": ""}
    assert json.loads(session.record.model_dump_json()) == expected


@pytest.mark.parametrize(
    "change", [{"data": 3}, {"grid": None}, {"directions": [1]}, {"directions": 5}, {"view": []}, {"noise": 1}]
)
def test_a_damaged_record_of_version_3_is_refused(good: Path, change: dict[str, object]) -> None:
    rewrite(good, record={"version": 3} | change)
    refused(good, "not a valid session")


def test_a_newer_version_is_refused_and_left_as_it_is(good: Path) -> None:
    rewrite(good, record={"version": VERSION + 1, "something_new": {"deep": 1}})
    before = good.read_bytes()
    error = refused(good, f"version {VERSION + 1}")
    assert "newer Latent Explorer" in str(error)
    assert "the file is unchanged" in str(error)
    assert good.read_bytes() == before


@pytest.mark.parametrize("version", [0, -1, None, "2", 1.5, True, 10**30])
def test_a_version_that_is_none_is_refused(good: Path, version: object) -> None:
    rewrite(good, record={"version": version})
    refused(good, "version")


# -- hostile archives --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "C:\\evil", "a/../../evil", "session.json/../x", "x.pkl"])
def test_a_way_out_of_the_archive_is_refused(good: Path, name: str) -> None:
    with zipfile.ZipFile(good, "a") as archive:
        archive.writestr(name, b"evil")
    refused(good, "is not one of")
    assert sorted(path.name for path in good.parent.iterdir()) == ["good.latent"]


def test_a_part_twice_is_refused(good: Path) -> None:
    with zipfile.ZipFile(good, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(RECORD, b"{}")
    refused(good, "two entries of the same name")


def test_a_link_is_refused(good: Path) -> None:
    parts = parts_of(good)
    link = zipfile.ZipInfo(ARRAYS)
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(good, "w") as archive:
        archive.writestr(RECORD, parts[RECORD])
        archive.writestr(link, "/etc/passwd")
    refused(good, "link")


def test_a_bomb_is_refused_before_it_is_inflated(good: Path) -> None:
    """A part that says how large it becomes: 600 MB of zeros in 600 kB."""
    parts = parts_of(good)
    with zipfile.ZipFile(good, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(RECORD, parts[RECORD])
        with archive.open(ARRAYS, "w", force_zip64=True) as part:
            block = bytes(1 << 20)
            for _ in range(600):
                part.write(block)
    assert good.stat().st_size < 10 << 20
    refused(good, "more than 512 MB")


def test_a_bomb_within_the_arrays_is_refused(good: Path) -> None:
    inner = io.BytesIO()
    with (
        zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("keyframes.npy", "w", force_zip64=True) as part,
    ):
        for _ in range(600):
            part.write(bytes(1 << 20))
    rewrite(good, arrays=inner.getvalue())
    refused(good, "more than 512 MB")


def test_a_bomb_that_lies_about_its_size_gives_no_more_than_it_says(good: Path) -> None:
    parts = parts_of(good)
    with zipfile.ZipFile(good, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(RECORD, parts[RECORD])
        archive.writestr(ARRAYS, bytes(32 << 20))
    content = bytearray(good.read_bytes())
    # The sizes after inflation, in both headers of the second part.
    for place in (content.find(b"PK\x03\x04", 10) + 22, content.rfind(b"PK\x01\x02") + 24):
        content[place : place + 4] = struct.pack("<I", 100)
    good.write_bytes(content)
    refused(good, "as a zip archive")


def test_encryption_and_other_compressions_are_refused(good: Path) -> None:
    content = bytearray(good.read_bytes())
    place = content.rfind(b"PK\x01\x02")
    content[place + 8] |= 1
    good.write_bytes(content)
    refused(good, "is encrypted")
    with zipfile.ZipFile(good, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr(RECORD, b"{}")
    refused(good, "is neither stored nor deflated")


def test_very_many_parts_are_refused(good: Path) -> None:
    with zipfile.ZipFile(good, "w") as archive:
        for number in range(20_000):
            archive.writestr(str(number), b"")
    refused(good, "20,000 entries, more than 100")


def test_a_wrong_checksum_is_refused(good: Path) -> None:
    rewrite(good, record={"checksum": "0" * 64})
    refused(good, "checksum")


@settings(max_examples=200)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_whatever_byte_is_changed_opens_as_it_was_or_is_refused(
    place: float, bit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(CONTENT)
    content[int(place * len(content))] ^= 1 << bit
    path = tmp_path_factory.mktemp("changed") / "a.latent"
    path.write_bytes(content)
    try:
        session, _ = read_session(path)
    except SessionError:
        return
    assert session_bytes(session) == session_bytes(WHOLE)


WHOLE = session_of(replace(make_state(), imported_image=ImportedImage.open(image_file(), "mine.jpg")))
CONTENT = session_bytes(WHOLE)


@settings(max_examples=100)
@given(length=st.integers(0, len(CONTENT) - 1))
def test_a_file_that_is_cut_short_is_refused(length: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cut") / "a.latent"
    path.write_bytes(CONTENT[:length])
    with pytest.raises(SessionError):
        read_session(path)


@settings(max_examples=100)
@given(content=st.binary(max_size=300))
def test_whatever_is_called_a_session_is_refused_and_no_crash(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("junk") / "a.latent"
    path.write_bytes(content)
    with pytest.raises(SessionError):
        read_session(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, tmp_path.name)
    refused(tmp_path / "none.latent", r"Cannot open the session .*none\.latent: No such file")


# -- hostile arrays ----------------------------------------------------------------------------------------------------


class Evil:
    """Would write a file where it was unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_a_pickle_among_the_arrays_is_not_run(good: Path, tmp_path: Path) -> None:
    mark = tmp_path / "run"
    arrays = arrays_of(good) | {"cursor": np.array([Evil(mark)], object)}
    rewrite(good, arrays=packed(**arrays))
    refused(good, "float32")
    assert not mark.exists()


def header(shape: tuple[int, ...], kind: str = "<f4") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": kind, "fortran_order": False, "shape": shape})
    return file.getvalue()


@pytest.mark.parametrize("shape", [(10**9, 2), (10**12,), (2**62, 4), (2**63, 2**63), (-5, 2)])
def test_a_huge_shape_asks_for_no_memory(good: Path, shape: tuple[int, ...]) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("keyframes.npy", header(shape) + bytes(64))
    rewrite(good, arrays=inner.getvalue())
    refused(good, "do not fit its shape|its header declares|as a NumPy array")


@pytest.mark.parametrize(
    "change",
    [
        {"cursor": np.array([np.nan, 0], np.float32)},
        {"cursor": np.array([np.inf, 0], np.float32)},
        {"cursor": np.zeros(3, np.float32)},
        {"cursor": np.zeros((2, 1), np.float32)},
        {"cursor": np.array([1e300, 0])},
        {"cursor": np.array(["a", "b"])},
        {"cursor": np.array([1, 0], ">f4")},
        {"cursor": np.zeros((), np.float32)},
        {"keyframes": np.zeros((4, 2), np.float32)},
        {"keyframes": np.zeros((3, 0), np.float32)},
        {"keyframes": np.zeros((0, 2), np.float32)},
        {"keyframes": np.asfortranarray(np.zeros((3, 2), np.float32))},
        {"times": np.array([np.nan])},
        {"thumbnails": np.zeros((2, 0, 5, 1), np.uint8)},
        {"thumbnails": np.zeros((2, 5, 5, 2), np.uint8)},
        {"thumbnails": np.zeros((1, 5, 5, 1), np.uint8)},
        {"thumbnails": np.zeros((2, 9000, 5, 1), np.uint8)},
        {"slot_0": np.zeros((1, 3), np.float32)},
        {"corners": np.zeros((2, 2), np.float32)},
        {"selection": np.zeros((2, 2), np.int64)},
        {"timeline_codes": np.zeros(9, np.float32)},
        {"timeline_codes": np.zeros(11, np.float32)},
        {"timeline_codes": np.zeros((5, 2), np.float32)},
        {"timeline_codes": np.zeros(10)},
        {"timeline_codes": np.full(10, np.nan, np.float32)},
        {"timeline_times": np.zeros(6)},
        {"timeline_times": np.full(5, np.inf)},
        {"unheard_of": np.zeros(2, np.float32)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_arrays_that_do_not_fit_are_refused_by_name(good: Path, change: dict[str, NDArray[Any]]) -> None:
    rewrite(good, arrays=packed(**(arrays_of(good) | change)))
    refused(good, next(iter(change)))


@pytest.mark.parametrize("name", ["keyframes", "bookmarks", "timeline_codes", "timeline_times"])
def test_arrays_that_are_missing_are_named(good: Path, name: str) -> None:
    arrays = arrays_of(good)
    del arrays[name]
    rewrite(good, arrays=packed(**arrays))
    refused(good, name)


# -- absurd values -----------------------------------------------------------------------------------------------------


def changed(record: Any, place: str, value: object) -> Any:
    """Return a record with one value exchanged, such as ``animation.steps`` or ``timelines.0.name``."""
    first, _, rest = place.partition(".")
    if isinstance(record, list):
        return [changed(part, rest, value) if str(number) == first else part for number, part in enumerate(record)]
    return record | {first: changed(record[first], rest, value) if rest else value}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("animation.steps", 10**9),
        ("animation.steps", 1),
        ("animation.steps", float("nan")),
        ("animation.fps", 1e300),
        ("animation.fps", float("nan")),
        ("animation.fps", 0),
        ("animation.hold", -1),
        ("animation.hold", 10**9),
        ("animation.path", "../evil"),
        ("animation.easing", "__import__"),
        ("segments", [{"steps": 10**9, "path": "linear", "easing": "linear"}] * 3),
        ("segments", [None] * 20_000),
        ("segments", [None] * 4),
        ("animation.surprise", 1),
        ("jitter", {"sigma": 0.5, "seed": 0, "surprise": 1}),
        ("jitter.sigma", float("inf")),
        ("jitter.sigma", 1e300),
        ("jitter.sigma", -1),
        ("jitter.seed", -1),
        ("jitter.seed", 10**30),
        ("sampling.temperature", float("nan")),
        ("sampling.prior", "evil"),
        ("traversal.reach", 0),
        ("traversal.by", 3),
        ("grid.low", 1e300),
        ("grid.low", 5),
        ("grid.high", float("nan")),
        ("grid.steps", 10**9),
        ("grid.quantiles", True),
        ("grid.corners", [[0, 0], [1, 0], [0, 1]]),
        ("grid.dims", [-1, 0]),
        ("grid.dims", [0, 10**30]),
        ("noise", "gaussian:1e300"),
        ("noise", "gaussian:nan"),
        ("noise", "evil:1"),
        ("noise", "gaussian:0.1:99999999999999999999999"),
        ("noise", "+".join(["gaussian:0.1"] * 700)),
        ("noise", "x" * 100_000),
        ("arithmetic.strengths", [1, 1]),
        ("arithmetic.strengths", [1e300, 0, 0]),
        ("arithmetic.share", 2),
        ("model.latent_dim", 10**9),
        ("model.latent_dim", 0),
        ("model.latent_dim", 3),
        ("model.path", "x" * 10_000),
        ("model.preprocessing", {"steps": []}),
        ("data.image_index", -1),
        ("data.count", 10**30),
        ("bookmarks", [""] * 2),
        ("bookmarks", ["x" * 10_000] * 2),
        ("bookmarks", ["a"]),
        ("timelines", [{}]),
        ("timelines.0.animation.fps", 1e300),
        ("timelines.0.animation.steps", 10**9),
        ("timelines.0.animation.path", "../evil"),
        ("timelines.0.segments", [None] * 3),
        ("timelines.0.segments", [None] * (MOST_CODES + 1)),
        ("timelines.0.segments", [{"steps": 10**9, "path": "linear", "easing": "linear"}] * 2),
        ("timelines.0.latent_dim", 0),
        ("timelines.0.latent_dim", 2),
        ("timelines.0.latent_dim", 2**31),
        ("timelines.0.latent_dim", 10**30),
        ("timelines.0.frames", None),
        ("timelines.0.frames", -1),
        ("timelines.0.frames", 10**30),
        ("timelines.0.model_hash", "x" * 101),
        ("timelines.0.name", "x" * 201),
        ("timelines.0.path", "x" * 10_000),
        ("timelines.0.run", "x" * 10_000),
        ("timelines.0.bookmarks", [""]),
        ("timelines.0.bookmarks", ["one more"]),
        ("timelines.0.directions", []),
        ("timelines.0.directions.0.method", "evil"),
        ("timelines.0.directions.0.p", float("nan")),
        ("timelines.0.arithmetic.strengths", [1e300, 0, 0]),
        ("timelines.0.arithmetic.mode", "evil"),
        ("timelines.0.terms", [2, 1, 1]),
        ("timelines.0.terms", [-1, 0, 4]),
        ("timelines.0.terms", [10**30, 0, 0]),
        ("timelines.0.terms", [3]),
        ("timelines.0.surprise", 1),
        ("timelines.1.segments", [None] * MOST_CODES),
        ("view.playhead", -1),
        ("view.workspace", "x" * 10_000),
        ("view.stage", "x" * 10_000),
        ("view.tab", "x" * 10_000),
        ("selection", {"title": "none are there"}),
        ("surprise", 1),
        ("checksum", 7),
        ("format", "something"),
    ],
)
def test_absurd_values_are_refused(good: Path, place: str, value: object) -> None:
    record = json.loads(parts_of(good)[RECORD])
    record = record | {place: value} if place == "surprise" else changed(record, place, value)
    rewrite(good, record=record if place != "checksum" else {"checksum": value})
    refused(good, ".")


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"null", b"\xff\xfe", b"{", b"[" * 100_000, b'{"format": "latent-explorer-session"}']
)
def test_what_is_no_record_is_refused(good: Path, text: bytes) -> None:
    parts = parts_of(good)
    with zipfile.ZipFile(good, "w") as archive:
        archive.writestr(RECORD, text)
        archive.writestr(ARRAYS, parts[ARRAYS])
    refused(good, ".")


junk: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists, max_leaves=4
)


@settings(max_examples=300)
@given(data=st.data())
def test_a_record_with_any_one_value_exchanged_opens_or_is_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("junk") / "a.latent"
    path.write_bytes(CONTENT)
    record = json.loads(parts_of(path)[RECORD])
    place = data.draw(st.sampled_from(sorted(record)))
    if isinstance(record[place], dict) and data.draw(st.booleans()):
        place = f"{place}.{data.draw(st.sampled_from(sorted(record[place])))}"
    rewrite(path, record=changed(record, place, data.draw(junk)))
    try:
        session, _ = read_session(path)
    except SessionError:
        return
    # What is taken for good can be shown.
    document = Document()
    model = make_model()
    if session.record.model is not None and session.record.model.latent_dim == model.latent_dim:
        document.put_state(state_of(session, model, make_source()))
        document.timeline.put_playhead(session.record.view.playhead)
        assert document.plane is not None
        assert document.timeline.frames >= 0
        document.open(replace(make_model(name="learning"), run=Path("/nowhere/runs/one")))
        assert document.timeline.frames >= 0


@pytest.mark.parametrize(
    ("state", "part"),
    [
        (State(jitter=Jitter(-1.0)), "jitter.sigma"),
        (State(jitter=Jitter(seed=2**63)), "jitter.seed"),
        (State(sampling=Sampling(temperature=float("nan"))), "sampling.temperature"),
        (State(traversal=Traversal(reach=0)), "traversal.reach"),
        (State(grid=GridSettings(high=1e300)), "grid.high"),
        (State(animation=AnimationSettings(steps=20_000)), "animation settings"),
        (State(keyframes=(Keyframe(np.zeros(2, np.float32), Segment(20_000)),)), "animation settings"),
        (State(timelines=(KeptTimeline(OTHER, animation=AnimationSettings(20_000)),)), "TimelineRecord"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_settings_that_could_not_be_read_again_are_not_written(state: State, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        session_of(state)


# -- writing -----------------------------------------------------------------------------------------------------------


def test_what_cannot_be_written_leaves_the_old_file(good: Path, tmp_path: Path) -> None:
    before = good.read_bytes()
    with pytest.raises(ExportError):
        write_session(tmp_path / "nowhere" / "a.latent", WHOLE)
    (tmp_path / "folder.latent").mkdir()
    with pytest.raises(ExportError):
        write_session(tmp_path / "folder.latent", WHOLE)
    assert good.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.latent", "good.latent"]
