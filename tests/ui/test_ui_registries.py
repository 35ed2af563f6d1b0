"""One new file and one line: a toy entry of each registry appears wherever entries are chosen or listed."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from explorer_testing.documented import undocumented
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog
from pytestqt.qtbot import QtBot

from explorer.cli.commands import architectures, data
from explorer.cli.console import Console
from explorer.cli.main import build_parser, load_command
from explorer.data import sources
from explorer.data.corruption import CORRUPTIONS, Corruption, Noise, corrupt, parse_noise
from explorer.data.source import ArraySource, Facts
from explorer.data.sources import open_source
from explorer.data.sources.entry import PathKind
from explorer.data.splits import random_splits
from explorer.document.document import Document
from explorer.export import FORMATS, ExportFormat, ExportSettings, format_of
from explorer.export.recipe import Recipe, make_recipe
from explorer.export.recipe_file import read_recipe
from explorer.latent.animation import AnimationSettings
from explorer.messages import message
from explorer.models.architectures import ARCHITECTURES
from explorer.types import Pixels, Progress
from explorer.ui.dialogs.export_animation import ExportAnimationDialog
from explorer.ui.dialogs.files import dataset_filters
from explorer.ui.panels.train_form import TrainForm
from explorer.ui.widgets.noise_edit import NoiseEdit


def help_of(command: str) -> str:
    return " ".join(build_parser(command, load_command(command)).format_help().split())


def names(box: QComboBox) -> list[str]:
    return [box.itemText(row) for row in range(box.count())]


def test_everything_is_documented() -> None:
    assert undocumented() == []


def test_a_noise(monkeypatch: pytest.MonkeyPatch, themed: QApplication, qtbot: QtBot) -> None:
    toy = Corruption(
        "toy",
        message("Toy noise"),
        message("Blackens."),
        message("any"),
        1,
        1,
        0.5,
        lambda images, noise, rng: images * 0,
    )
    monkeypatch.setitem(CORRUPTIONS, "toy", toy)
    assert parse_noise("toy:0.25") == (Noise("toy", 0.25),)
    assert not corrupt(np.ones((1, 4, 4, 1), np.float32), parse_noise("toy:1")).any()
    assert all("gray, toy" in help_of(command) for command in ("reconstruct", "evaluate", "train"))
    edit = NoiseEdit("noise", "Noise on the input")
    qtbot.addWidget(edit)
    action = edit.findChild(QAction, "noise_add_toy")
    assert action is not None
    action.trigger()
    assert edit.text() == "toy:0.5"
    kind = edit.findChild(QComboBox, "noise_1_kind")
    assert kind is not None
    assert names(kind)[-1] == "Toy"
    assert undocumented() == ["| `toy` |", "Toy noise"]


def test_an_architecture(monkeypatch: pytest.MonkeyPatch, themed: QApplication, qtbot: QtBot) -> None:
    toy = replace(ARCHITECTURES["dense"], name="toy", title=message("Toy network"))
    monkeypatch.setitem(ARCHITECTURES, "toy", toy)
    assert "cnn, toy" in help_of("train")
    listed = architectures.run(
        build_parser("architectures", architectures.COMMAND).parse_args([]), Console(as_json=False)
    )
    assert not isinstance(listed, int)
    assert any("Toy network" in line for line in listed.lines)
    form = TrainForm(Document())
    qtbot.addWidget(form)
    assert names(form.architecture)[-1] == "Toy network"
    assert undocumented() == ["`toy`"]


def _scan_toy(facts: Facts, path: Path, origin: Path) -> Iterator[ArraySource]:
    files = sorted(path.glob("*.toy")) if path.is_dir() else [path]
    images = np.stack([np.frombuffer(file.read_bytes(), np.uint8).reshape(8, 8, 1) for file in files])
    yield ArraySource(facts, images, random_splits(len(images)))


TOY_KIND = PathKind(
    message("a toy file"),
    lambda path: path.suffix == ".toy" or (path.is_dir() and any(path.glob("*.toy"))),
    _scan_toy,
    label="Toy files",
    patterns=("*.toy",),
    members=r".*\.toy",
)


def test_a_data_file_format(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sources, "SOURCES", (TOY_KIND, *sources.SOURCES))
    (tmp_path / "a.toy").write_bytes(bytes(64))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.toy", "inside/a.toy")
        archive.write(tmp_path / "a.toy", "b.toy")
    assert open_source(tmp_path / "a.toy").count == 1
    assert open_source(tmp_path / "a.zip").count == 1
    assert dataset_filters()[0] == ("Toy files", "*.toy")
    assert all("a toy file" in help_of(command) for command in ("train", "encode", "data"))
    assert undocumented() == ["a toy file"]


def test_a_known_dataset(monkeypatch: pytest.MonkeyPatch, themed: QApplication, qtbot: QtBot) -> None:
    digits = sources.KNOWN[0]
    entry = replace(digits.entry(), name="toy_set")
    toy = replace(digits, name="toy_set", entry=lambda: entry, held_out_of=("toys",))
    monkeypatch.setattr(sources, "KNOWN", (*sources.KNOWN, toy))
    assert open_source("toy-set").count == 10_000
    assert sources.held_out_source("toys") == "toy_set"
    assert all("toy_set" in help_of(command) for command in ("train", "encode", "data"))
    listed = data.run(build_parser("data", data.COMMAND).parse_args([]), Console(as_json=False))
    assert not isinstance(listed, int)
    assert any(line.startswith("toy_set") for line in listed.lines)
    form = TrainForm(Document())
    qtbot.addWidget(form)
    assert "toy set" in names(form.data)
    assert undocumented() == ["`toy_set`"]


def _write_toy(frames: Iterable[Pixels], total: int, path: Path, settings: ExportSettings) -> Iterator[Progress]:
    assert settings.recipe is not None
    path.write_bytes(b"TOY".ljust(16) + settings.recipe.to_text().encode())
    yield Progress(total, total)


def _read_toy(file: BinaryIO) -> bytes:
    return file.read()


@pytest.fixture
def recipe() -> Recipe:
    return make_recipe("model", "0" * 64, np.zeros((2, 2), np.float32), AnimationSettings().animation(2).to_dict())


def test_an_export_format(
    monkeypatch: pytest.MonkeyPatch, themed: QApplication, qtbot: QtBot, tmp_path: Path, recipe: Recipe
) -> None:
    toy = ExportFormat(".toy", message("Toy animation"), _write_toy, b"TOY", _read_toy, note=message("Toys only."))
    monkeypatch.setitem(FORMATS, ".toy", toy)
    path = tmp_path / "a.TOY"
    assert format_of(path) is toy
    list(toy.write(iter(()), 2, path, ExportSettings(10, True, recipe=recipe)))
    assert read_recipe(path) == recipe
    assert ".ome.tif, .toy" in help_of("morph")
    dialog = ExportAnimationDialog(Document())
    qtbot.addWidget(dialog)
    dialog.format.setCurrentIndex(dialog.format.findText("Toy animation"))
    dialog.format.activated.emit(dialog.format.currentIndex())
    assert "Toys only." in dialog.note.text()
    dialog.write.setEnabled(True)
    dialog.write.click()
    files = dialog.findChild(QFileDialog)
    assert files is not None
    assert files.nameFilters() == ["Toy animation (*.toy)"]
    assert files.selectedFiles()[0].endswith("morph.toy")
    files.close()
    assert undocumented() == ["toy"]
