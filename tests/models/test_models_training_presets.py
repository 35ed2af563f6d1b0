"""Presets restore what the references were trained with, and know themselves again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from explorer.data.corruption import Noise, parse_noise
from explorer.data.sources import known_sources
from explorer.models.architectures import ARCHITECTURES, get_architecture
from explorer.models.bundle import Bundle, find_bundles
from explorer.models.feasibility import images_in, plan_training
from explorer.models.settings import TrainingRequest, make_request, resolve_settings
from explorer.models.training_presets import TRAINING_PRESETS, TrainingPreset, matching_preset

BY_NAME = {preset.name: preset for preset in TRAINING_PRESETS}


def base(**values: Any) -> TrainingRequest:
    return make_request(**({"architecture": "vae", "data": "digits", "out": Path("new")} | values))


def asked(preset: TrainingPreset) -> TrainingRequest:
    start_from = "parent" if preset.parents else None
    return preset.request(base(data=preset.stand_in or "digits", start_from=start_from))


# The published numbers; where a reference is silent, those of its architecture here.
@pytest.mark.parametrize(
    ("name", "architecture", "epochs", "batch", "loss"),
    [
        ("mnist_dense", "dense", 50, 256, "bce"),
        ("mnist_deep", "deep-dense", 100, 256, "bce"),
        ("mnist_conv", "conv-spatial", 64, 256, "bce"),
        ("mnist_sparse", "sparse", 400, 256, "bce"),
        ("mnist_denoising", "deep-dense", 200, 16, "bce"),
        ("lfw_faces", "conv-pool", 50, 64, "mse"),
        ("lfw_denoising", "conv-pool", 50, 64, "mse"),
        ("dogs", "cae-upsample", 40, 64, "mse"),
        ("glyph_ae", "conv-stride", 15, 128, "bce"),
        ("glyph_vae", "vae", 30, 128, "bce"),
        ("cnn_16", "cnn", 20, 128, "mse"),
    ],
)
def test_presets_have_the_references_numbers(name: str, architecture: str, epochs: int, batch: int, loss: str) -> None:
    request = asked(BY_NAME[name])
    settings = resolve_settings(request)
    assert request.architecture == architecture
    assert (settings.epochs, settings.batch, settings.loss) == (epochs, batch, loss)
    assert settings.rate == 1e-3


def test_noise_sparseness_augmentation_and_sizes_are_the_references() -> None:
    assert parse_noise(BY_NAME["mnist_denoising"].noise) == (Noise("gaussian", 0.5, 0.5),)
    assert parse_noise(BY_NAME["lfw_denoising"].noise) == (Noise("gaussian", 0.1),)
    assert resolve_settings(asked(BY_NAME["mnist_sparse"])).l1 == 1e-5
    assert resolve_settings(asked(BY_NAME["lfw_pca"])).solver == "pca"
    assert [BY_NAME[name].augment for name in ("glyph_ae", "glyph_vae")] == [10_000, 10_000]
    assert BY_NAME["dogs"].size == (224, 224)
    assert BY_NAME["lfw_faces"].size == BY_NAME["lfw_pca"].size == get_architecture("linear").default_image_shape[:2]
    assert BY_NAME["lfw_faces"].latent == BY_NAME["lfw_pca"].latent, "so that they can be compared"
    assert not any(preset.noise for preset in TRAINING_PRESETS if "denoising" not in preset.name)


@pytest.mark.parametrize("preset", TRAINING_PRESETS, ids=lambda preset: preset.name)
def test_every_preset_can_be_trained_on_its_own_images_and_on_what_ships(preset: TrainingPreset) -> None:
    entries = {entry.name: entry for entry in known_sources()}
    assert preset.architecture in ARCHITECTURES
    assert not preset.stand_in or entries[preset.stand_in].status == "embedded"
    for name in {preset.data, preset.stand_in} - {""}:
        images = images_in(entries[name])
        images = type(images)(images.name, images.image_shape, images.crop, images.train, images.test)
        if not preset.parents:
            assert plan_training(preset.request(base(data=name)), images).need.total > 0


def test_the_references_images_are_taken_where_they_are() -> None:
    faces = BY_NAME["lfw_faces"]
    assert faces.choose_data({"lfw", "faces"}) == "lfw"
    assert faces.choose_data({"faces"}) == "faces"
    assert TRAINING_PRESETS[0].choose_data({"faces"}) == ""


@pytest.mark.parametrize("preset", TRAINING_PRESETS, ids=lambda preset: preset.name)
def test_a_preset_knows_itself_again_and_no_other(preset: TrainingPreset) -> None:
    request = asked(preset)
    assert matching_preset(request) is preset
    # What everybody chooses for themselves leaves it as it is …
    assert preset.describes(request.model_copy(update={"seed": 7, "limit": 500, "invert": True}))
    # … and what the reference says does not.
    changes: list[dict[str, Any]] = [{"noise": "blur:1"}, {"l1": 0.5}, {"augment": 12_345}]
    changes.append({"architecture": "dense" if preset.architecture == "linear" else "linear"})
    # A model that is gone on with has a crop of its own.
    changes += [] if preset.parents else [{"crop": 3}]
    for change in changes:
        assert not preset.describes(request.model_copy(update=change)), change


def test_values_that_are_spelled_out_are_the_same_as_the_architectures() -> None:
    deep = BY_NAME["mnist_deep"]
    spelled = base(architecture="deep-dense", data="mnist", latent=49, epochs=100, batch=256, loss="bce", rate=1e-3)
    assert deep.describes(spelled)
    assert not deep.describes(spelled.model_copy(update={"latent": 48}))
    assert not deep.describes(spelled.model_copy(update={"epochs": 99}))
    assert not deep.describes(spelled.model_copy(update={"data": "clothing"}))
    assert not deep.describes(spelled.model_copy(update={"start_from": "parent"}))


def test_denoising_goes_on_with_any_of_the_digit_models() -> None:
    denoising = BY_NAME["mnist_denoising"]
    request = asked(denoising)
    for architecture in denoising.parents:
        assert denoising.describes(request.model_copy(update={"architecture": architecture}))
    assert not denoising.describes(request.model_copy(update={"architecture": "vae"}))
    assert not denoising.describes(request.model_copy(update={"start_from": None}))


def test_the_model_to_go_on_with_is_the_open_one_where_it_fits(explorer_home: Path) -> None:
    denoising = BY_NAME["mnist_denoising"]
    shipped = [found.bundle for found in find_bundles() if found.bundle is not None]
    usual = denoising.choose_parent(shipped, None)
    assert usual is not None
    assert usual.card.architecture == "deep-dense"
    digits = next(bundle for bundle in shipped if bundle.path.name == "digits-vae-2d")
    assert denoising.choose_parent(shipped, digits.path) is usual, "a variational one is none of the reference's"
    other = Bundle(Path("other"), usual.card)
    assert denoising.choose_parent([*shipped, other], other.path) is other
    wide = Bundle(Path("wide"), usual.card.model_copy(update={"image_shape": (64, 64, 1)}))
    assert denoising.choose_parent([wide], wide.path) is None, "it is of other images"
    assert BY_NAME["mnist_deep"].choose_parent(shipped, usual.path) is None
