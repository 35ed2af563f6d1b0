"""Readers of messages from other processes, of networks, and of checkpoints."""

from __future__ import annotations

import io
import shutil
import zipfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from explorer_testing import onnx_models
from explorer_testing.builders import decoder_network, encoder_network, make_card, make_sample
from explorer_testing.codec import MatrixCodec
from explorer_testing.training import small_request
from onnx import TensorProto, helper

from explorer import reader
from explorer.engine import messages
from explorer.engine.channel import LIMITS
from explorer.engine.third_party.tflite import Converted
from explorer.inference.gate.check import check_network
from explorer.inference.onnx_import.reading import reading
from explorer.ipc import pack, unpack
from explorer.messages import Message, message
from explorer.models.settings import CHECKPOINT, resolve_settings
from explorer.models.third_party.contents import Described, Rows, Weights
from explorer.models.third_party.no_network import no_network
from explorer.models.third_party.reading import read_third_party
from explorer.models.third_party.request import NO_CHOICES
from explorer.models.third_party.torch_weights import LEGACY_MAGIC, Tensors
from explorer.reader import wire
from explorer.types import Progress
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


def _make_imports(folder: Path) -> None:
    _make_networks(folder)
    weights = {
        "table": np.eye(64, 2, dtype=np.float32),
        "back": np.eye(2, 64, dtype=np.float32),
        "sides": np.array([-1, 8, 8, 1], np.int64),
    }
    nodes = [
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("MatMul", ["flat", "table"], ["code"]),
        helper.make_node("MatMul", ["code", "back"], ["values"]),
        helper.make_node("Reshape", ["values", "sides"], ["picture"]),
    ]
    whole = onnx_models.model(nodes, [("pixels", TensorProto.FLOAT, ["n", 8, 8, 1])], ["picture"], weights)
    onnx_models.save(whole, folder / "whole.onnx")


def _import_network(path: Path) -> None:
    for _ in reading({"whole": path}, NO_CHOICES):
        pass


# -- models of TensorFlow ----------------------------------------------------------------------------------------------

_FIXTURES = Path(__file__).parents[2] / "tests" / "fixtures"


def _make_tflite(folder: Path) -> None:
    for name in ("encoder-float32.tflite", "whole-int8.tflite"):
        shutil.copyfile(_FIXTURES / "tflite" / name, folder / name)


def _read_tflite(path: Path) -> None:
    for _ in reader.read("tflite", [path], (Converted, Progress)):
        pass


def _make_tfjs(folder: Path) -> None:
    shutil.copytree(_FIXTURES / "tfjs" / "whole", folder / "whole")
    shutil.copytree(_FIXTURES / "tfjs" / "quantized", folder / "quantized")


def _read_tfjs(path: Path) -> None:
    file = read_third_party(path)
    for _ in reader.read("tfjs weights", [file.path, *file.shards], (Weights, Rows)):
        pass


# -- weights of PyTorch ------------------------------------------------------------------------------------------------

_WEIGHTS = (
    b"\x80\x02}X\x06\x00\x00\x00weightctorch._utils\n_rebuild_tensor_v2\n(NK\x00K\x02K\x03\x86K\x03K\x01\x86\x89}tRs."
)
"""A pickle of a dict with one tensor of 2×3."""


def _make_torch_weights(folder: Path) -> None:
    (folder / "old.pt").write_bytes(LEGACY_MAGIC + b"\x80\x02K\x01." * 2 + _WEIGHTS)
    with zipfile.ZipFile(folder / "new.pt", "w") as archive:
        archive.writestr("new/data.pkl", _WEIGHTS)
    header = b'{"weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}'
    (folder / "new.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(24))


def _read_torch_weights(path: Path) -> None:
    found: Tensors | None = None
    for record in reader.steps("torch weights", [path], (Tensors,)):
        found = record or found
    if found is not None:  # else the pickle holds nothing
        no_network(path, "weights", found)


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
    Reader("onnx-import", _make_imports, _import_network),
    Reader("tflite", _make_tflite, _read_tflite),
    Reader("tfjs", _make_tfjs, _read_tfjs),
    Reader("torch-weights", _make_torch_weights, _read_torch_weights),
    Reader("checkpoint", _make_checkpoint, _read_checkpoint, (CHECKPOINT,)),
)
