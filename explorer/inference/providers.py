"""Chooses the execution provider of ONNX Runtime that runs the decoder of a model: the CPU, or a faster device.

Most builds of ONNX Runtime offer the CPU only; then nothing here does anything.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime

from explorer.errors import ExportError
from explorer.inference.codec import AcceleratedNetwork, Network, OnnxCodec
from explorer.inference.sessions import CPU, CUDA
from explorer.paths import cache_dir, replacing_file
from explorer.reading import reason_of
from explorer.types import Codec, Floats, Progress

AUTOMATIC = "automatic"
"""The setting for the fastest provider; any other is the name of a provider in ONNX Runtime."""

TOLERANCE = 1e-3
"""Largest difference between an image of another provider and the CPU's, both nominally in [0, 1]."""

_PREFERRED = (CUDA, "DmlExecutionProvider", "CoreMLExecutionProvider")
"""Tried automatically where they are offered: Linux and Windows, Windows, and macOS."""

_LEFT_OUT = (CPU, "AzureExecutionProvider")
"""Not offered to the user. The second one sends its input to a server."""

_TITLES = {AUTOMATIC: "Automatic", "DmlExecutionProvider": "DirectML"}

_COMPARED = 16
_WARM_UP, _RUNS = 3, 9
_MOST_KEPT = 1_000

_log = logging.getLogger(__name__)


def offered() -> tuple[str, ...]:
    """Return the providers besides the CPU that this build of ONNX Runtime has; their devices may be missing."""
    return tuple(name for name in onnxruntime.get_available_providers() if name not in _LEFT_OUT)


def title(provider: str) -> str:
    """Return how a provider or `AUTOMATIC` is called, such as “CUDA”."""
    return _TITLES.get(provider, provider.removesuffix("ExecutionProvider"))


def candidates(setting: str, available: Sequence[str]) -> tuple[str, ...]:
    """Return the providers to try for a setting; none if the CPU is to decode."""
    wanted = _PREFERRED if setting == AUTOMATIC else (setting,)
    return tuple(name for name in wanted if name in available and name != CPU)


@dataclass(frozen=True, eq=False)
class Trial:
    """A decoder on a provider.

    Attributes
    ----------
    difference
        Largest difference from an image of the CPU.
    seconds
        Median time of one decode; 0 if it was not measured.
    """

    network: Network
    difference: float
    seconds: float


def fastest(cpu: Trial, others: Sequence[Trial], setting: str) -> Trial:
    """Return the fastest trial that agrees with the CPU; a provider that is chosen by name need not be faster."""
    good = [trial for trial in others if trial.difference <= TOLERANCE]
    return min([cpu, *good] if setting == AUTOMATIC else good, key=lambda trial: trial.seconds, default=cpu)


def choosing(
    codec: OnnxCodec, codes: Floats, setting: str, available: Sequence[str], *, may_time: bool = True
) -> Iterator[Progress | Network]:
    """Choose the provider of a decoder; the last item is the network to put in its place, that of the CPU if it stays.

    Nothing is raised if a provider fails; it is logged.

    Parameters
    ----------
    codes
        Some codes of the model, ``(n, latent_dim)``.
    setting
        `AUTOMATIC` for the fastest provider, or the name of one, which is used whatever its speed.
    may_time
        Whether to time providers if the result is not known from before; without it, the CPU stays.
    """
    assert codec.decoder is not None, "a model without a decoder has no provider"
    cpu = on_cpu(codec.decoder)
    key = _key(cpu, setting, available)
    known = _kept().get(key)
    wanted = known or setting
    names = candidates(wanted, available)
    if not names or (wanted == AUTOMATIC and not may_time):
        yield cpu
        return
    # While they are tried: a driver that ends the process is not tried again.
    _keep(key, CPU)
    verdict = known
    try:
        sample = codes[:_COMPARED] if len(codes) else np.zeros((1, codec.latent_dim), np.float32)
        network = yield from _best(codec.with_decoder(cpu), cpu, names, sample, wanted)
        # What fails may work later, for example after the installation of a driver.
        verdict = None if network is None else network.provider
    finally:
        _keep(key, verdict)
    yield network or cpu


