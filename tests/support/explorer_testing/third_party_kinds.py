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


def main(folder: Path) -> None:
    """Write all kinds."""
    keras.utils.set_random_seed(1)
    for write in KINDS:
        write(folder)
