"""One model is made at a place at a time, by whichever program; who was killed keeps nobody off."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from explorer_testing.programs import environment

from explorer.errors import ExportError, TrainingError
from explorer.models.reservation import Reservation

HOLDER = """
import sys
from pathlib import Path
from explorer.models.reservation import Reservation
with Reservation(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(out: Path) -> subprocess.Popen[str]:
    """Start a program that reserves a place, and wait until it does."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(out)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def end(holder: subprocess.Popen[str]) -> None:
    holder.communicate()


def test_only_one_program_has_a_place(tmp_path: Path) -> None:
    out = tmp_path / "models" / "new"
    holder = hold(out)
    with pytest.raises(TrainingError, match="“new”"):
        Reservation(out)
    with Reservation(out.with_name("other")):
        pass
    end(holder)
    with Reservation(out), pytest.raises(TrainingError):
        Reservation(out)
    assert list(out.parent.iterdir()) == [], "nothing is left behind"


def test_a_place_by_another_name_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    with Reservation(tmp_path / "new"), pytest.raises(TrainingError):
        Reservation(tmp_path / "link" / "new")


def test_who_was_killed_keeps_nobody_off(tmp_path: Path) -> None:
    holder = hold(tmp_path / "new")
    holder.kill()
    end(holder)
    assert [path.name for path in tmp_path.iterdir()] == [".new.lock"]
    Reservation(tmp_path / "new").release()
    assert list(tmp_path.iterdir()) == []


def test_released_twice_is_released_once(tmp_path: Path) -> None:
    first = Reservation(tmp_path / "new")
    first.release()
    with Reservation(tmp_path / "new"):
        first.release()
        with pytest.raises(TrainingError):
            Reservation(tmp_path / "new")


def test_many_that_want_it_have_it_one_after_the_other(tmp_path: Path) -> None:
    """Each deletes the file that the next is about to lock."""
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        done = 0
        while done < 50:
            try:
                with Reservation(tmp_path / "new"):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
                    done += 1
            except TrainingError:
                continue

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 200
    assert max(most) == 1


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match="Cannot write into"):
        Reservation(tmp_path / "file" / "new")
    with pytest.raises(ExportError, match="shorter name"):
        Reservation(tmp_path / ("n" * 252))
