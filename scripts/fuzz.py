"""Read mutated files with every reader of the program, and list foreign exceptions, hangs and crashes.

    python scripts/fuzz.py --minutes 1.5 --seed 1
    python scripts/fuzz.py --minutes 5 --only session
    python scripts/fuzz.py --replay build/fuzz/session/KeyError-in-models-card-read-card

The time is divided among all readers. Inputs are mutations, determined by the seed, of small valid files written by the
program. Each input is read in a process with 2 GB of additional memory and 5 s of CPU time. The first input of each
fault is minimized and kept under build/fuzz. Exits with 1 if there was any.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
PATHS = (REPOSITORY, REPOSITORY / "scripts", REPOSITORY / "tests" / "support")
sys.path[:0] = [str(path) for path in PATHS]

HANG_S = 5.0
"""CPU time limit of one input."""

PATIENCE_S = 60.0
"""Wall-clock time limit of one input."""

START_S = 120.0
GUIDED_FROM_S = 20.0
"""Minimum time of a reader for spending half of it on coverage-guided inputs, if atheris is installed."""

MUTATING, GUIDED = "fuzzing.worker", "fuzzing.guided"
JOBS = 2
FAULTS = ("foreign", "hang", "crash", "memory", "crash before")


class Worker:
    """A process that serves one reader at a time; restarted when it has ended."""

    def __init__(self, seed: str, out: Path, root: Path) -> None:
        self._seed = seed
        self._out = out
        self._root = root
        self._module = MUTATING
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def serve(self, reader: str, seconds: float, most: int, module: str = MUTATING) -> Counter[str]:
        """Read inputs with a reader; return the count of each outcome, faults as “verdict: what”."""
        found: Counter[str] = Counter()
        number, until = 0, time.monotonic() + seconds
        while number < most and (left := until - time.monotonic()) > 0:
            order = {"reader": reader, "start": number, "seconds": left, "most": most}
            self._send(order | {"seed": self._seed, "out": str(self._out)}, module)
            ready = False
            while True:
                answer = self._next(HANG_S if ready else START_S)
                if answer is None or "ended" in answer:
                    if answer == {"ended": 0} and ready:
                        return found
                    verdict = "hang" if answer is None else "crash"
                    number = self._end(reader, verdict if ready else "crash before", number, found, answer or {})
                    break
                if "done" in answer:
                    return found
                if "ready" in answer:
                    ready, until = True, time.monotonic() + left  # making seeds is none of the reader's time
                elif "number" in answer:
                    number = answer["number"] + 1
                    verdict = answer["verdict"]
                    found[verdict if verdict not in FAULTS else f"{verdict}: {answer['key']}"] += 1
            if not ready:
                break
        return found

    def close(self) -> None:
        """End the process."""
        self._end_process()
        shutil.rmtree(self._root, ignore_errors=True)

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _send(self, order: dict[str, Any], module: str) -> None:
        if self._process is None or self._process.poll() is not None or module != self._module:
            self._end_process()
            self._module = module
            self._answers = queue.Queue()
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(self._root)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=(self._root / "stderr.txt").open("w"),
                text=True,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, PATHS)), "OMP_NUM_THREADS": "1"},
            )
            threading.Thread(target=self._listen, args=(self._process, self._answers), daemon=True).start()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    @staticmethod
    def _listen(process: subprocess.Popen[str], answers: queue.Queue[dict[str, Any] | None]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            answers.put(json.loads(line))
        answers.put({"ended": process.wait()})

    def _next(self, most: float) -> dict[str, Any] | None:
        """Return the next answer; None if one input took more than `most` seconds of CPU time."""
        begun, used = time.monotonic(), self._used()
        while True:
            try:
                return self._answers.get(timeout=1.0)
            except queue.Empty:
                waited = time.monotonic() - begun
                if waited > PATIENCE_S + most or (waited > most and self._used() - used > most):
                    return None

    def _used(self) -> float:
        """Return the CPU time of the process, or the wall-clock time if unavailable."""
        assert self._process is not None
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, AttributeError):
            return time.monotonic()

    def _end(self, reader: str, verdict: str, number: int, found: Counter[str], answer: dict[str, Any]) -> int:
        """Record a hang or a crash and keep its input; return the number of the next input."""
        said = (self._root / "stderr.txt").read_text("utf-8", "replace").strip()
        last = (said.splitlines() or [""])[-1][:200]
        key = f"{verdict}: input {number}" + (f", exit {answer['ended']} {last}" if answer else "")
        found[key] += 1
        self._end_process()
        target = self._out / reader / f"{verdict}-{number}"
        shutil.rmtree(target, ignore_errors=True)
        if (self._root / "work").is_dir():
            shutil.copytree(self._root / "work", target, symlinks=True)
            (target / "traceback.txt").write_text(said[-4000:], encoding="utf-8")
        return number + 1


def fuzz(readers: list[str], options: argparse.Namespace) -> int:
    """Divide the time among readers and processes; print one line per reader and the faults; return their number."""
    share = options.minutes * 60 * min(options.jobs, len(readers)) / len(readers)
    guided = options.guided and share >= GUIDED_FROM_S and importlib.util.find_spec("atheris") is not None
    waiting: queue.Queue[str] = queue.Queue()
    for reader in readers:
        waiting.put(reader)
    total: Counter[str] = Counter()
    faults: list[str] = []
    lock = threading.Lock()

    def work(folder: Path) -> None:
        folder.mkdir()
        worker = Worker(str(options.seed), options.out, folder)
        try:
            while True:
                reader = waiting.get_nowait()
                found = worker.serve(reader, share / 2 if guided else share, options.most)
                if guided:
                    found += worker.serve(reader, share / 2, options.most, GUIDED)
                with lock:
                    _print(reader, found, total, faults)
        except queue.Empty:
            return
        finally:
            worker.close()

    print(f"{share:.1f} s per reader, " + ("half of it coverage-guided" if guided else "mutations only"))
    print(f"{'reader':<16} {'inputs':>7} {'accepted':>8} {'refused':>7} {'faults':>6}   seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="fuzz-", ignore_cleanup_errors=True) as folder:
        threads = [threading.Thread(target=work, args=(Path(folder, str(n)),)) for n in range(options.jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    _print("all", total, Counter(), [])
    for fault in sorted(faults):
        print(fault)
    if faults:
        print(f"{len(faults)} faults. Their inputs are in {options.out}; --replay FOLDER shows one.")
    return len(faults)


def _print(reader: str, found: Counter[str], total: Counter[str], faults: list[str]) -> None:
    total.update(found)
    names = [name for name in found if name.partition(":")[0] in FAULTS]
    faults += [f"{reader}: {name} ({found[name]} times)" for name in names]
    bad = sum(found[name] for name in names)
    print(f"{reader:<16} {found.total():>7} {found['accepted']:>8} {found['refused']:>7} {bad:>6}", flush=True)


def replay(folder: Path) -> int:
    """Read one kept input again, and print the outcome."""
    from fuzzing.registry import READERS
    from fuzzing.worker import limit_memory

    with tempfile.TemporaryDirectory() as home:
        os.environ["LATENT_EXPLORER_HOME"] = home
        limit_memory()
        (found,) = [path for path in folder.iterdir() if path.name != "traceback.txt"]
        READERS[folder.resolve().parent.name].read(found.absolute())
    print("accepted")
    return 0


def main() -> int:
    """Read the command line; return the exit code."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.5, metavar="M", help="wall-clock time (default: 1.5)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="random seed of the mutations (default: 0)")
    parser.add_argument("--only", action="append", metavar="READER", help="only this reader; repeatable")
    parser.add_argument("--most", type=int, default=10**9, metavar="N", help="maximum number of inputs per reader")
    parser.add_argument("--jobs", type=int, default=JOBS, metavar="N", help=f"number of processes (default: {JOBS})")
    parser.add_argument(
        "--out", type=Path, default=REPOSITORY / "build" / "fuzz", metavar="DIR", help="folder for faults"
    )
    parser.add_argument(
        "--guided",
        action=argparse.BooleanOptionalAction,
        default=True,
        help=f"use coverage guidance half of the time, if atheris is installed and a reader has {GUIDED_FROM_S:g} s",
    )
    parser.add_argument("--list", action="store_true", help="list the readers")
    parser.add_argument("--replay", type=Path, metavar="FOLDER", help="read one kept input again")
    options = parser.parse_args()
    if options.replay:
        return replay(options.replay)
    from fuzzing.registry import READERS

    if options.list:
        print("\n".join(READERS))
        return 0
    readers = options.only or list(READERS)
    unknown = [name for name in readers if name not in READERS]
    if unknown:
        parser.error(f"there is no reader {unknown[0]}; --list prints all")
    return 1 if fuzz(readers, options) else 0


if __name__ == "__main__":
    sys.exit(main())
