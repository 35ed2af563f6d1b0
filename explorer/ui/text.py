"""Numbers as words."""

from __future__ import annotations

import math

from explorer.messages import Wording, message_text

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


def file_size(count: int) -> str:
    """Return a number of bytes: ``730 kB``, ``1.2 GB``; in thousands, as disks are sold."""
    size = count / 1_000
    for unit in ("kB", "MB", "GB"):
        if size < 999.5 or unit == "GB":
            break
        size /= 1_000
    return f"{size:.1f} {unit}" if unit == "GB" else f"{math.ceil(size)} {unit}"


def dimension_name(index: int) -> str:
    """Return what a dimension of the code is called, ``z₀`` for the first."""
    return "z" + str(index).translate(_SUBSCRIPTS)


def axis_name(index: int) -> str:
    """Return what a principal axis is called, ``a₀`` for the first."""
    return "a" + str(index).translate(_SUBSCRIPTS)


def percent(share: float) -> str:
    """Return a share in [0, 1]: ``31 %``, below ten ``3.1 %``."""
    return f"{share:.0%}".replace("%", " %") if share >= 0.0995 else f"{share:.1%}".replace("%", " %")


def number(value: float) -> str:
    """Return a number of three digits with a true minus sign."""
    return f"{value:.3g}".replace("-", "−")


def sentence(wording: Wording) -> str:
    """Return a text with its first letter as a capital."""
    said = message_text(wording)
    return said[:1].upper() + said[1:]


def unbroken(*parts: str) -> str:
    """Join parts by dots, so that a line breaks between them and not within one."""
    return " · ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)


def sigmas(value: float) -> str:
    """Return a value in σ with its sign, ``+1.25 σ``; zero has none."""
    signed = f"{value:+.2f}"
    return ("0.00" if float(signed) == 0 else signed.replace("-", "−")) + " σ"


def learning(name: str, epochs: float | None) -> str:
    """Return a model's name, and how far it has learnt where it still does: ``my-digits, epoch 3.2``."""
    return name if epochs is None else f"{name}, epoch {epochs:.1f}"
