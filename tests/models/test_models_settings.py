from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from explorer.data.sources import known_sources, open_source
from explorer.errors import ModelError, TrainingError, UsageError
from explorer.models.architectures import ARCHITECTURES
from explorer.models.feasibility import images_in, images_of, plan_network
from explorer.models.settings import (
    check_new_model,
    command_line,
    free_name,
    make_request,
    parse_size,
    resolve_image_shape,
    resolve_preprocessing,
    resolve_settings,
)


def request(**values: Any) -> Any:
    return make_request(**({"architecture": "vae", "data": "digits", "out": Path("new")} | values))


def test_defaults_come_from_the_architecture() -> None:
    settings = resolve_settings(request())
    assert (settings.epochs, settings.batch, settings.rate, settings.loss, settings.beta) == (30, 128, 1e-3, "bce", 1.0)
    settings = resolve_settings(request(architecture="deep-dense"))
    assert (settings.epochs, settings.batch, settings.loss, settings.solver) == (100, 256, "bce", "gradient")


def test_what_is_asked_for_overrules_the_defaults() -> None:
    settings = resolve_settings(request(epochs=2, batch=7, rate=0.5, loss="mse", beta=0.0, seed=4))
    assert (settings.epochs, settings.batch, settings.rate, settings.loss, settings.beta) == (2, 7, 0.5, "mse", 0.0)
    assert settings.seed == 4


def test_noise_of_an_earlier_version_gets_its_current_name() -> None:
    request = make_request(architecture="cnn", data="faces", out="x", noise="gaussian:0.1+grey:0.5")
    assert request.noise == resolve_settings(request).noise == "gaussian:0.1+gray:0.5"


def test_the_closed_form_takes_one_epoch() -> None:
    settings = resolve_settings(request(architecture="linear", epochs=50))
    assert (settings.epochs, settings.solver) == (1, "pca")


@pytest.mark.parametrize("change", [{"noise": "gaussian:0.1"}, {"start_from": "parent"}, {"loss": "bce"}, {"l1": 0.1}])
def test_where_the_closed_form_does_not_apply_the_linear_model_is_trained(change: dict[str, object]) -> None:
    settings = resolve_settings(request(architecture="linear", **change))
    assert (settings.epochs, settings.solver) == (50, "gradient")
    assert resolve_settings(request(architecture="linear", epochs=3, **change)).epochs == 3


def test_sparseness_is_the_architectures_unless_it_is_asked_for() -> None:
    assert resolve_settings(request(architecture="sparse")).l1 == 1e-5
    assert resolve_settings(request(architecture="sparse", l1=0.0)).l1 == 0
    assert resolve_settings(request()).l1 == 0


@pytest.mark.parametrize("name", ["conv-spatial", "cae-upsample"])
def test_no_code_size_for_a_spatial_code(name: str) -> None:
    resolve_settings(request(architecture=name))
    with pytest.raises(ModelError, match=rf"Cannot set the latent size of {name} to 49: .*--latent"):
        resolve_settings(request(architecture=name, latent=49))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("epochs", 100_001),
        ("batch", 0),
        ("rate", 0),
        ("rate", 11),
        ("rate", float("nan")),
        ("beta", -1),
        ("l1", -0.1),
        ("limit", -1),
        ("seed", 2**31),
        ("latent", 0),
        ("loss", "hinge"),
        ("schedule", "warm"),
        ("crop", -1),
        ("channels", 0),
        ("channels", 17),
        ("colour", "blue"),
    ],
)
def test_values_out_of_range_are_named(field: str, value: object) -> None:
    with pytest.raises(TrainingError, match=f"“{field}”"):
        request(**{field: value})


def test_unknown_architecture_and_noise() -> None:
    with pytest.raises(ModelError, match="“alexnet”"):
        resolve_settings(request(architecture="alexnet"))
    with pytest.raises(UsageError, match="fog"):
        resolve_settings(request(noise="fog:1"))


