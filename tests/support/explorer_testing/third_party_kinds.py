"""Writes small models of the kinds that strangers' repositories hold and that were once refused or misread.

In a process of its own, since it needs both Keras; `main` writes all kinds into a folder.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import h5py
import keras
import numpy as np
import tensorflow as tf
import tf_keras

from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.sources import open_source

L, K = keras.layers, tf_keras.layers
KINDS: list[Callable[[Path], Any]] = []


def kind(function: Callable[[Path], Any]) -> Callable[[Path], Any]:
    KINDS.append(function)
    return function


def _decoder(latent: int, library: Any = keras, **options: Any) -> Any:
    k = library.layers
    code = library.Input((latent,))
    return library.Model(code, k.Reshape((28, 28, 1))(k.Dense(784, **options)(code)))


@kind
def keras_2_pair(folder: Path) -> None:
    """Two halves of Keras 2; Keras 3 opens the encoder, but not the decoder."""
    (folder / "keras_2_pair").mkdir()
    given = tf_keras.Input((28, 28, 1))
    h = K.Conv2D(8, 3, strides=4, padding="same")(given)
    tf_keras.Model(given, K.Dense(4)(K.Flatten()(h))).save(folder / "keras_2_pair" / "encoder.h5")
    code = tf_keras.Input((4,))
    h = K.Conv2DTranspose(8, 3, strides=4, padding="same")(K.Reshape((7, 7, 4))(K.Dense(196)(code)))
    made = K.Conv2D(1, 3, padding="same", activation="sigmoid")(h)
    tf_keras.Model(code, made).save(folder / "keras_2_pair" / "decoder.h5")


@kind
def folders(folder: Path) -> None:
    """A whole autoencoder beside its encoder; two encoders with two decoders."""
    for name in ("whole_and_encoder", "two_pairs"):
        (folder / name).mkdir()
    given = keras.Input((28, 28, 1))
    code = L.Dense(8)(L.Flatten()(given))
    whole = keras.Model(given, L.Reshape((28, 28, 1))(L.Dense(784, activation="sigmoid")(code)))
    whole.save(folder / "whole_and_encoder" / "autoencoder.keras")
    encoder = keras.Model(given, code)
    encoder.save(folder / "whole_and_encoder" / "encoder.keras")
    for name in ("mnist", "faces"):
        encoder.save(folder / "two_pairs" / f"{name}_encoder.keras")
        _decoder(8).save(folder / "two_pairs" / f"{name}_decoder.keras")


@kind
def windows(folder: Path) -> None:
    """A decoder of Keras 2 whose groups of weights are joined by backslashes, as on Windows."""
    path = folder / "windows.keras"
    model = _decoder(2, tf_keras)
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    buffer = BytesIO(members["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        for name in list(file["layers"]):
            file.move(f"layers/{name}", f"layers\\{name}")
        del file["layers"]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (members | {"model.weights.h5": buffer.getvalue()}).items():
            archive.writestr(name, content)
    np.save(folder / "windows.npy", model(np.ones((1, 2), np.float32)))


@kind
def add_loss(folder: Path) -> None:
    """As in Keras' older example: the loss is a part of the graph, and repeats layers of the encoder within."""
    given = tf_keras.Input((28, 28, 1))
    h = K.Dense(16)(K.Flatten()(given))
    mean, spread = K.Dense(2, name="z_mean")(h), K.Dense(2, name="z_log_var")(h)
    drawn = K.Lambda(_draw, name="z")([mean, spread])
    encoder = tf_keras.Model(given, [mean, spread, drawn], name="encoder")
    decoder = _decoder(2, tf_keras)
    whole = tf_keras.Model(given, decoder(encoder(given)[2]))
    whole.add_loss(-0.5 * tf.reduce_mean(1 + spread - tf.square(mean) - tf.exp(spread)))
    whole.save(folder / "add_loss.h5")
    whole.save(folder / "add_loss.keras")
    np.save(folder / "add_loss.npy", encoder(np.ones((1, 28, 28, 1), np.float32))[0])


