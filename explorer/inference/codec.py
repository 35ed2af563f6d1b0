"""The codec of a model: its compiled networks in ONNX Runtime."""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime

from explorer.errors import ModelError
from explorer.inference.gate import MOST_AT_ONCE
from explorer.inference.gate.admission import Candidate, admit
from explorer.inference.sessions import CPU, open_session, run_session
from explorer.models.batches import images_at_once
from explorer.models.bundle import COMPILED, Bundle
from explorer.models.card import Card
from explorer.models.conditions import Condition, Conditions, encode_best
from explorer.models.limits import LOG_VARIANCE
from explorer.reading import reason_of
from explorer.types import BundleCodec, Codec, Floats, ImageShape

SINGLE_LIMIT = 4
"""Batches up to this size run in the single-threaded session; larger ones are faster with more threads."""

BATCH = MOST_AT_ONCE
"""Maximum number of images or codes in one run; fewer if they are large, to bound the memory of activations."""


_log = logging.getLogger(__name__)

_one_at_a_time = threading.Lock()
"""Held by each run on another provider than the CPU: DirectML allows no others, and they would share one device."""


class Network:
    """One compiled network, in two sessions; ModelError if it does not load.

    While dragging, single decodes need a steady latency, even during a training: one thread, no spinning. Grids and
    animations need throughput: one thread per core. Sessions are created at first use.

    Parameters
    ----------
    content
        A checked ONNX file (see `explorer.inference.gate`) with one input and any batch size.
    batch
        Maximum number of images or codes in one run.
    where
        Its name in errors.
    checked
        Whether only powers of two were checked, so that other batch sizes must be split.
    """

    def __init__(
        self, content: bytes, batch: int = BATCH, where: str = "memory", *, checked: bool = False, provider: str = CPU
    ) -> None:
        self._batch = batch
        self._content = content
        self._where = where
        self._checked = checked
        self.provider = provider
        self._lock = threading.Lock()
        self._sessions: dict[int, onnxruntime.InferenceSession] = {}
        self._input = self._of(1).get_inputs()[0].name

    @property
    def content(self) -> bytes:
        return self._content

    def rest(self) -> None:
        """Release both sessions; they are recreated when needed, and current runs are not affected."""
        with self._lock:
            self._sessions.clear()

    def on(self, provider: str) -> AcceleratedNetwork:
        """Return this network on another execution provider; ModelError if it does not load there."""
        return AcceleratedNetwork(self, provider)

    def _of(self, threads: int) -> onnxruntime.InferenceSession:
        with self._lock:
            if threads not in self._sessions:
                self._sessions[threads] = self._session(threads)
            return self._sessions[threads]

    def _session(self, threads: int) -> onnxruntime.InferenceSession:
        try:
            return open_session(self._content, threads, self.provider)
        except Exception as error:
            raise ModelError(
                "Cannot load the compiled network {file}: {reason}. Train or import the model again.",
                file=self._where,
                reason=reason_of(error),
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


class AcceleratedNetwork(Network):
    """A network on another execution provider than the CPU, in one session; `cpu` is the original.

    If a run fails, for example because the device has no more memory or was removed, this and all following runs are
    on the CPU.
    """

    def __init__(self, cpu: Network, provider: str) -> None:
        super().__init__(cpu._content, cpu._batch, cpu._where, checked=cpu._checked, provider=provider)
        self.cpu = cpu

    def rest(self) -> None:
        super().rest()
        self.cpu.rest()

    def _of(self, threads: int) -> onnxruntime.InferenceSession:
        return super()._of(1)

    def run(self, values: Floats) -> list[Floats]:
        if self.provider != CPU:
            try:
                with _one_at_a_time:
                    return super().run(values)
            except Exception as error:  # a driver may raise anything
                _log.info("%s fails on %s, the CPU continues: %s", self._where, self.provider, reason_of(error))
                self.provider = CPU
        super().rest()
        return self.cpu.run(values)


def no_encoder(card: Card) -> ModelError:
    return ModelError("“{model}” has no encoder. Import its encoder, too, to encode images.", model=card.name)


def no_decoder(card: Card) -> ModelError:
    return ModelError("“{model}” has no decoder. Import its decoder, too, to decode codes.", model=card.name)


def finite(values: Floats, card: Card, what: Literal["codes", "images"]) -> Floats:
    """Return the output of a network ``(n, …)`` unchanged; ModelError if it contains NaN or infinity."""
    if np.isfinite(values).all():
        return values
    wrong = int((~np.isfinite(values.reshape(len(values), -1))).any(axis=1).sum())
    if what == "codes":
        raise ModelError(
            "{wrong:,} of {count:# code|# codes} from “{model}” contain NaN or infinity. "
            "Train the model again with a lower learning rate.",
            wrong=wrong,
            count=len(values),
            model=card.name,
        )
    raise ModelError(
        "{wrong:,} of {count:# image|# images} from “{model}” contain NaN or infinity. "
        "Use codes closer to the training data, or train the model again with a lower learning rate.",
        wrong=wrong,
        count=len(values),
        model=card.name,
    )


def bounded(log_variance: Floats | None) -> Floats | None:
    """Return log-variances clipped to `LOG_VARIANCE`, as in training."""
    return None if log_variance is None else np.clip(log_variance, *np.asarray(LOG_VARIANCE, np.float32))


class ConditionedCodec(Codec):
    """A conditional model under one condition: images are encoded, and all codes decoded with it."""

    def __init__(self, codec: BundleCodec, condition: Condition) -> None:
        self._codec, self._condition = codec, condition

    @property
    def image_shape(self) -> ImageShape:
        return self._codec.image_shape

    @property
    def latent_dim(self) -> int:
        return self._codec.latent_dim

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        return self._codec.encode_given(images, self._condition.values), None

    def decode(self, codes: Floats) -> Floats:
        return self._codec.decode(self._condition.applied(codes))


def _read(path: Path, shape: tuple[int, ...]) -> Candidate:
    try:
        return Candidate(path, path.read_bytes(), shape)
    except OSError as error:
        raise ModelError(
            "Cannot read {file}: {reason}. Download or train the model again.",
            file=path,
            reason=error.strerror or error,
        ) from error


def _open_networks(card: Card, candidates: Sequence[Candidate]) -> list[Network]:
    return [
        Network(
            each.content,
            images_at_once(card.image_shape, at_once or BATCH),
            str(each.path),
            checked=at_once is not None,
        )
        for each, at_once in zip(candidates, admit(candidates), strict=True)
    ]


def _shape_text(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


class OnnxCodec(BundleCodec):
    """Encoder and decoder of a model; may be called from several threads.

    Raises ModelError if the engine of the bundle is not ``onnx``, a network does not load, or shapes differ from the
    card's.
    """

    def __init__(self, bundle: Bundle) -> None:
        card = bundle.card
        if card.engine != "onnx":
            raise ModelError("“{model}” has no compiled networks. Train or import it again.", model=card.name)
        paths = [bundle.path / name for name in compress(COMPILED, card.parts)]
        shapes = compress((card.encoder_shape, card.latent_shape), card.parts)
        networks = iter(_open_networks(card, [_read(path, shape) for path, shape in zip(paths, shapes, strict=True)]))
        encoder, decoder = (next(networks) if there else None for there in card.parts)
        self._open(card, encoder, decoder)

    @classmethod
    def from_contents(cls, card: Card, encoder: bytes, decoder: bytes) -> OnnxCodec:
        """Return the codec of a model that is not on disk, from its card and compiled files; see the constructor.

        They are not checked again, since the model process has checked them (`LiveNetwork`).
        """
        codec = cls.__new__(cls)
        batch = images_at_once(card.image_shape, BATCH)
        codec._open(card, *(Network(content, batch, card.name) for content in (encoder, decoder)))
        return codec

    def _open(self, card: Card, encoder: Network | None, decoder: Network | None) -> None:
        self._card, self._conditions = card, card.conditions
        self._encoder = encoder
        self.decoder = decoder
        """May be replaced at any time by the same network on another execution provider."""
        low, high = card.value_range
        self._low, self._span = np.float32(low), np.float32(high - low)
        self._identity_range = (low, high) == (0.0, 1.0)
        self._check()

    def rest(self) -> None:
        for network in (self._encoder, self.decoder):
            if network is not None:
                network.rest()

    def with_decoder(self, network: Network) -> OnnxCodec:
        """Return a codec that shares everything with this one but its decoder."""
        codec = copy.copy(self)
        codec.decoder = network
        return codec

    def _check(self) -> None:
        """Run both networks once, so that wrong shapes are found now."""
        try:
            mean = np.zeros((1, self.latent_dim), np.float32)
            log_variance = mean if self._card.variational else None
            output = np.zeros((1, *self.image_shape), np.float32)
            if self._encoder is not None and self._conditions is not None:
                mean = self._given(self._encoder, self._conditions, output, self._conditions.default)
            elif self._encoder is not None:
                mean, log_variance = self._encoded(self._encoder, output)
            if self.decoder is not None:
                output = self._decoded(self.decoder, np.zeros((1, self.latent_dim), np.float32))
        except Exception as error:
            raise ModelError(
                "The networks of “{model}” fail on images of {image} and codes of {code}: {reason}. "
                "The model is damaged; train or download it again.",
                model=self._card.name,
                image=_shape_text(self.image_shape),
                code=_shape_text(self._card.latent_shape),
                reason=reason_of(error),
            ) from error
        conditions = self._conditions
        if conditions is not None and mean.shape == (1, self.latent_dim + conditions.size):
            # Its encoder chose the condition itself, and gave it with the code.
            raise ModelError(
                "“{model}” was imported by an earlier version, which kept its condition within the encoder. "
                "Import it again.",
                model=self._card.name,
            )
        good = mean.shape == (1, self.latent_dim) and output.shape == (1, *self.image_shape)
        if not good or (log_variance is not None) != self._card.variational:
            raise ModelError(
                "The networks of “{model}” do not match its card: images of {image} instead of {image_wanted}, "
                "codes of {code} instead of {code_wanted}. The model is damaged; train or download it again.",
                model=self._card.name,
                image=_shape_text(output.shape[1:]),
                image_wanted=_shape_text(self.image_shape),
                code=_shape_text(mean.shape[1:]),
                code_wanted=_shape_text((self.latent_dim,)),
            )

    @property
    def image_shape(self) -> ImageShape:
        return self._card.image_shape

    @property
    def latent_dim(self) -> int:
        return self._card.latent_dim

    def encode_distribution(self, images: Floats) -> tuple[Floats, Floats | None]:
        """Return mean and, for a VAE, log-variance, each float32 ``(n, latent_dim)``."""
        encoder, decoder, conditions = self._encoder, self.decoder, self._conditions
        if encoder is None:
            raise no_encoder(self._card)
        if conditions is not None:
            decode = None if decoder is None else partial(self._decoded, decoder)
            codes = encode_best(conditions, images, lambda given: self._encoded(encoder, given)[0], decode)
            return finite(codes, self._card, "codes"), None
        mean, log_variance = self._encoded(encoder, images)
        return finite(mean, self._card, "codes"), bounded(log_variance)

    def encode_given(self, images: Floats, condition: Floats) -> Floats:
        """See `BundleCodec`."""
        if self._encoder is None:
            raise no_encoder(self._card)
        assert self._conditions is not None
        return finite(self._given(self._encoder, self._conditions, images, condition), self._card, "codes")

    def _given(self, encoder: Network, conditions: Conditions, images: Floats, condition: Floats) -> Floats:
        own, _ = self._encoded(encoder, conditions.encoder_input(images, condition))
        return conditions.joined(own, condition)

    def _encoded(self, encoder: Network, images: Floats) -> tuple[Floats, Floats | None]:
        values = images if self._identity_range else images * self._span + self._low
        outputs = [part.reshape(len(images), -1) for part in encoder.run(values)]
        return outputs[0], outputs[1] if len(outputs) > 1 else None

    def decode(self, codes: Floats) -> Floats:
        """Return float32 images ``(n, h, w, c)``, finite, unclipped, of codes ``(n, latent_dim)``."""
        if self.decoder is None:
            raise no_decoder(self._card)
        return finite(self._decoded(self.decoder, codes), self._card, "images")

    def _decoded(self, decoder: Network, codes: Floats) -> Floats:
        (images,) = decoder.run(codes.reshape(-1, *self._card.latent_shape))
        return images if self._identity_range else (images - self._low) / self._span
