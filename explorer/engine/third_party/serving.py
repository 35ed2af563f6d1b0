"""Runs networks of imported bundles that cannot be converted to ONNX, with Keras."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from explorer.engine.messages import Serve, Served
from explorer.engine.third_party.loading import load
from explorer.engine.third_party.memory_limit import limit_memory
from explorer.engine.third_party.networks import ThirdPartyNetworks
from explorer.errors import ModelError
from explorer.models.bundle import NETWORKS, open_bundle

_OPEN = 3
"""Maximum number of bundles in memory."""


def serve_networks(request: Serve) -> Served:
    """Run one network of a bundle; ModelError if the bundle is damaged, or contains code."""
    networks = _networks(request.path)
    if request.half == "decoder":
        return Served((networks.decode(request.values),))
    return Served(tuple(networks.encode_inputs(request.values)))


@lru_cache(_OPEN)
def _networks(path: str) -> ThirdPartyNetworks:
    bundle = open_bundle(Path(path))
    record = bundle.card.imported
    if record is None or not record.networks:
        raise ModelError("“{model}” has no networks that Keras can run. Import it again.", model=bundle.name)
    limit_memory([bundle.path])
    parts: list[Any] = []
    for name, there in zip(NETWORKS, bundle.card.parts, strict=True):
        if not there:
            parts.append(None)
            continue
        # A bundle may come from anyone, so its networks are checked like any model.
        parts.append(load(bundle.path / name, generation=record.keras).models[""])
    conditions = bundle.card.conditions
    own = (conditions.start,) if conditions is not None else bundle.card.latent_shape
    return ThirdPartyNetworks(parts[0], parts[1], record, bundle.card.image_shape, own)
