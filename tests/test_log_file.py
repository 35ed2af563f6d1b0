"""The log of the window: it is written and rotated, and the program runs without it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.app import LOG_BYTES, LOG_NAME, LOG_OLDER, start_log
from explorer.document.document import Document
from explorer.messages import message
from explorer.ui.problems import ProblemList

LOGGER = logging.getLogger("explorer")


@pytest.fixture(autouse=True)
def _no_handlers_left() -> Iterator[None]:
    before, level = list(LOGGER.handlers), LOGGER.level
    yield
    for handler in set(LOGGER.handlers) - set(before):
        LOGGER.removeHandler(handler)
        handler.close()
    LOGGER.setLevel(level)


def test_it_rotates_and_keeps_only_the_last_files(explorer_home: Path) -> None:
    assert start_log() is not None
    line = "x" * 10_000
    for number in range(450):
        LOGGER.info("%d %s", number, line)
    files = sorted((explorer_home / "logs").iterdir())
    assert [file.name for file in files] == [LOG_NAME, *(f"{LOG_NAME}.{number}" for number in range(1, LOG_OLDER + 1))]
    assert all(0 < file.stat().st_size <= LOG_BYTES for file in files)
    assert " 449 xxx" in files[0].read_text(encoding="utf-8")


def test_a_problem_is_in_it_with_its_details(explorer_home: Path) -> None:
    start_log()
    document = Document()
    problems = ProblemList(document)
    document.report(message("Something broke."), "Traceback: here")
    text = (explorer_home / "logs" / LOG_NAME).read_text(encoding="utf-8")
    assert "Something broke.\n    Traceback: here" in text
    assert problems.rowCount() == 1


def test_a_name_can_neither_command_a_terminal_nor_forge_an_entry(explorer_home: Path) -> None:
    start_log()
    LOGGER.info("opened %s", "a\x1b[2J\u202e\r\n2026-01-01 00:00:00,000 1 ERROR explorer: all is lost")
    text = (explorer_home / "logs" / LOG_NAME).read_text(encoding="utf-8")
    assert r"opened a\x1b[2J\u202e\r" in text
    assert next(line for line in text.splitlines() if "all is lost" in line).startswith("    2026")


def test_where_it_cannot_be_written_the_program_runs_without(explorer_home: Path) -> None:
    (explorer_home / "logs").write_text("in the way", encoding="utf-8")
    assert start_log() is None
