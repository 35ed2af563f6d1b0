"""Writes models as others do, in many styles, with what each makes of a few digits: run it with a folder.

In a process of its own, since it needs both Keras. Every entry of `STYLES` writes one model, and returns what it gives
for the images ``(n, 28, 28, 1)`` in [0, 1], again in [0, 1]; for halves alone their codes or images.
"""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import tf_keras

from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.sources import open_source

COUNT = 16
STYLES: dict[str, Callable[[Path, Any], Any]] = {}


def style(function: Callable[[Path, Any], Any]) -> Callable[[Path, Any], Any]:
    STYLES[function.__name__] = function
    return function


def learn(model: Any, images: Any, targets: Any = None, epochs: int = 12, rate: float = 1e-3) -> None:
    """Train until the model knows digits from noise: the guesses need a model that reconstructs."""
    library = keras if isinstance(model, keras.Model) else tf_keras
    model.compile(optimizer=library.optimizers.Adam(rate), loss="mse")
    model.fit(images, images if targets is None else targets, epochs=epochs, batch_size=64, verbose=0)


def said(value: Any) -> Any:
    return np.asarray(value, np.float32).reshape(len(value), -1)


# -- Keras 3 -----------------------------------------------------------------------------------------------------------


@style
def sequential(folder: Path, x: Any) -> Any:
    """One row of values, as in the tutorials: 784 in and out, sigmoid."""
    k = keras.layers
    model = keras.Sequential([keras.Input((784,)), k.Dense(16, "relu", name="code"), k.Dense(784, "sigmoid")])
    model.save(folder / "sequential.keras")
    return said(model(x.reshape(-1, 784)))


@style
def functional_norm(folder: Path, x: Any) -> Any:
    """Convolutions with BatchNormalization (moved off its start), LeakyReLU and bilinear UpSampling."""
    k = keras.layers
    given = keras.Input((28, 28, 1))
    h = k.LeakyReLU(negative_slope=0.1)(k.Conv2D(8, 3, strides=2, padding="same")(given))
    h = k.BatchNormalization()(h)
    h = k.Conv2D(4, 3, strides=2, padding="same", activation="relu")(h)
    code = k.Dense(10, name="bottleneck")(k.Flatten()(h))
    h = k.Reshape((7, 7, 4))(k.Dense(196, "relu")(code))
    h = k.UpSampling2D(2, interpolation="bilinear")(h)
    h = k.UpSampling2D(2)(k.Conv2D(8, 3, padding="same", activation="relu")(h))
    model = keras.Model(given, k.Conv2D(1, 3, padding="same", activation="sigmoid")(h))
    learn(model, x, epochs=1)
    model.save(folder / "functional_norm.keras")
    return said(model(x[:COUNT], training=False))


@style
def spatial_code(folder: Path, x: Any) -> Any:
    """A stack of feature maps as the code."""
    k = keras.layers
    given = keras.Input((28, 28, 1))
    h = k.MaxPooling2D(2)(k.Conv2D(8, 3, padding="same", activation="relu")(given))
    h = k.MaxPooling2D(2)(k.Conv2D(2, 3, padding="same", activation="relu")(h))
    h = k.UpSampling2D(2)(k.Conv2D(8, 3, padding="same", activation="relu")(h))
    model = keras.Model(given, k.Conv2D(1, 3, padding="same", activation="sigmoid")(k.UpSampling2D(2)(h)))
    model.save(folder / "spatial_code.keras")
    return said(model(x[:COUNT]))


@style
def nested(folder: Path, x: Any) -> Any:
    """An encoder and a decoder that are models of their own within one, images without a channel."""
    k = keras.layers
    encoder = keras.Sequential([keras.Input((28, 28)), k.Flatten(), k.Dense(64, "relu"), k.Dense(12)], name="encoder")
    decoder = keras.Sequential(
        [keras.Input((12,)), k.Dense(8, "relu"), k.Dense(784, "sigmoid"), k.Reshape((28, 28))], name="decoder"
    )
    given = keras.Input((28, 28))
    model = keras.Model(given, decoder(encoder(given)))
    model.save(folder / "nested.keras")
    return said(model(x[:COUNT, :, :, 0]))


@style
def tanh_range(folder: Path, x: Any) -> Any:
    """Images in [−1, 1], saved with the format of Keras 3 that ends in h5."""
    k = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            k.Flatten(),
            k.Dense(64, "relu"),
            k.Dense(16),
            k.Dense(784, "tanh"),
            k.Reshape((28, 28, 1)),
        ]
    )
    learn(model, 2 * x - 1)
    model.save(folder / "tanh_range.h5")
    return (said(model(2 * x[:COUNT] - 1)) + 1) / 2


