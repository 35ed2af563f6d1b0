"""A model process with Keras imported, and images to train with."""

from __future__ import annotations

from pathlib import Path

import pytest
from explorer_testing.training import write_images

from explorer.engine.client import ModelProcess


@pytest.fixture(scope="session")
def process(model_process: ModelProcess) -> ModelProcess:
    """A model process with Keras imported."""
    return model_process


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 160 training and 40 test images, 16 × 16."""
    return write_images(tmp_path_factory.mktemp("images") / "blobs.npz")
