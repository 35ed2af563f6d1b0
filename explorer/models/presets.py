"""Trainings with a name: the references' own settings, and a quick one to begin with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.models.architectures import get_architecture
from explorer.models.bundle import Bundle
from explorer.models.settings import TrainingRequest, resolve_settings
from explorer.models.spec import Architecture, Loss


@dataclass(frozen=True)
class TrainingPreset:
    """A training with a name. None stands for the value of the architecture, or of the pictures.

    Attributes
    ----------
    name, title
        Short and stable, for settings; for people.
    about
        What it is, and where its numbers come from, in a sentence or two for a tool tip.
    architecture
        Name of the architecture.
    data, stand_in
        Names of the reference's pictures, and of those that ship and are most like them. Empty: any pictures.
    latent, size, channels, epochs, batch, loss, beta, l1, noise, augment
        As in `TrainingRequest`.
    parents
        Where it goes on with a trained model: the architectures that the reference did it with, the usual one first.
    """

    name: str
    title: str
    about: str
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
        """Return the name of the pictures to take of those that are present; empty where it does not matter."""
        return self.data if self.data in present else self.stand_in

    def choose_parent(self, bundles: Sequence[Bundle], opened: Path | None) -> Bundle | None:
        """Return the model to go on with: the one that is open where it fits, else one of the usual kind.

        Parameters
        ----------
        bundles
            Those that there are.
        opened
            Folder of the one that is open.
        """
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
        """Tell whether a training is this one: seed, number of pictures and name are its own affair.

        Raises
        ------
        ExplorerError
            If the request cannot be meant.
        """
        wanted = self.request(request)
        if self.data and request.data not in {self.data, self.stand_in}:
            return False
        if bool(self.parents) != (request.start_from is not None):
            return False
        if self.parents:
            # The model that is gone on with has settled its size and code.
            same = request.architecture in self.parents
            wanted = wanted.model_copy(update={"architecture": request.architecture})
        else:
            same = _shape(request) == _shape(wanted)
        return same and resolve_settings(request) == resolve_settings(wanted)

    def request(self, base: TrainingRequest) -> TrainingRequest:
        """Return `base` with the settings of this preset in place of its own."""
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


PRESETS: tuple[TrainingPreset, ...] = (
    TrainingPreset(
        "quick",
        "Quick try",
        "The deep dense network of the digits, for ten passes over whatever pictures are chosen: enough to see it "
        "learn.",
        "deep-dense",
        epochs=10,
    ),
    TrainingPreset(
        "mnist_dense",
        "MNIST dense",
        "One layer down to 49 numbers and one back. Published: cross entropy 0.0777 after 50 epochs.",
        "dense",
        "mnist",
        "digits",
    ),
    TrainingPreset(
        "mnist_deep",
        "MNIST deep dense",
        "Three layers down to 49 numbers and three back. Published: cross entropy 0.0720 after 100 epochs.",
        "deep-dense",
        "mnist",
        "digits",
    ),
    TrainingPreset(
        "mnist_conv",
        "MNIST convolutional 7×7×1",
        "A code that is a small picture itself, of 7 × 7 numbers. Published: cross entropy 0.0693 after 64 epochs.",
        "conv-spatial",
        "mnist",
        "digits",
    ),
    TrainingPreset(
        "mnist_sparse",
        "MNIST sparse",
        "The deep dense network with 16 numbers and an L1 penalty of 0.00001 on them, for 400 epochs.",
        "sparse",
        "mnist",
        "digits",
    ),
    TrainingPreset(
        "mnist_denoising",
        "MNIST denoising",
        "Goes on with a trained digit model: Gaussian noise of mean 0.5 and σ 0.5 on the input, the clean digit as "
        "target, batch 16, 200 epochs.",
        "deep-dense",
        "mnist",
        "digits",
        epochs=200,
        batch=16,
        noise="gaussian:0.5@0.5",
        parents=("deep-dense", "dense", "conv-spatial"),
    ),
    TrainingPreset(
        "cnn_16",
        "CNN 16",
        "A small convolutional network that brings a digit down to 16 numbers, with squared error.",
        "cnn",
        "mnist",
        "digits",
        latent=16,
        loss="mse",
    ),
    TrainingPreset(
        "lfw_faces",
        "LFW faces",
        "Four convolutions with pooling, faces of 36 × 36 pixels and a code of 32 numbers: the same as the PCA "
        "preset has, which it must beat.",
        "conv-pool",
        "lfw",
        "faces",
        latent=32,
        size=(36, 36),
        channels=3,
        loss="mse",
    ),
    TrainingPreset(
        "lfw_denoising",
        "LFW denoising",
        "The network of the faces, with Gaussian noise of σ 0.1 drawn anew each epoch on its input and the clean "
        "face as target.",
        "conv-pool",
        "lfw",
        "faces",
        latent=32,
        size=(36, 36),
        channels=3,
        loss="mse",
        noise="gaussian:0.1",
    ),
    TrainingPreset(
        "lfw_pca",
        "LFW PCA",
        "A linear network, whose optimum is principal component analysis: the line that others must beat.",
        "linear",
        "lfw",
        "faces",
        latent=32,
        size=(36, 36),
        channels=3,
        loss="mse",
    ),
    TrainingPreset(
        "dogs",
        "Dogs",
        "Pictures of 224 × 224 pixels down to a stack of 128 maps of 28 × 28, for strips between two of them. "
        "Squared error, batch 64, 40 epochs.",
        "cae-upsample",
        "stanford_dogs",
        "faces",
        size=(224, 224),
        channels=3,
        batch=64,
        epochs=40,
    ),
    TrainingPreset(
        "glyph_ae",
        "Glyph AE",
        "Letters of 64 × 64 pixels down to 128 numbers, trained on 10,000 pictures that augmentation makes of a few "
        "hundred, for 15 epochs.",
        "conv-stride",
        "glyphs",
        "glyphs",
        latent=128,
        size=(64, 64),
        channels=1,
        epochs=15,
        augment=10_000,
    ),
    TrainingPreset(
        "glyph_vae",
        "Glyph VAE",
        "A variational network with a code of two numbers, whose plane of letters can be looked at as a whole; "
        "10,000 augmented pictures, batch 128, 30 epochs.",
        "vae",
        "glyphs",
        "glyphs",
        latent=2,
        size=(64, 64),
        channels=1,
        epochs=30,
        batch=128,
        augment=10_000,
    ),
)
"""In the order of a menu; the first is where a newcomer begins."""


def matching_preset(request: TrainingRequest) -> TrainingPreset | None:
    """Return the first preset that a training is, or None.

    Raises
    ------
    ExplorerError
        If the request cannot be meant.
    """
    return next((preset for preset in PRESETS if preset.describes(request)), None)
