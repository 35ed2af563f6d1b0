"""The licenses of all that the extras install: permissive for users, and listed in NOTICE.md."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOTICE = (REPOSITORY / "NOTICE.md").read_text(encoding="utf-8")
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
FOR_DEVELOPERS = {"bench", "dev", "fuzz"}
PERMISSIVE = {
    *(
        "0BSD",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "HPND",
        "ISC",
        "MIT",
        "MIT-CMU",
        "PSF-2.0",
    ),
    *("Python-2.0", "Unlicense", "Zlib"),
}
WEAK_COPYLEFT = {"LGPL-2.1", "LGPL-3.0", "MPL-2.0"}
"""Allowed as libraries of their own, which a user can replace."""

TOOLS = {"codespell": "GPL-2.0-only"}
"""Tools that no user gets and nothing links to."""

WORDS = {
    "3-clause bsd": "BSD-3-Clause",
    "apache": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd license": "BSD",
    "bsd 3-clause license": "BSD-3-Clause",
    "gnu lesser general public license v3 (lgplv3)": "LGPL-3.0",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "gnu general public license v2 (gplv2)": "GPL-2.0-only",
}


def licenses(found: Distribution) -> set[str]:
    """Return the license names of a package: its expression, else its classifiers, else its short license field."""
    fields: Any = found.metadata
    expression = fields.get("License-Expression") or ""
    classified = [line.rpartition(" :: ")[2] for line in fields.get_all("Classifier") or [] if "License ::" in line]
    written = (fields.get("License") or "").strip()
    names = re.split(r" AND |[()]", expression) if expression else classified or [written[:60] or "unknown"]
    return {WORDS.get(name.strip().lower(), name.strip()) for name in names if name.strip()}


def allowed(name: str) -> bool:
    """Return whether one of the alternatives of a license is allowed."""
    return not {part.strip() for part in name.split(" OR ")}.isdisjoint(PERMISSIVE | WEAK_COPYLEFT)


def closure(requirements: list[str], base: frozenset[str] = frozenset()) -> dict[str, Distribution]:
    """Return the installed packages that requirements bring, beyond `base`, by canonical name."""
    found: dict[str, Distribution] = {}
    left = [Requirement(text) for text in requirements]
    while left:
        wanted = left.pop()
        name = canonicalize_name(wanted.name)
        if name == "latent-explorer":
            left += [Requirement(text) for extra in wanted.extras for text in EXTRAS[extra]]
            continue
        if name in found or name in base or (wanted.marker and not wanted.marker.evaluate()):
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            pytest.skip(f"{name} is not installed")
        for text in found[name].requires or []:
            needed = Requirement(text)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *wanted.extras)):
                needed.marker = None
                left.append(needed)
    return found


def of_the_program() -> frozenset[str]:
    return frozenset(closure(PROJECT["dependencies"]))


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_every_package_of_an_extra_has_an_allowed_license(extra: str) -> None:
    for name, found in closure(EXTRAS[extra], of_the_program()).items():
        if extra in FOR_DEVELOPERS and name in TOOLS:
            continue
        names = licenses(found)
        assert names, name
        assert [one for one in names if not allowed(one)] == [], name


@pytest.mark.parametrize("extra", sorted(set(EXTRAS) - FOR_DEVELOPERS - {"all-formats"}))
def test_the_notice_lists_every_package_of_an_extra_with_its_license(extra: str) -> None:
    for name, found in closure(EXTRAS[extra], of_the_program()).items():
        row = re.search(rf"^\| .*\b{re.escape(extra)}\b.* \| {re.escape(name)} \| (.+?) \|$", NOTICE, re.MULTILINE)
        assert row, f"{name} of the extra {extra} is missing in NOTICE.md"
        assert row[1] == " and ".join(sorted(licenses(found))), name
