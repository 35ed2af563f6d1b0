"""Fuzzy search for commands."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

_START, _NEXT, _ANY = 8.0, 5.0, 1.0
_NOTE = 3.0
_LOOSE = 0.6
"""Fraction of the best score that a match must reach."""


def score(query: str, text: str) -> float | None:
    """Return how well a query matches a text, higher is better; None unless it contains all letters in order.

    Letters at word starts score highest, then consecutive letters; of equal matches the shorter text wins.
    """
    wanted, given = "".join(query.casefold().split()), text.casefold()
    if not wanted:
        return 0.0
    # best[place]: score of the letters so far with the last of them at that place.
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


def ranked(query: str, texts: Sequence[tuple[str, str, Sequence[str]]]) -> list[int]:
    """Return the indices of matching texts, best first; ties keep their order.

    Each text has a note and synonyms; a match by a synonym or only together with the note ranks lower. Scattered
    matches are dropped where another text matches consecutively.
    """
    scores = [(_best_score(query, *text), place) for place, text in enumerate(texts)]
    fitting = [(-value, place) for value, place in scores if value is not None]
    worst = max((-value for value, _ in fitting), default=0.0) * _LOOSE
    return [place for value, place in sorted(fitting) if -value >= worst]


def _best_score(query: str, text: str, note: str, synonyms: Sequence[str]) -> float | None:
    alone = score(query, text)
    others = [score(query, synonym) for synonym in synonyms]
    if alone is None:
        others.append(score(query, f"{text} {note}"))
    found = [alone, *(other - _NOTE for other in others if other is not None)]
    return max((value for value in found if value is not None), default=None)
