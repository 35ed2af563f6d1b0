"""Corruptions of pictures, for training, the noise panel and the command line alike.

A new kind is one new file in this folder and one line in `KINDS`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from explorer.data.corruption.blur import Blur
from explorer.data.corruption.downsample import Downsample
from explorer.data.corruption.gaussian import Gaussian
from explorer.data.corruption.grey import Grey
from explorer.data.corruption.noise import Kind, Noise
from explorer.data.corruption.occlusion import Occlusion
from explorer.data.corruption.presets import PRESETS, Preset
from explorer.data.corruption.salt_pepper import SaltPepper
from explorer.errors import UsageError
from explorer.types import Floats

__all__ = ["KINDS", "PRESETS", "Kind", "Noise", "Preset", "corrupt", "format_noise", "noise_rng", "parse_noise"]

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Gaussian(),
        SaltPepper(),
        Occlusion(),
        Blur(),
        Downsample(),
        Grey(),
    )
}  # fmt: skip

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_NOISE = re.compile(
    rf"(?P<kind>[a-z_]+)\s*:\s*(?P<strength>{_NUMBER})(?:\s*@\s*(?P<mean>{_NUMBER}))?(?:\s*:\s*(?P<seed>\d+))?",
    re.IGNORECASE,
)
_REMEDY = "Write it as blur:1.5, gaussian:0.5@0.5 (with a mean) or gaussian:0.3:7 (with a seed), joined by +."


def corrupt(images: Floats, noises: Sequence[Noise], rng: np.random.Generator | None = None) -> Floats:
    """Return corrupted pictures.

    Parameters
    ----------
    images
        float32 ``(n, h, w, c)`` in [0, 1]; not changed.
    noises
        Applied first to last, each clipped to [0, 1].
    rng
        Where all randomness comes from, whatever seeds the noises carry: hand one over to corrupt anew each epoch, or
        one data set in batches (see `noise_rng`). Without it each noise starts from its own seed, or from a new one;
        two noises with the same seed still differ from one another.

    Returns
    -------
    Floats
        A new float32 array of the same shape, in [0, 1]. A noise of strength 0 and mean 0 changes no bit. With one
        random noise, a set in one piece and in batches from one generator come out the same.

    Raises
    ------
    UsageError
        If a kind is unknown, or a strength is not on its scale.
    """
    result = images
    for place, noise in enumerate(noises):
        kind = _checked(noise)
        if not noise.strength and not noise.mean:
            continue
        result = kind(result, noise, rng if rng is not None else _own_rng(noises, place))
        np.clip(result, 0, 1, out=result)
    return result.copy() if result is images else result


def _own_rng(noises: Sequence[Noise], place: int) -> np.random.Generator:
    """Return the generator of one noise of several."""
    seed = noises[place].seed
    # Else two Gaussian noises of one seed would be one and the same pattern, twice as strong.
    earlier = sum(noise.seed == seed for noise in noises[:place])
    return np.random.default_rng(seed if seed is None or not earlier else [seed, earlier])


def noise_rng(noises: Sequence[Noise], fallback: int | None = None) -> np.random.Generator:
    """Return one generator for a run over many batches, seeded by the noises' own seeds.

    Parameters
    ----------
    noises
        Their seeds are taken where any is given.
    fallback
        The seed otherwise; None for a new one.
    """
    seeds = [noise.seed for noise in noises if noise.seed is not None]
    return np.random.default_rng(seeds or fallback)


def parse_noise(text: str) -> tuple[Noise, ...]:
    """Read noises as the command line has them: ``kind:strength``, ``@mean`` and ``:seed`` after it, joined by ``+``.

    An empty text is no noise.

    Raises
    ------
    UsageError
        If the text is not of that form, a kind is unknown, or a number is out of range.
    """
    if not text.strip():
        return ()
    return tuple(_parse_one(part.strip()) for part in re.split(r"\+(?=\s*[A-Za-z_])", text))


def format_noise(noises: Sequence[Noise]) -> str:
    """Return the text that `parse_noise` reads back as the same noises."""
    return "+".join(
        f"{noise.kind}:{_number(noise.strength)}"
        + (f"@{_number(noise.mean)}" if noise.mean else "")
        + (f":{noise.seed}" if noise.seed is not None else "")
        for noise in noises
    )


def _parse_one(text: str) -> Noise:
    match = _NOISE.fullmatch(text)
    if match is None:
        raise UsageError("a noise as kind:strength", f"“{text}”", _REMEDY)
    seed = match["seed"]
    noise = Noise(
        match["kind"].lower(), float(match["strength"]), float(match["mean"] or 0), int(seed) if seed else None
    )
    _checked(noise)
    return noise


def _checked(noise: Noise) -> Kind:
    kind = KINDS.get(noise.kind)
    if kind is None:
        raise UsageError(f"a kind of noise ({', '.join(KINDS)})", f"“{noise.kind}”", "Choose one of these.")
    if not (math.isfinite(noise.strength) and 0 <= noise.strength <= kind.limit):
        scale = "of 0 or more" if math.isinf(kind.limit) else f"from 0 to {kind.limit:g}"
        raise UsageError(
            f"a strength {scale} for {noise.kind} ({kind.scale})", f"{noise.strength:g}", "Choose another strength."
        )
    if not math.isfinite(noise.mean):
        raise UsageError(f"a finite mean for {noise.kind}", f"{noise.mean:g}", "Choose another mean.")
    if noise.mean and not kind.takes_mean:
        raise UsageError(f"no mean for {noise.kind}", f"@{noise.mean:g}", "Leave the mean out.")
    return kind


def _number(value: float) -> str:
    text = repr(float(value))
    return text.removesuffix(".0")