def test_image_shape_is_what_was_asked_for_then_native_then_the_architectures() -> None:
    assert resolve_image_shape(request(), None) == (64, 64, 1)
    assert resolve_image_shape(request(), (28, 30, 3)) == (28, 30, 3)
    assert resolve_image_shape(request(size=(16, 20)), (28, 28, 3)) == (16, 20, 3)
    assert resolve_image_shape(request(channels=1), (28, 28, 3)) == (28, 28, 1)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_images_of_several_sizes_keep_their_channels(name: str, mode: str, tmp_path: Path) -> None:
    for number in range(4):
        Image.new(mode, (40, 40 + 8 * (number % 2))).save(tmp_path / f"{number}.png")
    source = open_source(tmp_path)
    channels = len(mode)
    default = ARCHITECTURES[name].default_image_shape
    assert resolve_preprocessing(request(architecture=name), source).image_shape == (*default[:2], channels)
    assert plan_network(request(architecture=name), images_of(source)).image_shape == (*default[:2], channels)
    asked = request(architecture=name, channels=4 - channels, size=(32, 32))
    assert resolve_preprocessing(asked, source).image_shape == (32, 32, 4 - channels)
    assert plan_network(asked, images_of(source)).image_shape == (32, 32, 4 - channels)


def test_datasets_of_several_sizes_that_are_not_open_are_planned_in_color() -> None:
    dogs = images_in(next(entry for entry in known_sources() if entry.name == "stanford_dogs"))
    assert plan_network(request(), dogs).image_shape == (64, 64, 3)


def test_the_command_does_the_same_training_again() -> None:
    """The words in the card, read by the command line, give the request they came from."""
    from explorer.cli.commands.train import COMMAND
    from explorer.cli.main import build_parser

    asked = request(
        architecture="deep-dense",
        out=Path("new model"),
        data="my images",
        start_from="parent",
        latent=5,
        size=(16, 20),
        channels=3,
        crop=2,
        invert=True,
        epochs=3,
        batch=32,
        rate=3e-5,
        schedule="cosine",
        loss="mse",
        beta=0.25,
        l1=1e-6,
        noise="gaussian:0.1@0.2",
        augment=10,
        limit=100,
        seed=9,
        early_stop=4,
    )
    words = shlex.split(command_line(asked))
    assert words[:2] == ["latent-explorer", "train"]
    values = vars(build_parser("train", COMMAND).parse_args(words[2:]))
    values.pop("json", None)
    again = make_request(**{key: value for key, value in values.items() if value is not None})
    assert again == asked


def test_the_command_says_what_is_turned_off() -> None:
    """No crop and no L1 are not what is usual everywhere; left out, they are."""
    assert command_line(request(crop=0, l1=0.0)).endswith("--crop 0 --l1 0 --seed 0")
    assert "--crop" not in command_line(request())


def test_the_command_tells_nothing_of_the_machine() -> None:
    asked = request(out=Path("/home/jane/models/new"), data="/home/jane/cats", start_from="/home/jane/models/old")
    assert command_line(asked) == "latent-explorer train --arch vae --data cats --out new --from old --seed 0"
    chosen = request(data="/home/jane/scan.h5?array=cells/raw&range=0,4095")
    assert "--data 'scan.h5?array=cells/raw&range=0,4095' --out" in command_line(chosen)


def test_a_free_name_is_one_that_a_folder_can_have(tmp_path: Path) -> None:
    assert free_name(tmp_path, "My scans: 3/4") == "my-scans-3-4"
    (tmp_path / "digits").mkdir()
    assert free_name(tmp_path, "digits") == "digits-2"
    assert free_name(tmp_path, "digits", {"digits-2"}) == "digits-3"
    check_new_model(tmp_path, "digits-2")
    with pytest.raises(TrainingError, match="is already taken"):
        check_new_model(tmp_path, "digits-2", {"digits-2"})


@pytest.mark.parametrize(("text", "size"), [("", None), (" 64x48 ", (64, 48)), ("64 × 48", (64, 48)), ("32", (32, 32))])
def test_sizes_are_read_as_people_write_them(text: str, size: tuple[int, int] | None) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["big", "64x", "x48", "64x48x3", "-4", "123456"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(TrainingError, match="height x width"):
        parse_size(text)
