"""What import-linter cannot check: which libraries the import of a package really loads.

An import inside a function is allowed where one at the top of a module is not, so the rooms are imported for real, each
set in an interpreter of its own.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "explorer"
HEAVY = {"tensorflow", "keras", "tf_keras", "tf2onnx", "sklearn", "faiss", "av", "torch", "onnxscript"}
WINDOWS = {"PySide6.QtGui", "PySide6.QtWidgets", "pyqtgraph", "superqt"}
KERAS_FREE = {
    "explorer.engine",
    "explorer.engine.channel",
    "explorer.engine.client",
    "explorer.engine.codecs",
    "explorer.engine.messages",
    "explorer.engine.process",
    "explorer.engine.served",
}

IMPORT_ALL = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


def module_names(*rooms: str) -> list[str]:
    """Return the names of the modules of the program, or of some of its packages."""
    names = []
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if not rooms or (len(parts) > 1 and parts[1] in rooms):
            names.append(name)
    return names


def loaded_by(modules: list[str]) -> set[str]:
    """Return ``sys.modules`` after importing `modules`."""
    ended = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *modules],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return set(json.loads(ended.stdout))


def test_the_window_loads_no_heavy_library() -> None:
    apart = ("explorer.bench", "explorer.engine")
    modules = [name for name in module_names() if not name.startswith(apart)]
    assert len(modules) > 20
    assert not loaded_by([*modules, *sorted(KERAS_FREE)]) & HEAVY


def test_workers_need_no_widgets() -> None:
    modules = module_names("workers")
    assert modules
    assert not loaded_by(modules) & WINDOWS


def test_only_the_reader_of_its_programs_imports_pytorch() -> None:
    apart = PACKAGE / "inference" / "torch_import"
    importing = {
        file
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in _imported(node)
        if name.split(".")[0] in {"torch", "onnxscript"}
    }
    assert importing
    assert {file.parent for file in importing} == {apart}


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []


@pytest.mark.parametrize("room", ["data", "latent", "export", "models", "inference", "document", "cli"])
def test_room_stands_without_qt(room: str) -> None:
    loaded = loaded_by(module_names(room))
    assert not [name for name in loaded if name.split(".")[0] in {"PySide6", "shiboken6"}]
