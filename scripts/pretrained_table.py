"""Write pretrained/README.md from the cards of the models there, or say whether it is up to date.

Usage: python scripts/pretrained_table.py [--check]

With ``--check`` nothing is written, and the exit code is 1 where the file is another than would be written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pretrained_recipes import RECIPES, Recipe

from explorer.models.architectures import ARCHITECTURES
from explorer.models.bundle import CARD
from explorer.models.card import Card, read_card
from explorer.paths import pretrained_dir, replacing_file

README = "README.md"

HEAD = """\
# The models that ship

Written by `python scripts/pretrained_table.py` from the cards of the models; what is changed by hand here is lost.

Every figure is of pictures that the model was not trained on: the test files of MNIST and Fashion-MNIST, faces that
were left out, and typefaces that were left out whole. MSE and BCE are means per pixel, PSNR (dB) and SSIM means over
pictures. A variational model is scored at its mean code; its loss is what is published of such models, the cross
entropy summed over a picture plus KL, with a sampled code. A denoiser's figures are from noisy pictures to clean ones.
`latent-explorer evaluate` measures the digits and the letters again; of the clothes a quarter ships, and of the faces
another thousand, so theirs differ a little. R1 to R5 are [five published systems](../docs/reference-systems.md). The
minutes are those of two cores with other work on them, and say no more than whether to wait.

Models with a ● are in the wheel, too. The others are here, in the repository, and in any folder that the environment
variable `LATENT_EXPLORER_MODELS` names.
"""

COMMANDS = """\
## How they were trained

`make pretrained ORIGINALS=FOLDER` trains all of them; [CONTRIBUTING.md](../CONTRIBUTING.md) says what has to be in that
folder. These are the commands of the cards, which have the versions of the libraries, checksums and the losses of every
epoch, too.
"""

COLUMNS = (
    *("", "model", "network", "trained on", "code", "parameters", "epochs", "minutes", "MSE", "BCE", "PSNR", "SSIM"),
    *("KL", "loss", "to reach", "reached"),
)


def read_cards(folder: Path) -> dict[str, Card]:
    """Return the cards of the models in a folder, by name, in the order of the recipes; others last."""
    found = {path.parent.name: path for path in sorted(folder.glob(f"*/{CARD}"))}
    order = [recipe.name for recipe in RECIPES if recipe.name in found]
    order += [name for name in found if name not in order]
    return {name: read_card(found[name].read_bytes(), name) for name in order}


def readme(cards: Mapping[str, Card]) -> str:
    """Return the text of the file."""
    recipes = {recipe.name: recipe for recipe in RECIPES}
    rows = [row(recipes.get(name), card, cards) for name, card in cards.items()]
    parts = [HEAD, table(COLUMNS, rows)]
    notes = [note(recipe, cards) for recipe in RECIPES if recipe.name in cards]
    missing = [recipe for recipe in RECIPES if recipe.name not in cards]
    lines = [text for text in notes if text]
    lines += [f"* `{recipe.name}` is not there yet. {recipe.reason}".rstrip() for recipe in missing]
    if lines:
        parts.append("\n".join(lines) + "\n")
    parts += [COMMANDS, "\n".join(f"    {card.command}" for card in cards.values()) + "\n"]
    return "\n".join(parts)


def row(recipe: Recipe | None, card: Card, cards: Mapping[str, Card]) -> list[str]:
    """Return the cells of one model."""
    goal = recipe.goal if recipe else None
    reached = ("yes" if goal.reached(card, cards) else "**no**") if goal else ""
    figures = (("mse", 5), ("bce", 4), ("psnr", 2), ("ssim", 4), ("kl", 2), ("loss", 2))
    return [
        "●" if recipe and recipe.in_wheel else "",
        f"`{card.name}`",
        network(recipe, card),
        trained_on(card),
        "×".join(str(side) for side in card.latent_shape),
        f"{card.encoder_params:,} + {card.decoder_params:,}",
        str(len(card.history)) if card.trained.solver == "gradient" else "closed form",
        # Not the card's own seconds: those of a training that was taken up again are since then.
        f"{sum(epoch.seconds for epoch in card.history) / 60:.1f}",
        *(f"{card.metrics[name]:.{digits}f}" if name in card.metrics else "" for name, digits in figures),
        goal.text() if goal else "",
        reached,
    ]


def network(recipe: Recipe | None, card: Card) -> str:
    """Say which network it is, of which system, and where it is ours and not the system's."""
    if recipe is None:
        return card.architecture
    own = ARCHITECTURES[card.architecture].source.startswith("ours")
    return f"{card.architecture} ({'ours, ' if own else ''}{recipe.system})"


def trained_on(card: Card) -> str:
    """Say which images, how many, of which size, and what was done to them."""
    height, width, channels = card.image_shape
    count = f"{card.data.train:,}"
    if card.trained.augment:
        count += f" augmented to {card.trained.augment:,}"
    text = f"{card.data.title}: {count}, {height}×{width}×{channels}"
    if card.trained.noise:
        text += f", {card.trained.noise}"
    return f"{text}, from `{card.trained_from}`" if card.trained_from else text


def note(recipe: Recipe, cards: Mapping[str, Card]) -> str:
    """Return what is to be said of a model below the table, or nothing."""
    texts = []
    if recipe.goal is not None and recipe.goal.source != "published":
        texts.append(f"The figure to reach is {recipe.goal.source}.")
    if recipe.goal is not None and not recipe.goal.reached(cards[recipe.name], cards):
        texts.append(f"It does not reach its figure: {recipe.reason}")
    if recipe.note:
        texts.append(recipe.note)
    return f"* `{recipe.name}`: {' '.join(texts)}" if texts else ""


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> int:
    """Write the file, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    path, text = pretrained_dir() / README, readme(read_cards(pretrained_dir()))
    if options.check:
        current = path.is_file() and path.read_text(encoding="utf-8") == text
        print("up to date" if current else "out of date: run python scripts/pretrained_table.py")
        return 0 if current else 1
    with replacing_file(path) as part:
        part.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
