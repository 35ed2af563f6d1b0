"""What a scatter is colored by."""

from __future__ import annotations

import numpy as np
from explorer_testing.builders import make_source
from hypothesis import given
from hypothesis import strategies as st

from explorer.data.attributes import Attribute
from explorer.data.classes import MOST_CLASSES, classes_of
from explorer.data.source import ArraySource, Facts
from explorer.data.sources import open_source
from explorer.data.splits import random_splits
from explorer.messages import NO_MESSAGE


def source_with(attribute: Attribute) -> ArraySource:
    count = len(attribute)
    facts = Facts(name="made", title="made", spec="made")
    pixels = np.zeros((count, 4, 4, 1), np.uint8)
    return ArraySource(facts, pixels, random_splits(count), None, None, {"what": attribute})


def test_labels_and_attributes_that_ship() -> None:
    digits = classes_of(open_source("digits"))
    assert [str(name) for name in digits.names] == list("0123456789")
    assert digits.counts.sum() == 10_000
    faces = open_source("faces")
    eyes = classes_of(faces, "eyes")
    assert {str(name) for name in eyes.names} == {faces.attributes["eyes"].text(index) for index in range(faces.count)}
    for index in (0, 17, 999):
        assert str(eyes.names[eyes.of[index]]) == faces.attributes["eyes"].text(index)


def test_images_without_labels_are_one_class() -> None:
    attribute = Attribute(np.zeros(5, np.float32))
    classes = classes_of(source_with(attribute))
    assert (classes.names, classes.of.tolist()) == ((NO_MESSAGE,), [0] * 5)


@given(st.integers(1, 60), st.integers(0, 1_000))
def test_the_rarest_of_too_many_are_one(count: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(-1, count, 300)
    names = tuple(f"c{number}" for number in range(count))
    classes = classes_of(source_with(Attribute(values.astype(np.int64), names)), "what")
    assert len(classes.names) <= MOST_CLASSES
    assert (classes.of[values < 0] == -1).all()
    for value, place in zip(values[values >= 0], classes.of[values >= 0], strict=True):
        assert str(classes.names[place]) in (names[value], "others")


@given(st.lists(st.floats(-1e6, 1e6, width=32) | st.just(float("nan")), min_size=1, max_size=80))
def test_numbers_are_cut_into_bands_that_hold_them(numbers: list[float]) -> None:
    values = np.array(numbers, np.float32)
    classes = classes_of(source_with(Attribute(values)), "what")
    assert ((classes.of == -1) == np.isnan(values)).all()
    order = np.argsort(values[~np.isnan(values)], kind="stable")
    assert (np.diff(classes.of[~np.isnan(values)][order]) >= 0).all(), "larger numbers are in no lower band"


def test_sources_of_the_tests_have_labels() -> None:
    source = make_source(20)
    assert source.labels is not None
    np.testing.assert_array_equal(classes_of(source).of, source.labels)
