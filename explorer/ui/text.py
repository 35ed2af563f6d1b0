"""Formatting of numbers."""

from __future__ import annotations

import math
import re

from explorer.messages import Message, begins_with_a_name, message_text

_MINUTE = 60
_PLACE = re.compile(r"%(\d)")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def filled(words: str, *values: object) -> str:
    """Return a text with values in place of ``%1``, ``%2`` and so on; what looks like these in a value stays."""
    return _PLACE.sub(lambda found: str(values[int(found[1]) - 1]), words)


def decibels(value: float) -> str:
    """Return a PSNR: ``21.3 dB``, or ``∞`` for equal images."""
    return f"{value:.1f} dB" if math.isfinite(value) else "∞"


def range_words(limits: tuple[float, float]) -> str:
    """Return a range of values: ``0–4,095``, ``−1 to 1``."""
    low, high = (_number(float(value)) for value in limits)
    return f"{low} to {high}" if limits[0] < 0 else f"{low}–{high}"


def _number(value: float) -> str:
    whole = value.is_integer() and abs(value) < 1e12
    return (f"{value:,.0f}" if whole else f"{value:,.6g}").replace("-", "−")


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


def file_size(count: int) -> str:
    """Return a number of bytes, in powers of 1000: ``730 kB``, ``1.2 GB``."""
    size = count / 1_000
    for unit in ("kB", "MB", "GB"):
        if size < 999.5 or unit == "GB":
            break
        size /= 1_000
    return f"{size:.1f} {unit}" if unit == "GB" else f"{math.ceil(size)} {unit}"


def dimension_name(index: int) -> str:
    """``z₀`` for the first."""
    return "z" + str(index).translate(_SUBSCRIPTS)


def component_name(index: int) -> str:
    """``PC 1`` for the first."""
    return f"PC {index + 1}"


def percent(share: float) -> str:
    """Return a fraction in [0, 1] as ``31%``; below ten percent as ``3.1%``."""
    return f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}"


def number(value: float) -> str:
    """Return a number with three digits and a true minus sign."""
    return f"{value:.3g}".replace("-", "−")


def sentence(shown: Message) -> str:
    """Return a text with a capital first letter, unless it begins with a name."""
    said = message_text(shown)
    return said if begins_with_a_name(shown) else capitalized(said)


def capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def unbroken(*parts: str) -> str:
    """Join parts with dots so that lines break between parts only."""
    return " · ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)


def sigmas(value: float) -> str:
    """Return a value in σ with its sign, ``+1.25 σ``; zero without one."""
    signed = f"{value:+.2f}"
    return ("0.00" if float(signed) == 0 else signed.replace("-", "−")) + " σ"


def learning(name: str, epochs: float | None) -> str:
    """Return a model's name, with the epoch while it is in training: ``my-digits, epoch 3.2``."""
    return name if epochs is None else f"{name}, epoch {epochs:.1f}"
