"""All architectures by name. To add one, add a file here and a line in `ARCHITECTURES`."""

from __future__ import annotations

from explorer.errors import ModelError
from explorer.models.architectures import (
    cae_upsample,
    cnn,
    conv_pool,
    conv_spatial,
    conv_stride,
    deep_dense,
    dense,
    linear,
    sparse,
    vae,
    vae_deep,
)
from explorer.models.spec import Architecture

ARCHITECTURES: dict[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        linear.ARCHITECTURE,
        conv_pool.ARCHITECTURE,
        dense.ARCHITECTURE,
        deep_dense.ARCHITECTURE,
        conv_spatial.ARCHITECTURE,
        sparse.ARCHITECTURE,
        cae_upsample.ARCHITECTURE,
        conv_stride.ARCHITECTURE,
        vae.ARCHITECTURE,
        vae_deep.ARCHITECTURE,
        cnn.ARCHITECTURE,
    )
}


def get_architecture(name: str) -> Architecture:
    """Return an architecture by name; ModelError, with the available ones, if there is none."""
    if name not in ARCHITECTURES:
        raise ModelError(
            "There is no architecture “{name}”. Choose one of {names}.", name=name, names=list(ARCHITECTURES)
        )
    return ARCHITECTURES[name]
