"""Opens the codec of a bundle: in ONNX Runtime, or in a model process; imports no Keras."""

from __future__ import annotations

from explorer.inference.codec import OnnxCodec
from explorer.models.bundle import Bundle
from explorer.types import BundleCodec


def open_codec(bundle: Bundle) -> BundleCodec:
    """Return the codec of a bundle; ModelError if it cannot be opened."""
    if bundle.card.engine == "onnx":
        return OnnxCodec(bundle)
    from explorer.engine.served import ServedCodec

    return ServedCodec(bundle)
