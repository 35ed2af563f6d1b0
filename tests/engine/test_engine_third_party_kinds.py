"""Kinds of models in strangers' repositories that were once refused or misread, each with the right result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.programs import run_python

from explorer.engine.client import ModelProcess
from explorer.engine.codecs import open_codec
from explorer.engine.messages import Examine, Examined, Failed, Import, ImportFinished
from explorer.engine.third_party.graph import Cut, likeliest_first
from explorer.models.bundle import open_bundle
from explorer.models.import_record import RANGES
from explorer.models.third_party.request import Choices, ImportRequest

pytestmark = pytest.mark.engine

_WRITE = """
import json, sys
from pathlib import Path
from explorer_testing import third_party_kinds
third_party_kinds.main(Path(json.loads(sys.argv[1])))
print("null")
"""


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small models of all kinds."""
    folder = tmp_path_factory.mktemp("kinds")
    run_python(_WRITE, str(folder))
    return folder


def look(process: ModelProcess, path: Path | None, out: Path, **options: Any) -> Examined:
    """Return what is found out about a model."""
    events = list(process.run(Examine(ImportRequest(path, out, **options))))
    seen = events[-1]
    assert isinstance(seen, Examined), seen
    return seen


def bring_in(process: ModelProcess, path: Path | None, out: Path, **options: Any) -> ImportFinished:
    """Import a model."""
    last = list(process.run(Import(ImportRequest(path, out, **options))))[-1]
    assert isinstance(last, ImportFinished), last
    return last


def refusal(process: ModelProcess, path: Path | None, out: Path, **options: Any) -> str:
    """Return why a model is not imported."""
    last = list(process.run(Examine(ImportRequest(path, out, **options))))[-1]
    assert isinstance(last, Failed), last
    return str(last.message)


