"""Training presets: the settings of the reference systems (docs/reference-systems.md), and a quick start."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from explorer.messages import Message, message
from explorer.models.architectures import get_architecture
from explorer.models.bundle import Bundle
from explorer.models.settings import TrainingRequest, resolve_settings
from explorer.models.spec import Architecture, Loss


@dataclass(frozen=True)
class TrainingPreset:
    """A named set of training settings. None means the default of the architecture or the dataset.

    `name` is a stable key for settings; `about` a tooltip: what it is and where its values come from. `data` and
    `stand_in` are names of the reference's dataset, and of the most similar one that ships; empty for any dataset.
    Those that are not here are as in `TrainingRequest`. `parents` are the architectures of the trained model that it is
    initialized from, if any, the preferred one first.
    """

    name: str
    title: Message
    about: Message
    architecture: str
    data: str = ""
    stand_in: str = ""
    latent: int | None = None
    size: tuple[int, int] | None = None
    channels: int | None = None
    epochs: int | None = None
    batch: int | None = None
    loss: Loss | None = None
    beta: float | None = None
    l1: float | None = None
    noise: str = ""
    augment: int = 0
    parents: tuple[str, ...] = ()

    def choose_data(self, present: Collection[str]) -> str:
        """Return the dataset to use of those that are present; empty if any will do."""
        return self.data if self.data in present else self.stand_in

    def choose_parent(self, bundles: Sequence[Bundle], opened: Path | None) -> Bundle | None:
        """Return the model to initialize from: the open one if it fits, else one of the preferred architecture."""
        fitting = [bundle for bundle in bundles if self._takes(bundle)]
        return min(
            fitting,
            key=lambda bundle: (bundle.path != opened, self.parents.index(bundle.card.architecture)),
            default=None,
        )

    def _takes(self, bundle: Bundle) -> bool:
        name = bundle.card.architecture
        return name in self.parents and bundle.card.image_shape == get_architecture(name).default_image_shape

    def describes(self, request: TrainingRequest) -> bool:
        """Return whether a training equals this preset; seed, maximum number of images and name may differ.

        ExplorerError if the request is invalid.
        """
        wanted = self.request(request)
        if self.data and request.data not in {self.data, self.stand_in}:
            return False
        if bool(self.parents) != (request.start_from is not None):
            return False
        if self.parents:
            # Image and code size are those of the model it is initialized from.
            same = request.architecture in self.parents
            wanted = wanted.model_copy(update={"architecture": request.architecture})
        else:
            same = _shape(request) == _shape(wanted)
        return same and resolve_settings(request) == resolve_settings(wanted)

    def request(self, base: TrainingRequest) -> TrainingRequest:
        return base.model_copy(
            update={
                "architecture": self.architecture,
                **{name: getattr(self, name) for name in (*_SHAPE, *_VALUES)},
                "crop": None,
                "invert": base.invert,
                "rate": None,
                "schedule": "constant",
                "early_stop": 0,
            }
        )


_SHAPE = ("latent", "size", "channels")
_VALUES = ("epochs", "batch", "loss", "beta", "l1", "noise", "augment")


def _shape(request: TrainingRequest) -> tuple[object, ...]:
    architecture: Architecture = get_architecture(request.architecture)
    latent = request.latent
    if latent is None and not architecture.spatial:
        latent = architecture.default_latent
    return request.architecture, latent, request.size, request.channels, request.crop


_digits = partial(TrainingPreset, data="mnist", stand_in="digits")
_faces = partial(TrainingPreset, data="lfw", stand_in="faces", latent=32, size=(36, 36), channels=3, loss="mse")
_letters = partial(TrainingPreset, data="glyphs", stand_in="glyphs", size=(64, 64), channels=1, augment=10_000)

TRAINING_PRESETS: tuple[TrainingPreset, ...] = (
    TrainingPreset(
        "quick",
        message("Quick start"),
        message("A deep MLP, 10 epochs on the selected dataset."),
        "deep-dense",
        epochs=10,
    ),
    _digits(
        "mnist_dense",
        message("MNIST MLP"),
        message(
            "One dense layer each in encoder and decoder, 49 latent dimensions. Published: BCE 0.0777 after 50 epochs."
        ),
        "dense",
    ),
    _digits(
        "mnist_deep",
        message("MNIST deep MLP"),
        message(
            "Three dense layers each in encoder and decoder, 49 latent dimensions. "
            "Published: BCE 0.0720 after 100 epochs."
        ),
        "deep-dense",
    ),
    _digits(
        "mnist_conv",
        message("MNIST conv 7×7×1"),
        message("Convolutional, with a spatial code of 7×7×1. Published: BCE 0.0693 after 64 epochs."),
        "conv-spatial",
    ),
    _digits(
        "mnist_sparse",
        message("MNIST sparse"),
        message("Deep MLP with 16 latent dimensions and an L1 penalty of 0.00001 on the code, 400 epochs."),
        "sparse",
    ),
    _digits(
        "mnist_denoising",
        message("MNIST denoising"),
        message(
            "Fine-tunes a trained digit model: Gaussian input noise (mean 0.5, σ 0.5), clean target, batch size 16, "
            "200 epochs."
        ),
        "deep-dense",
        epochs=200,
        batch=16,
        noise="gaussian:0.5@0.5",
        parents=("deep-dense", "dense", "conv-spatial"),
    ),
    _digits(
        "cnn_16",
        message("CNN 16"),
        message("Small convolutional network with 16 latent dimensions, MSE loss."),
        "cnn",
        latent=16,
        loss="mse",
    ),
    _faces(
        "lfw_faces",
        message("LFW faces"),
        message(
            "Four convolutions with max pooling, 36×36 faces, 32 latent dimensions: the code size of the PCA baseline."
        ),
        "conv-pool",
    ),
    _faces(
        "lfw_denoising",
        message("LFW denoising"),
        message(
            "The network of “LFW faces” with Gaussian input noise (σ 0.1, resampled each epoch) and the clean face as "
            "target."
        ),
        "conv-pool",
        noise="gaussian:0.1",
    ),
    _faces(
        "lfw_pca",
        message("LFW PCA"),
        message("Linear network, solved in closed form by principal component analysis (PCA): the baseline for faces."),
        "linear",
    ),
    TrainingPreset(
        "dogs",
        message("Dogs"),
        message(
            "224×224 images, spatial code of 28×28×128, for interpolation between images. MSE loss, batch size 64, "
            "40 epochs."
        ),
        "cae-upsample",
        "stanford_dogs",
        "faces",
        size=(224, 224),
        channels=3,
        batch=64,
        epochs=40,
    ),
    _letters(
        "glyph_ae",
        message("Glyph AE"),
        message("64×64 letters, 128 latent dimensions, a few hundred images augmented to 10,000, 15 epochs."),
        "conv-stride",
        latent=128,
        epochs=15,
    ),
    _letters(
        "glyph_vae",
        message("Glyph VAE"),
        message(
            "VAE with 2 latent dimensions, so that the map shows the whole latent space; 10,000 augmented images, "
            "batch size 128, 30 epochs."
        ),
        "vae",
        latent=2,
        epochs=30,
        batch=128,
    ),
)
"""In menu order; the first is the default."""


def matching_preset(request: TrainingRequest) -> TrainingPreset | None:
    """Return the first preset equal to a training, or None; ExplorerError if the request is invalid."""
    return next((preset for preset in TRAINING_PRESETS if preset.describes(request)), None)