@style
def bytes_range(folder: Path, x: Any) -> Any:
    """Images in [0, 255], linear at the end: only trying tells."""
    k = keras.layers
    model = keras.Sequential([keras.Input((784,)), k.Dense(64, "relu"), k.Dense(24), k.Dense(784)])
    learn(model, 255 * x.reshape(-1, 784), epochs=20, rate=0.01)
    model.save(folder / "bytes_range.keras")
    return said(model(255 * x[:COUNT].reshape(-1, 784))) / 255


@style
def rescaling(folder: Path, x: Any) -> Any:
    """Takes bytes, scales them down itself, and gives images in [0, 1]."""
    k = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            k.Rescaling(1 / 255),
            k.Flatten(),
            k.Dense(16),
            k.Dense(784, "sigmoid"),
            k.Reshape((28, 28, 1)),
        ]
    )
    learn(model, 255 * x, x)
    model.save(folder / "rescaling.keras")
    return said(model(255 * x[:COUNT]))


@style
def channels_first(folder: Path, x: Any) -> Any:
    k = keras.layers
    model = keras.Sequential(
        [
            keras.Input((1, 28, 28)),
            k.Conv2D(4, 3, strides=2, padding="same", data_format="channels_first"),
            k.Flatten(),
            k.Dense(9, name="code"),
            k.Dense(784, "sigmoid"),
            k.Reshape((1, 28, 28)),
        ]
    )
    model.save(folder / "channels_first.keras")
    weights = [np.asarray(weight) for weight in model.get_weights()]
    # Keras on a CPU may not run this layout itself; the same network with channels last says what it gives.
    last = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            k.Conv2D(4, 3, strides=2, padding="same"),
            k.Permute((3, 1, 2)),
            k.Flatten(),
            k.Dense(9),
            k.Dense(784, "sigmoid"),
        ]
    )
    last.set_weights(weights)
    return said(last(x[:COUNT]))


@style
def color(folder: Path, x: Any) -> Any:
    """Color images of 32 × 32, operations of Keras between the layers."""
    k = keras.layers
    given = keras.Input((32, 32, 3))
    h = k.Conv2D(8, 3, strides=2, padding="same", activation="relu")(given - 0.5)
    code = k.Dense(20)(k.Flatten()(h))
    h = k.Reshape((16, 16, 4))(k.Dense(1024, "relu")(code))
    model = keras.Model(given, k.Conv2DTranspose(3, 3, strides=2, padding="same", activation="sigmoid")(h))
    model.save(folder / "color.keras")
    return said(model(_colored(x)))


def _colored(x: Any) -> Any:
    """The digits as the window brings them to 32 × 32 in color would not be these: plain noise will do."""
    return np.random.default_rng(3).uniform(0, 1, (COUNT, 32, 32, 3)).astype(np.float32)


@style
def any_size(folder: Path, x: Any) -> Any:
    """Convolutions alone, which take images of any size."""
    k = keras.layers
    given = keras.Input((None, None, 3))
    h = k.Conv2D(8, 3, strides=2, padding="same", activation="relu")(given)
    h = k.Conv2DTranspose(8, 3, strides=2, padding="same")(k.Conv2D(4, 3, strides=2, padding="same")(h))
    model = keras.Model(given, k.Conv2DTranspose(3, 3, strides=2, padding="same", activation="sigmoid")(h))
    model.save(folder / "any_size.keras")
    return said(model(np.random.default_rng(4).uniform(0, 1, (COUNT, 64, 64, 3)).astype(np.float32)))


