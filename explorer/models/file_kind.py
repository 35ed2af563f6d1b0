"""Identifies files and folders, so that they can be opened without asking what they are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, TypeAlias

from explorer.data.formats import IMAGE_SUFFIXES
from explorer.data.sources import hdf5, known_name
from explorer.export.recipe_file import has_recipe
from explorer.models.bundle import CARD
from explorer.models.third_party.files import SUFFIXES, looks_third_party

SESSION_SUFFIX = ".latent"
"""Extension of a saved session."""

FileKind: TypeAlias = Literal["session", "model", "third_party", "animation", "image", "images"]
"""A session, a model of this program, a Keras model, an exported animation, one image; or a dataset."""


def kind_of_name(path: Path) -> FileKind | None:
    """Return the kind that the name of a file suggests, without any access to it; None if only its content tells.

    HDF5 has models of Keras, and images (`may_have_images`).
    """
    suffix = path.suffix.lower()
    if suffix == SESSION_SUFFIX:
        return "session"
    if suffix in SUFFIXES:
        return "third_party"
    return "image" if suffix in IMAGE_SUFFIXES else None


def may_have_images(path: Path) -> bool:
    """Return whether the name of a file that may be a model is also one of datasets, as with HDF5."""
    return path.suffix.lower() in hdf5.SUFFIXES


def is_image(path: Path) -> bool:
    """Return whether a path is a file with the suffix of an image."""
    return kind_of_name(path) == "image" and os.path.isfile(path)


def identify(spec: str | Path) -> FileKind:
    """Identify a file or folder by its name and content, or a dataset by its known name.

    What is missing, unreadable or of no known kind is ``"images"``; opening it gives the reason.
    """
    if known_name(spec) is not None:
        return "images"
    path = Path(spec).expanduser()
    if kind_of_name(path) == "session" and not os.path.isdir(path):
        return "session"
    if os.path.isfile(path / CARD):
        return "model"
    if looks_third_party(path):
        return "third_party"
    if has_recipe(path):
        return "animation"
    return "image" if is_image(path) else "images"
