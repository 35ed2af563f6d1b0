"""The codec: a model's compiled networks in ONNX Runtime."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from itertools import compress
from pathlib import Path

import numpy as np
import onnxruntime

from explorer.errors import ModelError
from explorer.inference.gate import MOST_AT_ONCE
from explorer.inference.gate.admission import Candidate, admit
from explorer.inference.sessions import open_session, run_session
from explorer.models.batches import pictures_at_once
from explorer.models.bundle import COMPILED, Bundle
from explorer.models.card import Card
from explorer.models.limits import LOG_VARIANCE
from explorer.types import Codec, Floats, ImageShape

SINGLE_LIMIT = 4
"""Up to so many pictures or codes the single-threaded session answers; above, the threaded one is faster."""

BATCH = MOST_AT_ONCE
"""Most pictures or codes in one run; fewer where they are large, which bounds the memory that activations take."""


class Network:
    """One compiled network, in two sessions over one file.

    A drag wants one decode with steady timing while a training keeps the cores busy: one thread, no spinning. A grid
    or a morph wants throughput: as many threads as there are cores. Each is made at first use.

    Parameters
    ----------
    content
        An ONNX file that may be run here (see `explorer.inference.gate`): one input, any batch size.
    batch
        Most pictures or codes in one run.
    where
        What to call it in an error.
    checked
        Whether only powers of two were checked, so that no other number may go into one run.

    Raises
    ------
    ModelError
        If it does not load.
    """

    def __init__(self, content: bytes, batch: int = BATCH, where: str = "memory", *, checked: bool = False) -> None:
        self._batch = batch
        self._content = content
        self._where = where
        self._checked = checked
        self._lock = threading.Lock()
        self._sessions: dict[int, onnxruntime.InferenceSession] = {}
        self._input = self._of(1).get_inputs()[0].name

    def rest(self) -> None:
        """Let both sessions go; they are made again when they are needed, and a run under way goes on."""
        with self._lock:
            self._sessions.clear()

    def _of(self, threads: int) -> onnxruntime.InferenceSession:
        with self._lock:
            if threads not in self._sessions:
                self._sessions[threads] = self._session(threads)
            return self._sessions[threads]

    def _session(self, threads: int) -> onnxruntime.InferenceSession:
        try:
            return open_session(self._content, threads)
        except Exception as error:
            raise ModelError(
                f"a compiled network ({self._where})", f"“{error}”", "Train or import the model again."
            ) from error

    def run(self, values: Floats) -> list[Floats]:
        """Return the outputs for a batch ``(n, …)``, float32."""
        session = self._of(1 if len(values) <= SINGLE_LIMIT else 0)
        if not len(values):
            one = np.zeros((1, *values.shape[1:]), np.float32)
            return [output[:0] for output in run_session(session, self._input, one)]
        parts = [run_session(session, self._input, values[part]) for part in self._parts(len(values))]
        return parts[0] if len(parts) == 1 else [np.concatenate(column) for column in zip(*parts, strict=True)]

    def _parts(self, count: int) -> Iterator[slice]:
        start = 0
        while start < count:
            size = min(self._batch, count - start)
            if self._checked:
                size = 1 << (size.bit_length() - 1)
            yield slice(start, start + size)
            start += size


def no_encoder(card: Card) -> ModelError:
    """Return what to say where a picture would have to be encoded."""
    return ModelError(
        f"“{card.name}” has no encoder", "", "It decodes codes only; import its encoder too to encode pictures."
    )


def no_decoder(card: Card) -> ModelError:
    """Return what to say where a code would have to be decoded."""
    return ModelError(
        f"“{card.name}” has no decoder", "", "It encodes pictures only; import its decoder too to see codes."
    )


def finite(values: Floats, card: Card, what: str) -> Floats:
    """Return what a network gave, images or codes ``(n, …)``, as it is.

    Raises
    ------
    ModelError
        If it holds NaN or infinity, which nothing that follows could show for what it is.
    """
    if np.isfinite(values).all():
        return values
    wrong = int((~np.isfinite(values.reshape(len(values), -1))).any(axis=1).sum())
    raise ModelError(
        f"finite {what} from “{card.name}”",
        f"NaN or infinity in {wrong:,} of {len(values):,}",
        "Stay nearer to the data; where that does not help, train the model again with a lower learning rate.",
    )


def bounded(log_variance: Floats | None) -> Floats | None:
    """Return log-variances within `LOG_VARIANCE`, as training takes them."""
    return None if log_variance is None else np.clip(log_variance, *np.asarray(LOG_VARIANCE, np.float32))


def open_codec(bundle: Bundle) -> Codec:
    """Return the codec of a bundle: compiled, or the stand-in that asks the model process.

    Raises
    ------
    ModelError
        If it cannot be opened.
    """
    if bundle.card.engine == "onnx":
        return OnnxCodec(bundle)
    from explorer.inference.served import ServedCodec

    return ServedCodec(bundle)


def _read(path: Path, shape: tuple[int, ...]) -> Candidate:
    try:
        return Candidate(path, path.read_bytes(), shape)
    except OSError as error:
        raise ModelError(f"a compiled network in {path}", f"“{error.strerror}”", "Fetch the bundle again.") from error


def _open_networks(card: Card, candidates: Sequence[Candidate]) -> list[Network]:
    """Return the networks of a bundle, once they may be run."""
    return [
        Network(
            each.content,
            pictures_at_once(card.image_shape, at_once or BATCH),
            str(each.path),
            checked=at_once is not None,
        )
        for each, at_once in zip(candidates, admit(candidates), strict=True)
    ]


class OnnxCodec:
    """Encoder and decoder of a model (see `explorer.types.Codec`); may be called from several threads.

    Parameters
    ----------
    bundle
        An opened bundle whose engine is ``onnx``.

    Raises
    ------
    ModelError
        If a network does not load, or has not the shapes that the card says.
    """

    def __init__(self, bundle: Bundle) -> None:
        card = bundle.card
        if card.engine != "onnx":
            raise ModelError("a model that is compiled", f"“{card.name}”, which is not", "Train or import it again.")
        paths = [bundle.path / name for name in compress(COMPILED, card.halves)]
        shapes = compress((card.image_shape, card.latent_shape), card.halves)
        networks = iter(_open_networks(card, [_read(path, shape) for path, shape in zip(paths, shapes, strict=True)]))
        encoder, decoder = (next(networks) if there else None for there in card.halves)
        self._open(card, encoder, decoder)

    @classmethod
    def from_contents(cls, card: Card, encoder: bytes, decoder: bytes) -> OnnxCodec:
        """Return the codec of a model that is not on disk: its card, and the contents of its compiled files.

        They are run as they are: the model process, which compiled them, has checked them (`LiveNetwork`).

        Raises
        ------
        ModelError
            If a network does not load, or has not the shapes that the card says.
        """
        codec = cls.__new__(cls)
        batch = pictures_at_once(card.image_shape, BATCH)
        codec._open(card, *(Network(content, batch, card.name) for content in (encoder, decoder)))
        return codec

    def _open(self, card: Card, encoder: Network | None, decoder: Network | None) -> None:
        self._card = card
        self._encoder, self._decoder = encoder, decoder
        low, high = card.value_range
        self._low, self._span = np.float32(low), np.float32(high - low)
        self._identity_range = (low, high) == (0.0, 1.0)
        self._check()

    def rest(self) -> None:
        """Let go of what is only needed to answer, for as long as nothing is asked."""
        for network in (self._encoder, self._decoder):
            if network is not None:
                network.rest()

    def _check(self) -> None:
        """Run both networks once, so that a wrong shape is an error now and not a crash later."""
        try:
            mean = np.zeros((1, self.latent_dim), np.float32)
            log_variance = mean if self._card.variational else None
            output = np.zeros((1, *self.image_shape), np.float32)
            if self._encoder is not None:
                mean, log_variance = self._encoded(self._encoder, output)
            if self._decoder is not None:
                output = self._decoded(self._decoder, np.zeros((1, self.latent_dim), np.float32))
        except Exception as error:
            raise ModelError(
                f"networks for pictures of {self.image_shape} and codes of {self._card.latent_shape}",
                f"“{error}”",
                "The bundle is damaged; train or fetch it again.",
            ) from error
        good = mean.shape == (1, self.latent_dim) and output.shape == (1, *self.image_shape)
        if not good or (log_variance is not None) != self._card.variational:
            raise ModelError(
                f"networks for pictures of {self.image_shape} and codes of {self._card.latent_shape}",
                f"pictures of {output.shape[1:]} and codes of {mean.shape[1:]}",
                "The bundle is damaged; train or fetch it again.",
            )

    @property
    def image_shape(self) -> ImageShape:
        """Height, width and channels."""
        return self._card.image_shape

    @property
    def latent_dim(self) -> int:
        """Length of one flat code."""
        return self._card.latent_dim

    def encode(self, images: Floats) -> Floats:
        """Return codes ``(n, latent_dim)`` of float32 pictures ``(n, h, w, c)`` in [0, 1]; mean codes for a VAE."""
        return self.encode_distribution(images)[0]

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        """Return mean and, for a variational model, log-variance, each float32 ``(n, latent_dim)``."""
        if self._encoder is None:
            raise no_encoder(self._card)
        mean, log_variance = self._encoded(self._encoder, images)
        return finite(mean, self._card, "codes"), bounded(log_variance)

    def _encoded(self, encoder: Network, images: Floats) -> tuple[Floats, Floats | None]:
        values = images if self._identity_range else images * self._span + self._low
        outputs = [part.reshape(len(images), -1) for part in encoder.run(values)]
        return outputs[0], outputs[1] if len(outputs) > 1 else None

    def decode(self, codes: Floats) -> Floats:
        """Return float32 pictures ``(n, h, w, c)``, finite, unclipped, of codes ``(n, latent_dim)``."""
        if self._decoder is None:
            raise no_decoder(self._card)
        return finite(self._decoded(self._decoder, codes), self._card, "images")

    def _decoded(self, decoder: Network, codes: Floats) -> Floats:
        (images,) = decoder.run(codes.reshape(-1, *self._card.latent_shape))
        return images if self._identity_range else (images - self._low) / self._span
