"""A codec for models without compiled networks: the model process runs them in Keras, which is slower."""

from __future__ import annotations

import atexit
import threading
from functools import cache, partial
from typing import Literal

import numpy as np

from explorer.engine.client import END_SECONDS, IMPORT_SECONDS, ModelProcess
from explorer.engine.messages import Failed, Serve, Served
from explorer.errors import EngineError, ModelError
from explorer.inference.codec import bounded, finite, no_decoder, no_encoder
from explorer.models.batches import images_at_once
from explorer.models.bundle import Bundle
from explorer.models.conditions import encode_best
from explorer.types import BundleCodec, Floats, ImageShape

_BATCH = 256


class NetworkServer:
    """One model process for all codecs that need it, separate from that of trainings; started at the first request.

    May be called from several threads; requests are serialized.
    """

    def __init__(self) -> None:
        self._process = ModelProcess()
        self._lock = threading.Lock()

    def run(self, request: Serve) -> tuple[Floats, ...]:
        """Return the outputs of a network.

        Raises ModelError if the bundle is damaged or its network fails; EngineError if the process ends without an
        answer.
        """
        with self._lock:
            for event in self._process.steps(request, IMPORT_SECONDS):
                if isinstance(event, Served):
                    return event.outputs
                if isinstance(event, Failed):
                    raise ModelError(event.message)
        raise EngineError("The model process did not answer. Try again.")

    def close(self, seconds: float = END_SECONDS) -> None:
        """Kill the process and wait for it up to `seconds`.

        A waiting thread gets an error; the next request starts a new process.
        """
        self._process.kill()
        if self._lock.acquire(timeout=seconds):
            try:
                self._process.close(seconds)
            finally:
                self._lock.release()


@cache
def network_server() -> NetworkServer:
    server = NetworkServer()
    atexit.register(server.close)
    return server


class ServedCodec(BundleCodec):
    """Encoder and decoder of a bundle whose engine is ``keras``, imported and not convertible to ONNX."""

    def __init__(self, bundle: Bundle) -> None:
        self._card = bundle.card
        self._path = str(bundle.path)
        self._batch = images_at_once(bundle.card.image_shape, _BATCH)

    @property
    def image_shape(self) -> ImageShape:
        return self._card.image_shape

    @property
    def latent_dim(self) -> int:
        return self._card.latent_dim

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        if not self._card.encodes:
            raise no_encoder(self._card)
        conditions = self._card.conditions
        if conditions is not None:
            decode = partial(self._first, "decoder") if self._card.decodes else None
            codes = encode_best(conditions, images, partial(self._first, "encoder"), decode)
            return finite(codes, self._card, "codes"), None
        outputs = self._ask("encoder", images)
        return finite(outputs[0], self._card, "codes"), bounded(outputs[1] if len(outputs) > 1 else None)

    def encode_given(self, images: Floats, condition: Floats) -> Floats:
        """See `BundleCodec`."""
        if not self._card.encodes:
            raise no_encoder(self._card)
        conditions = self._card.conditions
        assert conditions is not None
        own = self._first("encoder", conditions.encoder_input(images, condition))
        return finite(conditions.joined(own, condition), self._card, "codes")

    def decode(self, codes: Floats) -> Floats:
        if not self._card.decodes:
            raise no_decoder(self._card)
        return finite(self._ask("decoder", codes)[0], self._card, "images")

    def _first(self, half: Literal["encoder", "decoder"], values: Floats) -> Floats:
        return self._ask(half, values)[0]

    def _ask(self, half: Literal["encoder", "decoder"], values: Floats) -> list[Floats]:
        parts = [
            network_server().run(Serve(self._path, half, values[start : start + self._batch]))
            for start in range(0, max(1, len(values)), self._batch)
        ]
        return [np.concatenate(column) for column in zip(*parts, strict=True)]
