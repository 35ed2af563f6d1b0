"""Conditions are read, checked and tried, and stand at the end of codes."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
from explorer_testing.advice import has_advice
from explorer_testing.builders import make_conditional_model
from pydantic import ValidationError

from explorer.errors import UsageError
from explorer.models.card import Card
from explorer.models.conditions import Conditions, class_of, class_values, conditions_of, encode_best
from explorer.models.import_record import Control
from explorer.types import Floats

DIGIT = Control(name="digit", shape=(4,), choices=4, in_encoder=1, in_decoder=1)
STYLE = Control(name="style", shape=(), choices=3, default=(2.0,), in_decoder=2)
PLAIN = Control(name="angle", shape=(2,), default=(0.5, -1.0), in_decoder=1)


def conditions(*controls: Control, start: int = 2) -> Conditions:
    found = conditions_of(controls, start + sum(control.size for control in controls))
    assert found is not None
    return found


def test_a_model_without_condition_inputs_has_no_conditions() -> None:
    assert conditions_of((), 5) is None


@pytest.mark.parametrize(
    ("controls", "given", "values"),
    [
        ((DIGIT,), (0,), [1, 0, 0, 0]),
        ((DIGIT,), (2,), [0, 0, 1, 0]),
        ((DIGIT,), (0.5, 0.5, 0, 0), [0.5, 0.5, 0, 0]),
        ((STYLE,), (1,), [1]),
        ((PLAIN,), (3, 4), [3, 4]),
        ((DIGIT, STYLE), (2,), [0, 0, 1, 0, 2]),
        ((DIGIT, STYLE), (3, 1), [0, 0, 0, 1, 1]),
        ((DIGIT, STYLE), (0, 1, 0, 0, 2), [0, 1, 0, 0, 2]),
    ],
)
def test_what_a_user_gives_is_read(
    controls: tuple[Control, ...], given: tuple[float, ...], values: list[float]
) -> None:
    np.testing.assert_array_equal(conditions(*controls).read(given, "mine"), np.array(values, np.float32))


@pytest.mark.parametrize(
    ("controls", "given", "said"),
    [
        ((DIGIT,), (4,), "“digit” of “mine” takes a class from 0 to 3, not 4"),
        ((DIGIT,), (-1,), "takes a class from 0 to 3, not -1"),
        ((STYLE,), (0.5,), "“style” of “mine” takes a class from 0 to 2, not 0.5"),
        ((DIGIT,), (1, 2), "“mine” takes 4 values, not 2. Give digit (0 to 3)"),
        ((PLAIN,), (1,), "takes 2 values, not 1. Give angle (2 numbers)"),
        ((DIGIT, PLAIN), (1, 2), "takes 6 values, not 2"),
        ((PLAIN,), (1e39, 0), "numbers that are too large"),
        ((DIGIT, STYLE), (0, 1, 0, 0, 3), "“style” of “mine” takes a class from 0 to 2, not 3"),
    ],
)
def test_what_is_no_condition_is_refused(controls: tuple[Control, ...], given: tuple[float, ...], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        conditions(*controls).read(given, "mine")
    assert said in str(caught.value)
    assert has_advice(caught.value)


def test_places_and_classes() -> None:
    both = conditions(DIGIT, STYLE, PLAIN, start=3)
    assert (both.size, both.places) == (7, ((DIGIT, 3), (STYLE, 7), (PLAIN, 8)))
    assert [both.at(dimension) for dimension in (2, 5, 7, 9, 10)] == [None, (DIGIT, 2), (STYLE, 0), (PLAIN, 1), None]
    np.testing.assert_array_equal(both.default, np.array([1, 0, 0, 0, 2, 0.5, -1], np.float32))
    assert class_of(DIGIT, class_values(DIGIT, 3)) == 3
    assert class_of(DIGIT, np.full(4, 0.25, np.float32)) is None
    assert [class_of(STYLE, np.array([value], np.float32)) for value in (1.0, 1.4, 3.0)] == [1, None, None]


def test_a_class_among_many_takes_only_its_own_values() -> None:
    many = Control(name="many", shape=(10**6,), choices=10**6)
    values = class_values(many, 10**6 - 1)
    assert values.dtype == np.float32
    assert (values.shape, values.sum(), values[-1]) == ((10**6,), 1, 1)


@pytest.mark.parametrize(("size", "good"), [(1_024, True), (1_025, False)])
def test_a_card_has_only_so_many_classes_as_an_import_writes(size: int, good: bool) -> None:
    label = Control(name="label", shape=(size,), choices=size, in_decoder=1)
    written = make_conditional_model().card.model_dump() | {"latent_shape": (size + 3,)}
    written["imported"]["controls"] = (label.model_dump(),)
    with nullcontext() if good else pytest.raises(ValidationError, match="at most 1,024 classes"):
        Card.model_validate(written)


def test_random_classes_are_classes() -> None:
    drawn = conditions(DIGIT, STYLE, PLAIN).drawn(50, np.random.default_rng(0))
    assert drawn.shape == (50, 7)
    np.testing.assert_array_equal(np.sort(drawn[:, :4], axis=1), np.tile([0, 0, 0, 1], (50, 1)))
    assert set(drawn[:, 4]) == {0, 1, 2}
    np.testing.assert_array_equal(drawn[:, 5:], np.tile(np.array([0.5, -1], np.float32), (50, 1)))


def test_the_default_is_tried_first_and_each_class_once() -> None:
    tried = [tuple(values) for values in conditions(DIGIT, STYLE).trials()]
    assert tried[0] == (1, 0, 0, 0, 2)
    assert len(tried) == len(set(tried)) == 12
    most, more = (Control(name="many", shape=(), choices=choices, default=(7.0,)) for choices in (64, 65))
    assert len(list(conditions(most).trials())) == 64
    assert [tuple(values) for values in conditions(more).trials()] == [(7,)]


IMAGES = np.random.default_rng(0).uniform(0, 1, (5, 3, 3, 1)).astype(np.float32)


def encoded(given: Floats) -> Floats:
    """Return two values of each image; they move by the class, whose values follow the flat image."""
    return given[:, :2] + given[:, 9:] @ np.arange(8, dtype=np.float32).reshape(4, 2)


@pytest.mark.parametrize("wanted", range(4))
def test_the_condition_with_the_best_reconstruction_is_chosen(wanted: int) -> None:
    both = conditions(DIGIT)

    def decoded(codes: Floats) -> Floats:
        wrong = np.abs(codes[:, 2:].argmax(1) - wanted).astype(np.float32)
        return np.asarray(IMAGES + wrong[:, None, None, None])

    codes = encode_best(both, IMAGES, encoded, decoded)
    np.testing.assert_array_equal(codes[:, 2:], np.tile(np.eye(4)[wanted], (5, 1)))
    given = both.encoder_input(IMAGES, np.eye(4, dtype=np.float32)[wanted])
    assert given.shape == (5, *both.encoder_shape((3, 3, 1))) == (5, 13)
    np.testing.assert_array_equal(codes[:, :2], encoded(given))


def test_a_condition_that_gives_no_numbers_is_not_chosen() -> None:
    def decoded(codes: Floats) -> Floats:
        return np.where(codes[:, 2, None, None, None] == 1, np.float32(np.nan), IMAGES * 0)

    codes = encode_best(conditions(STYLE), IMAGES, lambda images: images[:, 0, :2, 0], decoded)
    np.testing.assert_array_equal(codes[:, 2:], [[2]] * 5)


def test_other_conditions_are_put_into_a_copy() -> None:
    codes = np.zeros((2, 3), np.float32)
    np.testing.assert_array_equal(conditions(STYLE).replaced(codes, np.ones(1, np.float32)), [[0, 0, 1]] * 2)
    assert not codes.any()


def test_of_equally_good_conditions_the_default_is_chosen() -> None:
    codes = encode_best(conditions(STYLE), IMAGES, lambda images: images[:, 0, :2, 0], lambda codes: IMAGES * 0)
    np.testing.assert_array_equal(codes[:, 2:], [[2]] * 5)


def test_without_a_decoder_the_default_is_assumed() -> None:
    np.testing.assert_array_equal(encode_best(conditions(DIGIT), IMAGES, encoded, None)[:, 2:], [[1, 0, 0, 0]] * 5)


def test_an_encoder_without_condition_runs_once() -> None:
    calls = []

    def encode(images: Floats) -> Floats:
        calls.append(images.shape)
        return images.reshape(5, -1)[:, :2]

    codes = encode_best(conditions(STYLE), IMAGES, encode, lambda codes: IMAGES + abs(codes[:, -1:, None, None] - 1))
    assert calls == [(5, 3, 3, 1)]
    np.testing.assert_array_equal(codes[:, 2], np.ones(5))
