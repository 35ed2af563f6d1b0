"""Every text that a person sees goes through Qt's `tr`: found by reading the source, not by running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import explorer.ui

ROOM = Path(explorer.ui.__file__).parent

SHOWN = {
    "QLabel", "QPushButton", "QCheckBox", "QRadioButton", "QToolButton", "QAction", "QMenu", "QGroupBox", "QDockWidget",
    "QTreeWidgetItem", "QListWidgetItem", "ElidedLabel", "EmptyLabel", "ImageFrame",
    "setText", "setTitle", "setToolTip", "setStatusTip", "setWhatsThis", "setWindowTitle", "setPlaceholderText",
    "setAccessibleName", "setAccessibleDescription", "setPlainText", "setHtml", "setSuffix", "setPrefix",
    "setTabText", "setTabToolTip", "setSpecialValueText", "setInformativeText", "setLabelText",
    "addTab", "addItem", "addAction", "addMenu", "addRow", "insertItem", "setHeaderLabels", "setLabel", "setButtonText",
    "show_text", "show_message", "show_words", "show_problem", "announce", "announced", "report",
    "button", "check_box", "combo_box", "spin_box", "decimal_box", "line_edit", "name_control", "name_widget",
    "label", "GestureSlider",
    "ask_file", "ask_folder", "ask_save", "drawText", "Action", "Panel", "ActionMenu",
}  # fmt: skip
"""Calls whose words reach a person."""

UNTRANSLATED_PLACES = {
    "button": {0}, "check_box": {0}, "combo_box": {0}, "spin_box": {0}, "decimal_box": {0}, "line_edit": {0},
    "label": {0}, "ElidedLabel": {0}, "EmptyLabel": {0},
    "name_control": {1}, "name_widget": {1}, "GestureSlider": {0, 3},
    "addItem": {1}, "setLabel": {0}, "Action": {0}, "Panel": {0}, "ActionMenu": {0},
}  # fmt: skip
"""Arguments of these that are object names, or what a choice means."""

UNTRANSLATED_KEYWORDS = {"shortcut", "icon", "look", "help", "purpose", "workspaces"}

WORDS = re.compile(r"[^\W\d_]{2,}")
UNITS = {"px", "ms", "fps", "dB", "MSE", "PSNR", "SSIM", "KL", "MB", "GB", "kB", "Latent Explorer", "nats", "PCA"}
"""Symbols and names that are the same in every language."""


def words_in(node: ast.expr) -> Iterator[str]:
    """Yield the words of literals that an expression shows as they are, not through a call."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.Constant):
                yield str(part.value)
            elif isinstance(part, ast.FormattedValue):
                yield from words_in(part.value)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from words_in(node.left)
        yield from words_in(node.right)
    elif isinstance(node, ast.IfExp):
        yield from words_in(node.body)
        yield from words_in(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from words_in(value)
    elif isinstance(node, ast.List):
        for element in node.elts:
            # Of the pairs in a list to choose from, only the first is shown; the other is what it means.
            yield from words_in(element.elts[0] if isinstance(element, ast.Tuple) and element.elts else element)


def name_of(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        sender = call.func.value
        # Of signals, the one that carries words.
        if call.func.attr == "emit" and isinstance(sender, ast.Attribute):
            return sender.attr
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def untranslated(source: str) -> list[tuple[int, str]]:
    """Return line and text of each literal that is shown without going through `tr`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or name_of(node) not in SHOWN:
            continue
        names = UNTRANSLATED_PLACES.get(name_of(node), set())
        keywords = [keyword.value for keyword in node.keywords if keyword.arg not in UNTRANSLATED_KEYWORDS]
        for place, argument in enumerate([*node.args, *keywords]):
            if place in names:
                continue
            for text in words_in(argument):
                plain = re.sub(r"<[^>]*(>|$)|^[^<]*>|&\w+;", " ", text)
                for unit in UNITS:
                    plain = re.sub(rf"\b{unit}\b", " ", plain)
                if WORDS.search(plain):
                    found.append((node.lineno, text))
    return found


@pytest.mark.parametrize("path", sorted(ROOM.rglob("*.py")), ids=lambda path: path.relative_to(ROOM).as_posix())
def test_no_text_is_shown_without_tr(path: Path) -> None:
    found = untranslated(path.read_text(encoding="utf-8"))
    assert not found, "\n".join(f"{path.name}:{line}: {text!r}" for line, text in found)


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('label.setText("Nothing")', 1),
        ('QLabel("Nothing here")', 1),
        ('label.setText(self.tr("Nothing"))', 0),
        ('label.setText(f"{n} images")', 1),
        ('label.setText(f"{n} {self.tr(word)}")', 0),
        ('label.setText("yes" if on else self.tr("no"))', 1),
        ('button("name_of_it", self.tr("Go"), "Goes on")', 1),
        ('button("name_of_it", self.tr("Go"), self.tr("Goes on"))', 0),
        ('box.setSuffix(" px")', 0),
        ('label.setObjectName("label")', 0),
        ('label.setText("<b></b> – 3 %")', 0),
        ('combo_box("name", self.tr("Tip"), [(self.tr("One"), "one")])', 0),
        ('combo_box("name", self.tr("Tip"), [("One", "one")])', 1),
        ('document.announced.emit("Done it")', 1),
        ('self.moved.emit("gesture")', 0),
        ('Action("name", self.tr("Go"), go, shortcut="Ctrl+G", tip=self.tr("Goes"), synonyms="walk")', 1),
        ('Panel("name", QT_TRANSLATE_NOOP("panels", "Title"), make, tip="Goes")', 1),
    ],
)
def test_the_reader_finds_what_it_should(source: str, count: int) -> None:
    assert len(untranslated(source)) == count


def test_no_placeholder_is_filled_inside_tr() -> None:
    """What is put into a text before `tr` sees it can be in no dictionary."""
    faults = []
    for path in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".tr", "QCoreApplication.translate")):
                literal = all(
                    isinstance(argument, ast.Constant | ast.Name | ast.Attribute | ast.Subscript)
                    for argument in node.args
                )
                if not literal:
                    faults.append(f"{path.name}:{node.lineno}")
    assert faults == []
