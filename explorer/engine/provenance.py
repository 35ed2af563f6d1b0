"""What a card records about the origin of a model: its dataset and the versions of the libraries."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import explorer
from explorer.data.source import Source
from explorer.models.card import DataRecord

LIBRARIES = ("tensorflow", "keras", "tf_keras", "tf2onnx", "onnx", "onnxruntime", "numpy", "scikit-learn")


def data_record(source: Source, trained_on: tuple[Literal["train", "test"], ...]) -> DataRecord:
    """Return the record of a dataset without its hash, which takes time; `trained_on` are the splits used."""
    return DataRecord(
        name=Path(source.name).name,
        title=source.title,
        license=source.license,
        attribution=source.attribution,
        count=source.count,
        train=len(source.splits.train),
        test=len(source.splits.test),
        validation=len(source.splits.validation),
        trained_on=trained_on,
        split_origin=source.splits.origin,
        content_hash="",
    )


def library_versions() -> dict[str, str]:
    return _installed() | {"python": platform.python_version(), "latent-explorer": explorer.__version__}


@cache
def _installed() -> dict[str, str]:
    return {name: version(name) for name in LIBRARIES}
