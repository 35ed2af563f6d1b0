from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from explorer.errors import DataError, exception_message
from explorer.messages import NO_MESSAGE, Message, begins_with_a_name, message, message_text


def test_a_message_is_its_template_with_its_values() -> None:
    assert (
        str(message("Cannot open {name}: {size:.1f} MB.", name=Path("a.png"), size=1.25))
        == "Cannot open a.png: 1.2 MB."
    )


@pytest.mark.parametrize(("count", "said"), [(0, "0 images are"), (1, "1 image is"), (1200, "1,200 images are")])
def test_a_form_agrees_with_its_number(count: int, said: str) -> None:
    assert str(message("{count:# image is|# images are} skipped.", count=count)) == f"{said} skipped."


def test_a_tuple_reads_as_a_list() -> None:
    assert str(message("Choose one of {names}.", names=["a", "b"])) == "Choose one of a, b."


def test_a_message_within_a_message_is_translated_too() -> None:
    outer = message("{failure} It is kept.", failure=message("{name} is full.", name="disk"))
    german = {"{failure} It is kept.": "{failure} Sie bleibt.", "{name} is full.": "{name} ist voll."}
    assert message_text(outer, lambda template: german[template]) == "disk ist voll. Sie bleibt."


def test_names_are_not_read_as_templates_and_stay_on_one_line() -> None:
    assert str(message("{name} is damaged.", name="{size}\n{{x}}.png")) == "{size} {{x}}.png is damaged."


def test_what_is_missing_stays_visible() -> None:
    assert str(message("{name} is damaged.")) == "{name} is damaged."


def test_an_error_is_its_message() -> None:
    error = DataError("{name} is damaged. Copy it again.", name="a.png")
    assert error.message == message("{name} is damaged. Copy it again.", name="a.png")
    assert str(error) == "a.png is damaged. Copy it again."


def test_a_name_at_the_start_differs_from_a_word() -> None:
    named = message("{name} is damaged.", name="a.png")
    assert begins_with_a_name(named)
    assert begins_with_a_name(message("{problem} It is kept.", problem=named))
    assert not begins_with_a_name(message("{problem} It is kept.", problem=message("no disk")))
    assert not begins_with_a_name(message("{count:# image|# images} skipped.", count=3))
    assert not begins_with_a_name(message("a.png is damaged."))


def test_equal_messages_are_one_key_and_survive_a_pipe() -> None:
    one = message("{size} MB in {names}", size=2, names=["a", "b"])
    same = message("{size} MB in {names}", names=("a", "b"), size=2)
    assert {one: 1}[same] == 1
    assert one != message("{size} MB in {names}", size=3, names=["a", "b"])
    assert pickle.loads(pickle.dumps(one)) == one
    assert TypeAdapter(Message).validate_json(TypeAdapter(Message).dump_json(one)) == one


def test_an_empty_message_is_false() -> None:
    assert not NO_MESSAGE
    assert message("Done")


def test_any_exception_has_a_message() -> None:
    assert str(exception_message(ValueError("too\n large."))) == "ValueError: too large"
    assert str(exception_message(KeyboardInterrupt())) == "KeyboardInterrupt"
    assert exception_message(DataError("Broken.")) == message("Broken.")