def on_cpu(network: Network) -> Network:
    return network.cpu if isinstance(network, AcceleratedNetwork) else network


def _best(
    codec: OnnxCodec, cpu: Network, names: Sequence[str], codes: Floats, wanted: str
) -> Generator[Progress, None, Network | None]:
    """Return the network to use, and None if every provider fails; `codec` is that of the CPU."""
    trials = []
    for name in names:
        trials += yield from _tried(codec, cpu, name, codes, wanted == AUTOMATIC)
    if not trials:
        return None
    seconds = (yield from _seconds(codec, codes)) if wanted == AUTOMATIC else 0.0
    best = fastest(Trial(cpu, 0, seconds), trials, wanted)
    tried = ", ".join(map(_words, (Trial(cpu, 0, seconds), *trials)))
    _log.info("decodes on %s: %s", title(best.network.provider), tried)
    return best.network


def _words(trial: Trial) -> str:
    time_text = f"{trial.seconds * 1000:.2f} ms, " if trial.seconds else ""
    return f"{title(trial.network.provider)} ({time_text}difference {trial.difference:.1g})"


def _tried(
    codec: OnnxCodec, cpu: Network, name: str, codes: Floats, timed: bool
) -> Generator[Progress, None, list[Trial]]:
    """Return the trial of a provider; none if it fails."""
    yield Progress(0, 0)
    try:
        network = cpu.on(name)
        accelerated = codec.with_decoder(network)
        difference = float(np.abs(accelerated.decode(codes) - codec.decode(codes)).max())
        seconds = (yield from _seconds(accelerated, codes)) if timed else 0.0
        if network.provider != name:
            return []  # a run has failed, and the CPU has continued
    except Exception as error:  # a driver may raise anything
        _log.info("%s fails: %s", name, reason_of(error.__cause__ or error))
        return []
    return [Trial(network, difference, seconds)]


def _seconds(codec: OnnxCodec, codes: Floats) -> Generator[Progress, None, float]:
    """Return the median time of one decode after a warm-up."""
    seconds = []
    for number in range(_WARM_UP + _RUNS):
        yield Progress(number, _WARM_UP + _RUNS)
        begun = time.perf_counter()
        codec.decode(codes[:1])
        seconds.append(time.perf_counter() - begun)
    return median(seconds[_WARM_UP:])


# -- what was chosen before --------------------------------------------------------------------------------------------


def known_choice(codec: Codec, setting: str, available: Sequence[str]) -> str | None:
    """Return the provider that was chosen for a decoder before; None if none was."""
    if not isinstance(codec, OnnxCodec) or codec.decoder is None:
        return None
    return _kept().get(_key(on_cpu(codec.decoder), setting, available))


def forget_choices() -> None:
    """Time and try everything again, for example after the installation of a driver."""
    with suppress(OSError):
        _path().unlink(missing_ok=True)


def _key(network: Network, setting: str, available: Sequence[str]) -> str:
    """Return a hash of all that a choice depends on."""
    rest = repr((onnxruntime.__version__, setting, tuple(available)))
    return hashlib.sha256(rest.encode() + network.content).hexdigest()


def _kept() -> dict[str, str]:
    """Return the choices by key, the oldest first; those of a damaged file are made again."""
    try:
        pairs = map(str.split, _path().read_text("ascii").splitlines())
        return {key: provider for key, provider in pairs}  # noqa: C416 (checks that there are two)
    except (OSError, ValueError):
        return {}


def _keep(key: str, provider: str | None) -> None:
    """Store a choice, or with None remove it; write errors are ignored."""
    kept = {other: name for other, name in _kept().items() if other != key}
    if provider is not None:
        kept[key] = provider
    with suppress(OSError, ExportError):
        _path().parent.mkdir(parents=True, exist_ok=True)
        with replacing_file(_path()) as temporary:
            lines = [f"{key} {name}\n" for key, name in list(kept.items())[-_MOST_KEPT:]]
            temporary.write_text("".join(lines), "ascii")


def _path() -> Path:
    return cache_dir() / "decoder-providers.txt"
