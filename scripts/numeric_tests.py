"""Run the tests marked ``numeric`` under several kernels of OpenBLAS, each with one and with two threads.

    python scripts/numeric_tests.py
    python scripts/numeric_tests.py --only Haswell --only default --threads 2

OpenBLAS selects a kernel for the processor; the last bits of a product depend on it, on the number of threads and on
the shape. A test that depends on these bits passes on one machine and fails on another. Kernels that this processor
does not support are skipped. Exits with 1 if a test failed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
KERNELS = ("default", "Haswell", "SkylakeX", "Zen", "Sandybridge", "Prescott")
MARK = "pytest.mark.numeric"
_TRIAL = """
import numpy, threadpoolctl
for kind in "fd":
    table = numpy.ones((200, 200), kind)
    table @ table
print(threadpoolctl.threadpool_info()[0]["architecture"])
"""


def environment(kernel: str, threads: int) -> dict[str, str]:
    """Return the environment for a kernel and a number of threads."""
    chosen = os.environ | {"OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    chosen.pop("OPENBLAS_CORETYPE", None)
    places = (REPOSITORY, os.environ.get("PYTHONPATH", ""))
    chosen |= {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": os.pathsep.join(str(place) for place in places if place)}
    return chosen if kernel == "default" else chosen | {"OPENBLAS_CORETYPE": kernel}


def runs_here(kernel: str) -> str:
    """Return the kernel that OpenBLAS selects; empty if this processor does not support it."""
    tried = subprocess.run(
        [sys.executable, "-c", _TRIAL], env=environment(kernel, 1), capture_output=True, text=True, check=False
    )
    return tried.stdout.strip() if tried.returncode == 0 else ""


def numeric_files() -> list[str]:
    """Return the modules with marked tests; collecting all modules would take longer than the tests."""
    files = sorted((REPOSITORY / "tests").rglob("test_*.py"))
    return [str(path.relative_to(REPOSITORY)) for path in files if MARK in path.read_text("utf-8")]


def run_tests(kernel: str, threads: int) -> tuple[bool, str]:
    """Run the marked tests; return whether they passed, and the last lines of the pytest output."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "numeric", "-p", "no:cacheprovider", *numeric_files()]
    ended = subprocess.run(
        command, cwd=REPOSITORY, env=environment(kernel, threads), capture_output=True, text=True, check=False
    )
    lines = (ended.stdout + ended.stderr).strip().splitlines()
    return ended.returncode == 0, "\n".join(lines[-1:] if ended.returncode == 0 else lines[-60:])


def main() -> int:
    """Run every combination; return the exit code."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=KERNELS, help="only this kernel; repeatable")
    parser.add_argument("--threads", action="append", type=int, metavar="N", help="number of threads; repeatable")
    options = parser.parse_args()
    failed = False
    for kernel in options.only or KERNELS:
        taken = runs_here(kernel)
        if not taken:
            print(f"{kernel}: not supported by this processor", flush=True)
            continue
        for threads in options.threads or (1, 2):
            begun = time.monotonic()
            passed, words = run_tests(kernel, threads)
            failed = failed or not passed
            print(f"{kernel} ({taken}), {threads} threads, {time.monotonic() - begun:.0f} s: {words}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
