"""What may be done beside a training, and how often."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from explorer.engine.budget import Budget


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.tuples(st.floats(0.001, 2.0), st.floats(0.001, 3.0)), min_size=1, max_size=80), st.floats(0.01, 0.5))
def test_it_never_takes_more_than_its_share(turns: list[tuple[float, float]], share: float) -> None:
    """Each turn some training passes, and what is due is done; it may only cost more than it ever has before."""
    clock = Clock()
    budget = Budget(share, 0.5, clock)
    begun, dearest = clock.now, 0.0
    for passed, cost in turns:
        clock.now += passed
        if budget.due():
            with budget.spending():
                clock.now += cost
            dearest = max(dearest, cost)
            assert budget.spent <= share * (clock.now - begun) + dearest


def test_what_costs_the_same_every_time_stays_below_the_share_from_the_second_time_on() -> None:
    clock = Clock()
    budget = Budget(0.03, 0.5, clock)
    times = []
    for _ in range(20_000):
        clock.now += 0.01
        if budget.due():
            with budget.spending():
                clock.now += 0.06
            times.append(clock.now)
    assert times[0] - 100.0 < 0.6
    assert all(budget_share <= 0.03 for budget_share in (0.06 * n / (t - 100.0) for n, t in enumerate(times[1:], 2)))
    gaps = [after - before for before, after in itertools.pairwise(times[1:])]
    assert max(gaps) < 2.2, "it waited longer than its share asks for"


def test_the_shortest_time_between_two_holds_however_cheap_it_is() -> None:
    clock = Clock()
    budget = Budget(0.5, 2.0, clock)
    done = []
    for _ in range(1_000):
        clock.now += 0.01
        if budget.due():
            with budget.spending():
                pass
            done.append(clock.now)
    assert len(done) >= 4
    assert min(after - before for before, after in itertools.pairwise(done)) >= 2.0
    assert not budget.due(3.0)


def test_what_was_before_the_start_counts_for_nothing() -> None:
    clock = Clock()
    budget = Budget(0.03, 0.5, clock)
    with budget.spending():
        clock.now += 50
    clock.now += 1
    assert not budget.due()
    budget.start()
    clock.now += 0.6
    assert budget.due()
    assert budget.spent == 0