class Sampling(keras.layers.Layer):  # type: ignore[misc]
    """As in Keras' own example of a variational autoencoder."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.seed_generator = keras.random.SeedGenerator(1)

    def call(self, inputs: Any) -> Any:
        mean, log_variance = inputs
        noise = keras.random.normal(keras.ops.shape(mean), seed=self.seed_generator)
        return mean + keras.ops.exp(log_variance / 2) * noise


def _vae_parts(outputs: int = 3) -> tuple[Any, Any]:
    k = keras.layers
    given = keras.Input((28, 28, 1))
    h = k.Dense(32, "relu")(k.Flatten()(given))
    mean, spread = k.Dense(2, name="z_mean")(h), k.Dense(2, name="z_log_var")(h)
    drawn = Sampling()([mean, spread])
    encoder = keras.Model(given, [mean, spread, drawn] if outputs == 3 else drawn, name="encoder")
    code = keras.Input((2,))
    decoder = keras.Model(code, k.Reshape((28, 28, 1))(k.Dense(784, "sigmoid")(code)), name="decoder")
    return encoder, decoder


@style
def vae_functional(folder: Path, x: Any) -> Any:
    """A sampling layer inside, one file; Keras 3 cannot build its class."""
    encoder, decoder = _vae_parts(outputs=1)
    given = keras.Input((28, 28, 1))
    keras.Model(given, decoder(encoder(given))).save(folder / "vae_functional.keras")
    mean = keras.Model(encoder.inputs, encoder.get_layer("z_mean").output)
    return said(decoder(mean(x[:COUNT])))


class VAE(keras.Model):  # type: ignore[misc]
    """A subclass that holds two models."""

    def __init__(self, encoder: Any, decoder: Any, **options: Any) -> None:
        super().__init__(**options)
        self.encoder, self.decoder = encoder, decoder

    def call(self, inputs: Any) -> Any:
        return self.decoder(self.encoder(inputs)[2])

    def get_config(self) -> dict[str, Any]:
        return {
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
        }


@style
def vae_subclass(folder: Path, x: Any) -> Any:
    encoder, decoder = _vae_parts()
    model = VAE(encoder, decoder)
    model(x[:1])
    model.save(folder / "vae_subclass.keras")
    return said(decoder(encoder(x[:COUNT])[0]))


@style
def vae_pair(folder: Path, x: Any) -> Any:
    """Encoder with three outputs and decoder, a file each."""
    encoder, decoder = _vae_parts()
    (folder / "vae_pair").mkdir()
    encoder.save(folder / "vae_pair" / "my_encoder.keras")
    decoder.save(folder / "vae_pair" / "my_decoder.h5")
    return said(decoder(encoder(x[:COUNT])[0]))


@style
def encoder_two_outputs(folder: Path, x: Any) -> Any:
    """An encoder alone: mean and log-variance."""
    encoder, _ = _vae_parts()
    alone = keras.Model(encoder.inputs, encoder.outputs[:2])
    alone.save(folder / "encoder_two_outputs.keras")
    return said(alone(x[:COUNT])[0])


@style
def decoder_alone(folder: Path, x: Any) -> Any:
    _, decoder = _vae_parts()
    decoder.save(folder / "decoder_alone.keras")
    return said(decoder(np.linspace(-1, 1, 2 * COUNT, dtype=np.float32).reshape(COUNT, 2)))


@style
def conditional(folder: Path, x: Any) -> Any:
    """Both halves take the class, one-hot."""
    return _conditional("relu", folder / "conditional.keras", x)


@style
def conditional_gelu_whole(folder: Path, x: Any) -> Any:
    """The same with exact GELU, so that Keras has to run both halves, and saves them."""
    return _conditional("gelu", folder / "conditional_gelu_whole.keras", x)


def _conditional(activation: str, path: Path, x: Any) -> Any:
    k = keras.layers
    given, label = keras.Input((28, 28, 1), name="image"), keras.Input((10,), name="label")
    code = k.Dense(4, name="code")(k.Concatenate()([k.Dense(32, activation)(k.Flatten()(given)), label]))
    h = k.Dense(32, activation)(k.Concatenate()([code, label]))
    model = keras.Model([given, label], k.Reshape((28, 28, 1))(k.Dense(784, "sigmoid")(h)))
    model.save(path)
    every = [np.asarray(model([x[:COUNT], np.tile(np.eye(10)[[c]], (COUNT, 1))])) for c in range(10)]
    return said(_best(every, x))


def _best(every: list[Any], x: Any) -> Any:
    """Return of each image the one that is closest to it, among those of each class."""
    best = np.stack([np.square(made - x[:COUNT]).mean((1, 2, 3)) for made in every]).argmin(0)
    return np.stack([every[c][n] for n, c in enumerate(best)])


@style
def conditional_gelu(folder: Path, x: Any) -> Any:
    """A conditional pair with exact GELU, which Keras has to run."""
    k = keras.layers
    given, label = keras.Input((28, 28, 1), name="image"), keras.Input((10,), name="label")
    h = k.Dense(32, "gelu")(k.Concatenate()([k.Flatten()(given), label]))
    encoder = keras.Model([given, label], k.Dense(4, name="code")(h))
    code, label = keras.Input((4,), name="z"), keras.Input((10,), name="label")
    h = k.Dense(32, "gelu")(k.Concatenate()([code, label]))
    decoder = keras.Model([code, label], k.Reshape((28, 28, 1))(k.Dense(784, "sigmoid")(h)))
    (folder / "conditional_gelu").mkdir()
    encoder.save(folder / "conditional_gelu" / "encoder.keras")
    decoder.save(folder / "conditional_gelu" / "decoder.keras")
    labels = [np.tile(np.eye(10, dtype=np.float32)[[c]], (COUNT, 1)) for c in range(10)]
    codes = [np.asarray(encoder([x[:COUNT], one])) for one in labels]
    return said(_best([np.asarray(decoder(list(both))) for both in zip(codes, labels, strict=True)], x))


@style
def gelu(folder: Path, x: Any) -> Any:
    """Exact GELU, which becomes an operator that ONNX Runtime does not have."""
    k = keras.layers
    model = keras.Sequential([keras.Input((784,)), k.Dense(16, "gelu", name="code"), k.Dense(784, "sigmoid")])
    model.save(folder / "gelu.keras")
    return said(model(x[:COUNT].reshape(-1, 784)))


# -- Keras 2 -----------------------------------------------------------------------------------------------------------


def _keras_2(x: Any) -> Any:
    k = tf_keras.layers
    given = tf_keras.Input((28, 28, 1))
    h = k.BatchNormalization()(k.LeakyReLU(0.2)(k.Conv2D(8, 3, strides=2, padding="same")(given)))
    code = k.Dense(7, name="code")(k.Flatten()(h))
    h = k.Reshape((14, 14, 4))(k.Dense(784, "relu")(code))
    model = tf_keras.Model(given, k.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid")(h))
    learn(model, x, epochs=1)
    return model


@style
def keras_2_hdf5(folder: Path, x: Any) -> Any:
    model = _keras_2(x)
    model.save(folder / "keras_2_hdf5.h5")
    # What people do when a program wants the other ending.
    shutil.copyfile(folder / "keras_2_hdf5.h5", folder / "renamed.keras")
    return said(model(x[:COUNT], training=False))


@style
def keras_2_zip(folder: Path, x: Any) -> Any:
    model = _keras_2(x)
    model.save(folder / "keras_2_zip.keras")
    return said(model(x[:COUNT], training=False))


@style
def keras_2_saved_model(folder: Path, x: Any) -> Any:
    model = _keras_2(x)
    model.save(folder / "keras_2_saved_model", save_format="tf")
    return said(model(x[:COUNT], training=False))


class Notebook(tf_keras.Model):  # type: ignore[misc]
    """As in TensorFlow's own tutorial on autoencoders: a class, two models without input shapes, and a call."""

    def __init__(self) -> None:
        super().__init__()
        k = tf_keras.layers
        self.encoder = tf_keras.Sequential([k.Flatten(), k.Dense(8, "relu")])
        self.decoder = tf_keras.Sequential([k.Dense(784, "sigmoid"), k.Reshape((28, 28))])

    def call(self, inputs: Any) -> Any:
        return self.decoder(self.encoder(inputs))


