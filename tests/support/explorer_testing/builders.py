"""Cards, samples, open models, images and whole bundles, small enough to make in every test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from explorer.data.augmentation import Augmented, Strengths, augmenting
from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.source import ArraySource, Facts
from explorer.data.splits import random_splits
from explorer.document.state import OpenModel
from explorer.inference.gate import MOST_AT_ONCE
from explorer.inference.gate.passed import keep_passed, network_key
from explorer.latent.statistics import compute_statistics
from explorer.models.bundle import CODES, COMPILED, NETWORKS, seal
from explorer.models.card import Card, DataRecord, EpochRecord
from explorer.models.codes import CodeSample, save_codes
from explorer.models.import_record import Control, Imported
from explorer.models.settings import TrainingSettings
from explorer.types import Codec, Floats, ImageShape, Pixels
from explorer_testing.codec import LOG_VARIANCE, MatrixCodec, SpatialCodec, WrappedCodec, plain


def augment(pixels: Pixels, count: int, seed: int, strengths: Strengths | None = None) -> Augmented:
    """Run `augmenting` to its end."""
    *_, result = augmenting(pixels, count, seed, strengths)
    assert isinstance(result, Augmented)
    return result


def make_source(
    count: int = 30, image_shape: ImageShape = (12, 10, 1), *, name: str = "tiny", seed: int = 0
) -> ArraySource:
    """Return random images, every one different, with labels ``index % 10``."""
    images = np.random.default_rng(seed).integers(0, 256, (count, *image_shape), dtype=np.uint8)
    labels = (np.arange(count) % 10).astype(np.int64)
    facts = Facts(name=name, title=f"{name.capitalize()} images", spec=f"/nowhere/{name}")
    return ArraySource(facts, images, random_splits(count), labels)


def make_card(codec: Codec, *, name: str = "tiny", variational: bool = False, **changes: object) -> Card:
    """Return the card of a model that decodes with `codec`."""
    size = prod(codec.image_shape)
    card = Card(
        name=name,
        task="reconstruct",
        architecture="vae" if variational else "linear",
        arguments={"latent": codec.latent_dim},
        variational=variational,
        image_shape=codec.image_shape,
        latent_shape=(codec.latent_dim,),
        preprocessing=Preprocessing.standard(codec.image_shape),
        max_difference=1e-6,
        encoder_params=(size + 1) * codec.latent_dim,
        decoder_params=(codec.latent_dim + 1) * size,
        data=DataRecord(
            name="tiny",
            title="Tiny images",
            license="CC0",
            attribution="nobody",
            count=30,
            train=24,
            test=6,
            trained_on=("train",),
            split_origin="random, 0.2 held out, seed 0",
            content_hash="0" * 64,
        ),
        training=TrainingSettings(
            epochs=1,
            batch=8,
            rate=1e-3,
            schedule="constant",
            loss="mse",
            beta=1.0,
            l1=0.0,
            noise="",
            augment=0,
            limit=0,
            seed=0,
            early_stop=0,
            solver="pca",
        ),
        history=(EpochRecord(epoch=1, loss=0.5, val_loss=0.6, seconds=0.1),),
        seconds=0.1,
        command="latent-explorer train --arch linear --data tiny --out tiny --seed 0",
        metrics={"mse": 0.05, "bce": 0.6, "psnr": 13.0, "ssim": 0.5},
        versions={"keras": "3"},
    )
    return card.model_copy(update=changes)


def make_sample(codec: Codec, count: int = 40, *, variational: bool = False, seed: int = 1) -> CodeSample:
    """Return the codes of random images."""
    source = make_source(count, codec.image_shape, seed=seed)
    pixels = source.read(np.arange(count), Preprocessing.standard(codec.image_shape))
    codes = plain(codec).encode(to_floats(pixels))
    log_variance = np.full_like(codes, LOG_VARIANCE) if variational else None
    statistics = compute_statistics(codes, log_variance)
    return CodeSample(codes, np.arange(count, dtype=np.int64), source.labels, pixels, statistics)


def make_model(
    codec: Codec | None = None,
    *,
    latent_dim: int = 2,
    image_shape: ImageShape = (12, 10, 1),
    name: str = "tiny",
    seed: int = 0,
) -> OpenModel:
    """Return an open model on `codec`, or on a new `MatrixCodec`."""
    codec = codec or MatrixCodec(image_shape, latent_dim, seed=seed)
    return OpenModel(make_card(codec, name=name), make_sample(codec), codec, Path("/nowhere") / name)


def make_conditional_model(*controls: Control, own: int = 3) -> OpenModel:
    """Return an open model whose codes of `own` values are followed by conditions; of two classes without any."""
    controls = controls or (Control(name="label", shape=(2,), choices=2, in_decoder=1),)
    codec = MatrixCodec(latent_dim=own + sum(control.size for control in controls))
    imported = Imported(file="classes.onnx", keras=None, networks=False, controls=controls)
    card = make_card(codec, name="classes", architecture="imported", training=None, imported=imported)
    return OpenModel(card, make_sample(codec), codec, Path("/nowhere/classes"))


def make_spatial_model(
    latent_shape: tuple[int, int, int] = (7, 7, 1), *, cell: int = 1, name: str = "maps", count: int = 40
) -> OpenModel:
    """Return an open model whose code is a stack of feature maps."""
    codec = SpatialCodec(latent_shape, cell=cell)
    card = make_card(codec, name=name, latent_shape=latent_shape)
    return OpenModel(card, make_sample(codec, count), codec, Path("/nowhere") / name)


def write_bundle(folder: Path, codec: MatrixCodec | None = None, *, name: str | None = None) -> MatrixCodec:
    """Write a bundle whose ONNX files compute what `codec` does; the Keras files are stand-ins that nobody opens."""
    codec = codec or MatrixCodec()
    folder.mkdir(parents=True)
    for network in NETWORKS:
        # Other weights, another checksum.
        (folder / network).write_bytes(b"not opened without Keras: " + codec.basis.tobytes())
    variational = codec.encode_distribution(np.zeros((1, *codec.image_shape), np.float32))[1] is not None
    networks = encoder_network(codec, variational=variational), decoder_network(codec)
    for file, content, shape in zip(COMPILED, networks, (codec.image_shape, (codec.latent_dim,)), strict=True):
        (folder / file).write_bytes(content)
        # As a training does with what it wrote.
        keep_passed(network_key(content, shape), MOST_AT_ONCE)
    save_codes(folder / CODES, make_sample(codec, variational=variational))
    seal(folder, make_card(codec, name=name or folder.name, variational=variational))
    return codec


def encoder_network(codec: MatrixCodec, *, variational: bool = False) -> bytes:
    """Return the encoder as ONNX."""
    dim = codec.latent_dim
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"], axis=1),
        helper.make_node("Sub", ["flat", "half"], ["centred"]),
        helper.make_node("MatMul", ["centred", "basis"], ["mean" if variational else "code"]),
    ]
    constants = {"half": np.array(0.5, np.float32), "basis": codec.basis}
    outputs = ["mean" if variational else "code"]
    if variational:
        nodes.append(helper.make_node("Mul", ["mean", "zero"], ["zeros"]))
        nodes.append(helper.make_node("Add", ["zeros", "level"], ["log_variance"]))
        constants |= {"zero": np.array(0, np.float32), "level": np.array(LOG_VARIANCE, np.float32)}
        outputs.append("log_variance")
    return _network(nodes, constants, ("image", codec.image_shape), [(name, (dim,)) for name in outputs])


def decoder_network(codec: MatrixCodec) -> bytes:
    """Return the decoder as ONNX."""
    nodes = [
        helper.make_node("MatMul", ["code", "basis"], ["product"]),
        helper.make_node("Add", ["product", "half"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["image"]),
    ]
    constants: dict[str, NDArray[Any]] = {
        "half": np.array(0.5, np.float32),
        "basis": np.ascontiguousarray(codec.basis.T),
        "shape": np.array([-1, *codec.image_shape], np.int64),
    }
    return _network(nodes, constants, ("code", (codec.latent_dim,)), [("image", codec.image_shape)])


def _network(
    nodes: list[onnx.NodeProto],
    constants: dict[str, NDArray[Any]],
    given: tuple[str, tuple[int, ...]],
    outputs: list[tuple[str, tuple[int, ...]]],
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "network",
        [_value(*given)],
        [_value(*output) for output in outputs],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def _value(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])


def as_floats(*values: float) -> Floats:
    """Return a code of these values."""
    return np.array(values, np.float32)


def wrapped(model: OpenModel, before: Callable[[str, Floats], None]) -> OpenModel:
    """Return a model whose codec tells `before` of each call, with what it is given, and then answers."""
    return replace(model, codec=WrappedCodec(model.codec, before))
