"""What a training comes to, and what is refused before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from explorer_testing.builders import make_source, write_bundle
from explorer_testing.codec import MatrixCodec

from explorer.data.sources import known_sources
from explorer.errors import ExplorerError
from explorer.messages import message
from explorer.models.architectures import get_architecture
from explorer.models.bundle import open_bundle
from explorer.models.feasibility import Images, Plan, images_in, images_of, plan_training
from explorer.models.limits import STEP_BYTES
from explorer.models.machine import gigabytes, memory_bytes
from explorer.models.settings import TrainingRequest, make_request

DIGITS = Images("digits", (28, 28, 1), 0, 8_000, 2_000)
FACES = Images("lfw", (250, 250, 3), 80, 10_586, 2_647)
GB = 2**30


def request(**values: Any) -> TrainingRequest:
    return make_request(**({"architecture": "deep-dense", "data": "digits", "out": Path("new")} | values))


def plan(images: Images = DIGITS, machine: int | None = None, **values: Any) -> Plan:
    return plan_training(request(**values), images, machine=machine)


def test_work_and_memory_of_a_small_network() -> None:
    made = plan()
    assert (made.originals, made.trained_on) == (8_000, 8_000)
    assert made.steps == 32, "31.25 batches of 256"
    # A dense layer has as many MACs as weights but for its biases.
    weights = 134_750 + 135_485
    assert made.operations == weights - (147 + 98 + 49) - (98 + 147 + 784)
    assert made.epoch_operations == 3 * 8_000 * made.operations
    assert made.need.weights == 16 * weights
    # Flatten, 147, 98, 49; 98, 147, 784, reshape: float32, forward and back.
    assert made.need.one == 8 * (784 + 147 + 98 + 49 + 98 + 147 + 784 + 784)
    assert made.need.activations == 256 * made.need.one
    assert made.need.images == 10_000 * 784
    assert made.need.compiling == 24 * 135_485 < made.need.activations
    assert made.need.total == 800_000_000 + made.need.weights + made.need.activations + made.need.images
    large = plan(latent=784)
    assert large.need.total == 800_000_000 + large.need.weights + large.need.compiling + large.need.images
    assert not any((made.tight, made.solved, made.idle_augmentation, made.unbounded))


def test_a_limit_and_augmentation_change_what_is_trained_on() -> None:
    assert plan(limit=1_000).steps == 4
    assert plan(limit=100_000).originals == 8_000
    more = plan(augment=20_000)
    assert (more.originals, more.trained_on, more.steps) == (8_000, 20_000, 79)
    assert more.need.images == 30_000 * 784
    assert not more.idle_augmentation
    idle = plan(augment=8_000)
    assert idle.idle_augmentation
    assert idle.trained_on == 8_000
    assert not plan(limit=500, augment=501).idle_augmentation


def test_the_closed_form_has_no_steps() -> None:
    made = plan(architecture="linear")
    assert made.solved
    assert made.steps == 0


def test_a_batch_of_large_images_goes_through_in_parts() -> None:
    made = plan(Images("dogs", None, 0, 100, 20), architecture="cae-upsample", size=(512, 512), batch=1_000)
    assert made.spec.image_shape == (512, 512, 3)
    assert STEP_BYTES - made.need.one < made.need.activations <= STEP_BYTES


def test_the_usual_crop_decides_the_size_also_before_the_images_are_open() -> None:
    assert plan(FACES, architecture="conv-pool").spec.image_shape == (90, 90, 3)
    assert plan(FACES, architecture="conv-pool", crop=0).spec.image_shape == (250, 250, 3)
    entries = {entry.name: images_in(entry) for entry in known_sources()}
    assert entries["lfw"].crop == 80
    assert entries["stanford_dogs"].image_shape is None, "their sizes differ"
    assert entries["digits"] == Images("MNIST test", (28, 28, 1), 0, 8_000, 2_000)


def test_what_is_known_of_an_open_source() -> None:
    assert images_of(make_source(40, (16, 20, 3))) == Images("tiny", (16, 20, 3), 0, 32, 8)


def test_cross_entropy_of_a_network_that_gives_any_value_is_noticed() -> None:
    assert plan(architecture="conv-pool", loss="bce").unbounded
    assert not plan(architecture="conv-pool").unbounded
    assert not plan(architecture="vae").unbounded
    assert plan(FACES, architecture="conv-pool", loss="bce", size=(45, 45)).unbounded, "behind it pixels are cut off"


@pytest.mark.parametrize(
    ("images", "values", "expected"),
    [
        (Images("dogs", None, 0, 9, 9, message("“Get it” downloads it.")), {}, r"dogs is not downloaded\. “Get it”"),
        (
            Images("scans", (28, 28, 1), 0, 9, 0),
            {},
            r"scans: it has 9 training images and 0 test images",
        ),
        (DIGITS, {"noise": "fog:1"}, "Unknown noise “fog”"),
        (DIGITS, {"size": (8, 8)}, "8×8 pixels: each side must have 16 to 512"),
        (DIGITS, {"latent": 785}, "Cannot use 785 latent dimensions .*from 1 to 784"),
        (DIGITS, {"architecture": "conv-spatial", "latent": 9}, "Cannot set the latent size of conv-spatial to 9"),
        (DIGITS, {"crop": 14}, "Cannot crop 14 pixels from each side of images of 28×28"),
        (DIGITS, {"crop": 7}, "14×14 pixels: each side must have 16 to 512"),
        (
            FACES,
            {"architecture": "linear", "size": (128, 128)},
            "PCA to 10,586 images of 128×128×3: at most 5,461",
        ),
        (
            FACES,
            {"augment": 20_000, "size": (512, 512), "latent": 9},
            "augment 10,586 images of 512×512×3: at most 2,730",
        ),
        (
            DIGITS,
            {"architecture": "linear", "latent": 784, "limit": 700},
            "PCA with 784 dimensions .* there are 700",
        ),
    ],
)
def test_what_the_engine_would_refuse_is_refused(images: Images, values: dict[str, Any], expected: str) -> None:
    with pytest.raises(ExplorerError, match=expected):
        plan(images, **values)


def test_a_network_that_cannot_fit_is_refused_and_one_that_may_not_is_reported() -> None:
    huge: dict[str, Any] = {"architecture": "dense", "size": (512, 512), "channels": 3, "latent": 10_000}
    # 2 · 786,432 · 10,000 weights of 16 bytes are 234 GiB.
    with pytest.raises(ExplorerError, match=r"needs 23\d\.\d GB of memory.*has 8\.0 GB.*fewer latent dimensions"):
        plan(machine=8 * GB, **huge)
    assert plan(machine=300 * GB, **huge).need.weights == 16 * (786_433 * 10_000 + 10_001 * 786_432)
    assert plan(machine=None, **huge).machine is None, "what is not known refuses nothing"
    # A batch could be smaller, so that this is a warning.
    wide: dict[str, Any] = {"architecture": "cae-upsample", "size": (224, 224), "channels": 3}
    assert plan(machine=2 * GB, **wide).tight
    assert not plan(machine=16 * GB, **wide).tight


def test_too_many_augmented_images_for_the_disk_are_refused() -> None:
    with pytest.raises(ExplorerError, match=r"Cannot augment to 10,000,000,000 images .* GB are free"):
        plan(augment=10_000_000_000)


def test_a_parent_keeps_its_shape_and_refuses_another_architecture(explorer_home: Path) -> None:
    folder = explorer_home / "models" / "parent"
    write_bundle(folder, MatrixCodec((28, 28, 1), 5))
    parent = open_bundle(folder)
    name = parent.card.architecture
    asked = request(architecture=name, start_from=str(folder))
    assert plan_training(asked, FACES, parent).spec.image_shape == (28, 28, 1), "the images are brought to its size"
    assert plan_training(asked, FACES, parent).spec.latent_dim == 5
    other = next(other for other in ("vae", "dense") if other != name)
    with pytest.raises(ExplorerError, match=f"Cannot initialize {other} from “.*”, whose architecture is {name}"):
        plan_training(request(architecture=other, start_from=str(folder)), FACES, parent)


def test_every_architecture_fits_its_own_reference() -> None:
    for name in ("linear", "conv-pool", "vae", "cnn", "sparse", "conv-stride"):
        shape = get_architecture(name).default_image_shape
        made = plan(Images(name, shape, 0, 2_000, 100), machine=16 * GB, architecture=name)
        assert made.need.least < made.need.total < 16 * GB


def test_the_machine_says_how_much_memory_it_has() -> None:
    memory = memory_bytes()
    assert memory is not None
    assert 2**28 < memory < 2**50
    assert gigabytes(8 * GB) == "8.0 GB"
