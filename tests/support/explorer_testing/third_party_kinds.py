"""Writes small models of the kinds that strangers' repositories hold and that were once refused or misread.

In a process of its own, since it needs both Keras; `main` writes all kinds into a folder.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
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


def main(folder: Path) -> None:
    """Write all kinds."""
    keras.utils.set_random_seed(1)
    for write in KINDS:
        write(folder)
