"""Small trainings: images that can be learned, and requests that take a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from explorer.engine.client import ModelProcess
from explorer.engine.messages import Event, Train
from explorer.models.settings import TrainingRequest, make_request
from explorer.types import ImageShape, Shown

E = TypeVar("E")


def blobs(count: int, image_shape: ImageShape = (16, 16, 1), seed: int = 0) -> Shown:
    """Return images of one soft spot each: two coordinates, a width and a brightness."""
    rng = np.random.default_rng(seed)
    height, width, channels = image_shape
    rows, columns = np.mgrid[:height, :width]
    images = []
    for y, x, spread, bright in rng.uniform([0.2, 0.2, 1.5, 150], [0.8, 0.8, 4, 255], (count, 4)):
        distance = (rows - y * height) ** 2 + (columns - x * width) ** 2
        images.append(bright * np.exp(-distance / (2 * spread**2)))
    return np.repeat(np.array(images)[..., None], channels, axis=3).astype(np.uint8)


def write_images(path: Path, train: int = 160, test: int = 40, image_shape: ImageShape = (16, 16, 1)) -> Path:
    """Write images with given splits as an npz file; return its path."""
    images = blobs(train + test, image_shape)
    np.savez(path, x_train=images[:train], x_test=images[train:])
    return path


def small_request(data: Path, out: Path, **changes: Any) -> TrainingRequest:
    """Return a request for a small deep dense model; keyword arguments are fields of `TrainingRequest`."""
    values: dict[str, Any] = {"architecture": "deep-dense", "latent": 8, "epochs": 3, "batch": 32, "seed": 1}
    return make_request(data=str(data), out=out, **(values | changes))


def train(process: ModelProcess, request: TrainingRequest, *, live: bool = False) -> list[Event]:
    """Run a training to its end; return all its events."""
    return list(process.run(Train(request, live)))


def until(events: Iterator[Event], kind: type[E], wanted: Callable[[E], bool] = lambda event: True) -> E:
    """Read events up to the first of a kind that is wanted, and return it."""
    for event in events:
        if isinstance(event, kind) and wanted(event):
            return event
    raise AssertionError(f"no {kind.__name__} among the events")


def of(kind: type[E], events: list[Event]) -> list[E]:
    """Return the events of a kind."""
    return [event for event in events if isinstance(event, kind)]
