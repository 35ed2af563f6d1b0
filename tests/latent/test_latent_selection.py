"""What a filter's text names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import UsageError
from explorer.latent.selection import select

EVEN = np.arange(49) % 2 == 0
MAPS = np.ones(24, np.bool_)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", list(range(49))),
        ("3, 10-12", [3, 10, 11, 12]),
        ("10 - 12,", [10, 11, 12]),
        ("12;3 3", [3, 12]),
        ("47-", [47, 48]),
        ("Active", list(range(0, 49, 2))),
        ("active 1-4", [2, 4]),
        ("99", []),
        ("48-99", [48]),
        ("5-3", []),
    ],
)
def test_numbers_ranges_and_the_active_ones(text: str, wanted: list[int]) -> None:
    assert select(text, (49,), EVEN).tolist() == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2,1,0", [14]),
        ("2,1,c1", [15]),
        ("2, 1, 0", [0, 1, 2]),
        ("c1", list(range(1, 24, 2))),
        ("c0-1", list(range(24))),
        ("c1-", list(range(1, 24, 2))),
        ("9,9,9", []),
        ("c7", []),
        ("0,0,1 23", [1, 23]),
    ],
)
def test_places_and_channels_of_maps(text: str, wanted: list[int]) -> None:
    assert select(text, (4, 3, 2), MAPS).tolist() == wanted


@given(st.sets(st.integers(0, 48), min_size=1))
def test_any_set_of_numbers_is_found_again(numbers: set[int]) -> None:
    found = select(", ".join(str(number) for number in numbers), (49,), EVEN)
    assert found.tolist() == sorted(numbers)


@pytest.mark.parametrize("text", ["foo", "c5", "-3", "1.5", "3--4"])
def test_what_is_none_of_these_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="3, 10-20"):
        select(text, (49,), EVEN)