def test_a_pair_of_keras_2_is_loaded_by_what_opens_both(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    seen = look(process, kinds / "keras_2_pair", tmp_path / "out")
    assert (seen.image_shape, seen.latent_shape, seen.record.keras) == ((28, 28, 1), (4,), 2)


def test_a_whole_model_is_found_beside_its_encoder(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    seen = look(process, kinds / "whole_and_encoder", tmp_path / "out")
    assert (seen.record.parts, seen.latent_shape) == ("both", (8,))
    alone = look(process, None, tmp_path / "out", encoder=kinds / "whole_and_encoder" / "autoencoder.keras")
    assert (alone.record.parts, alone.latent_shape) == ("both", (8,)), "by its shapes, whatever it is called"


def test_a_folder_that_can_be_read_in_two_ways_is_asked_about(
    process: ModelProcess, kinds: Path, tmp_path: Path
) -> None:
    folder = kinds / "two_pairs"
    said = refusal(process, folder, tmp_path / "out")
    assert "can be read in several ways" in said
    assert "mnist_encoder.keras" in said
    assert "--encoder" in said
    names = {"encoder": Path("mnist_encoder.keras"), "decoder": Path("faces_decoder.keras")}
    assert look(process, folder, tmp_path / "out", **names).latent_shape == (8,)


def test_weights_saved_on_windows_are_found(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    finished = bring_in(process, kinds / "windows.keras", tmp_path / "out")
    assert finished.latent_shape == (2,)
    made = open_codec(open_bundle(tmp_path / "out")).decode(np.ones((1, 2), np.float32))
    np.testing.assert_allclose(made, np.load(kinds / "windows.npy"), atol=1e-4)


def test_a_loss_within_the_graph_is_left_out(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    seen = look(process, kinds / "add_loss.h5", tmp_path / "out")
    assert (seen.latent_shape, seen.record.parts, seen.record.variational) == ((2,), "both", True)
    assert any("only the training needs" in note and "add_loss" in note for note in seen.record.notes)
    assert any("sampling layer is replaced" in note for note in seen.record.notes)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_layers_of_the_loss_that_are_those_of_a_half_have_its_weights(
    process: ModelProcess, kinds: Path, tmp_path: Path, suffix: str
) -> None:
    bring_in(process, kinds / f"add_loss{suffix}", tmp_path / "out")
    codes = open_codec(open_bundle(tmp_path / "out")).encode(np.ones((1, 28, 28, 1), np.float32))
    np.testing.assert_allclose(codes, np.load(kinds / "add_loss.npy"), atol=1e-4)


def test_a_sampling_layer_is_known_by_its_structure(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    seen = look(process, kinds / "untold_lambda.keras", tmp_path / "out")
    assert (seen.latent_shape, seen.record.parts, seen.record.variational) == ((2,), "encoder", True)


def test_a_gated_linear_unit_is_no_sampling_layer(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    assert "(Lambda) runs Python code" in refusal(process, kinds / "gated.keras", tmp_path / "out")
    assert bring_in(process, kinds / "gated.keras", tmp_path / "out", trust=True).latent_shape == (4,)
    known, codec = np.load(kinds / "gated.npz"), open_codec(open_bundle(tmp_path / "out"))
    np.testing.assert_allclose(codec.decode(codec.encode(known["images"])), known["made"], atol=1e-4)


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_codes_that_are_integers(process: ModelProcess, kinds: Path, tmp_path: Path, part: str) -> None:
    said = refusal(process, kinds / "indices" / f"{part}.keras", tmp_path / "out")
    assert f"The codes of {part}.keras are integers, such as indices of a codebook (VQ-VAE)" in said


def test_a_model_that_learned_zero_to_one_through_tanh(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    path = kinds / "tanh_unit.keras"
    seen = look(process, path, tmp_path / "out")
    assert (seen.record.range_in, seen.record.range_out) == (RANGES[0], RANGES[0])
    assert seen.error < 0.2
    stated = look(process, path, tmp_path / "out", choices=Choices(range_in=RANGES[0]))
    assert stated.record.range_out == RANGES[0], "the output range is tried, too"
    wrong = look(process, path, tmp_path / "out", choices=Choices(range_in=RANGES[0], range_out=RANGES[1]))
    assert wrong.record.range_out == RANGES[1]
    assert wrong.error > 10 * seen.error


def test_both_ranges_of_a_tanh_that_lose_as_much(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    """No combination gets below an MSE of 0.0108 on digits: 0.0108 from 0 to 1, and 0.0113 from −1 to 1."""
    path = kinds / "tanh_pairs.keras"
    found = look(process, path, tmp_path / "out")
    assert (found.record.range_in, found.record.range_out) == (RANGES[1], RANGES[1]), "the usual one of a tanh"
    stated = look(process, path, tmp_path / "out", choices=Choices(range_in=RANGES[0]))
    assert stated.record.range_out == RANGES[0], "the output range follows"
    assert found.error < stated.error < 1.2 * found.error
    bring_in(process, path, tmp_path / "out", choices=Choices(range_in=RANGES[0]))
    assert open_bundle(tmp_path / "out").card.metrics["mse"] < 0.015


def test_small_images_get_a_border_where_that_is_better(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    path = kinds / "bordered.keras"
    seen = look(process, path, tmp_path / "out")
    assert seen.record.fit == "pad"
    resized = look(process, path, tmp_path / "out", choices=Choices(fit="resize"))
    assert resized.record.fit == "resize"
    assert seen.error < 0.7 * resized.error
    bring_in(process, path, tmp_path / "out")
    card = open_bundle(tmp_path / "out").card
    image = np.full((1, 28, 28, 1), 255, np.uint8)
    assert card.preprocessing.array_pixels(image).sum() == image.sum(), "28×28 in the middle of 32×32"
    assert card.preprocessing.array_pixels(image).shape == (1, 32, 32, 1)


def test_mean_and_log_variance_in_one_output_are_parted(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    seen = look(process, kinds / "stacked", tmp_path / "out")
    assert (seen.latent_shape, seen.record.log_variance, seen.record.range_out) == ((10,), "stacked", "logits")
    bring_in(process, kinds / "stacked", tmp_path / "out")
    bundle = open_bundle(tmp_path / "out")
    assert bundle.card.variational
    with np.load(kinds / "stacked.npz") as expected:
        mean, log_variance = open_codec(bundle).encode_distribution(expected["x"])
        assert log_variance is not None
        np.testing.assert_allclose(mean, expected["mean"], atol=1e-4)
        np.testing.assert_allclose(log_variance, expected["log_variance"], atol=1e-4)
        np.testing.assert_allclose(open_codec(bundle).decode(mean), expected["made"], atol=1e-4)
    encoder = kinds / "stacked" / "encoder.keras"
    assert look(process, encoder, tmp_path / "b").latent_shape == (20,), "nobody knows without the decoder"
    alone = look(process, encoder, tmp_path / "b", choices=Choices(log_variance="stacked"))
    assert (alone.latent_shape, alone.record.variational) == ((10,), True)


def test_outputs_of_an_encoder_can_be_stated(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    path = kinds / "heads.keras"
    assert "or name it with --code" in refusal(process, path, tmp_path / "out")
    seen = look(process, path, tmp_path / "out", choices=Choices(code="two", log_variance="0"))
    assert (seen.record.mean, seen.record.log_variance) == (1, 0)
    said = refusal(process, path, tmp_path / "out", choices=Choices(code="four"))
    assert "no output “four” (--code). Choose one of one (2), two (2), three (7)" in said


def test_a_whole_model_may_have_further_outputs(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    seen = look(process, kinds / "several_outputs.keras", tmp_path / "out")
    assert (seen.record.parts, seen.latent_shape) == ("both", (6,))


def test_images_of_more_than_512_pixels(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    assert look(process, kinds / "large.keras", tmp_path / "out").image_shape == (540, 520, 1)
    said = refusal(process, kinds / "too_large.keras", tmp_path / "out")
    assert "The input of too_large.keras is too large: its shape is 1040×1040×1" in said
    assert "at most 1,024 pixels" in said


def test_constants_and_gaps_are_compiled(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    """A constant of more than 128 values, and a transposed convolution whose strides are larger than its kernel."""
    parts = {"encoder": kinds / "constants.keras", "decoder": kinds / "gaps.keras"}
    finished = bring_in(process, None, tmp_path / "out", **parts)
    assert (finished.engine, finished.latent_shape) == ("onnx", (7, 7, 4))
    assert finished.max_difference is not None
    assert finished.max_difference <= 1e-4
    assert any("depends on the other images" in note for note in finished.notes)
    assert any("loses 100% of the variance: open images that the model knows" in note for note in finished.notes)
    with np.load(kinds / "gaps.npz") as expected:
        made = open_codec(open_bundle(tmp_path / "out")).decode(expected["codes"].reshape(2, -1))
        np.testing.assert_allclose(made, expected["made"], atol=1e-4)


def test_random_codes_are_said_to_be_random(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    finished = bring_in(process, kinds / "random.keras", tmp_path / "out")
    assert finished.engine == "keras"
    assert any("Codes are random" in note for note in finished.notes)
    assert any("no conversion to ONNX (its output is random)" in note for note in finished.notes)


def cut(name: str, *shape: int, pooling: bool = False) -> Cut:
    return Cut(name, shape, False, False, False, pooling, lambda: (None, None))


@pytest.mark.parametrize(
    ("cuts", "best"),
    [
        ([cut("dense", 64), cut("code", 32), cut("dense_1", 32), cut("dense_2", 128)], "code"),
        ([cut("dense", 64), cut("latent_vector", 32), cut("dense_1", 16), cut("dense_2", 128)], "latent_vector"),
        ([cut("pool", 4, 4, 8, pooling=True), cut("conv", 4, 4, 8), cut("up", 8, 8, 8)], "pool"),
        ([cut("conv", 4, 4, 8), cut("relu", 4, 4, 8), cut("up", 8, 8, 8), cut("thin", 8, 8, 2)], "relu"),
        ([cut("dense", 64), cut("decoder_dense", 32)], "decoder_dense"),
    ],
)
def test_the_bottleneck_among_layers_of_equal_size(cuts: list[Cut], best: str) -> None:
    assert likeliest_first(cuts)[0].name == best


def test_a_color_model_is_not_tried_on_grayscale_images(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    assert "avatar" in look(process, kinds / "red.keras", tmp_path / "out").images.lower()


def test_the_decoder_of_an_encoder_with_code_is_imported_alone(
    process: ModelProcess, kinds: Path, tmp_path: Path
) -> None:
    seen = look(process, kinds / "tiled", tmp_path / "out")
    assert (seen.record.parts, [control.name for control in seen.record.controls]) == ("decoder", ["label"])
    (note,) = seen.record.notes
    assert note.startswith("Only the decoder is imported, so images cannot be encoded: “tile” (Lambda)")
    trusted = look(process, kinds / "tiled", tmp_path / "out", trust=True)
    assert trusted.record.parts == "both"


def test_the_decoder_of_a_whole_conditional_model_with_code_is_imported_alone(
    process: ModelProcess, kinds: Path, tmp_path: Path
) -> None:
    finished = bring_in(process, kinds / "tiled_whole.keras", tmp_path / "out")
    assert any(note.startswith("Only the decoder is imported") and "“tile” (Lambda)" in note for note in finished.notes)
    bundle = open_bundle(tmp_path / "out")
    assert (bundle.card.parts, bundle.card.latent_shape) == ((False, True), (14,))
    codes = np.concatenate([np.linspace(-1, 1, 12).reshape(3, 4), np.eye(10)[[2, 5, 7]]], axis=1).astype(np.float32)
    np.testing.assert_allclose(open_codec(bundle).decode(codes), np.load(kinds / "tiled_whole.npy"), atol=1e-4)
    said = refusal(process, kinds / "tiled_decoder.keras", tmp_path / "other", decoder_only=True)
    assert "“tile” (Lambda) runs Python code" in said, "the decoder needs it, too"
    said = refusal(process, kinds / "tiled_decoder.keras", tmp_path / "other", decoder_only=True, trust=True)
    assert "“tile” (Lambda) runs Python code. Import the model without --decoder-only" in said


@pytest.mark.parametrize("name", ["tiled_whole.keras", "tiled", "several_outputs.keras"])
def test_only_the_decoder_is_imported_where_that_is_wanted(
    name: str, process: ModelProcess, kinds: Path, tmp_path: Path
) -> None:
    seen = look(process, kinds / name, tmp_path / "out", decoder_only=True, trust=True)
    assert seen.record.parts == "decoder"
    assert not any("--trust" in note for note in seen.record.notes)


def test_only_a_decoder_that_is_there_can_be_imported(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    out, pair = tmp_path / "out", kinds / "tiled"
    said = refusal(process, pair / "encoder.keras", out, decoder_only=True)
    assert "“tile” (Lambda) runs Python code" in said
    said = refusal(process, kinds / "random.keras", out, decoder_only=True)
    assert said == "random.keras has no decoder. Import it without --decoder-only."
    parts = {"encoder": pair / "encoder.keras", "decoder": pair / "decoder.keras"}
    assert "Give --decoder alone." in refusal(process, None, out, decoder_only=True, **parts)


def test_an_embedding_has_as_many_classes_as_rows(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    (control,) = look(process, kinds / "hundred_decoder.keras", tmp_path / "out").record.controls
    assert (control.shape, control.choices) == ((), 100)


def test_code_of_another_python_is_reported_as_such(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    request = ImportRequest(kinds / "other_python.keras", tmp_path / "out", trust=True)
    failed = list(process.run(Examine(request)))[-1]
    assert isinstance(failed, Failed)
    assert "another version of Python" in str(failed.message)
    assert "bad marshal data" in failed.details, "all that Keras said"
