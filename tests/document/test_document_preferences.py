"""Settings that heal: whatever lies in their file, the program starts, keeps what is good and the file aside."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.document.preferences import DAMAGED_SUFFIX, Preferences, PreferencesFile, heal
from explorer.paths import settings_path

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def path(explorer_home: Path) -> Path:
    assert settings_path() == explorer_home / "settings.json"
    return settings_path()


def aside(path: Path) -> Path:
    return path.with_name(path.name + DAMAGED_SUFFIX)


def test_without_a_file_everything_is_as_at_first(path: Path) -> None:
    assert heal(path) == (Preferences(), ())
    assert not aside(path).exists()


def test_what_is_put_is_there_at_the_next_start(path: Path) -> None:
    file = PreferencesFile(path)
    values = {
        "scheme": "dark",
        "tour_seen": True,
        "recent_commands": ("action_help",),
        "startup": "start_page",
        "last_model": "/models/one",
        "datasets": ("/data/photos", "/data/more"),
        "dialog_folders": {"images": "/data", "export": "/out"},
    }
    file.put(**values)
    again = PreferencesFile(path)
    assert again.notes == ()
    assert again.values == Preferences.model_validate(values)


def test_without_a_path_they_hold_for_this_start_only(explorer_home: Path) -> None:
    file = PreferencesFile()
    file.put(scheme="dark")
    assert file.values.scheme == "dark"
    assert list(explorer_home.iterdir()) == []


def test_a_damaged_field_falls_back_alone_and_the_file_is_kept_aside(path: Path) -> None:
    text = json.dumps({"version": 1, "scheme": "pink", "tour_seen": True, "keep_layout": "yes", "shoe_size": 44})
    path.write_text(text, encoding="utf-8")
    file = PreferencesFile(path)
    assert file.values == Preferences(tour_seen=True)
    assert [dict(note.values)["field"] for note in file.notes] == ["scheme", "keep_layout", "shoe_size"]
    assert aside(path).read_text(encoding="utf-8") == text
    file.put(scheme="light")
    assert PreferencesFile(path).values == Preferences(tour_seen=True, scheme="light")
    assert PreferencesFile(path).notes == ()
    assert aside(path).read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[1, 2]",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"scheme": "dark"' + b" " * 2_000_000 + b"}",
        b'{"layout": "' + b"A" * 200_000 + b'"}',
        b'{"layout": "not base 64 !"}',
        b'{"tour_seen": NaN, "version": 1e999}',
        b'{"version": 99}',
        b'{"recent_commands": ["a", 1]}',
        b'{"recent_commands": {"a": 1}}',
        b'{"datasets": ["' + b"a" * 5_000 + b'"]}',
        b'{"datasets": [' + b'"a",' * 30 + b'"a"]}',
        b'{"dialog_folders": {"images": 1}}',
        b'{"dialog_folders": ["images"]}',
        b'{"scheme": "\\ud800"}',
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_hostile_files_neither_crash_nor_get_lost(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    values, notes = heal(path)
    assert values == Preferences()
    assert len(notes) >= 1
    assert aside(path).read_bytes() == raw
    assert not path.exists()


def test_a_folder_or_a_pipe_in_its_place_does_no_harm(path: Path) -> None:
    path.mkdir()
    assert heal(path)[0] == Preferences()
    assert aside(path).is_dir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(path)
        assert heal(path)[0] == Preferences()  # reading it would never end


def test_a_link_to_itself_is_no_file(path: Path) -> None:
    path.symlink_to(path)
    values, notes = heal(path)
    assert values == Preferences()
    assert len(notes) == 1


def test_where_it_cannot_be_written_they_hold_all_the_same(explorer_home: Path) -> None:
    (explorer_home / "in the way").write_text("")
    file = PreferencesFile(explorer_home / "in the way" / "settings.json")
    file.put(scheme="dark")
    assert file.values.scheme == "dark"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.dictionaries(st.sampled_from([*Preferences.model_fields, "other"]), JSON))
def test_any_json_gives_settings_that_can_be_written_and_read(path: Path, value: dict[str, object]) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
    values, notes = heal(path)
    assert bool(notes) == (not path.exists())
    again = Preferences.model_validate_json(values.model_dump_json())
    assert again == values
    path.unlink(missing_ok=True)
    aside(path).unlink(missing_ok=True)