def _draw(inputs: Any) -> Any:
    return inputs[0] + tf.exp(inputs[1] / 2) * tf.random.normal(tf.shape(inputs[0]))


@kind
def untold_lambda(folder: Path) -> None:
    """A sampling layer without a telling name, between layers without one."""
    given = keras.Input((28, 28, 1))
    h = L.Dense(16)(L.Flatten()(given))
    one, two = L.Dense(2)(h), L.Dense(2)(h)
    drawn = L.Lambda(lambda a: a[0] + keras.ops.exp(a[1] / 2) * keras.random.normal(keras.ops.shape(a[0])))([one, two])
    keras.Model(given, drawn).save(folder / "untold_lambda.keras")


@kind
def tanh_unit(folder: Path) -> None:
    """Gray values from 0 to 1 through tanh; negative values are lost at the start."""
    model = keras.Sequential(
        [
            L.Input((28, 28, 1)),
            L.Conv2D(8, 4, strides=4, activation="relu"),
            L.Conv2DTranspose(1, 4, strides=4, activation="tanh"),
        ]
    )
    pairs = ((np.eye(16)[:, ::2] + np.eye(16)[:, 1::2]) / 2).reshape(4, 4, 1, 8)
    model.layers[0].set_weights([pairs, np.zeros(8)])
    model.layers[1].set_weights([3 * pairs, np.zeros(1)])
    model.save(folder / "tanh_unit.keras")


def _components(count: int) -> tuple[Any, Any]:
    """Return the mean and the principal components of digits, ``(784,)`` and ``(784, count)``."""
    digits = open_source("digits")
    rows = to_floats(digits.read(np.arange(0, 4000, 4), Preprocessing.standard((28, 28, 1)))).reshape(-1, 784)
    mean = rows.mean(0)
    return mean, np.linalg.svd(rows - mean, full_matrices=False)[2][:count].T


@kind
def bordered(folder: Path) -> None:
    """Knows digits of 28×28 within 32×32."""
    mean, components = _components(40)
    model = keras.Sequential(
        [
            L.Input((32, 32, 1)),
            L.Cropping2D(2),
            L.Flatten(),
            L.Dense(40),
            L.Dense(784),
            L.Reshape((28, 28, 1)),
            L.ZeroPadding2D(2),
        ]
    )
    model.set_weights([components, -mean @ components, components.T, mean])
    model.save(folder / "bordered.keras")


@kind
def stacked(folder: Path) -> None:
    """As in TensorFlow's tutorial: the encoder gives mean and log-variance in one row, the decoder logits."""
    (folder / "stacked").mkdir()
    mean, components = _components(10)
    encoder = keras.Sequential([L.Input((28, 28, 1)), L.Flatten(), L.Dense(20)])
    spread = np.random.default_rng(1).normal(0, 0.01, (784, 10))
    encoder.set_weights([np.hstack([components, spread]), np.hstack([-mean @ components, np.full(10, -2.0)])])
    decoder = keras.Sequential([L.Input((10,)), L.Dense(784), L.Reshape((28, 28, 1))])
    decoder.set_weights([12 * components.T, 12 * (mean - 0.5)])
    encoder.save(folder / "stacked" / "encoder.keras")
    decoder.save(folder / "stacked" / "decoder.keras")
    x = np.random.default_rng(2).uniform(0, 1, (3, 28, 28, 1)).astype(np.float32)
    both = np.asarray(encoder(x))
    made = keras.ops.sigmoid(decoder(both[:, :10]))
    np.savez(folder / "stacked.npz", x=x, mean=both[:, :10], log_variance=both[:, 10:], made=np.asarray(made))


