"""Networks of imported bundles that ONNX cannot express, run by Keras on request."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

from explorer.engine.foreign.loading import load
from explorer.engine.foreign.memory_limit import limit_memory
from explorer.engine.foreign.networks import ForeignNetworks
from explorer.engine.messages import Serve, Served
from explorer.errors import ModelError
from explorer.models.bundle import NETWORKS, open_bundle

_OPEN = 3
"""Bundles held in memory at once."""


def serve_networks(request: Serve) -> Served:
    """Run one network of a bundle.

    Raises
    ------
    ModelError
        If the bundle is damaged, or holds anything but a description.
    """
    networks = _networks(request.path)
    if request.half == "decoder":
        return Served((networks.decode(request.values),))
    mean, log_variance = networks.encode_distribution(request.values)
    return Served((mean,) if log_variance is None else (mean, log_variance))


@lru_cache(_OPEN)
def _networks(path: str) -> ForeignNetworks:
    bundle = open_bundle(Path(path))
    record = bundle.card.imported
    if record is None or not record.networks:
        raise ModelError("an imported model that Keras can run", f"“{bundle.name}”", "Import it again.")
    limit_memory([bundle.path])
    parts: list[Any] = []
    for name, there in zip(NETWORKS, bundle.card.halves, strict=True):
        if not there:
            parts.append(None)
            continue
        # A bundle may come from anywhere: what is in it is looked at as any model is.
        parts.append(load(bundle.path / name, generation=record.keras).models[""])
    controls = sum(prod(control.shape) for control in record.controls)
    own = (bundle.card.latent_dim - controls,) if controls else bundle.card.latent_shape
    return ForeignNetworks(parts[0], parts[1], record, bundle.card.image_shape, own)
