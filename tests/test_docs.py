"""Links, file names, names in code and commands in the docs exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from explorer.cli.commands import COMMANDS
from explorer.cli.main import build_parser, load_command

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [
    *sorted(REPOSITORY.glob("*.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
    REPOSITORY / "pretrained" / "README.md",
]
GUIDED = [page for page in PAGES if page.name not in {"CHANGELOG.md", "automation.md"}]
"""Pages about the program as it is now; the names in automation.md are compared with the window by its own test."""

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")
_BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"(?<![\w./…-])((?:[\w.-]+/)+[\w-]+\.(?:py|txt|toml|yml|npz))\b")
_CLASS_MEMBER = re.compile(r"\b([A-Z][A-Za-z]+)\.([a-z_]\w*)\b")
_COMMAND = re.compile(r"latent-explorer ([a-z][\w-]*)((?: [^\n`|]*)?)")
_ROOTS = ("", "explorer", "tests", "tests/support")

WRITTEN = {"arabic_ofl_64.npz", "personas_64.npz"}
"""Files that users or commands write."""

pages = pytest.mark.parametrize("page", GUIDED, ids=lambda page: page.relative_to(REPOSITORY).as_posix())


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", _BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = _SPAN.sub("", _BLOCK.sub("", page.read_text(encoding="utf-8")))
    wrong = []
    for link in _LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert not wrong, wrong


@pages
def test_files_that_are_named_exist(page: Path) -> None:
    text = _LINK.sub("", page.read_text(encoding="utf-8"))
    named = {name for name in _FILE.findall(text) if "NAME" not in name and Path(name).name not in WRITTEN}
    missing = {name for name in named if not any((REPOSITORY / root / name).exists() for root in _ROOTS)}
    assert not missing, sorted(missing)


@cache
def members() -> dict[str, set[str]]:
    """Return the names that are defined in each class of the package and its bases, by the class's name."""
    own: dict[str, set[str]] = {}
    bases: dict[str, list[str]] = {}
    for path in (REPOSITORY / "explorer").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ClassDef):
                continue
            names = own.setdefault(node.name, set())
            bases.setdefault(node.name, []).extend(ast.unparse(base).split(".")[-1] for base in node.bases)
            for part in ast.walk(node):
                if isinstance(part, ast.FunctionDef):
                    names.add(part.name)
                elif isinstance(part, ast.Name | ast.Attribute) and isinstance(part.ctx, ast.Store):
                    names.add(part.id if isinstance(part, ast.Name) else part.attr)
    return {name: names.union(*(own.get(base, set()) for base in bases[name])) for name, names in own.items()}


@cache
def words() -> set[str]:
    """Return every name in the source of the package, and the names of its files and folders."""
    found = set()
    for path in (REPOSITORY / "explorer").rglob("*"):
        found |= {path.name, path.stem}
        if path.suffix == ".py":
            found |= set(re.findall(r"\w+", path.read_text(encoding="utf-8")))
    return found


@pages
def test_members_of_classes_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    code = "\n".join((*_SPAN.findall(text), *_BLOCK.findall(text)))
    pairs = {(name, member) for name, member in _CLASS_MEMBER.findall(code) if name in members()}
    missing = {f"{name}.{member}" for name, member in pairs if member not in members()[name]}
    assert not missing, sorted(missing)


def test_the_terms_of_the_glossary_exist_in_the_code() -> None:
    text = (REPOSITORY / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in text.replace(r"\|", "¦").splitlines() if line.startswith("| ")]
    terms = [row[0].strip() for row in rows if row[0].strip() not in {"term", "---"}]
    assert len(terms) == len(set(terms)) > 80, "each term once"
    named = {part for row in rows for span in _SPAN.findall(row[2]) for part in re.findall(r"[\w-]+(?:\.py)?", span)}
    missing = {name for name in named if name not in words() and len(name) > 1}
    assert len(named) > 60
    assert not missing, sorted(missing)


def test_the_path_of_a_slider_value_names_what_exists() -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    (diagram,) = [block for block in _BLOCK.findall(text) if "mouse move" in block]
    files = _FILE.findall(diagram)
    assert len(files) >= 9
    for line in diagram.splitlines():
        for name in _FILE.findall(line):
            source = (REPOSITORY / "explorer" / name).read_text(encoding="utf-8")
            description = _FILE.sub("", line.split(name)[1])
            for mentioned in re.findall(r"\b[A-Z][a-z]+\w*\b|\b\w+_\w+\b", description):
                assert mentioned in source, f"{name}: {mentioned}"


@pages
def test_commands_and_their_options_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    code = "\n".join((*_SPAN.findall(text), *_BLOCK.findall(text), *re.findall(r"^    (\S.*)$", text, re.MULTILINE)))
    wrong = []
    for name, rest in _COMMAND.findall(code):
        if name not in COMMANDS:
            is_model = f"--out {name}" in text or (REPOSITORY / "pretrained" / name).is_dir()
            wrong += [] if is_model else [name]
            continue
        known = options_of(name)
        wrong += [f"{name} {option}" for option in re.findall(r"(?<!\S)(--[a-z][\w-]*)", rest) if option not in known]
    assert not wrong, wrong


@cache
def options_of(command: str) -> set[str]:
    """Return the options that a command takes."""
    parser = build_parser(command, load_command(command))
    return {text for action in parser._actions for text in action.option_strings}


def test_the_readme_is_short() -> None:
    assert len((REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()) < 150