@style
def keras_2_subclass(folder: Path, x: Any) -> Any:
    model = Notebook()
    learn(model, x[:, :, :, 0], epochs=1)
    model.save(folder / "keras_2_subclass", save_format="tf")
    return said(model(x[:COUNT, :, :, 0]))


def _draw(inputs: Any) -> Any:
    from tf_keras import backend

    mean, log_variance = inputs
    return mean + backend.exp(log_variance / 2) * backend.random_normal(backend.shape(mean))


@style
def keras_2_vae_lambda(folder: Path, x: Any) -> Any:
    """The variational autoencoder of a hundred notebooks: a Lambda named z, one row of values, HDF5."""
    k = tf_keras.layers
    given = tf_keras.Input((784,))
    h = k.Dense(32, "relu")(given)
    mean, spread = k.Dense(2, name="z_mean")(h), k.Dense(2, name="z_log_var")(h)
    encoder = tf_keras.Model(given, [mean, spread, k.Lambda(_draw, name="z")([mean, spread])], name="encoder")
    code = tf_keras.Input((2,))
    decoder = tf_keras.Model(code, k.Dense(784, "sigmoid")(k.Dense(32, "relu")(code)), name="decoder")
    tf_keras.Model(given, decoder(encoder(given)[2])).save(folder / "keras_2_vae_lambda.h5")
    return said(decoder(encoder(x[:COUNT].reshape(-1, 784))[0]))


