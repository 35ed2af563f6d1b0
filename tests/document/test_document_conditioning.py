"""The condition of the current code is edited in steps, and views follow it."""

from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest
from explorer_testing.builders import as_floats, make_conditional_model, make_model, make_source

from explorer.document.document import Document
from explorer.document.state import Jitter, Sampling, Traversal
from explorer.document.views.cloud import CLOUD
from explorer.document.views.samples import SAMPLES
from explorer.document.views.traversal import TRAVERSAL
from explorer.models.import_record import Control

LABEL = Control(name="label", shape=(3,), choices=3, in_decoder=1)
SIZE = Control(name="size", shape=(), in_decoder=2)
START = as_floats(0.1, 0.2, 0.3, 0, 1, 0, 7)


@pytest.fixture
def document() -> Document:
    document = Document()
    document.open(make_conditional_model(LABEL, SIZE), make_source())
    document.set_code(START)
    return document


def test_a_class_is_one_step_of_undo(document: Document) -> None:
    assert document.condition.classes == (1, None)
    changed = Mock()
    document.condition.changed.connect(changed)
    document.condition.choose(0, 2)
    np.testing.assert_array_equal(document.code, as_floats(0.1, 0.2, 0.3, 0, 0, 1, 7))
    assert document.condition.classes == (2, None)
    assert str(document.undo_label) == "Set condition label"
    document.undo()
    np.testing.assert_array_equal(document.code, START)
    assert changed.call_count == 2
    document.set_dimension(0, 0.5)
    assert changed.call_count == 2, "the condition is the same"


def test_stepping_goes_around(document: Document) -> None:
    seen = []
    for by in (1, 1, -1, -1):
        document.condition.step(by)
        seen.append(document.condition.classes[0])
    assert seen == [2, 0, 2, 1]
    document.set_code(as_floats(0, 0, 0, 0.5, 0.5, 0, 7))
    seen.append(document.condition.classes[0])
    document.condition.step(1)
    seen.append(document.condition.classes[0])
    assert seen[4:] == [None, 0], "between classes"


def test_without_a_conditional_model_nothing_happens() -> None:
    document = Document()
    document.condition.step(1)
    document.open(make_model(), make_source())
    document.set_code(as_floats(1, 2))
    steps = document.history_place
    document.condition.choose(0, 1)
    document.condition.step(1)
    assert (document.condition.current, document.condition.classes, document.condition.can_step) == (None, (), False)
    assert document.history_place == steps
    codes = np.ones((4, 2), np.float32)
    assert document.condition.applied(codes) is codes


def test_before_an_image_is_encoded_the_default_is_current() -> None:
    document = Document()
    document.open(make_conditional_model(LABEL, SIZE))
    assert document.condition.classes == (0, None)
    assert not document.condition.can_step


def test_random_codes_keep_the_condition(document: Document) -> None:
    document.shuffle_code(np.random.default_rng(0))
    assert document.code is not None
    np.testing.assert_array_equal(document.code[3:], START[3:])
    assert (document.code[:3] != START[:3]).all()
    document.set_sampling(Sampling("normal"))
    assert document.condition.changed in list(SAMPLES.signals(document))
    steps = SAMPLES.build(document)
    assert steps is not None
    (view,) = steps
    np.testing.assert_array_equal(view.codes[:, 3:], np.tile(START[3:], (len(view.codes), 1)))
    assert (view.codes[:, :3].std(axis=0) > 0.5).all()


def test_latent_noise_and_traversals_keep_the_condition(document: Document) -> None:
    document.set_jitter(Jitter(1.0))
    cloud = CLOUD.build(document)
    assert cloud is not None
    (view,) = cloud
    np.testing.assert_array_equal(view.codes[:, 3:], np.tile(START[3:], (len(view.codes), 1)))
    document.set_traversal(Traversal("maximum"))
    traversal = TRAVERSAL.build(document)
    assert traversal is not None
    (rows,) = traversal
    assert sorted(rows.rows) == [0, 1, 2]
    codes = rows.codes.reshape(-1, 7)
    np.testing.assert_array_equal(codes[:, 3:], np.tile(START[3:], (len(codes), 1)))


def test_the_plane_of_the_map_is_that_of_the_condition(document: Document) -> None:
    assert document.plane is not None
    np.testing.assert_array_equal(document.plane.origin[3:], START[3:])
    document.condition.choose(0, 0)
    np.testing.assert_array_equal(document.plane.origin[3:], [1, 0, 0, 7])
