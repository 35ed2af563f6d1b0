"""Long jobs are generators that yield their progress, and their result last."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

from explorer.types import Progress

T = TypeVar("T")
Shown = TypeVar("Shown")


def follow(job: Iterable[Progress | T], shown: Callable[[Progress], Shown]) -> Generator[Shown, None, T]:
    """Run a job within another one: yields what `shown` makes of its progress, and returns its result."""
    results: list[T] = []
    for item in job:
        if isinstance(item, Progress):
            yield shown(item)
        else:
            results = [item]
    (result,) = results
    return result
