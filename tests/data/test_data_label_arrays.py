from __future__ import annotations

import numpy as np
import pytest

from explorer.data.label_arrays import labels_of


def test_several_yes_no_labels_are_attributes_not_one_class() -> None:
    labels = np.zeros((10, 14), np.uint8)
    labels[:5, [2, 7]] = 1
    found = labels_of(labels, "label")
    assert found.values is None
    assert list(found.attributes) == [f"label {place}" for place in range(14)]
    assert found.attributes["label 7"].names == ("false", "true")
    np.testing.assert_array_equal(found.attributes["label 7"].values, [1] * 5 + [0] * 5)
    named = labels_of(labels[:, 2:4], "label", ("effusion", "mass"))
    assert [named.attributes["effusion"].text(index) for index in (4, 5)] == ["true", "false"]


def test_one_hot_labels_are_classes() -> None:
    np.testing.assert_array_equal(np.asarray(labels_of(np.eye(4)[[3, 0, 2]], "label").values), [3, 0, 2])


def test_numbers_are_attributes() -> None:
    found = labels_of(np.array([[0.5, 3], [1.5, 4]]), "latent")
    np.testing.assert_array_equal(found.attributes["latent 1"].values, [3, 4])
    assert found.attributes["latent 1"].names is None
    fractions = labels_of(np.array([0.25, np.nan]), "label")
    assert fractions.values is None
    assert [fractions.attributes["label"].text(index) for index in (0, 1)] == ["0.25", ""]


@pytest.mark.parametrize("array", [np.zeros((3, 4, 5)), np.zeros(3, complex), np.array(3), np.zeros((2, 1_001))])
def test_what_is_no_label_is_left_out_with_the_reason(array: np.ndarray) -> None:
    found = labels_of(array, "label")
    assert found.values is None
    assert not found.attributes
    assert str(found.refused).startswith("not used: ")


def test_labels_of_some_images_only() -> None:
    classes = labels_of(np.array(["b", "a"]), "label").spread(np.array([0, 2]), 4)
    np.testing.assert_array_equal(np.asarray(classes.values), [1, -1, 0, -1])
    columns = labels_of(np.array([[1, 1], [0, 1]]), "label").spread(np.array([1, 2]), 3)
    assert [columns.attributes["label 0"].text(index) for index in range(3)] == ["", "true", "false"]
    numbers = labels_of(np.array([0.5]), "label").spread(np.array([1]), 2)
    assert [numbers.attributes["label"].text(index) for index in range(2)] == ["", "0.5"]