@style
def exported_pair(folder: Path, x: Any) -> Any:
    """Two functions without layers, as `export` of Keras 3 writes them."""
    encoder, decoder = _vae_parts()
    alone = keras.Model(encoder.inputs, encoder.outputs[0])
    (folder / "exported_pair").mkdir()
    alone.export(folder / "exported_pair" / "encoder", verbose=False)
    decoder.export(folder / "exported_pair" / "decoder", verbose=False)
    return said(decoder(alone(x[:COUNT])))


# -- what is refused ---------------------------------------------------------------------------------------------------


def _hostile(folder: Path) -> None:
    """A Lambda that writes a file when it runs, in both formats."""
    trap = str(folder / "written-by-a-hostile-model")

    for library, name in ((tf_keras, "hostile.h5"), (keras, "hostile.keras")):
        k = library.layers
        given = library.Input((784,))
        evil = k.Lambda(_trap(trap), output_shape=(784,), name="scale")
        model = library.Model(given, k.Dense(784)(k.Dense(8)(evil(given))))
        model.save(folder / name)
    Path(trap).unlink(missing_ok=True)


def _trap(path: str) -> Callable[[Any], Any]:
    code = f"lambda x: (open({path!r}, 'w').close(), x)[1]"
    made: Callable[[Any], Any] = eval(code)
    return made


def _refused(folder: Path, x: Any) -> None:
    k = keras.layers
    whole = (folder / "functional_norm.keras").read_bytes()
    (folder / "broken.keras").write_bytes(whole[: len(whole) // 2])
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    (folder / "damaged.keras").write_bytes(bytes(damaged))
    hdf5 = (folder / "keras_2_hdf5.h5").read_bytes()
    (folder / "truncated.h5").write_bytes(hdf5[: len(hdf5) // 2])
    model = keras.Sequential([keras.Input((784,)), k.Dense(8), k.Dense(784)])
    model.save_weights(folder / "only.weights.h5")
    with zipfile.ZipFile(folder / "other.keras", "w") as archive:
        archive.writestr("hello.txt", "no model")
    (folder / "page.h5").write_text("<!DOCTYPE html><html><body>404</body></html>")
    (folder / "pickle.h5").write_bytes(b"\x80\x04K\x01.")
    (folder / "empty.keras").write_bytes(b"")

    class Strange(keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs * 2

    given = keras.Input((784,))
    keras.Model(given, k.Dense(784)(Strange(name="strange")(k.Dense(8)(given)))).save(folder / "custom.keras")
    given = keras.Input((28, 28, 1))
    h = k.Conv2D(4, 3, padding="same")(given)
    low = k.UpSampling2D(2)(k.Conv2D(4, 3, strides=2, padding="same")(h))
    keras.Model(given, k.Conv2D(1, 3, padding="same")(k.Concatenate()([h, low, given]))).save(folder / "unet.keras")
    words = keras.Input((50,))
    keras.Model(words, k.Dense(50)(k.Dense(8)(words))).save(folder / "no_images.keras")
    classifier = keras.Sequential([keras.Input((28, 28, 4)), k.Flatten(), k.Dense(10)])
    classifier.save(folder / "four_channels.keras")
    given = tf_keras.Input((28, 28))
    import tensorflow as tf

    h = tf_keras.layers.Flatten()(tf.expand_dims(given, -1) / 2.0)
    made = tf_keras.layers.Reshape((28, 28))(tf_keras.layers.Dense(784)(tf_keras.layers.Dense(3)(h)))
    tf_keras.Model(given, made).save(folder / "tensorflow_ops.h5")
    pair = folder / "wrong_pair"
    pair.mkdir()
    shutil.copyfile(folder / "encoder_two_outputs.keras", pair / "encoder.keras")
    keras.Sequential([keras.Input((5,)), k.Dense(784), k.Reshape((28, 28, 1))]).save(pair / "decoder.keras")


def main(folder: Path, only: Sequence[str] = ()) -> None:
    """Write everything, and ``references.npz`` with the images and what each style gives for them.

    `only` are the styles that are wanted, with the hostile models; all, and all that is refused, where it is empty.
    """
    keras.utils.set_random_seed(1)
    source = open_source("digits")
    images = to_floats(source.read(np.arange(0, 4000, 2), Preprocessing.standard((28, 28, 1))))
    given = {"x": images[:COUNT]}
    for name, write in STYLES.items():
        if not only or name in only:
            given[name] = np.asarray(write(folder, images))[:COUNT]
    _hostile(folder)
    if not only:
        _refused(folder, images)
    np.savez(folder / "references.npz", **given)  # type: ignore[arg-type]  # numpy types its own keyword only


if __name__ == "__main__":
    main(Path(sys.argv[1]))
