"""Corruptions of images, for training, the noise panel and the command line.

A new kind is one new file in this folder and one line in `CORRUPTIONS`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from explorer.data.corruption import blur, downsample, gaussian, gray, occlusion, salt_pepper
from explorer.data.corruption.noise import Corruption, Noise
from explorer.data.corruption.noise_presets import NOISE_PRESETS, NoisePreset
from explorer.errors import UsageError
from explorer.types import Floats

__all__ = [
    "CORRUPTIONS",
    "NOISE_PRESETS",
    "Corruption",
    "Noise",
    "NoisePreset",
    "corrupt",
    "current_kinds",
    "format_noise",
    "noise_rng",
    "parse_noise",
]

CORRUPTIONS: dict[str, Corruption] = {
    kind.name: kind
    for kind in (
        gaussian.CORRUPTION,
        salt_pepper.CORRUPTION,
        occlusion.CORRUPTION,
        blur.CORRUPTION,
        downsample.CORRUPTION,
        gray.CORRUPTION,
    )
}  # fmt: skip

_OLD_KINDS = {"grey": "gray"}
"""Names of earlier versions, by which noises in their files are read; never written."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_NOISE = re.compile(
    rf"(?P<kind>[a-z_]+)\s*:\s*(?P<strength>{_NUMBER})(?:\s*@\s*(?P<mean>{_NUMBER}))?(?:\s*:\s*(?P<seed>\d+))?",
    re.IGNORECASE,
)


def corrupt(images: Floats, noises: Sequence[Noise], rng: np.random.Generator | None = None) -> Floats:
    """Return corrupted images, float32 ``(n, h, w, c)`` in [0, 1], a new array; the given ones are not modified.

    The noises are applied in order, each clipped to [0, 1]. Strength 0 with mean 0 changes nothing. With one random
    noise, the result does not depend on how a dataset is divided into batches.

    The seeds of the noises are ignored with `rng`: pass one for new noise in each epoch, or for a dataset in batches
    (see `noise_rng`). Without it, each noise has a generator with its own seed, or a random one; two noises of the same
    seed still differ.

    UsageError if a kind is unknown, or a strength is out of range.
    """
    result = images
    for place, noise in enumerate(noises):
        kind = _checked(noise)
        if not noise.strength and not noise.mean:
            continue
        result = kind.apply(result, noise, rng if rng is not None else _own_rng(noises, place))
        np.clip(result, 0, 1, out=result)
    return result.copy() if result is images else result


def _own_rng(noises: Sequence[Noise], place: int) -> np.random.Generator:
    seed = noises[place].seed
    # Else two Gaussian noises of the same seed would be the same pattern.
    earlier = sum(noise.seed == seed for noise in noises[:place])
    return np.random.default_rng(seed if seed is None or not earlier else [seed, earlier])


def noise_rng(noises: Sequence[Noise], fallback: int | None = None) -> np.random.Generator:
    """Return one generator for many batches, seeded by the noises' seeds, or by `fallback` if none has one."""
    seeds = [noise.seed for noise in noises if noise.seed is not None]
    return np.random.default_rng(seeds or fallback)


def parse_noise(text: str) -> tuple[Noise, ...]:
    """Parse noises: ``kind:strength``, optionally with ``@mean`` and ``:seed``, joined by ``+``; an empty text is none.

    UsageError if the syntax is invalid, a kind is unknown, or a number is out of range.
    """
    if not text.strip():
        return ()
    return tuple(_parse_one(part.strip()) for part in re.split(r"\+(?=\s*[A-Za-z_])", text))


def current_kinds(text: str) -> str:
    """Return noises in the syntax of `parse_noise`, with the current names of their kinds; nothing is checked."""
    return re.sub(r"[A-Za-z_]+(?=\s*:)", lambda kind: _OLD_KINDS.get(kind[0].lower(), kind[0]), text)


def format_noise(noises: Sequence[Noise]) -> str:
    """Return noises in the syntax of `parse_noise`."""
    return "+".join(
        f"{noise.kind}:{_number(noise.strength)}"
        + (f"@{_number(noise.mean)}" if noise.mean else "")
        + (f":{noise.seed}" if noise.seed is not None else "")
        for noise in noises
    )


def _parse_one(text: str) -> Noise:
    match = _NOISE.fullmatch(current_kinds(text))
    if match is None:
        raise UsageError(
            "Cannot read the noise “{text}”. Write blur:1.5, gaussian:0.5@0.5 (with a mean) or "
            "gaussian:0.3:7 (with a seed), joined by +.",
            text=text,
        )
    seed = match["seed"]
    noise = Noise(
        match["kind"].lower(), float(match["strength"]), float(match["mean"] or 0), int(seed) if seed else None
    )
    _checked(noise)
    return noise


def _checked(noise: Noise) -> Corruption:
    kind = CORRUPTIONS.get(noise.kind)
    if kind is None:
        raise UsageError("Unknown noise “{kind}”. Choose one of {known}.", kind=noise.kind, known=list(CORRUPTIONS))
    if not (math.isfinite(noise.strength) and 0 <= noise.strength <= kind.limit):
        if math.isinf(kind.limit):
            raise UsageError(
                "The strength of {kind} must be 0 or more, not {strength:g}.", kind=noise.kind, strength=noise.strength
            )
        raise UsageError(
            "The strength of {kind} must be from 0 to {limit:g}, not {strength:g}.",
            kind=noise.kind,
            limit=kind.limit,
            strength=noise.strength,
        )
    if not math.isfinite(noise.mean):
        raise UsageError("The mean of {kind} must be finite, not {mean:g}.", kind=noise.kind, mean=noise.mean)
    if noise.mean and not kind.takes_mean:
        raise UsageError("{kind} has no mean. Omit @{mean:g}.", kind=noise.kind, mean=noise.mean)
    return kind


def _number(value: float) -> str:
    text = repr(float(value))
    return text.removesuffix(".0")
