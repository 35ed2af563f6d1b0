"""The guard over words: the list is whole, each place is looked at, and exceptions hold; `make check` runs it."""

from __future__ import annotations

import pytest
from check_words import LIST, PLACES, Found, check_markdown, check_python, read_rules

RULES = read_rules(
    "picture, grey | interface docs comments identifiers files | image, gray\n"
    "is another | docs comments | changed\n"
    "! grey | identifiers interface | explorer/old.py | ^grey$|old grey\n"
)


def found(path: str, source: str) -> list[tuple[str, str, int]]:
    read = check_markdown if path.endswith(".md") else check_python
    return [(one.place, one.word, one.line) for one in read(path, source, RULES)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("self.tr('Open pictures')", [("interface", "picture", 1)]),
        ("message('a {picture}')", [("interface", "picture", 1)]),
        ("raise DataError('Cannot read'\n 'the Picture.')", [("interface", "picture", 1)]),
        ("parser.add_argument('-p', help='a grey one')", [("interface", "grey", 1)]),
        ("key = 'picture'", []),
        ("# A picture", [("comments", "picture", 1)]),
        ('"""One.\n\nWhat was\nis  another."""', [("comments", "is another", 4)]),
        ("'''See `picture`.'''", []),
        ("open_pictures = 1", [("identifiers", "picture", 1)]),
        ("class PictureView: ...", [("identifiers", "picture", 1)]),
        ("depicture = pictured = 1", []),
    ],
)
def test_what_is_looked_at_in_python(source: str, expected: list[tuple[str, str, int]]) -> None:
    assert found("explorer/a.py", source) == expected


def test_the_interface_is_that_of_the_program() -> None:
    assert found("tests/a.py", "self.tr('Open pictures')") == []


def test_pages_are_read_without_their_code() -> None:
    page = "# Pictures\n\n```\npicture\n```\n`picture` and a [link](picture.png), grey.\n"
    assert found("docs/a.md", page) == [("docs", "picture", 1), ("docs", "grey", 6)]


def test_exceptions_hold_where_they_are_made() -> None:
    assert found("explorer/old.py", "grey = grey_one = 1\nself.tr('the old grey')") == [("identifiers", "grey", 1)]
    assert found("explorer/new.py", "grey = 1") == [("identifiers", "grey", 1)]


@pytest.mark.parametrize("line", ["picture", "picture | nowhere | image", "picture | docs", "! picture | docs"])
def test_a_line_of_another_form_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        read_rules(line)


def test_the_list_can_be_read() -> None:
    rules = read_rules(LIST.read_text(encoding="utf-8"))
    assert all(rules.words[place] for place in PLACES)
    assert str(Found("a.py", 3, "docs", "grey", "gray", " a grey one")) == (
        "a.py:3: docs: “grey”, write: gray (a grey one)"
    )
