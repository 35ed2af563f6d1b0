"""Search for commands and help: exact words, beginnings, synonyms, descriptions, then scattered letters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf

_START, _NEXT, _ANY = 8.0, 5.0, 1.0
_LOOSE = 0.6
"""Fraction of the best score that scattered letters must reach."""


@dataclass(frozen=True)
class Entry:
    """A text that can be found: by its title, by other phrases for it, and by the words about it."""

    title: str
    synonyms: Sequence[str] = ()
    about: str = ""

    def tier(self, wanted: Sequence[str]) -> int | None:
        """Return how well the words of a query match, 0 best; None if they do not."""
        title, *synonyms = self._phrases
        matches = (
            title == wanted,
            set(wanted) <= set(title),
            _begin(wanted, title),
            wanted in synonyms,
            any(_begin(wanted, synonym) for synonym in synonyms),
            _begin(wanted, self._all),
        )
        return matches.index(True) if True in matches else None

    @cached_property
    def _phrases(self) -> list[list[str]]:
        return [_words(text) for text in (self.title, *self.synonyms)]

    @cached_property
    def _all(self) -> set[str]:
        return {word for phrase in self._phrases for word in phrase}.union(_words(self.about))


def ranked(query: str, entries: Sequence[Entry]) -> list[int]:
    """Return the indices of matching entries, best first; equal matches keep their order.

    Titles whose letters match in order, such as “exan” in “Export animation”, are found if no words match.
    """
    wanted = _words(query)
    if not wanted:
        return [] if query.strip() else list(range(len(entries)))
    tiers = [(entry.tier(wanted), place) for place, entry in enumerate(entries)]
    found = sorted((tier, place) for tier, place in tiers if tier is not None)
    return [place for _, place in found] or _scattered(query, entries)


def _scattered(query: str, entries: Sequence[Entry]) -> list[int]:
    scores = [(score(query, entry.title), place) for place, entry in enumerate(entries)]
    found = sorted((-value, place) for value, place in scores if value is not None)
    return [place for value, place in found if value <= found[0][0] * _LOOSE]


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


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def _begin(wanted: Iterable[str], words: Iterable[str]) -> bool:
    """Return whether every wanted word begins one of the words."""
    return all(any(word.startswith(start) for word in words) for start in wanted)
