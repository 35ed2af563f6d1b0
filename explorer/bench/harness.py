"""Shared parts of the benchmarks: timing, percentiles, memory, and child processes with a fresh interpreter."""

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
from typing import IO, Any, TypeVar

import numpy as np

from explorer.errors import ExplorerError
from explorer.models.bundle import CARD, Bundle, open_bundle
from explorer.paths import pretrained_dir

T = TypeVar("T")

CHILD_SECONDS = 600.0
"""Timeout of a child process."""

_PACKAGE_PARENT = Path(__file__).resolve().parents[2]
_START_CHILD = "import sys; sys.path.append(sys.argv[1]); from explorer.bench.child import main; main(sys.argv[2:])"
_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


class MeasureError(ExplorerError):
    """A value cannot be measured on this machine."""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the `share`-th percentile, interpolated like `numpy.percentile`; MeasureError if there are no values."""
    if not values:
        raise MeasureError("No measurements were taken.")
    return float(np.percentile(np.asarray(values, np.float64), share))


def median(values: Sequence[float]) -> float:
    return percentile(values, 50)


def median_ms(call: Callable[[], object], repeats: int, warm_up: int = 5) -> float:
    """Return the median duration of a call in milliseconds, after warm-up calls."""
    for _ in range(warm_up):
        call()
    durations = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        durations.append((time.perf_counter() - begun) * 1000)
    return median(durations)


def resident_mb() -> float:
    """Return the resident memory of this process in units of 10⁶ bytes, or its peak if only that is known.

    Raises MeasureError if the system provides neither.
    """
    resident = _status_mb("VmRSS")
    if resident is not None:
        return resident
    try:
        import resource
    except ImportError as error:
        raise MeasureError("Cannot measure memory on {platform}.", platform=sys.platform) from error
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def anonymous_mb() -> float:
    """Return the private (anonymous) resident memory of this process in units of 10⁶ bytes.

    Memory-mapped files do not count, because the system may evict them at any time. Falls back to all resident memory.
    """
    anonymous = _status_mb("RssAnon")
    return resident_mb() if anonymous is None else anonymous


def _status_mb(field: str) -> float | None:
    """Return a size that Linux reports of this process, in units of 10⁶ bytes; None elsewhere."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{field}:")), None)


def shipped_bundle(name: str) -> Bundle:
    """Open a bundled model; MeasureError if it is missing or damaged."""
    try:
        return open_bundle(pretrained_dir() / name)
    except ExplorerError as error:
        raise MeasureError(error.message) from error


def require_shipped_bundle() -> None:
    """Raise MeasureError if there is no bundled model, because the window would open without one."""
    if not any(pretrained_dir().glob(f"*/{CARD}")):
        raise MeasureError("There is no bundled model in {folder}.", folder=pretrained_dir())


@dataclass(frozen=True)
class Reported:
    """A value from a child process, and the seconds from the start of the process until it arrived."""

    seconds: float
    value: Any


def run_child(function: str, **arguments: object) -> list[Reported]:
    """Run a function in a fresh interpreter with its own home folder, and return the values it sent, at least one.

    `function` is ``module:name`` within this package, called with the arguments, JSON values, and a function that sends
    a JSON value. MeasureError if it fails, times out or sends nothing.
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
            answers = [Reported(time.perf_counter() - begun, json.loads(line)) for line in child.stdout]
            status = child.wait()
        finally:
            watchdog.cancel()
            watchdog.join()
            child.kill()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()
        if status != 0 or not answers:
            last = _last_line(noise)
            raise MeasureError(
                "“{name}” failed with exit status {status}: {last}", name=function, status=status, last=last
            )
        return answers


def _child_environment(home: Path) -> dict[str, str]:
    """Return the environment of a child: isolated from the user's files, and without a display requirement."""
    environment = {**os.environ, **_ENVIRONMENT}
    # An installed program starts from cached bytecode; without it, compiling would be measured.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= {"LATENT_EXPLORER_HOME": str(home / "home"), "KERAS_HOME": str(home / "keras")}
    display = environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not display:
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    return environment


def _last_line(noise: IO[bytes]) -> str:
    noise.seek(0)
    lines = noise.read().decode(errors="replace").strip().splitlines()
    return f"“{lines[-1].strip()}”" if lines else "no output"


def attempt(measure: Callable[[], T]) -> tuple[T | None, str]:
    """Return the value and an empty reason, or None and the reason why it could not be measured."""
    try:
        return measure(), ""
    except MeasureError as error:
        return None, str(error)
