"""Images in the layouts of the reference systems: trained from the command line and in the window."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.programs import PATIENCE_S, REPOSITORY, environment
from explorer_testing.window import WindowDriver
from PIL import Image
from PySide6.QtWidgets import QComboBox, QLabel

from explorer.data.preprocessing import Preprocessing
from explorer.data.sources import open_source
from explorer.document.open_requests import OpenRequest
from explorer.models.bundle import open_bundle

BREEDS = ("n02085620-Chihuahua", "n02086240-Shih-Tzu", "n02113799-standard_poodle")
PERSONAS = REPOSITORY.parent / "shared" / "data" / "avatars" / "personas_224"

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def lfw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty persons with three images of 250×250 each, and the table of attributes beside them."""
    root = tmp_path_factory.mktemp("lfw_home")
    faces = open_source("faces")
    pixels = faces.read(np.arange(60), Preprocessing.standard((90, 90, 3)))
    lines = ["# LFW attributes", "#\tperson\timagenum\tMale\tSmiling"]
    for number, image in enumerate(pixels):
        person, number_of_person = f"Person_Number{number // 3:02d}", number % 3 + 1
        place = root / "lfw_funneled" / person
        place.mkdir(parents=True, exist_ok=True)
        # The face lies in the middle 90 pixels, as in the real ones; what is around it is to be cut off.
        canvas = np.random.default_rng(number).integers(0, 256, (250, 250, 3)).astype(np.uint8)
        canvas[80:170, 80:170] = image
        Image.fromarray(canvas).save(place / f"{person}_{number_of_person:04d}.jpg", quality=95)
        lines.append(f"{person.replace('_', ' ')}\t{number_of_person}\t{number / 10 - 3:.4f}\t{-number / 7:.4f}")
    (root / "lfw_attributes.txt").write_text("\n".join(lines) + "\n")
    return root / "lfw_funneled"


@pytest.fixture(scope="module")
def dogs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stanford Dogs as Kaggle serves it: images of 224×224, in train and test, a folder a breed."""
    root = tmp_path_factory.mktemp("dogs") / "cropped"
    given = sorted(PERSONAS.glob("train/*/*.jpg")) if PERSONAS.is_dir() else []
    faces = open_source("faces").read(np.arange(30), Preprocessing.standard((224, 224, 3)))
    for number in range(30):
        split = "test" if number % 5 == 4 else "train"
        place = root / split / BREEDS[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        if given:
            shutil.copy(given[number], place / f"dog_{number:03d}.jpg")
        else:
            Image.fromarray(faces[number]).save(place / f"dog_{number:03d}.jpg", quality=92)
    return root


def output_of(*words: object) -> str:
    """Run the program in a process of its own; return what it printed."""
    command = [sys.executable, "-m", "explorer", *(str(word) for word in words), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S, env=environment())
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return ended.stdout


def train(*words: object) -> dict[str, Any]:
    """Train; return the last event."""
    last: dict[str, Any] = json.loads(output_of("train", *words).splitlines()[-1])
    return last


def test_an_lfw_tree_trains_conv_pool_from_the_command_line(lfw: Path, tmp_path: Path) -> None:
    source = open_source(lfw)
    assert (source.count, source.image_shape, source.crop) == (60, (250, 250, 3), 80)
    assert source.label(4) == "Person Number01"
    assert source.attributes["Smiling"].values[7] == pytest.approx(-1.0)
    out = tmp_path / "people"
    finished = train(
        *("--arch", "conv-pool", "--data", lfw, "--out", out, "--size", "45x45", "--latent", 16),
        *("--epochs", 2, "--batch", 16, "--noise", "gaussian:0.1"),
    )
    assert finished["event"] == "finished"
    card = open_bundle(out).card
    assert (card.architecture, card.image_shape, card.latent_shape) == ("conv-pool", (45, 45, 3), (16,))
    crops = [step for step in card.preprocessing.steps if step.step == "crop_margin"]
    assert [step.pixels for step in crops] == [80]
    figures = json.loads(
        output_of("reconstruct", "--model", out, "--data", lfw, "--count", 4, "--out", tmp_path / "row.png")
    )
    assert figures["count"] == 4
    assert 0 < figures["mse"] < 1


def test_a_dogs_tree_trains_cae_upsample_at_224_from_the_command_line(dogs: Path, tmp_path: Path) -> None:
    source = open_source(dogs)
    assert (source.count, source.image_shape, source.splits.origin) == (30, (224, 224, 3), "given")
    assert source.label_names == ("Chihuahua", "Shih-Tzu", "standard poodle")
    out = tmp_path / "dogs"
    finished = train("--arch", "cae-upsample", "--data", dogs, "--out", out, "--epochs", 1, "--batch", 8)
    assert finished["event"] == "finished"
    card = open_bundle(out).card
    assert (card.image_shape, card.latent_shape) == ((224, 224, 3), (28, 28, 128))
    assert (card.encoder_params, card.decoder_params) == (93_248, 166_467)
    strip = json.loads(
        output_of(
            *("morph", "--model", out, "--keys", f"{dogs}:0", f"{dogs}:7", "--steps", 18, "--hold", 0),
            *("--loop", "none", "--out", tmp_path / "strip.png"),
        )
    )
    assert strip["frames"] == 18


def test_both_train_in_the_window(driver: WindowDriver, lfw: Path, dogs: Path, explorer_home: Path) -> None:
    for tree, architecture, size in ((lfw, "conv-pool", "36x36"), (dogs, "cae-upsample", "224x224")):
        driver.document.open_requested.emit(OpenRequest((str(tree),), "images"))
        driver.until(lambda tree=tree: driver.document.source is not None and driver.document.source.spec == str(tree))
        driver.tab("Train")
        box = driver.find(QComboBox, "train_architecture")
        box.setCurrentIndex(box.findData(architecture))
        box.activated.emit(box.currentIndex())
        driver.type_into("train_size", size)
        driver.type_into("train_epochs", "1")
        driver.type_into("train_name", architecture)
        driver.click("train_start")
        assert driver.document.training.active, driver.find(QLabel, "train_facts").text()
        # The model in training has its name already.
        folder = explorer_home / "models" / architecture
        driver.until(lambda folder=folder: driver.document.model is not None and driver.document.model.path == folder)
        driver.until(lambda: not driver.document.training.active)
        driver.settle()
        card = open_bundle(folder).card
        assert card.architecture == architecture
        assert not driver.problems, driver.problems
    assert driver.code.shape == (28 * 28 * 128,)
