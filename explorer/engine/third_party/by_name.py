"""Builds a model of TensorFlow.js in Keras; its weights have names, and another order than those of Keras."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py

from explorer.errors import ModelError


def load_by_name(library: ModuleType, path: Path, classes: dict[str, type], file: str, *, trust: bool) -> Any:
    """Return the model of an HDF5 file with its configuration as an attribute, and weights by their full names.

    `library` is ``keras`` or ``tf_keras``; `file` is named in errors. ModelError if weights are missing; ValueError if
    it has Python code and the user does not `trust` it.
    """
    scope = import_module(f"{library.__name__}.src.saving.serialization_lib").SafeModeScope
    with h5py.File(path) as stored:
        with scope(not trust):
            model = library.models.model_from_json(stored.attrs["model_config"], custom_objects=classes)
        names: dict[str, tuple[int, ...]] = {}
        stored.visititems(lambda name, item: names.update({name: item.shape} if isinstance(item, h5py.Dataset) else {}))
        for weight in model.weights:
            wanted = getattr(weight, "path", weight.name).split(":")[0]
            found = _matching(wanted, names)
            if found is None or names[found] != tuple(weight.shape):
                raise ModelError(
                    "The configuration of {file} does not match its weights: there are none for “{name}” ({shape}). "
                    "Save the model again.",
                    file=file,
                    name=wanted,
                    shape="×".join(map(str, weight.shape)),
                )
            weight.assign(stored[found][()])
    return model


def _matching(wanted: str, names: Collection[str]) -> str | None:
    """Return the stored weight of a variable: its name, that without models around it, or without what is within."""
    parts = wanted.split("/")
    if wanted in names:
        return wanted
    found = [name for name in names if wanted.endswith(f"/{name}") or name.endswith(f"/{wanted}")]
    found = found or [name for name in names if name == f"{parts[0]}/{parts[-1]}"]
    return found[0] if len(found) == 1 else None
