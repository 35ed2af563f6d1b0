"""Every message made outside tests is one literal template, and its placeholders are its values.

This extracts all templates; a translation would do the same.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from explorer.data.classes import Classes
from explorer.data.corruption import Corruption
from explorer.data.source import Facts, Skipped
from explorer.document.activity import JobView, TrainingView
from explorer.document.analysis import Analysis
from explorer.document.comparison import ComparedModel
from explorer.document.document import Document, Problem
from explorer.document.history import History, Step
from explorer.document.sessions import Opening
from explorer.document.view_store import FailedView
from explorer.document.views.image import HalfView
from explorer.export.frames import ExportFormat
from explorer.messages import PLACEHOLDER, Message
from explorer.models.spec import Architecture
from explorer.models.training_presets import TrainingPreset
from explorer.types import Progress
from explorer.workers.jobs import JobRunner

PACKAGE = Path(__file__).resolve().parents[1] / "explorer"
MAKERS = {"message", "Message"}
EXEMPT = {"errors.py", "messages.py"}
"""Files that pass a template on instead of making one."""

BASE = {"ExplorerError"}


@dataclass(frozen=True)
class Made:
    """A call that makes a message."""

    where: str
    call: ast.Call

    @property
    def template(self) -> str | None:
        first = self.call.args[0] if self.call.args else None
        return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None

    @property
    def wraps_a_message(self) -> bool:
        """Whether the first argument is a whole message made elsewhere: a `message(…)` call, or an error's message."""
        first = self.call.args[0] if self.call.args else None
        if isinstance(first, ast.Call):
            return _name(first.func) in MAKERS
        return isinstance(first, ast.Attribute) and first.attr in {"message", "problem", "note"}

    @property
    def names(self) -> set[str] | None:
        """Names of the values; None where they come as a mapping."""
        if any(keyword.arg is None for keyword in self.call.keywords):
            return None
        return {str(keyword.arg) for keyword in self.call.keywords}


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


Modules = dict[str, ast.Module]


@pytest.fixture(scope="module")
def modules() -> Modules:
    """The modules of the program, parsed."""
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def error_classes(modules: Modules) -> set[str]:
    """Return the names of ExplorerError and of every class that descends from it."""
    classes = [node for tree in modules.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found = set(BASE)
    while True:
        more = {node.name for node in classes if any(_name(base) in found for base in node.bases)} - found
        if not more:
            return found
        found |= more


@pytest.fixture(scope="module")
def made(modules: Modules) -> list[Made]:
    """All calls that make a message."""
    return list(_made(modules))


def _made(modules: Modules) -> Iterator[Made]:
    makers = MAKERS | error_classes(modules)
    for path, tree in modules.items():
        if path in EXEMPT:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func) in makers:
                # `self.message(…)` and the like are methods.
                if isinstance(node.func, ast.Attribute) and _name(node.func) in MAKERS:
                    continue
                yield Made(f"{path}:{node.lineno}", node)


def test_errors_are_found(modules: Modules, made: list[Made]) -> None:
    assert {"DataError", "ModelError", "UsageError", "IpcError"} <= error_classes(modules)
    assert len(made) > 300


def test_every_message_is_one_literal_template(made: list[Made]) -> None:
    wrong = [one.where for one in made if one.template is None and not one.wraps_a_message]
    assert not wrong, "a template is a literal, no f-string, sum or variable:\n" + "\n".join(wrong)


def test_every_message_has_its_values_by_name(made: list[Made]) -> None:
    wrong = [one.where for one in made if len(one.call.args) != 1]
    assert not wrong, "values are given by name:\n" + "\n".join(wrong)


def test_placeholders_are_the_values(made: list[Made]) -> None:
    wrong = []
    for one in made:
        if one.template is None or one.names is None:
            continue
        used = {found[1] for found in PLACEHOLDER.finditer(one.template)}
        if used != one.names:
            wrong.append(f"{one.where}: {one.template!r} has {sorted(used)}, given are {sorted(one.names)}")
    assert not wrong, "\n".join(wrong)


def test_templates_have_no_other_braces_and_no_odd_ends(made: list[Made]) -> None:
    wrong = []
    for one in made:
        template = one.template or ""
        rest = re.sub(r"\{\w+(?::[^{}]*)?\}", "", template)
        if "{" in rest or "}" in rest or template != " ".join(template.split()):
            wrong.append(f"{one.where}: {template!r}")
    assert not wrong, "\n".join(wrong)


def emitted(modules: Modules, signal: str) -> Iterator[tuple[str, ast.expr]]:
    """Yield place and argument of each ``….signal.emit(argument)``."""
    for path, tree in modules.items():
        for node in ast.walk(tree):
            function = node.func if isinstance(node, ast.Call) else None
            if isinstance(function, ast.Attribute) and function.attr == "emit" and _name(function.value) == signal:
                assert isinstance(node, ast.Call)
                yield f"{path}:{node.lineno}", node.args[0]


def test_what_is_announced_is_a_message(modules: Modules) -> None:
    """The signal carries any object, so mypy does not see it."""
    places = list(emitted(modules, "announced"))
    assert len(places) > 5
    texts = (ast.Constant, ast.JoinedStr, ast.BinOp)
    wrong = [
        where
        for where, node in places
        if isinstance(node, texts) or (isinstance(node, ast.Call) and _name(node.func) in {"tr", "replace", "str"})
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Problem, "message"),
        (Step, "label"),
        (JobView, "title"),
        (JobView, "note"),
        (TrainingView, "note"),
        (Progress, "note"),
        (FailedView, "message"),
        (HalfView, "problem"),
        (Opening, "model_problem"),
        (Opening, "source_problem"),
        (Skipped, "reason"),
        (Facts, "how"),
        (Classes, "names"),
        (Corruption, "title"),
        (TrainingPreset, "title"),
        (Architecture, "title"),
        (ExportFormat, "title"),
        (Document.report, "problem"),
        (JobRunner.start, "title"),
        (History.record, "label"),
        (Analysis.put_problem, "problem"),
        (ComparedModel.put_problem, "problem"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__qualname__,
)
def test_what_is_shown_is_typed_as_a_message(owner: Any, name: str) -> None:
    """With this, mypy refuses a plain text in all of these places."""
    assert get_type_hints(owner)[name] in (Message, tuple[Message, ...])


@pytest.mark.parametrize(
    ("source", "template", "names"),
    [
        ('DataError("Cannot open {name}.", name=1)', "Cannot open {name}.", {"name"}),
        ('message("a " "b")', "a b", set()),
        ('message(f"a {b}")', None, set()),
        ('message("a " + b)', None, set()),
        ('message("{a}", **values)', "{a}", None),
    ],
)
def test_what_counts_as_a_literal(source: str, template: str | None, names: set[str] | None) -> None:
    call = ast.parse(source, mode="eval").body
    assert isinstance(call, ast.Call)
    one = Made("here", call)
    assert (one.template, one.names) == (template, names)
