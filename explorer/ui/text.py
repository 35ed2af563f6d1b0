"""Numbers as words."""

from __future__ import annotations

import math

_MINUTE = 60
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def decibels(value: float) -> str:
    """Return a PSNR: ``21.3 dB``, or ``∞`` where the pictures are equal."""
    return f"{value:.1f} dB" if math.isfinite(value) else "∞"


def duration(seconds: float) -> str:
    """Return a duration: ``8 s``, ``2 min 5 s``, ``1 h 12 min``."""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    minutes, rest = divmod(whole, _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours} h {minutes} min"


def dimension_name(index: int) -> str:
    """Return what a dimension of the code is called, ``z₀`` for the first."""
    return "z" + str(index).translate(_SUBSCRIPTS)


def unbroken(*parts: str) -> str:
    """Join parts by dots, so that a line breaks between them and not within one."""
    return " · ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)


def sigmas(value: float) -> str:
    """Return a value in σ with its sign, ``+1.25 σ``; zero has none."""
    text = f"{value:+.2f}"
    return ("0.00" if float(text) == 0 else text.replace("-", "−")) + " σ"
