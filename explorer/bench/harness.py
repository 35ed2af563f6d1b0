"""What every line needs: timing a call, percentiles, and child processes that measure in a clean interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from explorer.errors import ExplorerError
from explorer.models.bundle import CARD, Bundle, open_bundle
from explorer.paths import pretrained_dir

CHILD_SECONDS = 600.0
"""A child that takes longer is ended."""

_PACKAGE_PARENT = Path(__file__).resolve().parents[2]
_START_CHILD = "import sys; sys.path.append(sys.argv[1]); from explorer.bench.child import main; main(sys.argv[2:])"
_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


class MeasureError(ExplorerError):
    """A figure cannot be had on this machine."""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` per cent of the values do not exceed, interpolated as numpy does.

    Raises
    ------
    MeasureError
        If there are no values.
    """
    if not values:
        raise MeasureError("at least one measurement", "none")
    return float(np.percentile(np.asarray(values, np.float64), share))


def median(values: Sequence[float]) -> float:
    """Return the median; see `percentile`."""
    return percentile(values, 50)


def median_ms(call: Callable[[], object], repeats: int, warm_up: int = 5) -> float:
    """Return the median duration of a call, in milliseconds, after some calls that do not count."""
    for _ in range(warm_up):
        call()
    durations = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        durations.append((time.perf_counter() - begun) * 1000)
    return median(durations)


def resident_mb() -> float:
    """Return this process' resident memory in units of 10⁶ bytes; where only the peak is known, the peak.

    Raises
    ------
    MeasureError
        If the system tells neither.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmRSS:"))
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError as error:
        raise MeasureError("a system that tells a process' resident memory", sys.platform) from error
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def anonymous_mb() -> float:
    """Return the part of the resident memory that is this process' own, in units of 10⁶ bytes.

    Files that are mapped do not count, since the system may drop them at any time. Where it does not tell the parts,
    all that is resident.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("RssAnon:"))
    except (OSError, StopIteration):
        return resident_mb()


def shipped_bundle(name: str) -> Bundle:
    """Open a bundle that ships.

    Raises
    ------
    MeasureError
        If it is missing or damaged.
    """
    try:
        return open_bundle(pretrained_dir() / name)
    except ExplorerError as error:
        raise MeasureError(str(error)) from error


def require_shipped_bundle() -> None:
    """Raise MeasureError where no bundle ships: the window would then open without a model."""
    if not any(pretrained_dir().glob(f"*/{CARD}")):
        raise MeasureError("a model that ships, for the window to open", f"none in {pretrained_dir()}")


@dataclass(frozen=True)
class Told:
    """What a child told: its value, and the seconds from the start of its process until it arrived."""

    seconds: float
    value: Any


def run_child(function: str, **arguments: object) -> list[Told]:
    """Run a function in a fresh interpreter with a home of its own, and return all it told, at least one value.

    Parameters
    ----------
    function
        ``module:name`` within this room; called with the arguments and a function that tells a JSON value.
    arguments
        Anything that JSON can hold.

    Raises
    ------
    MeasureError
        If it fails, takes too long or tells nothing.
    """
    # ignore_cleanup_errors: on Windows a log may still be open in a process that is ending.
    with (
        tempfile.TemporaryDirectory(prefix="latent-explorer-bench-", ignore_cleanup_errors=True) as home,
        tempfile.TemporaryFile() as noise,
    ):
        command = [sys.executable, "-c", _START_CHILD, str(_PACKAGE_PARENT), function, json.dumps(arguments)]
        begun = time.perf_counter()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=noise, env=_child_environment(Path(home))
        )
        watchdog = threading.Timer(CHILD_SECONDS, child.kill)
        watchdog.start()
        try:
            assert child.stdout is not None
            told = [Told(time.perf_counter() - begun, json.loads(line)) for line in child.stdout]
            status = child.wait()
        finally:
            watchdog.cancel()
            watchdog.join()
            child.kill()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()
        if status != 0 or not told:
            raise MeasureError(f"“{function}” to measure", f"exit status {status}, {_last_line(noise)}")
        return told


def _child_environment(home: Path) -> dict[str, str]:
    """Return the environment of a child: nothing of the user's is read or written, and a window needs no display."""
    environment = {**os.environ, **_ENVIRONMENT}
    # Programs start from byte code that an earlier start left; without it, compiling would be measured.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= {"LATENT_EXPLORER_HOME": str(home / "home"), "KERAS_HOME": str(home / "keras")}
    display = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not display:
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    return environment


def _last_line(noise: IO[bytes]) -> str:
    noise.seek(0)
    lines = noise.read().decode(errors="replace").strip().splitlines()
    return f"“{lines[-1].strip()}”" if lines else "nothing said"


def attempt(measure: Callable[[], float]) -> tuple[float | None, str]:
    """Return a figure and no reason, or no figure and the reason why it could not be had."""
    try:
        return measure(), ""
    except MeasureError as error:
        return None, str(error)