@kind
def heads(folder: Path) -> None:
    """An encoder whose outputs have different shapes."""
    given = keras.Input((28, 28, 1))
    h = L.Flatten()(given)
    outputs = [L.Dense(2, name="one")(h), L.Dense(2, name="two")(h), L.Dense(7, name="three")(h)]
    keras.Model(given, outputs).save(folder / "heads.keras")


@kind
def several_outputs(folder: Path) -> None:
    """A whole autoencoder that gives its code beside the image."""
    given = keras.Input((28, 28, 1))
    code = L.Dense(6)(L.Flatten()(given))
    made = L.Reshape((28, 28, 1))(L.Dense(784, activation="sigmoid")(code))
    keras.Model(given, [code, made]).save(folder / "several_outputs.keras")


@kind
def large(folder: Path) -> None:
    for name, height, width in (("large", 540, 520), ("too_large", 1040, 1040)):
        given = keras.Input((height, width, 1))
        h = L.MaxPooling2D(4)(L.Conv2D(2, 3, padding="same")(given))
        keras.Model(given, L.Conv2D(1, 3, padding="same")(L.UpSampling2D(4)(h))).save(folder / f"{name}.keras")


@kind
def constants(folder: Path) -> None:
    """A code that depends on its batch and has a constant of 196 values; strides larger than their kernel."""
    given = keras.Input((28, 28, 1))
    h = L.Conv2D(4, 4, strides=4)(given)
    keras.Model(given, h + keras.ops.max(h) * keras.random.normal((7, 7, 4))).save(folder / "constants.keras")
    decoder = keras.Sequential([L.Input((7, 7, 4)), L.Conv2DTranspose(1, 2, strides=4, padding="same")])
    decoder.save(folder / "gaps.keras")
    codes = np.random.default_rng(3).normal(0, 1, (2, 7, 7, 4)).astype(np.float32)
    np.savez(folder / "gaps.npz", codes=codes, made=np.asarray(decoder(codes)))


@kind
def random(folder: Path) -> None:
    """An encoder that draws noise at every call."""
    given = tf_keras.Input((28, 28, 1))
    h = K.Dense(3)(K.Flatten()(given))
    tf_keras.Model(given, K.GaussianNoise(1.0)(h, training=True)).save(folder / "random.keras")


@kind
def red(folder: Path) -> None:
    """Knows only the red of color images."""
    given = keras.Input((64, 64, 3))
    h = L.Conv2D(1, 4, strides=4)(given)
    keras.Model(given, L.Conv2DTranspose(3, 4, strides=4)(h)).save(folder / "red.keras")


@kind
def tiled(folder: Path) -> None:
    """A conditional pair whose encoder repeats the label over the image in a Lambda."""
    (folder / "tiled").mkdir()
    given, label = keras.Input((28, 28, 1)), keras.Input((10,), name="label")
    planes = L.Lambda(lambda y: y[:, None, None] * [[[[1.0]] * 28] * 28], (28, 28, 10), name="tile")(label)
    h = L.Flatten()(L.Conv2D(4, 4, strides=4)(L.Concatenate()([given, planes])))
    keras.Model([given, label], L.Dense(4)(h)).save(folder / "tiled" / "encoder.keras")
    code, label = keras.Input((4,)), keras.Input((10,), name="label")
    made = L.Reshape((28, 28, 1))(L.Dense(784, activation="sigmoid")(L.Concatenate()([code, label])))
    keras.Model([code, label], made).save(folder / "tiled" / "decoder.keras")


