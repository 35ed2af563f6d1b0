"""Train the bundled models one after the other, and publish each when it is complete.

Usage: python scripts/train_pretrained.py ORIGINALS [--work FOLDER] [--only NAME …] [--list]

A published model that was trained by the command of its recipe (`pretrained_recipes.py`) is skipped. A started training
is resumed from its checkpoint, so this script can be interrupted at any time. All models take a day on two cores.

ORIGINALS is the folder for ``scripts/build_samples.py``, with all files of MNIST and Fashion-MNIST. The work folder
contains the datasets in the layout of Keras, the faces, and the trainings.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
from pretrained_recipes import RECIPES, Recipe

from explorer.data.sources.idx import read_idx
from explorer.errors import ExplorerError
from explorer.models.bundle import check_replaceable, open_bundle
from explorer.models.settings import CHECKPOINT, checkpoint_folder
from explorer.paths import HOME_VARIABLE, pretrained_dir, replacing_file, replacing_folder

REPOSITORY = Path(__file__).resolve().parents[1]
MNIST_ARRAYS = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}
FACES = ("faces-training.npz", "faces-224.npz")


def is_final(recipe: Recipe, folder: Path) -> bool:
    """Return whether `folder` contains an intact model trained by the command of the recipe."""
    try:
        return open_bundle(folder / recipe.name).card.command == recipe.command
    except ExplorerError:
        return False


def state(recipe: Recipe, work: Path) -> str:
    """Return the state of a recipe as one word."""
    if is_final(recipe, pretrained_dir()):
        return "final"
    if is_final(recipe, work):
        return "trained"
    return "begun" if (checkpoint_folder(work / recipe.name) / CHECKPOINT).is_file() else "missing"


def prepare_data(originals: Path, work: Path) -> None:
    """Fill the work folder with the datasets, under the names used in the commands."""
    kept = work / "keras" / "datasets"
    clothing = kept / "fashion-mnist"
    clothing.mkdir(parents=True, exist_ok=True)
    if not (kept / "mnist.npz").is_file():
        arrays = {key: read_idx(originals / "mnist" / name) for key, name in MNIST_ARRAYS.items()}
        with replacing_file(kept / "mnist.npz") as part, part.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # numpy types its own keyword only
    for name in MNIST_ARRAYS.values():
        if not (clothing / name).is_file():
            with replacing_file(clothing / name) as part:
                shutil.copyfile(originals / "fashion-mnist" / name, part)
    if not all((work / name).is_file() for name in FACES):
        samples = work / "samples"
        samples.mkdir(exist_ok=True)
        script = str(REPOSITORY / "scripts" / "build_samples.py")
        command = [sys.executable, script, str(originals), "--out", str(samples), "--training", str(work)]
        subprocess.run(command, check=True, env=environment(work))


def environment(work: Path) -> dict[str, str]:
    """Return the environment of a training: code of this repository, data of the work folder, no user models."""
    moved = {"KERAS_HOME": work / "keras", HOME_VARIABLE: work / "home", "PYTHONPATH": REPOSITORY}
    return {**os.environ, **{name: str(path) for name, path in moved.items()}, "PYTHONUNBUFFERED": "1"}


def train(recipe: Recipe, work: Path) -> bool:
    """Run the command of a recipe in the work folder, resuming if there is a checkpoint; return whether it succeeded.

    Names in the command are relative, so that the card contains no path of this machine.
    """
    begun = state(recipe, work) == "begun"
    more = ["--resume"] if begun else []
    if (work / recipe.name).exists():
        more.append("--force")  # from another recipe of that name, or broken
    command = [sys.executable, "-m", "explorer", *recipe.words, *more]
    return subprocess.run(command, check=False, cwd=work, env=environment(work)).returncode == 0


def publish(recipe: Recipe, work: Path) -> None:
    """Copy a trained model to the bundled models, atomically.

    Raises
    ------
    ExplorerError
        If it cannot be written, or the copy is damaged.
    """
    replaceable = partial(check_replaceable, force=True)
    with replacing_folder(pretrained_dir() / recipe.name, replaceable=replaceable) as folder:
        shutil.copytree(work / recipe.name, folder, dirs_exist_ok=True)
        open_bundle(folder)


def run(recipes: Iterable[Recipe], work: Path) -> list[str]:
    """Train all recipes; return the names of those that failed."""
    failed: list[str] = []
    for recipe in recipes:
        reached = state(recipe, work)
        print(f"{recipe.name}: {reached}", flush=True)
        if reached == "final":
            continue
        if recipe.parent in failed:
            print(f"{recipe.name}: skipped, since it is initialized from {recipe.parent}", flush=True)
            failed.append(recipe.name)
            continue
        if reached != "trained" and not train(recipe, work):
            failed.append(recipe.name)
            continue
        publish(recipe, work)
        print(f"{recipe.name}: published to {pretrained_dir().name}/", flush=True)
    return failed


def main() -> int:
    """Train the missing models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("originals", type=Path)
    parser.add_argument("--work", type=Path, default=REPOSITORY / "build" / "pretrained")
    parser.add_argument("--only", nargs="+", choices=[recipe.name for recipe in RECIPES], metavar="NAME")
    parser.add_argument("--list", action="store_true", help="print the state of each model, and train nothing")
    options = parser.parse_args()
    work = options.work.resolve()
    chosen = [recipe for recipe in RECIPES if not options.only or recipe.name in options.only]
    if options.list:
        for recipe in chosen:
            print(f"{state(recipe, work):8} {recipe.command}")
        return 0
    work.mkdir(parents=True, exist_ok=True)
    prepare_data(options.originals.resolve(), work)
    failed = run(chosen, work)
    if failed:
        print(f"error: not trained: {', '.join(failed)}", file=sys.stderr)
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
