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


def ranked(query: str, texts: Sequence[tuple[str, str]]) -> list[int]:
    """Return the indices of matching texts, best first; ties keep their order.

    Each text has a note; texts that match only together with their note rank lower. Scattered matches are dropped where
    another text matches consecutively.
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
