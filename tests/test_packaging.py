"""The setup: exact versions without addresses for all dependencies, and the bundled font."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from explorer.paths import docs_dir
from explorer.ui.help_pages import help_pages

REPOSITORY = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = [
    requirement
    for extra in PROJECT["optional-dependencies"].values()
    for requirement in extra
    if not requirement.startswith(PROJECT["name"])
]


def pins() -> dict[str, str]:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_constraints_are_names_and_versions_only() -> None:
    for line in (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line), line


@pytest.mark.parametrize("requirement", [*PROJECT["dependencies"], *EXTRAS])
def test_every_requirement_has_a_pin_that_fits(requirement: str) -> None:
    wanted = Requirement(requirement)
    pinned = {canonicalize_name(name): version for name, version in pins().items()}
    assert wanted.specifier.contains(pinned[canonicalize_name(wanted.name)])


@pytest.mark.parametrize(
    ("version", "allowed"), [("6.12.0", 0), ("6.11.0", 0), ("6.11.1", 0), ("6.11.3", 1), ("6.10.3", 1)]
)
def test_faulty_releases_of_qt_are_excluded(version: str, allowed: int) -> None:
    (wanted,) = [one for one in map(Requirement, PROJECT["dependencies"]) if one.name == "PySide6-Essentials"]
    assert wanted.specifier.contains(version) == bool(allowed)


@pytest.mark.parametrize(("version", "allowed"), [("3.10", 0), ("3.11", 1), ("3.13", 1), ("3.14", 0)])
def test_pythons_are_those_of_tensorflow(version: str, allowed: int) -> None:
    assert SpecifierSet(PROJECT["requires-python"]).contains(version) == bool(allowed)


def test_the_help_is_in_the_wheel() -> None:
    """Where `explorer.paths` looks for it in an installed package."""
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    wheel = tomllib.loads(text)["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["sources"]["docs"] == "explorer/docs"
    for page in help_pages():
        file = docs_dir() / "guide" / f"{page}.md"
        place = (file if file.exists() else docs_dir() / f"{page}.md").relative_to(REPOSITORY).as_posix()
        assert any(f"/{place}".startswith(included) for included in wheel["include"]), page
        assert not any(f"/{place}".startswith(excluded) for excluded in wheel["exclude"]), page


def test_the_interface_font_is_readable_and_has_its_licence(qapp: object) -> None:
    from PySide6.QtGui import QRawFont

    folder = REPOSITORY / "resources" / "fonts"
    files = sorted(folder.glob("*.otf"))
    assert files
    for file in files:
        font = QRawFont(str(file), 12)
        assert font.familyName().startswith("Inter")
        assert [sign for sign in "aZ09σμ×−…→²±“”–|" if not font.supportsCharacter(ord(sign))] == []
    license = (folder / "OFL.txt").read_text(encoding="utf-8")
    assert "The Inter Project Authors" in license
    assert "SIL OPEN FONT LICENSE Version 1.1" in license
