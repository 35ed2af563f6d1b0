"""Models as others write them: imported and usable, or refused in a sentence that helps; nothing of theirs is run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.programs import run_python
from explorer_testing.training import of

from explorer.engine.client import ModelProcess
from explorer.engine.codecs import open_codec
from explorer.engine.messages import Cancel, Cancelled, Event, Examine, Examined, Failed, Import, ImportFinished
from explorer.engine.served import network_server
from explorer.errors import ModelError
from explorer.models.bundle import NETWORKS, PREVIEW, open_bundle
from explorer.models.import_record import RANGES, Imported
from explorer.models.preview import read_preview
from explorer.models.third_party.request import Choices, ImportRequest
from explorer.types import Floats

pytestmark = pytest.mark.engine

TOLERANCE = 1e-4
TRAP = "written-by-a-hostile-model"

_WRITE = """
import json, sys
from pathlib import Path
from explorer_testing import third_party_writer
third_party_writer.main(Path(json.loads(sys.argv[1])))
print("null")
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models in every style, and ``references.npz``."""
    folder = tmp_path_factory.mktemp("foreign")
    run_python(_WRITE, str(folder))
    assert not (folder / TRAP).exists()
    return folder


@pytest.fixture(autouse=True)
def served() -> Iterator[None]:
    """End the process that serves what ONNX cannot express."""
    yield
    network_server().close()


@dataclass
class Result:
    """What became of an import."""

    events: list[Event]
    out: Path

    @property
    def finished(self) -> ImportFinished:
        """The end of one that went well."""
        last = self.events[-1]
        assert isinstance(last, ImportFinished), last
        return last

    @property
    def record(self) -> Imported:
        """What is known of it."""
        record = open_bundle(self.out).card.imported
        assert record is not None
        return record


def run(process: ModelProcess, models: Path, tmp_path: Path, name: str, **options: Any) -> Result:
    """Import a file by its name, or what `options` name."""
    path = models / name if name else None
    out = tmp_path / "imported"
    request = ImportRequest(path=path, out=out, **options)
    return Result(list(process.run(Import(request))), out)


def reconstruct(out: Path, images: Floats) -> Floats:
    """Encode and decode with a bundle as the window opens it."""
    codec = open_codec(open_bundle(out))
    return codec.decode(codec.encode(images)).reshape(len(images), -1)


def _noise(seed: int, side: int) -> Floats:
    return np.random.default_rng(seed).uniform(0, 1, (16, side, side, 3)).astype(np.float32)


WHOLE: dict[str, tuple[str, dict[str, Any], tuple[int, ...], tuple[int, ...]]] = {
    "sequential": ("sequential.keras", {}, (28, 28, 1), (16,)),
    "functional_norm": ("functional_norm.keras", {}, (28, 28, 1), (10,)),
    "spatial_code": ("spatial_code.keras", {}, (28, 28, 1), (7, 7, 2)),
    "nested": ("nested.keras", {}, (28, 28, 1), (12,)),
    "tanh_range": ("tanh_range.h5", {}, (28, 28, 1), (16,)),
    "bytes_range": ("bytes_range.keras", {}, (28, 28, 1), (24,)),
    "rescaling": ("rescaling.keras", {}, (28, 28, 1), (16,)),
    "channels_first": ("channels_first.keras", {}, (28, 28, 1), (9,)),
    "any_size": ("any_size.keras", {}, (64, 64, 3), (16, 16, 4)),
    "keras_2_subclass": ("keras_2_subclass", {"trust": True}, (28, 28, 1), (8,)),
    "color": ("color.keras", {}, (32, 32, 3), (20,)),
    "vae_functional": ("vae_functional.keras", {}, (28, 28, 1), (2,)),
    "vae_subclass": ("vae_subclass.keras", {}, (28, 28, 1), (2,)),
    "vae_pair": ("vae_pair", {}, (28, 28, 1), (2,)),
    "conditional": ("conditional.keras", {}, (28, 28, 1), (14,)),
    "conditional_gelu": ("conditional_gelu", {}, (28, 28, 1), (14,)),
    "conditional_gelu_whole": ("conditional_gelu_whole.keras", {}, (28, 28, 1), (14,)),
    "keras_2_hdf5": ("keras_2_hdf5.h5", {}, (28, 28, 1), (7,)),
    "renamed": ("renamed.keras", {}, (28, 28, 1), (7,)),
    "keras_2_zip": ("keras_2_zip.keras", {}, (28, 28, 1), (7,)),
    "keras_2_saved_model": ("keras_2_saved_model", {"trust": True}, (28, 28, 1), (7,)),
    "keras_2_vae_lambda": ("keras_2_vae_lambda.h5", {}, (28, 28, 1), (2,)),
    "exported_pair": ("exported_pair", {"trust": True}, (28, 28, 1), (2,)),
    "gelu": ("gelu.keras", {}, (28, 28, 1), (16,)),
}


@pytest.mark.parametrize("style", WHOLE)
def test_a_model_of_any_style_gives_what_it_gave_where_it_was_written(
    style: str, process: ModelProcess, models: Path, tmp_path: Path
) -> None:
    name, options, image_shape, latent_shape = WHOLE[style]
    result = run(process, models, tmp_path, name, **options)
    finished = result.finished
    assert (finished.image_shape, finished.latent_shape) == (image_shape, latent_shape)
    assert finished.engine == ("keras" if "gelu" in style else "onnx")
    assert finished.max_difference is not None
    assert finished.max_difference <= TOLERANCE
    with np.load(models / "references.npz") as references:
        noise = {"color": (3, 32), "any_size": (4, 64)}.get(style)
        images = references["x"] if noise is None else _noise(*noise)
        expected = references["keras_2_hdf5" if style == "renamed" else style]
    np.testing.assert_allclose(reconstruct(result.out, images), expected, atol=TOLERANCE)
    bundle = open_bundle(result.out)
    assert bundle.card.training is None
    assert bundle.card.data.trained_on == (), "nobody knows what it was trained on"
    assert {"mse", "psnr", "ssim", "bce"} <= bundle.card.metrics.keys()
    assert bundle.sample.codes.shape[1] == np.prod(latent_shape)
    assert str(models) not in (result.out / "card.json").read_text(), "a card says nothing of the machine"
    assert (models / TRAP).exists() is False


def test_the_range_of_values_is_found(process: ModelProcess, models: Path, tmp_path: Path) -> None:
    found = {}
    for style in ("tanh_range", "bytes_range", "rescaling", "sequential"):
        record = run(process, models, tmp_path / style, WHOLE[style][0]).record
        found[style] = record.range_in, record.range_out
    unit, signed, whole = RANGES
    assert found == {
        "tanh_range": (signed, signed),
        "bytes_range": (whole, whole),
        "rescaling": (whole, unit),
        "sequential": (unit, unit),
    }


def test_the_range_of_values_can_be_given(process: ModelProcess, models: Path, tmp_path: Path) -> None:
    record = run(process, models, tmp_path, "tanh_range.h5", choices=Choices(range_in=RANGES[0])).record
    assert record.range_in == RANGES[0]


def test_a_variational_model_keeps_its_spread(process: ModelProcess, models: Path, tmp_path: Path) -> None:
    for style in ("vae_functional", "vae_subclass", "vae_pair", "keras_2_vae_lambda"):
        result = run(process, models, tmp_path / style, WHOLE[style][0])
        bundle = open_bundle(result.out)
        assert bundle.card.variational, style
        assert bundle.sample.statistics.kl is not None
        assert {"kl", "loss"} <= bundle.card.metrics.keys()
        if style != "vae_pair":
            assert any("sampling layer" in note for note in result.record.notes)


def test_it_can_be_cut_elsewhere(process: ModelProcess, models: Path, tmp_path: Path) -> None:
    (seen,) = of(Examined, list(process.run(Examine(ImportRequest(models / "nested.keras", tmp_path / "out")))))
    assert seen.places[0] == ("encoder", (12,))
    eight = next(name for name, shape in seen.places if shape == (8,))
    result = run(process, models, tmp_path, "nested.keras", choices=Choices(bottleneck=eight))
    assert result.finished.latent_shape == (8,)
    with np.load(models / "references.npz") as references:
        np.testing.assert_allclose(reconstruct(result.out, references["x"]), references["nested"], atol=TOLERANCE)


def test_parts_are_taken_by_their_names_within(process: ModelProcess, models: Path, tmp_path: Path) -> None:
    split_model = {"encoder": Path("encoder"), "decoder": Path("decoder")}
    assert run(process, models, tmp_path, "nested.keras", **split_model).finished.latent_shape == (12,)
    wrong = run(process, models, tmp_path / "b", "nested.keras", encoder=Path("encodre"), decoder=Path("decoder"))
    assert "in nested.keras: encoder, decoder." in message(wrong.events)


def test_parts_are_taken_from_two_files(process: ModelProcess, models: Path, tmp_path: Path) -> None:
    pair = models / "vae_pair"
    result = run(process, models, tmp_path, "", encoder=pair / "my_encoder.keras", decoder=pair / "my_decoder.h5")
    assert result.finished.latent_shape == (2,)


def test_an_encoder_alone(process: ModelProcess, models: Path, tmp_path: Path) -> None:
    result = run(process, models, tmp_path, "encoder_two_outputs.keras")
    bundle = open_bundle(result.out)
    codec = open_codec(bundle)
    with np.load(models / "references.npz") as references:
        codes = codec.encode(references["x"])
        np.testing.assert_allclose(codes, references["encoder_two_outputs"], atol=TOLERANCE)
    assert bundle.sample.labels is not None, "its codes can be colored on the map"
    assert not (bundle.path / PREVIEW).exists(), "it makes no images"
    with pytest.raises(ModelError, match="no decoder"):
        codec.decode(codes)


def test_a_decoder_alone(process: ModelProcess, models: Path, tmp_path: Path) -> None:
    result = run(process, models, tmp_path, "decoder_alone.keras")
    bundle = open_bundle(result.out)
    codec = open_codec(bundle)
    codes = np.linspace(-1, 1, 32, dtype=np.float32).reshape(16, 2)
    with np.load(models / "references.npz") as references:
        expected = references["decoder_alone"]
    np.testing.assert_allclose(codec.decode(codes).reshape(16, -1), expected, atol=TOLERANCE)
    assert abs(bundle.sample.statistics.sigma - 1).max() < 0.2, "its codes are the prior's"
    np.testing.assert_allclose(read_preview(bundle.path / PREVIEW).astype(int), bundle.sample.thumbnails[:4], atol=1)
    with pytest.raises(ModelError, match="no encoder"):
        codec.encode(np.zeros((1, 28, 28, 1), np.float32))


@pytest.mark.parametrize("name", ["conditional.keras", "conditional_gelu", "conditional_gelu_whole.keras"])
def test_a_label_is_a_part_of_the_code(name: str, process: ModelProcess, models: Path, tmp_path: Path) -> None:
    result = run(process, models, tmp_path, name)
    assert result.finished.conditions == "label (0 to 9)"
    (control,) = result.record.controls
    assert (control.name, control.shape, control.choices) == ("label", (10,), 10)
    codec = open_codec(open_bundle(result.out))
    with np.load(models / "references.npz") as references:
        codes = codec.encode(references["x"])
    labels = codes[:, 4:]
    assert (labels.sum(1) == 1).all()
    assert set(np.unique(labels)) <= {0, 1}, "one of the classes"
    other = codes.copy()
    other[:, 4:] = np.roll(labels, 1, axis=1)
    assert np.abs(codec.decode(other) - codec.decode(codes)).max() > 1e-3, "another class is another image"
    with np.load(models / "references.npz") as references:
        given = codec.encode_given(references["x"], other[0, 4:])
        np.testing.assert_array_equal(given[:, 4:], np.tile(other[0, 4:], (len(given), 1)))
        same = (labels == labels[0]).all(axis=1)
        np.testing.assert_allclose(codec.encode_given(references["x"], labels[0])[same], codes[same], atol=1e-5)
    assert np.abs(given[0, :4] - codes[0, :4]).max() > 1e-3, "the encoder takes the class, too"


def test_the_default_of_a_condition_can_be_stated(process: ModelProcess, models: Path, tmp_path: Path) -> None:
    result = run(process, models, tmp_path, "conditional.keras", choices=Choices(condition=(3.0,)))
    (control,) = result.record.controls
    assert control.default == tuple(np.eye(10)[3])
    conditions = open_bundle(result.out).card.conditions
    assert conditions is not None
    np.testing.assert_array_equal(conditions.default, np.eye(10)[3])
    assert open_bundle(result.out).card.command.endswith(" --condition=3")
    for name, condition, said in (
        ("conditional.keras", (12.0,), "--condition"),
        ("sequential.keras", (3.0,), "sequential.keras has no condition inputs. Import it without --condition."),
    ):
        request = ImportRequest(models / name, tmp_path / "other", choices=Choices(condition=condition))
        assert said in message(list(process.run(Examine(request))))


def test_what_is_written_can_be_loaded_by_keras_alone(process: ModelProcess, models: Path, tmp_path: Path) -> None:
    result = run(process, models, tmp_path, "functional_norm.keras")
    given = run_python(
        "import json, sys, keras\n"
        "shapes = [keras.saving.load_model(path, safe_mode=True).output_shape for path in json.loads(sys.argv[1])]\n"
        "print(json.dumps(shapes))",
        [str(result.out / name) for name in NETWORKS],
        TF_CPP_MIN_LOG_LEVEL="3",
    )
    assert given == [[None, 10], [None, 28, 28, 1]]


# -- refused ---------------------------------------------------------------------------------------------------------


def message(events: list[Event]) -> str:
    """Return what the last event says went wrong."""
    last = events[-1]
    assert isinstance(last, Failed), last
    assert last.details == "", f"an unforeseen error: {last.details}"
    return str(last.message)


REFUSED = {
    "broken.keras": ("damaged", "Copy or download it again"),
    "damaged.keras": ("damaged", "Copy or download it again"),
    "truncated.h5": ("damaged", "Copy or download it again"),
    "empty.keras": ("empty", "Copy or download it again"),
    "other.keras": ("a zip file, but not a Keras model", "model.save("),
    "page.h5": ("a web page", "Download the file itself"),
    "pickle.h5": ("pickle", "Open it in Python"),
    "only.weights.h5": ("holds only weights", "load these weights"),
    "missing.keras": ("No such file", "Check the path"),
    "hostile.h5": ("“scale” (Lambda) runs Python code", "Replace it with a built-in layer"),
    "hostile.keras": ("“scale” (Lambda) runs Python code", "Replace it with a built-in layer"),
    "custom.keras": ("“strange” (Strange) is of a class that Keras does not have", "encoder and decoder"),
    "tensorflow_ops.h5": ("calls a TensorFlow function by name", "--trust"),
    "keras_2_saved_model": ("is a TensorFlow program", "--trust"),
    "exported_pair/encoder": ("is a TensorFlow program", "--trust"),
    "unet.keras": ("skip connections", "encoder and decoder"),
    "no_images.keras": ("its shape is 50", "Import a model of images"),
    "four_channels.keras": ("no dataset has images of 4 channels", "Open such images first"),
    "wrong_pair": ("the code has the shape 2, the decoder's inputs 5", "trained together"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_imported_is_refused_in_a_sentence_that_helps(
    name: str, process: ModelProcess, models: Path, tmp_path: Path
) -> None:
    result = run(process, models, tmp_path, name)
    said = message(result.events)
    assert all(words in said for words in REFUSED[name]), said
    assert len(said) < 500
    assert not result.out.exists()
    assert list(tmp_path.iterdir()) == [], "nothing half-written"
    assert not (models / TRAP).exists(), "it ran"


def test_trust_lets_code_run_in_the_model_process_only(process: ModelProcess, models: Path, tmp_path: Path) -> None:
    try:
        result = run(process, models, tmp_path, "hostile.keras", trust=True)
        assert result.finished.latent_shape == (8,)
        assert (models / TRAP).exists(), "trusted, and therefore run: the trap works"
    finally:
        (models / TRAP).unlink(missing_ok=True)


def test_trust_runs_a_function_of_tensorflow(process: ModelProcess, models: Path, tmp_path: Path) -> None:
    assert run(process, models, tmp_path, "tensorflow_ops.h5", trust=True).finished.latent_shape == (3,)


def test_a_bundle_that_is_there_is_not_replaced(process: ModelProcess, models: Path, tmp_path: Path) -> None:
    run(process, models, tmp_path, "sequential.keras")
    card = (tmp_path / "imported" / "card.json").read_bytes()
    assert "force" in message(run(process, models, tmp_path, "nested.keras").events)
    assert (tmp_path / "imported" / "card.json").read_bytes() == card
    assert run(process, models, tmp_path, "nested.keras", force=True).finished.latent_shape == (12,)


def test_an_import_can_be_cancelled(process: ModelProcess, models: Path, tmp_path: Path) -> None:
    running = process.run(Import(ImportRequest(models / "sequential.keras", tmp_path / "out")))
    next(running)
    process.order(Cancel())
    assert isinstance(list(running)[-1], Cancelled)
    assert list(tmp_path.iterdir()) == []


def test_looking_at_a_model_shows_what_it_makes_of_images(process: ModelProcess, models: Path, tmp_path: Path) -> None:
    request = ImportRequest(models / "tanh_range.h5", tmp_path / "out")
    (seen,) = of(Examined, list(process.run(Examine(request))))
    assert "mnist" in seen.images.lower()
    assert seen.originals.shape == seen.reconstructions.shape == (8, 28, 28, 1)
    error = np.square(seen.originals / 255 - seen.reconstructions / 255).mean()
    assert error < 0.05, "it knows digits"
    assert seen.error < 0.6
    assert list(tmp_path.iterdir()) == []
