"""The recipes of the bundled models: training commands and target metrics."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from explorer.models.card import Card


@dataclass(frozen=True)
class Goal:
    """A target metric on the test images, with the published precision.

    Attributes
    ----------
    figure
        Name of a metric in the card.
    most
        Maximum of the metric, rounded to `digits` decimals; with `beside`, a factor on the metric of that model.
    digits
        Decimals of the published figure.
    beside
        Name of the reference model, or empty.
    source
        Origin of the target.
    """

    figure: str
    most: float
    digits: int = 4
    beside: str = ""
    source: str = "published"

    def text(self) -> str:
        """Return the target as the text of a table cell."""
        if self.beside:
            return f"{self.figure.upper()} ≤ {self.most:g} × `{self.beside}`"
        return f"{self.figure if self.figure == 'loss' else self.figure.upper()} {self.most:.{self.digits}f}"

    def reached(self, card: Card, others: Mapping[str, Card]) -> bool:
        """Return whether a model reaches the target."""
        value = card.metrics[self.figure]
        if self.beside:
            return value <= self.most * others[self.beside].metrics[self.figure]
        return round(value, self.digits) <= self.most


@dataclass(frozen=True)
class Recipe:
    """The training of a bundled model.

    Attributes
    ----------
    system
        Reference system, R1 to R5.
    command
        Training command, exactly as recorded in the card.
    in_wheel
        Whether the wheel contains it; the others are only in the repository.
    goal
        Target, if there is one.
    reason
        Why the target is missed, or why the model is missing.
    note
        Further measurements.
    """

    system: Literal["R1", "R2", "R3", "R4", "R5"]
    command: str
    in_wheel: bool = False
    goal: Goal | None = None
    reason: str = ""
    note: str = ""

    @property
    def words(self) -> list[str]:
        """Arguments of the command."""
        return shlex.split(self.command)[1:]

    @property
    def name(self) -> str:
        """Name of the model and its folder."""
        return self._after("--out")

    @property
    def parent(self) -> str | None:
        """Name of the model that the weights are initialized from."""
        return self._after("--from") if "--from" in self.words else None

    def _after(self, option: str) -> str:
        return self.words[self.words.index(option) + 1]


# A recipe with --from comes after that of its parent.
RECIPES: tuple[Recipe, ...] = (
    Recipe(
        "R1",
        "latent-explorer train --arch linear --data faces-training.npz --out faces-pca-16 --size 36x36 --latent 16 "
        "--seed 0",
    ),
    Recipe(
        "R1",
        "latent-explorer train --arch conv-pool --data faces-training.npz --out faces-conv-16 --size 36x36 --latent 16 "
        "--epochs 60 --batch 32 --schedule cosine --seed 0",
        goal=Goal("mse", 0.75, beside="faces-pca-16", source="our own, 25% below PCA of the same latent dimension"),
        note="With 32 latent dimensions the same training is 13% below PCA (MSE 0.00089, PCA 0.00102) and would miss "
        "the target: drawn faces have few properties, and thirty components explain nearly all their variance.",
    ),
    Recipe(
        "R1",
        "latent-explorer train --arch conv-pool --data faces-training.npz --out faces-denoise --size 36x36 "
        "--latent 128 --epochs 60 --batch 64 --schedule cosine --noise gaussian:0.1 --seed 0",
    ),
    Recipe(
        "R2",
        "latent-explorer train --arch dense --data mnist --out digits-dense-49 --epochs 50 --rate 0.002 "
        "--schedule cosine --seed 0",
        goal=Goal("bce", 0.0777),
    ),
    Recipe(
        "R2",
        "latent-explorer train --arch deep-dense --data mnist --out digits-deep-49 --epochs 100 --batch 128 "
        "--rate 0.002 --schedule cosine --seed 0",
        in_wheel=True,
        goal=Goal("bce", 0.0720),
    ),
    Recipe(
        "R2",
        "latent-explorer train --arch conv-spatial --data mnist --out digits-conv --epochs 64 --batch 32 --rate 0.001 "
        "--schedule cosine --seed 0",
        goal=Goal("bce", 0.0693),
    ),
    Recipe(
        "R2",
        "latent-explorer train --arch sparse --data mnist --out digits-sparse-16 --epochs 400 --schedule cosine "
        "--seed 0",
    ),
    Recipe(
        "R2",
        "latent-explorer train --arch deep-dense --data mnist --out digits-denoise --from digits-deep-49 --epochs 100 "
        "--batch 128 --rate 0.002 --schedule cosine --noise gaussian:0.5@0.5 --seed 0",
        in_wheel=True,
    ),
    Recipe(
        "R3",
        # Twice as many steps as 40 epochs with batch size 64, as in the reference, would be for so few images.
        "latent-explorer train --arch cae-upsample --data faces-224.npz --out faces-224 --epochs 20 --batch 16 "
        "--schedule cosine --seed 0",
        note="On 19 photographs (the twelve of Debian's package mate-backgrounds, folder nature; scikit-learn's two; "
        "astronaut, chelsea, coffee, motorcycle_left and rocket of scikit-image), `latent-explorer evaluate --model "
        "faces-224 --data FOLDER --split all` gives MSE 0.0115, PSNR 20.05, SSIM 0.594, where the 1,000 embedded faces "
        "have 30.48 dB: their content is recognizable, but blurred, with a visible border.",
    ),
    Recipe(
        "R4",
        "latent-explorer train --arch conv-stride --data glyphs --out glyphs-conv-128 --epochs 15 --schedule cosine "
        "--augment 10000 --seed 0",
    ),
    Recipe(
        "R4",
        "latent-explorer train --arch vae --data glyphs --out glyphs-vae-2d --epochs 30 --schedule cosine "
        "--augment 10000 --seed 0",
        in_wheel=True,
    ),
    Recipe(
        "R4",
        "latent-explorer train --arch vae-deep --data mnist --out digits-vae-2d --epochs 30 --schedule cosine --seed 0",
        in_wheel=True,
        goal=Goal(
            "loss",
            146.95,
            2,
            source="that of the Keras example, a different network with two latent dimensions, on its training images",
        ),
        note="The network of R4, `vae`, ends at 152.7 on digits and misses the target (docs/decisions/0009).",
    ),
    Recipe(
        "R4",
        "latent-explorer train --arch vae-deep --data fashion_mnist --out clothing-vae-2d --epochs 30 "
        "--schedule cosine --seed 0",
    ),
    Recipe(
        "R5",
        "latent-explorer train --arch cnn --data faces-training.npz --out faces-colorize --size 36x36 --latent 32 "
        "--epochs 30 --batch 32 --schedule cosine --noise gray:1 --seed 0",
    ),
    Recipe(
        "R5",
        "latent-explorer train --arch cnn --data mnist --out digits-cnn-16 --schedule cosine --seed 0",
    ),
)
