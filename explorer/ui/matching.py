"""Finds commands by a few letters of their names."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

_START, _NEXT, _ANY = 8.0, 5.0, 1.0
_NOTE = 3.0
_LOOSE = 0.6
"""Share of the best score that a text must have."""


def score(query: str, text: str) -> float | None:
    """Tell how well a query fits a text: the higher the better; None where its letters are not all there, in order.

    Letters at the beginning of words count most, then those that stand together; of equals the shorter text wins.
    """
    wanted, given = "".join(query.casefold().split()), text.casefold()
    if not wanted:
        return 0.0
    # best[place]: of the letters so far, with the last of them at that place.
    best: list[float] = []
    for number, letter in enumerate(wanted):
        following: list[float] = []
        before = -inf if number else 0.0
        for place, other in enumerate(given):
            value = -inf
            if other == letter:
                starts = place == 0 or not given[place - 1].isalnum()
                value = before + (_START if starts else _ANY)
                if number and place:
                    value = max(value, best[place - 1] + _NEXT)
            following.append(value)
            if number:
                before = max(before, best[place])
        best = following
    found = max(best, default=-inf)
    return None if found == -inf else found - len(given) / 100


def ranked(query: str, texts: Sequence[tuple[str, str]]) -> list[int]:
    """Return the places of the texts that fit a query, the best first; equals keep their order.

    Each text has a note; one that fits only together with its note comes behind others. A text that has the letters
    only here and there is left out where another has them together.
    """
    scores = [(_score_with_note(query, *text), place) for place, text in enumerate(texts)]
    fitting = [(-value, place) for value, place in scores if value is not None]
    worst = max((-value for value, _ in fitting), default=0.0) * _LOOSE
    return [place for value, place in sorted(fitting) if -value >= worst]


def _score_with_note(query: str, text: str, note: str) -> float | None:
    alone = score(query, text)
    if alone is not None:
        return alone
    both = score(query, f"{text} {note}")
    return None if both is None else both - _NOTE
