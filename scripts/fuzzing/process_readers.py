"""Readers of messages from other processes, of networks, and of checkpoints."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from explorer_testing.builders import decoder_network, encoder_network, make_card, make_sample
from explorer_testing.codec import MatrixCodec
from explorer_testing.training import small_request

from explorer.engine import messages
from explorer.engine.channel import LIMITS
from explorer.inference.gate.check import check_network
from explorer.ipc import pack, unpack
from explorer.messages import Message, message
from explorer.models.settings import CHECKPOINT, resolve_settings
from explorer.models.third_party.contents import Described, Rows, Weights
from explorer.reader import wire
from fuzzing.reader import Reader

# -- messages ----------------------------------------------------------------------------------------------------------


def _make_messages(folder: Path) -> None:
    codec = MatrixCodec((8, 8, 1), 2)
    pixels = np.zeros((2, 8, 8, 1), np.uint8)
    live = messages.Live(
        progress=0.5,
        card=make_card(codec),
        encoder=np.frombuffer(encoder_network(codec), np.uint8),
        decoder=np.frombuffer(decoder_network(codec), np.uint8),
        sample=make_sample(codec, 5),
        originals=pixels,
        reconstructions=pixels,
    )
    request = small_request(folder / "data.npz", folder / "new")
    for record in (
        live,
        messages.Finished("model", {"mse": 0.5}),
        messages.Train(request),
        messages.Failed(Message("no")),
    ):
        (folder / type(record).__name__).write_bytes(b"".join(pack(record, LIMITS)))


def _read_message(path: Path) -> None:
    unpack(path.read_bytes(), messages.EVENTS + messages.REQUESTS, LIMITS)


_ANSWERS = (wire.Refused, wire.Broken, wire.Finished, Described, Weights, Rows)


def _make_answers(folder: Path) -> None:
    for record in (
        wire.Broken("ValueError", "no"),
        wire.Refused(message("Cannot read {name}.", name="a file")),
        wire.Finished(),
    ):
        stream = io.BytesIO()
        wire.send(stream, record)
        (folder / type(record).__name__).write_bytes(stream.getvalue())


def _read_answer(path: Path) -> None:
    data = wire.receive_bytes(io.BytesIO(path.read_bytes()))
    if data:  # else the other end is gone: the caller says so
        unpack(data, _ANSWERS, wire.LIMITS)


# -- networks ----------------------------------------------------------------------------------------------------------


def _make_networks(folder: Path) -> None:
    codec = MatrixCodec((8, 8, 1), 2, variational=True)
    (folder / "encoder.onnx").write_bytes(encoder_network(codec, variational=True))
    (folder / "decoder.onnx").write_bytes(decoder_network(codec))


def _check_network(path: Path) -> None:
    check_network(path.read_bytes(), (2,) if path.name == "decoder.onnx" else (8, 8, 1))


# -- checkpoints -------------------------------------------------------------------------------------------------------


@cache
def _training() -> tuple[Any, Any, dict[str, object]]:
    """Return the parts of a training in a checkpoint, its settings and its arguments."""
    import keras

    from explorer.engine.early_stop import BestWeights
    from explorer.engine.epoch import EpochProgress

    def network(given: int, made: int) -> Any:
        return keras.Sequential([keras.Input((given,)), keras.layers.Dense(made)])

    encoder, decoder = network(6, 2), network(2, 6)
    optimizer = keras.optimizers.Adam()
    optimizer.build(encoder.trainable_variables + decoder.trainable_variables)
    step: Any = SimpleNamespace(encoder=encoder, decoder=decoder, optimizer=optimizer)
    progress = EpochProgress(1)
    kept = SimpleNamespace(step=step, history=[], progress=progress, best=BestWeights(step, 0))
    return kept, resolve_settings(small_request(Path("data.npz"), Path("new"))), {"latent": 2}


def _make_checkpoint(folder: Path) -> None:
    from explorer.engine.checkpoint import save_checkpoint

    save_checkpoint(folder / "new.checkpoint", *_training())


def _read_checkpoint(path: Path) -> None:
    from explorer.engine.checkpoint import load_checkpoint

    load_checkpoint(path, *_training())


READERS: tuple[Reader, ...] = (
    Reader("messages", _make_messages, _read_message),
    Reader("reader-answers", _make_answers, _read_answer),
    Reader("onnx-check", _make_networks, _check_network),
    Reader("checkpoint", _make_checkpoint, _read_checkpoint, (CHECKPOINT,)),
)
