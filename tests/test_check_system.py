"""The check of system libraries: parsing the output of ldd, and the printed command."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.system_libraries import install_command, missing_in

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "check_system.py"


def test_missing_libraries_are_read_from_ldd() -> None:
    output = """
        linux-vdso.so.1 (0x00007ffd)
        libxcb-icccm.so.4 => not found
        libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f)
        libxcb-keysyms.so.1 => not found
        libxcb-icccm.so.4 => not found
    """
    assert missing_in(output) == ["libxcb-icccm.so.4", "libxcb-keysyms.so.1"]


def folder_with(tmp_path: Path, program: str) -> Path:
    file = tmp_path / program
    file.write_text("#!/bin/sh\n", encoding="utf-8")
    file.chmod(0o755)
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="programs have other names there")
def test_debian_gets_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder_with(tmp_path, "apt-get")))
    libraries = ["libglib-2.0.so.0", "libgthread-2.0.so.0", "libEGL.so.1", "libnew-thing.so.3", "libnew2.so.0"]
    command = install_command(libraries, ["Xvfb"])
    assert command is not None
    assert command[:2] == ["apt-get", "install"]
    packages = [word for word in command[2:] if not word.startswith("-")]
    assert packages == ["libglib2.0-0", "libegl1", "libnew-thing3", "libnew2-0", "xvfb"]


@pytest.mark.skipif(sys.platform == "win32", reason="programs have other names there")
def test_fedora_asks_for_the_libraries_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder_with(tmp_path, "dnf")))
    command = install_command(["libxcb-cursor.so.0"], [])
    assert command == ["dnf", "install", "--assumeyes", "libxcb-cursor.so.0()(64bit)"]


def test_unknown_systems_get_no_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install_command(["libEGL.so.1"], []) is None


@pytest.mark.skipif(shutil.which("ldd") is None, reason="only where there is ldd")
def test_the_libraries_for_this_very_run_are_there() -> None:
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), "--platform", "offscreen"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
