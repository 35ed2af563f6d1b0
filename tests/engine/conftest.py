"""One model process for all tests of a module that leave it alive: Keras takes seconds to import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from explorer_testing.training import write_images

from explorer.engine.client import ModelProcess
from explorer.engine.messages import Warm, Warmed


@pytest.fixture(scope="module")
def process() -> Iterator[ModelProcess]:
    """A model process with Keras imported."""
    made = ModelProcess()
    (warmed,) = made.run(Warm())
    assert isinstance(warmed, Warmed)
    yield made
    made.close()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 160 training and 40 test images, 16 × 16."""
    return write_images(tmp_path_factory.mktemp("images") / "blobs.npz")