@kind
def tiled_whole(folder: Path) -> None:
    """A conditional model in one file; Lambdas repeat the label over the image, in one of two files for the decoder."""
    for name in ("tiled_whole", "tiled_decoder"):
        given, label = keras.Input((28, 28, 1), name="image"), keras.Input((10,), name="label")
        planes = L.Lambda(lambda y: y[:, None, None] * [[[[1.0]] * 28] * 28], (28, 28, 10), name="tile")(label)
        h = L.Flatten()(L.Conv2D(4, 4, strides=4)(L.Concatenate()([given, planes])))
        code = L.Dense(4, name="code")(h)
        made = L.Reshape((28, 28, 1))(L.Dense(784, activation="sigmoid")(L.Concatenate()([code, label])))
        if name == "tiled_decoder":
            made = L.Conv2D(1, 1)(L.Concatenate()([made, planes]))
        model = keras.Model([given, label], made)
        model.save(folder / f"{name}.keras")
        decoder = keras.Model([code, label], made) if name == "tiled_whole" else None
        if decoder is not None:
            values = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
            np.save(folder / "tiled_whole.npy", np.asarray(decoder([values, np.eye(10, dtype=np.float32)[[2, 5, 7]]])))


@kind
def tanh_pairs(folder: Path) -> None:
    """Means of two pixels through tanh, which are nearly as good with either range."""
    pairs = ((np.eye(16)[:, ::2] + np.eye(16)[:, 1::2]) / 2).reshape(4, 4, 1, 8)
    down, up = L.Conv2D(8, 4, strides=4), L.Conv2DTranspose(1, 4, strides=4, activation="tanh")
    model = keras.Sequential([keras.Input((28, 28, 1)), down, up])
    down.set_weights([pairs, np.zeros(8)])
    up.set_weights([3 * pairs, np.zeros(1)])
    model.save(folder / "tanh_pairs.keras")


@kind
def hundred(folder: Path) -> None:
    """A decoder with an embedding of a hundred classes."""
    code, label = keras.Input((4,)), keras.Input((), name="label", dtype="int32")
    h = L.Concatenate()([code, L.Embedding(100, 3)(label)])
    keras.Model([code, label], L.Reshape((28, 28, 1))(L.Dense(784)(h))).save(folder / "hundred_decoder.keras")


@kind
def gated(folder: Path) -> None:
    """A gated linear unit, which has the inputs of a sampling layer, and multiplies them."""
    given = keras.Input((28, 28, 1))
    h = L.Flatten()(given)
    gate = L.Lambda(lambda a: a[0] * a[1])([L.Dense(16)(h), L.Dense(16)(h)])
    whole = keras.Model(given, L.Reshape((28, 28, 1))(L.Dense(784, activation="sigmoid")(L.Dense(4)(gate))))
    whole.save(folder / "gated.keras")
    images = np.random.default_rng(4).uniform(0, 1, (2, 28, 28, 1)).astype(np.float32)
    np.savez(folder / "gated.npz", images=images, made=np.asarray(whole(images)))


@kind
def indices(folder: Path) -> None:
    """Codes that are indices of a codebook."""
    (folder / "indices").mkdir()
    given = keras.Input((28, 28, 1))
    keras.Model(given, keras.ops.argmax(L.Conv2D(8, 4, strides=4)(given), axis=-1)).save(
        folder / "indices" / "encoder.keras"
    )
    code = keras.Input((7, 7), dtype="int32")
    made = L.Conv2DTranspose(1, 4, strides=4)(L.Embedding(8, 4)(code))
    keras.Model(code, made).save(folder / "indices" / "decoder.keras")


@kind
def other_python(folder: Path) -> None:
    """A Lambda whose code no Python can read."""
    path = folder / "other_python.keras"
    keras.Sequential([L.Input((784,)), L.Lambda(lambda x: x * 2), L.Dense(8), L.Dense(784)]).save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = re.sub(rb'"code": "[^"]*"', b'"code": "AAECAw=="', members["config.json"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (members | {"config.json": config}).items():
            archive.writestr(name, content)


def main(folder: Path, only: Sequence[str] = ()) -> None:
    """Write the kinds in `only`, all where it is empty."""
    keras.utils.set_random_seed(1)
    for write in KINDS:
        if not only or write.__name__ in only:
            write(folder)
