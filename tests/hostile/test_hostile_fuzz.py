"""The tool that reads mutated files: its seeds are good, its mutations follow from a number, and it finds faults."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from explorer_testing.programs import REPOSITORY, environment
from fuzzing.cases import Bench
from fuzzing.mutations import MOST_BYTES, mutate
from fuzzing.registry import MODULE_VARIABLE, READERS
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of a process need POSIX")


def fuzz(out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPOSITORY / "scripts" / "fuzz.py"), "--out", str(out), "--no-guided", *words]
    more = {MODULE_VARIABLE: "explorer_testing.broken_readers"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment(**more))


@pytest.mark.parametrize("name", [name for name in READERS if name not in ("checkpoint", "recipe-mp4")])
def test_every_seed_is_accepted(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else all that the tool mutates would be refused at the first look."""
    monkeypatch.setenv("LATENT_EXPLORER_HOME", str(tmp_path / "home"))
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    READERS[name].make_seeds(seeds)
    Bench(READERS[name], seeds, tmp_path / "work").check_seeds()


@given(st.binary(max_size=300), st.integers(0, 2**32))
def test_a_mutation_follows_from_its_number_and_stays_small(content: bytes, number: int) -> None:
    first, again = (mutate(content, random.Random(number), [b"other"]) for _ in range(2))
    assert first == again
    assert len(first) <= MOST_BYTES


def test_readers_that_hold_pass(tmp_path: Path) -> None:
    ended = fuzz(tmp_path, "--only", "settings", "--only", "directions", "--most", "50", "--minutes", "2")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "all                  100" in ended.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("reader", "said"),
    [
        ("broken-raises", "foreign: KeyError"),
        ("broken-loops", "hang: input"),
        ("broken-aborts", "crash: input"),
        ("broken-allocates", "memory: MemoryError"),
    ],
)
def test_every_fault_is_found_and_its_input_kept(reader: str, said: str, tmp_path: Path) -> None:
    ended = fuzz(tmp_path, "--only", reader, "--most", "30" if reader == "broken-raises" else "2", "--minutes", "2")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert f"{reader}: {said}" in ended.stdout
    kept = next((tmp_path / reader).iterdir())
    assert (kept / "seed").is_file()
    if reader == "broken-raises":
        assert (kept / "seed").read_bytes() == b"s", "made as small as it goes"
        assert "KeyError" in (kept / "traceback.txt").read_text("utf-8")
