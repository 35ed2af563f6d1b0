"""Imports of ONNX files give bundles that compute what ONNX Runtime computes from the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from explorer_testing import onnx_models as models
from explorer_testing.advice import has_advice
from explorer_testing.programs import run_python
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.transformers.float16 import convert_float_to_float16

from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.data.sources import open_source
from explorer.engine.codecs import open_codec
from explorer.engine.messages import Examined, ImportFinished
from explorer.engine.third_party.importing import examine, import_model
from explorer.errors import ModelError
from explorer.inference.onnx_import.quantized import with_float_ends
from explorer.models.bundle import COMPILED, Bundle, open_bundle
from explorer.models.import_record import RANGES, Imported
from explorer.models.third_party.request import Choices, ImportRequest
from explorer.types import Floats

IMAGES = models.images()
CLOSE = 1e-4


def bring_in(
    tmp_path: Path,
    choices: Choices | None = None,
    close: float = CLOSE,
    data: str | None = None,
    **protos: onnx.ModelProto,
) -> Bundle:
    """Import one model, ``whole``, or ``encoder`` and ``decoder``."""
    paths = {role: models.save(proto, tmp_path / f"{role}.onnx") for role, proto in protos.items()}
    request = ImportRequest(
        paths.get("whole"),
        tmp_path / "out",
        paths.get("encoder"),
        paths.get("decoder"),
        choices or Choices(),
        data=data,
    )
    finished = list(import_model(request))[-1]
    assert isinstance(finished, ImportFinished)
    assert (finished.engine, finished.framework) == ("onnx", "ONNX")
    assert finished.max_difference is not None
    assert finished.max_difference <= close
    return open_bundle(tmp_path / "out")


def record(bundle: Bundle) -> Imported:
    found = bundle.card.imported
    assert found is not None
    return found


def distribution(bundle: Bundle, images: Any = IMAGES) -> tuple[Floats, Floats]:
    """Return mean and log-variance of images."""
    mean, log_variance = open_codec(bundle).encode_distribution(images)
    assert log_variance is not None
    return mean, log_variance


def refusal(tmp_path: Path, choices: Choices | None = None, **protos: onnx.ModelProto) -> str:
    with pytest.raises(ModelError) as caught:
        bring_in(tmp_path, choices, **protos)
    assert not (tmp_path / "out").exists()
    assert has_advice(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def expected(tmp_path: Path, role: str, **values: Any) -> Any:
    return models.run(tmp_path / f"{role}.onnx", **values)


def planes(images: Any) -> Any:
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def channels_last(images: Any) -> Any:
    return images.transpose(0, 2, 3, 1)


def test_a_pair_with_channels_first(tmp_path: Path) -> None:
    bundle = bring_in(tmp_path, encoder=models.encoder(), decoder=models.decoder())
    card = bundle.card
    assert (card.image_shape, card.latent_shape, record(bundle).layout_in) == ((28, 28, 1), (10,), "chw")
    assert (record(bundle).range_in, record(bundle).range_out, record(bundle).keras) == (RANGES[0], RANGES[0], None)
    assert (card.encoder_params, card.decoder_params) == (7852, 8626)
    assert card.metrics["mse"] < 0.05
    codec = open_codec(bundle)
    (codes,) = expected(tmp_path, "encoder", pixels=planes(IMAGES))
    np.testing.assert_allclose(codec.encode(IMAGES), codes, atol=CLOSE)
    (made,) = expected(tmp_path, "decoder", z=codes)
    np.testing.assert_allclose(codec.decode(codes), channels_last(made), atol=CLOSE)


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 28), (784,)])
def test_other_layouts(tmp_path: Path, shape: tuple[int, ...]) -> None:
    codec = open_codec(bring_in(tmp_path, encoder=models.encoder(shape), decoder=models.decoder(shape)))
    (codes,) = expected(tmp_path, "encoder", pixels=IMAGES.reshape(3, *shape))
    np.testing.assert_allclose(codec.encode(IMAGES), codes, atol=CLOSE)
    (made,) = expected(tmp_path, "decoder", z=codes)
    np.testing.assert_allclose(codec.decode(codes), made.reshape(IMAGES.shape), atol=CLOSE)


@pytest.mark.parametrize("batch", [1, 128])
def test_a_fixed_number_of_images_becomes_free(tmp_path: Path, batch: int) -> None:
    bundle = bring_in(tmp_path, encoder=models.encoder(batch=batch), decoder=models.decoder(batch=batch))
    assert record(bundle).notes == ()
    images = models.images(batch)
    (codes,) = expected(tmp_path, "encoder", pixels=planes(images))
    codec = open_codec(bundle)
    np.testing.assert_allclose(codec.encode(images), codes, atol=CLOSE)
    np.testing.assert_allclose(codec.encode(images[:1]), codes[:1], atol=CLOSE)
    (made,) = expected(tmp_path, "decoder", z=codes)
    np.testing.assert_allclose(codec.decode(codes), channels_last(made), atol=CLOSE)


def bound(proto: onnx.ModelProto, batch: int) -> onnx.ModelProto:
    """Tie the first output to a number of images by a constant of that many rows, which differ a little."""
    name = proto.graph.output[0].name
    rows = 1 + np.arange(batch, dtype=np.float32)[:, None] * 1e-6
    proto.graph.initializer.append(numpy_helper.from_array(rows.astype(np.float32), "rows"))
    proto.graph.node.append(helper.make_node("Mul", [name, "rows"], ["bound"]))
    proto.graph.output[0].name = "bound"
    return proto


def fixed_within(batch: int, kind: str) -> onnx.ModelProto:
    """Return a decoder that has its number of images in another constant than that of a plain reshaping."""
    proto = models.decoder(batch=batch)
    ints = {
        "rows": np.array([batch], np.int64),
        "rest": np.array([1, 28, 28], np.int64),
        "merged": np.array([batch * 28, 28], np.int64),
        "sizes": np.array([batch, 1, 28, 28], np.int64),
        "repeats": np.array([batch, 1, 1, 1], np.int64),
    }
    proto.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in ints.items())
    weights = {"equal_rows": np.ones((batch, 1, 28, 28), np.float32), "one": np.ones((1, 1, 28, 28), np.float32)}
    proto.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    nodes = {
        "joined": [
            helper.make_node("Concat", ["rows", "rest"], ["whole"], axis=0),
            helper.make_node("Reshape", ["picture", "whole"], ["end"]),
        ],
        "merged": [
            helper.make_node("Reshape", ["picture", "merged"], ["lines"]),
            helper.make_node("Reshape", ["lines", "shape"], ["end"]),
        ],
        "resized": [helper.make_node("Resize", ["picture", "", "", "sizes"], ["end"])],
        "repeated before": [
            helper.make_node("Concat", ["picture", "equal_rows"], ["both"], axis=1),
            helper.make_node("Split", ["both"], ["end", "other"], axis=1),
        ],
        "repeated": [
            helper.make_node("Tile", ["one", "repeats"], ["ones"]),
            helper.make_node("Concat", ["picture", "ones"], ["both"], axis=1),
            helper.make_node("Split", ["both"], ["end", "other"], axis=1),
        ],
        "expanded": [
            helper.make_node("Expand", ["one", "sizes"], ["ones"]),
            helper.make_node("Concat", ["picture", "ones"], ["both"], axis=1),
            helper.make_node("Split", ["both"], ["end", "other"], axis=1),
        ],
    }
    proto.graph.node.extend(nodes[kind])
    proto.graph.output[0].name = "end"
    return proto


@pytest.mark.parametrize(
    ("batch", "kind"),
    [
        *((1, kind) for kind in ("joined", "resized")),
        *((6, kind) for kind in ("joined", "merged", "resized", "expanded", "repeated before", "repeated")),
    ],
)
def test_a_fixed_number_of_images_in_other_constants_becomes_free(tmp_path: Path, batch: int, kind: str) -> None:
    bundle = bring_in(tmp_path, whole=fixed_within(batch, kind))
    assert record(bundle).notes == ()
    codes = np.random.default_rng(0).normal(0, 1, (batch + 1, 10)).astype(np.float32)
    (made,) = expected(tmp_path, "whole", z=codes[:batch])
    received = open_codec(bundle).decode(codes)
    np.testing.assert_allclose(received[:batch], channels_last(made), atol=CLOSE)
    np.testing.assert_allclose(received[batch:], open_codec(bundle).decode(codes[batch:]), atol=CLOSE)


@pytest.mark.parametrize("batch", [3, 4])
def test_a_number_of_images_that_cannot_be_freed(tmp_path: Path, batch: int) -> None:
    encoder = bound(models.encoder(batch=batch), batch)
    bundle = bring_in(tmp_path, encoder=encoder, decoder=models.decoder())
    assert f"always computes {batch} images at once, so one costs as much as {batch}" in record(bundle).notes[0]
    images = models.images(11)
    codec = open_codec(bundle)
    (codes,) = expected(tmp_path, "encoder", pixels=planes(images[:batch]))
    received = codec.encode(images)
    np.testing.assert_allclose(received[:batch], codes, atol=CLOSE)
    np.testing.assert_allclose(received[10], codec.encode(images[10:])[0], atol=CLOSE)


@pytest.mark.parametrize(
    ("low", "high", "found"), [(-1.0, 1.0, RANGES[1]), (0.0, 255.0, RANGES[2]), (0.0, 1.0, RANGES[0])]
)
def test_value_ranges_are_found_on_images(tmp_path: Path, low: float, high: float, found: tuple[float, float]) -> None:
    bundle = bring_in(tmp_path, encoder=models.encoder(low=low, high=high), decoder=models.decoder(low=low, high=high))
    assert (record(bundle).range_in, record(bundle).range_out) == (found, found)
    codec = open_codec(bundle)
    (codes,) = expected(tmp_path, "encoder", pixels=planes(IMAGES * (high - low) + low).astype(np.float32))
    np.testing.assert_allclose(codec.encode(IMAGES), codes, atol=CLOSE)
    (made,) = expected(tmp_path, "decoder", z=codes)
    np.testing.assert_allclose(codec.decode(codes), (channels_last(made) - low) / (high - low), atol=CLOSE)


@pytest.mark.parametrize("fixed", [None, 8])
def test_sizes_that_only_a_run_tells_do_not_make_batches_small(
    tmp_path: Path, fixed: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight images at once cost no more than one where the network always computes eight."""
    protos = {"encoder": models.encoder(), "decoder": models.decoder()}
    if fixed:
        protos["encoder"] = bound(models.encoder(batch=fixed), fixed)
    # Shape inference does not know this operator.
    code = protos["encoder"].graph.output[0].name
    protos["encoder"].graph.node.append(helper.make_node("QuickGelu", [code], ["bent"], domain="com.microsoft"))
    protos["encoder"].opset_import.append(helper.make_opsetid("com.microsoft", 1))
    protos["encoder"].graph.output[0].name = "bent"
    codec = open_codec(bring_in(tmp_path, **protos))
    counts: list[int] = []

    def run(session: Any, name: str, values: Floats) -> list[Floats]:
        counts.append(len(values))
        return list(session.run(None, {name: values}))

    monkeypatch.setattr("explorer.inference.codec.run_session", run)
    codec.encode(models.images(16))
    assert counts == ([8, 8] if fixed else [16])


def test_ranges_can_be_stated(tmp_path: Path) -> None:
    choices = Choices(range_in=RANGES[1], range_out="logits", fit="resize")
    bundle = bring_in(tmp_path, choices, encoder=models.encoder(), decoder=models.decoder())
    assert (record(bundle).range_in, record(bundle).range_out) == (RANGES[1], "logits")
    (codes,) = expected(tmp_path, "encoder", pixels=planes(IMAGES * 2 - 1))
    codec = open_codec(bundle)
    np.testing.assert_allclose(codec.encode(IMAGES), codes, atol=CLOSE)
    (made,) = expected(tmp_path, "decoder", z=codes)
    np.testing.assert_allclose(codec.decode(codes), channels_last(1 / (1 + np.exp(-made))), atol=CLOSE)


def test_logits_are_found(tmp_path: Path) -> None:
    # Logits of 12 × (value − 0.5): an image by a sigmoid.
    bundle = bring_in(tmp_path, encoder=models.encoder(), decoder=models.decoder(low=-6, high=6))
    assert record(bundle).range_out == "logits"


def test_mean_and_log_variance_in_two_outputs(tmp_path: Path) -> None:
    encoder = models.encoder(outputs=("log_variance", "mean"))
    bundle = bring_in(tmp_path, encoder=encoder, decoder=models.decoder())
    assert bundle.card.variational
    log_variance, mean = expected(tmp_path, "encoder", pixels=planes(IMAGES))
    received = distribution(bundle)
    np.testing.assert_allclose(received[0], mean, atol=CLOSE)
    np.testing.assert_allclose(received[1], log_variance, atol=CLOSE)


def test_mean_and_log_variance_in_one_output(tmp_path: Path) -> None:
    bundle = bring_in(tmp_path, encoder=models.encoder(outputs=("stacked",)), decoder=models.decoder())
    assert (bundle.card.variational, bundle.card.latent_shape) == (True, (10,))
    (both,) = expected(tmp_path, "encoder", pixels=planes(IMAGES))
    received = distribution(bundle)
    np.testing.assert_allclose(received[0], both[:, :10], atol=CLOSE)
    np.testing.assert_allclose(received[1], both[:, 10:], atol=CLOSE)


@pytest.mark.parametrize("shape", [(20, 1, 1), (4, 5)])
def test_mean_and_log_variance_along_the_first_axis(tmp_path: Path, shape: tuple[int, ...]) -> None:
    encoder, decoder = models.encoder(outputs=("stacked",)), models.decoder()
    encoder.graph.initializer.append(numpy_helper.from_array(np.array([-1, *shape], np.int64), "code_shape"))
    encoder.graph.node.append(helper.make_node("Reshape", ["stacked", "code_shape"], ["shaped"]))
    encoder.graph.output[0].name = "shaped"
    sides = decoder.graph.input[0].type.tensor_type.shape
    del sides.dim[1:]
    for side in (shape[0] // 2, *shape[1:]):
        sides.dim.add().dim_value = side
    decoder.graph.node[0].input[0] = "rows"
    decoder.graph.node.insert(0, helper.make_node("Flatten", ["z"], ["rows"]))
    bundle = bring_in(tmp_path, encoder=encoder, decoder=decoder)
    (both,) = expected(tmp_path, "encoder", pixels=planes(IMAGES))
    received = distribution(bundle)
    np.testing.assert_allclose(received[0], both.reshape(3, 20)[:, :10], atol=CLOSE)
    np.testing.assert_allclose(received[1], both.reshape(3, 20)[:, 10:], atol=CLOSE)


def test_mean_and_log_variance_in_channels_that_are_last(tmp_path: Path) -> None:
    weights = {
        "table": np.random.default_rng(0).normal(0, 0.1, (28 * 28, 4 * 4 * 8)).astype(np.float32),
        "code_shape": np.array([-1, 4, 4, 8], np.int64),
    }
    nodes = [
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("MatMul", ["flat", "table"], ["values"]),
        helper.make_node("Reshape", ["values", "code_shape"], ["both"]),
    ]
    proto = models.model(nodes, [("pixels", TensorProto.FLOAT, ["n", 28, 28, 1])], ["both"], weights)
    bundle = bring_in(tmp_path, Choices(log_variance="stacked"), whole=proto)
    assert bundle.card.latent_shape == (4, 4, 4)
    (both,) = expected(tmp_path, "whole", pixels=IMAGES)
    received = distribution(bundle)
    np.testing.assert_allclose(received[0], both[..., :4].reshape(3, -1), atol=CLOSE)
    np.testing.assert_allclose(received[1], both[..., 4:].reshape(3, -1), atol=CLOSE)


def test_names_that_are_those_of_log_variances_in_all_outputs(tmp_path: Path) -> None:
    encoder = models.encoder(outputs=("mean", "log_variance"))
    for number, output in enumerate(encoder.graph.output):
        encoder.graph.node.append(helper.make_node("Identity", [output.name], [f"dialog/{number}"]))
        output.name = f"dialog/{number}"
    bundle = bring_in(tmp_path, encoder=encoder, decoder=models.decoder())
    mean, log_variance = expected(tmp_path, "encoder", pixels=planes(IMAGES))
    received = distribution(bundle)
    np.testing.assert_allclose(received[0], mean, atol=CLOSE)
    np.testing.assert_allclose(received[1], log_variance, atol=CLOSE)


def test_a_difference_that_is_no_number(tmp_path: Path) -> None:
    encoder = models.encoder(outputs=("mean", "log_variance"))
    encoder.graph.node.append(helper.make_node("Sqrt", ["log_variance"], ["log_variance_of_nothing"]))
    encoder.graph.output[1].name = "log_variance_of_nothing"
    assert "gives other results" in refusal(tmp_path, encoder=encoder, decoder=models.decoder())


def test_random_networks_are_not_compared(tmp_path: Path) -> None:
    decoder = models.decoder()
    decoder.graph.initializer.append(numpy_helper.from_array(np.array(1e-3, np.float32), "little"))
    decoder.graph.node.extend(
        [
            helper.make_node("RandomNormalLike", ["picture"], ["noise"]),
            helper.make_node("Mul", ["noise", "little"], ["less"]),
            helper.make_node("Add", ["picture", "less"], ["noisy"]),
        ]
    )
    decoder.graph.output[0].name = "noisy"
    first = models.save(models.encoder(), tmp_path / "encoder.onnx")
    second = models.save(decoder, tmp_path / "decoder.onnx")
    finished = list(import_model(ImportRequest(None, tmp_path / "out", first, second)))[-1]
    assert isinstance(finished, ImportFinished)
    assert finished.max_difference is None


def test_outputs_can_be_stated(tmp_path: Path) -> None:
    encoder = models.encoder(outputs=("mean", "log_variance"))
    bundle = bring_in(tmp_path, Choices(code="log_variance"), encoder=encoder, decoder=models.decoder())
    assert not bundle.card.variational
    _, log_variance = expected(tmp_path, "encoder", pixels=planes(IMAGES))
    np.testing.assert_allclose(open_codec(bundle).encode(IMAGES), log_variance, atol=CLOSE)


def test_an_output_that_does_not_exist(tmp_path: Path) -> None:
    said = refusal(tmp_path, Choices(code="four"), encoder=models.encoder(), decoder=models.decoder())
    assert "The encoder has no output “four” (--code). Choose one of code (10)" in said


def test_integers_as_images(tmp_path: Path) -> None:
    encoder = models.encoder(kind=TensorProto.UINT8, high=255)
    bundle = bring_in(tmp_path, encoder=encoder, decoder=models.decoder())
    assert record(bundle).range_in == RANGES[2]
    (codes,) = expected(tmp_path, "encoder", pixels=planes(np.rint(IMAGES * 255)).astype(np.uint8))
    np.testing.assert_allclose(open_codec(bundle).encode(IMAGES), codes, atol=CLOSE)


def spatial(channels_first: bool) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """Return an encoder to codes of 4 channels for color images of any size, and its decoder."""
    rng = np.random.default_rng(5)
    kernel = rng.normal(0, 0.1, (4, 3, 4, 4)).astype(np.float32)
    sides: list[int | str | None] = ["n", 3, "h", "w"] if channels_first else ["n", "h", "w", 3]
    first = [helper.make_node("Conv", ["x", "kernel"], ["code"], strides=[4, 4])]
    second = [helper.make_node("ConvTranspose", ["z", "kernel"], ["sum"], strides=[4, 4])]
    second.append(helper.make_node("Sigmoid", ["sum"], ["picture"]))
    encoder = models.model(first, [("x", TensorProto.FLOAT, sides)], ["code"], {"kernel": kernel})
    decoder = models.model(second, [("z", TensorProto.FLOAT, ["n", 4, "h", "w"])], ["picture"], {"kernel": kernel})
    return encoder, decoder


def test_spatial_codes_of_images_of_any_size(tmp_path: Path) -> None:
    encoder, decoder = spatial(True)
    bundle = bring_in(tmp_path, encoder=encoder, decoder=decoder)
    assert (bundle.card.image_shape, bundle.card.latent_shape) == ((64, 64, 3), (16, 16, 4))
    images = np.random.default_rng(0).uniform(0, 1, (2, 64, 64, 3)).astype(np.float32)
    (codes,) = expected(tmp_path, "encoder", x=planes(images))
    codec = open_codec(bundle)
    np.testing.assert_allclose(codec.encode(images), channels_last(codes).reshape(2, -1), atol=CLOSE)
    (made,) = expected(tmp_path, "decoder", z=codes)
    np.testing.assert_allclose(codec.decode(codec.encode(images)), channels_last(made), atol=CLOSE)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("count", [2, 4, 7, 16])
def test_images_of_other_channels_than_color(tmp_path: Path, count: int, first: bool) -> None:
    """Both with channels first and last; the ranges are tried on images of the user, since none of these ship."""
    rng = np.random.default_rng(5)
    kernel = {"kernel": rng.normal(0, 0.1, (4, count, 4, 4)).astype(np.float32)}
    sides: list[int | str | None] = ["n", count, 24, 20] if first else ["n", 24, 20, count]
    encode, decode = (("x", "z") if first else ("planes", "z")), (("z", "y") if first else ("z", "sum"))
    to_code = [helper.make_node("Conv", [encode[0], "kernel"], [encode[1]], strides=[4, 4])]
    to_image = [helper.make_node("ConvTranspose", [decode[0], "kernel"], [decode[1]], strides=[4, 4])]
    if not first:
        to_code.insert(0, helper.make_node("Transpose", ["x"], ["planes"], perm=[0, 3, 1, 2]))
        to_image.append(helper.make_node("Transpose", ["sum"], ["y"], perm=[0, 2, 3, 1]))
    to_image.append(helper.make_node("Sigmoid", ["y"], ["picture"]))
    encoder = models.model(to_code, [("x", TensorProto.FLOAT, sides)], ["z"], kernel)
    decoder = models.model(to_image, [("z", TensorProto.FLOAT, ["n", 4, 6, 5])], ["picture"], kernel)
    own = tmp_path / "own.npz"
    np.savez(own, images=rng.integers(0, 256, (30, 24, 20, count), np.uint8))
    bundle = bring_in(tmp_path, data=f"{own}?layout=channels-last", encoder=encoder, decoder=decoder)
    assert bundle.card.image_shape == (24, 20, count)
    images = rng.uniform(0, 1, (2, 24, 20, count)).astype(np.float32)
    (codes,) = expected(tmp_path, "encoder", x=planes(images) if first else images)
    codec = open_codec(bundle)
    own_codes = codes if record(bundle).layout_in == "hwc" and not first else channels_last(codes)
    np.testing.assert_allclose(codec.encode(images), own_codes.reshape(2, -1), atol=CLOSE)
    (made,) = expected(tmp_path, "decoder", z=codes)
    np.testing.assert_allclose(codec.decode(codec.encode(images)), channels_last(made) if first else made, atol=CLOSE)


@pytest.mark.parametrize("batch", [[1], []])
def test_an_image_with_alpha_and_without_a_batch(tmp_path: Path, batch: list[int]) -> None:
    rng = np.random.default_rng(0)
    weights = {
        "table": rng.normal(0, 40, (3, 16 * 16 * 4)).astype(np.float32),
        "shape": np.array([16, 16, 4], np.int64),
        "low": np.float32(0),
        "high": np.float32(255),
    }
    nodes = [
        helper.make_node("MatMul", ["latent", "table"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["values"]),
        helper.make_node("Clip", ["values", "low", "high"], ["clipped"]),
        helper.make_node("Cast", ["clipped"], ["rgba"], to=TensorProto.UINT8),
    ]
    proto = models.model(nodes, [("latent", TensorProto.FLOAT, [*batch, 3])], ["rgba"], weights)
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.UINT8
    bundle = bring_in(tmp_path, whole=proto)
    assert (record(bundle).parts, bundle.card.image_shape) == ("decoder", (16, 16, 3))
    assert any("transparency" in note for note in record(bundle).notes)
    codes = rng.normal(0, 1, (3, 3)).astype(np.float32)
    made = open_codec(bundle).decode(codes)
    for code, image in zip(codes, made, strict=True):
        (rgba,) = expected(tmp_path, "whole", latent=code.reshape(*batch, 3))
        np.testing.assert_allclose(image, rgba[..., :3] / 255, atol=CLOSE)


# -- one file with both ------------------------------------------------------------------------------------------------


def test_a_whole_model_is_cut_at_its_bottleneck(tmp_path: Path) -> None:
    bundle = bring_in(tmp_path, whole=models.joined(models.encoder(), models.decoder()))
    assert (bundle.card.latent_shape, record(bundle).bottleneck) == ((10,), "code")
    models.save(models.encoder(), tmp_path / "encoder.onnx")
    codec = open_codec(bundle)
    (codes,) = expected(tmp_path, "encoder", pixels=planes(IMAGES))
    np.testing.assert_allclose(codec.encode(IMAGES), codes, atol=CLOSE)
    (made,) = expected(tmp_path, "whole", pixels=planes(IMAGES))
    np.testing.assert_allclose(codec.decode(codes), channels_last(made), atol=CLOSE)


def test_the_bottleneck_can_be_stated(tmp_path: Path) -> None:
    whole = models.joined(models.encoder(), models.decoder())
    assert bring_in(tmp_path, Choices(bottleneck="flat"), whole=whole).card.latent_shape == (784,)


def test_a_bottleneck_that_does_not_exist(tmp_path: Path) -> None:
    whole = models.joined(models.encoder(), models.decoder())
    assert "Choose one of the tensors code (10)" in refusal(tmp_path, Choices(bottleneck="nowhere"), whole=whole)


def test_a_model_with_a_fixed_batch_is_cut(tmp_path: Path) -> None:
    bundle = bring_in(tmp_path, whole=models.joined(models.encoder(batch=2), models.decoder(batch=2)))
    assert record(bundle).notes == ()
    codec = open_codec(bundle)
    (made,) = expected(tmp_path, "whole", pixels=planes(IMAGES[:2]))
    np.testing.assert_allclose(codec.decode(codec.encode(IMAGES))[:2], channels_last(made), atol=CLOSE)


def sampled() -> onnx.ModelProto:
    """Return a whole variational autoencoder that samples its code, and gives mean and log-variance, too."""
    encoder = models.encoder(outputs=("mean", "log_variance"))
    encoder.graph.initializer.append(numpy_helper.from_array(np.array(0.5, np.float32), "half"))
    encoder.graph.node.extend(
        [
            helper.make_node("Mul", ["log_variance", "half"], ["halved"]),
            helper.make_node("Exp", ["halved"], ["deviation"]),
            helper.make_node("RandomNormalLike", ["deviation"], ["noise"]),
            helper.make_node("Mul", ["noise", "deviation"], ["drawn"]),
            helper.make_node("Add", ["mean", "drawn"], ["sample"]),
        ]
    )
    outputs = [encoder.graph.output[0], encoder.graph.output[1]]
    del encoder.graph.output[:]
    encoder.graph.output.add().name = "sample"
    whole = models.joined(encoder, models.decoder())
    whole.graph.output.extend(outputs)
    return whole


def test_sampling_is_left_out(tmp_path: Path) -> None:
    bundle = bring_in(tmp_path, whole=sampled())
    assert (bundle.card.variational, record(bundle).bottleneck) == (True, "sample")
    models.save(models.encoder(outputs=("mean", "log_variance")), tmp_path / "encoder.onnx")
    mean, log_variance = expected(tmp_path, "encoder", pixels=planes(IMAGES))
    received = distribution(bundle)
    np.testing.assert_allclose(received[0], mean, atol=CLOSE)
    np.testing.assert_allclose(received[1], log_variance, atol=CLOSE)


def test_names_do_not_matter_if_the_sampling_is_known(tmp_path: Path) -> None:
    whole = sampled()
    new = {"mean": "logits", "log_variance": "spread_of_it"}
    del whole.graph.output[1:]
    for node in whole.graph.node:
        for names in (node.input, node.output):
            names[:] = [new.get(name, name) for name in names]
    received = distribution(bring_in(tmp_path, whole=whole))
    models.save(models.encoder(outputs=("mean", "log_variance")), tmp_path / "encoder.onnx")
    mean, log_variance = expected(tmp_path, "encoder", pixels=planes(IMAGES))
    np.testing.assert_allclose(received[0], mean, atol=CLOSE)
    np.testing.assert_allclose(received[1], log_variance, atol=CLOSE)


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_other_floats_are_cut(tmp_path: Path, kind: int) -> None:
    whole = models.joined(models.encoder(), models.decoder())
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    for one in whole.graph.initializer:
        if one.data_type == TensorProto.FLOAT:
            one.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(one).astype(dtype), one.name))
    for value in (*whole.graph.input, *whole.graph.output):
        value.type.tensor_type.elem_type = kind
    whole.graph.node[0].attribute[0].i = kind
    close = 0.02 if kind == TensorProto.FLOAT16 else CLOSE
    codec = open_codec(bring_in(tmp_path, close=close, whole=whole))
    codes = codec.encode(IMAGES)
    assert codes.dtype == np.float32
    (made,) = expected(tmp_path, "whole", pixels=planes(IMAGES).astype(dtype))
    np.testing.assert_allclose(codec.decode(codes), channels_last(made), atol=close)


def test_operators_in_any_order(tmp_path: Path) -> None:
    encoder = models.encoder()
    nodes = list(encoder.graph.node)[::-1]
    del encoder.graph.node[:]
    encoder.graph.node.extend(nodes)
    bundle = bring_in(tmp_path, encoder=encoder, decoder=models.decoder())
    models.save(models.encoder(), tmp_path / "encoder.onnx")
    (codes,) = expected(tmp_path, "encoder", pixels=planes(IMAGES))
    np.testing.assert_allclose(open_codec(bundle).encode(IMAGES), codes, atol=CLOSE)


def test_operators_in_a_circle(tmp_path: Path) -> None:
    encoder = models.encoder()
    encoder.graph.node[2].input[0] = "flat"
    said = refusal(tmp_path, encoder=encoder, decoder=models.decoder())
    assert "encoder.onnx is damaged: an input of the operator Div is never computed" in said


# -- few bits ----------------------------------------------------------------------------------------------------------


class Digits(CalibrationDataReader):  # type: ignore[misc]
    """Inputs to calibrate a quantization on: digits, or their codes."""

    def __init__(self, name: str) -> None:
        digits = open_source("digits").read(np.arange(64), Preprocessing.standard((28, 28, 1)))
        values = planes(to_floats(digits))
        if name == "z":
            mean, directions = models.components()
            values = (values.reshape(64, -1) - mean) @ directions
        self._left = [{name: values.astype(np.float32)}]

    def get_next(self) -> dict[str, Any] | None:
        return self._left.pop() if self._left else None


def few_bits(proto: onnx.ModelProto, kind: str, folder: Path) -> onnx.ModelProto:
    """Return a model as the tools of ONNX Runtime make it smaller."""
    if kind.startswith("float16"):
        made: onnx.ModelProto = convert_float_to_float16(proto, keep_io_types=kind == "float16 inside")
        return made
    path = folder / "quantized.onnx"
    if kind == "dynamic":
        quantize_dynamic(proto, path)
    else:
        form = QuantFormat.QDQ if kind == "QDQ" else QuantFormat.QOperator
        types = QuantType.QInt8 if kind == "QDQ" else QuantType.QUInt8
        reader = Digits(proto.graph.input[0].name)
        quantize_static(proto, path, reader, quant_format=form, activation_type=types, weight_type=QuantType.QInt8)
    return onnx.load(path)


def operators(proto: onnx.ModelProto) -> set[str]:
    return {node.op_type for node in proto.graph.node}


@pytest.mark.allow_log("pre-processing before quantization")
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    ("kind", "needed", "close"),
    [
        ("dynamic", {"MatMulInteger", "DynamicQuantizeLinear"}, 0.05),
        ("QDQ", {"QuantizeLinear", "DequantizeLinear"}, 0.05),
        ("QOperator", {"QGemm", "QLinearAdd"}, 0.05),
        ("float16", {"Gemm"}, 0.02),
        ("float16 inside", {"Gemm", "Cast"}, 0.02),
    ],
)
def test_files_of_few_bits(tmp_path: Path, kind: str, needed: set[str], close: float, whole: bool) -> None:
    """What is written computes with as few bits."""
    encoder, decoder = models.encoder(), models.decoder()
    if whole:
        protos = {"whole": few_bits(models.joined(encoder, decoder), kind, tmp_path)}
    else:
        protos = {"encoder": few_bits(encoder, kind, tmp_path), "decoder": few_bits(decoder, kind, tmp_path)}
    choices = Choices(range_in=RANGES[0], range_out=RANGES[0])
    bundle = bring_in(tmp_path, choices, 1e-3, **protos)
    assert bundle.card.latent_shape == (10,)
    written = [onnx.load(bundle.path / name) for name in COMPILED]
    assert needed <= operators(written[0]) | operators(written[1])
    digits = to_floats(open_source("digits").read(np.arange(2), Preprocessing.standard((28, 28, 1))))
    codec = open_codec(bundle)
    codes = codec.encode(digits)
    mean, directions = models.components()
    # As exact as the bits allow.
    np.testing.assert_allclose(codes, (digits.reshape(2, -1) - mean) @ directions, atol=close * np.abs(codes).max())
    again = codec.decode(codes).reshape(2, -1)
    np.testing.assert_allclose(again, codes @ directions.T + mean, atol=2 * close)
    kind_in = np.float16 if kind == "float16" else np.float32
    if whole:
        (made,) = expected(tmp_path, "whole", pixels=planes(digits).astype(kind_in))
        np.testing.assert_allclose(again, made.reshape(2, -1), atol=close)
    else:
        (first,) = expected(tmp_path, "encoder", pixels=planes(digits).astype(kind_in))
        np.testing.assert_allclose(codes, first, atol=1e-2)


@pytest.mark.parametrize("kind", [TensorProto.INT8, TensorProto.UINT8])
def test_quantized_inputs_and_outputs(tmp_path: Path, kind: int) -> None:
    """Images and codes are integers with a scale, as in files from TensorFlow Lite."""
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    zero = np.array(0 if kind == TensorProto.UINT8 else -128, dtype)
    protos = {"encoder": models.encoder(), "decoder": models.decoder()}
    for proto in protos.values():
        code = proto is protos["encoder"]
        (given,), (made,) = proto.graph.input, proto.graph.output
        sizes = {given.name: 1 / 255 if code else 0.1, made.name: 0.1 if code else 1 / 255}
        points = {given.name: zero if code else np.array(100, dtype), made.name: np.array(100, dtype) if code else zero}
        for name, scale in sizes.items():
            proto.graph.initializer.append(numpy_helper.from_array(np.array(scale, np.float32), f"{name}_scale"))
            proto.graph.initializer.append(numpy_helper.from_array(points[name], f"{name}_zero"))
        old_in, old_out = given.name, made.name
        for node in proto.graph.node:
            node.input[:] = ["floats_in" if name == old_in else name for name in node.input]
            for names in (node.input, node.output):
                names[:] = ["floats_out" if name == old_out else name for name in names]
        first = helper.make_node("DequantizeLinear", [old_in, f"{old_in}_scale", f"{old_in}_zero"], ["floats_in"])
        last = helper.make_node("QuantizeLinear", ["floats_out", f"{old_out}_scale", f"{old_out}_zero"], [old_out])
        proto.graph.node.insert(0, first)
        proto.graph.node.append(last)
        given.type.tensor_type.elem_type = made.type.tensor_type.elem_type = kind
    bundle = bring_in(tmp_path, **protos)
    assert (record(bundle).range_in, record(bundle).range_out) == (RANGES[0], RANGES[0])
    digits = to_floats(open_source("digits").read(np.arange(3), Preprocessing.standard((28, 28, 1))))
    pixels = (np.rint(planes(digits) * 255) + int(zero)).astype(dtype)
    (codes,) = expected(tmp_path, "encoder", pixels=pixels)
    codec = open_codec(bundle)
    np.testing.assert_allclose(codec.encode(digits), (codes.astype(np.float32) - 100) * 0.1, atol=CLOSE)
    (made,) = expected(tmp_path, "decoder", z=codes)
    wanted = (channels_last(made).astype(np.float32) - int(zero)) / 255
    np.testing.assert_allclose(codec.decode(codec.encode(digits)), wanted, atol=CLOSE)


def test_a_scale_is_found_behind_any_number_of_operators() -> None:
    count = 3_000
    nodes = [helper.make_node("Identity", [f"t{place}"], [f"t{place + 1}"]) for place in range(count)]
    nodes += [helper.make_node("DequantizeLinear", [f"t{count}", "scale", "zero"], ["floats"])]
    numbers = {"scale": np.array(0.5, np.float32), "zero": np.array(3, np.uint8)}
    proto = models.model(nodes, [("t0", TensorProto.UINT8, ["n", 2])], ["floats"], numbers)
    with_float_ends(proto)
    first = proto.graph.node[0]
    assert (first.op_type, *first.input) == ("QuantizeLinear", "t0", "scale", "zero")
    assert proto.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT


def indices(batch: int | str = "n") -> onnx.ModelProto:
    """Return an encoder to indices of a codebook."""
    proto = models.encoder(batch=batch)
    proto.graph.node.append(helper.make_node("ArgMax", ["code"], ["index"], axis=1))
    proto.graph.output[0].name = "index"
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    return proto


def looked_up() -> onnx.ModelProto:
    """Return a decoder of indices."""
    table = np.random.default_rng(0).uniform(0, 1, (10, 1, 28, 28)).astype(np.float32)
    nodes = [
        helper.make_node("Squeeze", ["index", "one"], ["plain"]),
        helper.make_node("Gather", ["table", "plain"], ["picture"]),
    ]
    given: list[models.Given] = [("index", TensorProto.INT64, ["n", 1])]
    return models.model(nodes, given, ["picture"], {"table": table, "one": np.array([1], np.int64)})


@pytest.mark.parametrize("parts", [("encoder", "decoder"), ("encoder",), ("decoder",)])
def test_codes_that_are_integers(tmp_path: Path, parts: tuple[str, ...]) -> None:
    protos = {"encoder": indices(), "decoder": looked_up()}
    said = refusal(tmp_path, **{part: protos[part] for part in parts})
    assert f"The codes of {parts[0]}.onnx are integers, such as indices of a codebook (VQ-VAE)" in said
    assert "Export the encoder up to the vectors before quantization" in said


def test_vectors_are_taken_where_there_are_indices_too(tmp_path: Path) -> None:
    encoder = indices()
    encoder.graph.output.insert(1, helper.make_tensor_value_info("code", TensorProto.FLOAT, None))
    bundle = bring_in(tmp_path, whole=encoder)
    assert bundle.card.latent_shape == (10,)
    other = tmp_path / "other"
    other.mkdir()
    assert "are integers" in refusal(other, Choices(code="index"), whole=encoder)


def test_parts_of_shapes_that_are_asked_for_after_the_bottleneck(tmp_path: Path) -> None:
    whole = models.joined(models.encoder(), models.decoder())
    for node in whole.graph.node:
        if "decoder/shape" in node.input:
            node.input[1] = "whole_shape"
    nodes = [
        helper.make_node("Shape", ["pixels"], ["number"], end=1),
        helper.make_node("Shape", ["pixels"], ["depth"], start=1, end=-2),
        helper.make_node("Shape", ["pixels"], ["sides"], start=-2),
        helper.make_node("Concat", ["number", "depth", "sides"], ["whole_shape"], axis=0),
    ]
    for place, node in enumerate(nodes):
        whole.graph.node.insert(place, node)
    codec = open_codec(bring_in(tmp_path, whole=whole))
    (made,) = expected(tmp_path, "whole", pixels=planes(IMAGES))
    np.testing.assert_allclose(codec.decode(codec.encode(IMAGES)), channels_last(made), atol=CLOSE)


def test_one_image_without_an_axis_for_their_number_is_not_cut(tmp_path: Path) -> None:
    weights = {"flat": np.array([1, 784], np.int64), "sides": np.array([28, 28, 1], np.int64)}
    nodes = [
        helper.make_node("Reshape", ["pixels", "flat"], ["row"]),
        helper.make_node("Relu", ["row"], ["code"]),
        helper.make_node("Reshape", ["code", "sides"], ["picture"]),
    ]
    whole = models.model(nodes, [("pixels", TensorProto.FLOAT, [28, 28, 1])], ["picture"], weights)
    assert "its input 28×28×1 has no axis for the number of images" in refusal(tmp_path, whole=whole)


def test_shapes_before_the_bottleneck_that_are_asked_for_after_it(tmp_path: Path) -> None:
    whole = models.joined(models.encoder(), models.decoder())
    for node in whole.graph.node:
        if "decoder/shape" in node.input:
            node.input[1] = "shape_of_input"
    shape = helper.make_node("Shape", ["pixels"], ["shape_of_input"])
    whole.graph.node.insert(0, shape)
    codec = open_codec(bring_in(tmp_path, whole=whole))
    (made,) = expected(tmp_path, "whole", pixels=planes(IMAGES))
    np.testing.assert_allclose(codec.decode(codec.encode(IMAGES)), channels_last(made), atol=CLOSE)


def test_skip_connections_cannot_be_cut(tmp_path: Path) -> None:
    whole = models.joined(models.encoder(), models.decoder())
    whole.graph.node.append(helper.make_node("Add", [whole.graph.output[0].name, "pixels"], ["skipped"]))
    whole.graph.output[0].name = "skipped"
    assert "as in networks with skip connections" in refusal(tmp_path, whole=whole)


# -- conditions, external data, and what is refused --------------------------------------------------------------------


def test_a_condition_without_a_known_number_of_classes_is_fixed(tmp_path: Path) -> None:
    decoder = models.by_number(models.decoder(classes=10))
    bundle = bring_in(tmp_path, Choices(condition=(3.0,)), encoder=models.encoder(), decoder=decoder)
    assert record(bundle).controls == ()
    assert "The condition label is fixed at 3; other conditions are lost" in record(bundle).notes
    assert "--condition=3" in bundle.card.command
    codes = np.random.default_rng(0).normal(0, 1, (4, 10)).astype(np.float32)
    (made,) = expected(tmp_path, "decoder", z=codes, label=np.full(4, 3, np.int64))
    np.testing.assert_allclose(open_codec(bundle).decode(codes), channels_last(made), atol=CLOSE)


def test_a_condition_must_be_stated(tmp_path: Path) -> None:
    decoder = models.by_number(models.decoder(classes=10))
    said = refusal(tmp_path, encoder=models.encoder(), decoder=decoder)
    assert "decoder.onnx takes more than an image or a code: label (int64" in said
    assert "(--condition LABEL, or V,V,…)" in said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (10.0, "takes a class from 0 to 9, not 10"),
        (-1.0, "takes a class from 0 to 9, not -1"),
        (0.5, "takes a class from 0 to 9, not 0.5"),
        (1e39, "numbers that are too large"),
    ],
)
def test_a_condition_that_is_no_class(tmp_path: Path, value: float, said: str) -> None:
    choices = Choices(condition=(value,))
    assert said in refusal(tmp_path, choices, encoder=models.encoder(), decoder=models.decoder(classes=10))


def test_files_can_be_named_within_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    models.save(models.encoder(), folder / "a.onnx")
    models.save(models.decoder(), folder / "b.onnx")
    list(import_model(ImportRequest(folder, tmp_path / "out", Path("a.onnx"), Path("b.onnx"))))
    assert open_bundle(tmp_path / "out").card.latent_shape == (10,)


def conditional(kind: str, **options: Any) -> dict[str, onnx.ModelProto]:
    """Return a pair, or a whole model, whose encoder and decoder take one of four classes, one-hot."""
    encoder, decoder = models.encoder(one_hot=4, **options), models.decoder(one_hot=4, **options)
    if kind == "pair":
        return {"encoder": encoder, "decoder": decoder}
    whole = models.joined(encoder, decoder)
    for node in whole.graph.node:
        node.input[:] = ["label" if name == "decoder/label" else name for name in node.input]
    kept = [value for value in whole.graph.input if value.name != "decoder/label"]
    del whole.graph.input[:]
    whole.graph.input.extend(kept)
    return {"whole": whole}


@pytest.mark.parametrize(
    ("kind", "low", "condition"), [("pair", 0.0, None), ("pair", -1.0, (2.0,)), ("whole", 0.0, None)]
)
def test_conditions_can_be_changed(tmp_path: Path, kind: str, low: float, condition: tuple[float, ...] | None) -> None:
    bundle = bring_in(tmp_path, Choices(condition=condition), **conditional(kind, low=low))
    (control,) = record(bundle).controls
    assert (control.name, control.choices, bundle.card.latent_shape) == ("label", 4, (14,))
    assert control.default == tuple(np.eye(4)[2 if condition else 0])
    assert record(bundle).range_in == (low, 1.0)
    assert not any("fixed" in note for note in record(bundle).notes)
    codec, label = open_codec(bundle), np.eye(4, dtype=np.float32)[[3]]
    codes = codec.encode_given(IMAGES, label[0])
    np.testing.assert_array_equal(codes[:, 10:], np.tile(label, (len(IMAGES), 1)))
    labels = np.tile(label, (len(IMAGES), 1))
    own = planes(IMAGES) * (1 - low) + low
    if kind == "pair":
        (expected_codes,) = expected(tmp_path, "encoder", pixels=own, label=labels)
        np.testing.assert_allclose(codes[:, :10], expected_codes, atol=1e-3)
        (made,) = expected(tmp_path, "decoder", z=expected_codes, label=labels)
    else:
        (made,) = expected(tmp_path, "whole", pixels=own, label=labels)
    np.testing.assert_allclose(codec.decode(codes), (channels_last(made) - low) / (1 - low), atol=1e-3)
    chosen = codec.encode(IMAGES)
    assert set(chosen[:, 10:].sum(1)) == {1}
    errors = np.square(codec.decode(chosen) - IMAGES).mean(axis=(1, 2, 3))
    others = np.square(codec.decode(codes) - IMAGES).mean(axis=(1, 2, 3))
    assert (errors <= others + 1e-6).all()
    components = bundle.sample.statistics.components
    assert not components[:, 10:].any(), "principal components leave the condition"


def test_a_conditional_model_loses_its_log_variance(tmp_path: Path) -> None:
    encoder = models.encoder(outputs=("mean", "log_variance"), one_hot=4)
    bundle = bring_in(tmp_path, encoder=encoder, decoder=models.decoder(one_hot=4))
    assert "The log-variance is ignored, because the model has condition inputs" in record(bundle).notes
    assert not bundle.card.variational
    label = np.eye(4, dtype=np.float32)[[2, 2, 2]]
    mean, _ = expected(tmp_path, "encoder", pixels=planes(IMAGES), label=label)
    np.testing.assert_allclose(open_codec(bundle).encode_given(IMAGES, label[0])[:, :10], mean, atol=CLOSE)
    assert open_codec(bundle).encode_distribution(IMAGES)[1] is None


def test_an_encoder_alone_has_its_default_condition(tmp_path: Path) -> None:
    bundle = bring_in(tmp_path, Choices(condition=(1.0,)), whole=models.encoder(one_hot=4))
    codec = open_codec(bundle)
    codes = codec.encode(IMAGES)
    np.testing.assert_array_equal(codes, codec.encode_given(IMAGES, np.eye(4, dtype=np.float32)[1]))
    (own,) = expected(tmp_path, "whole", pixels=planes(IMAGES), label=np.tile(np.float32(np.eye(4)[1]), (3, 1)))
    np.testing.assert_allclose(codes[:, :10], own, atol=CLOSE)


def test_labels_above_64_can_all_be_chosen(tmp_path: Path) -> None:
    bundle = bring_in(tmp_path, encoder=models.encoder(), decoder=models.decoder(classes=100))
    (control,) = record(bundle).controls
    assert (control.choices, bundle.card.latent_shape) == (100, (11,))
    codes = np.concatenate([np.zeros((2, 10)), [[0], [99]]], axis=1).astype(np.float32)
    (made,) = expected(tmp_path, "decoder", z=codes[:, :10], label=np.array([0, 99]))
    np.testing.assert_allclose(open_codec(bundle).decode(codes), channels_last(made), atol=CLOSE)


def test_conditions_of_a_decoder_become_part_of_the_code(tmp_path: Path) -> None:
    bundle = bring_in(tmp_path, whole=models.decoder(classes=10))
    (control,) = record(bundle).controls
    assert (control.name, control.choices, bundle.card.latent_shape) == ("label", 10, (11,))
    codes = np.random.default_rng(0).normal(0, 1, (4, 10)).astype(np.float32)
    labels = np.array([0, 3, 9, 12])
    received = open_codec(bundle).decode(np.hstack([codes, labels[:, None]]).astype(np.float32))
    (made,) = expected(tmp_path, "whole", z=codes, label=np.minimum(labels, 9))
    np.testing.assert_allclose(received, channels_last(made), atol=CLOSE)


@pytest.mark.parametrize("exporter", ["OneHot", "Equal"])
def test_a_label_that_becomes_one_hot_values_has_as_many_classes(tmp_path: Path, exporter: str) -> None:
    """Both exporters of PyTorch write ``one_hot`` in another way."""
    rng = np.random.default_rng(0)
    weights = {
        "table": rng.normal(0, 1, (7, 64)).astype(np.float32),
        "shape": np.array([-1, 1, 8, 8], np.int64),
        "depth": np.array(4, np.int64),
        "off_on": np.array([0, 1], np.int64),
        "classes": np.arange(4),
        "last": np.array([-1], np.int64),
    }
    one_hot = {
        "OneHot": [helper.make_node("OneHot", ["label", "depth", "off_on"], ["hot"])],
        "Equal": [
            helper.make_node("Unsqueeze", ["label", "last"], ["column"]),
            helper.make_node("Equal", ["column", "classes"], ["hot"]),
        ],
    }
    nodes = [
        *one_hot[exporter],
        helper.make_node("Cast", ["hot"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["z", "values"], ["both"], axis=1),
        helper.make_node("MatMul", ["both", "table"], ["flat"]),
        helper.make_node("Sigmoid", ["flat"], ["gray"]),
        helper.make_node("Reshape", ["gray", "shape"], ["picture"]),
    ]
    given: list[models.Given] = [("z", TensorProto.FLOAT, ["n", 3]), ("label", TensorProto.INT64, ["n"])]
    bundle = bring_in(tmp_path, whole=models.model(nodes, given, ["picture"], weights))
    (control,) = record(bundle).controls
    assert (control.name, control.choices, bundle.card.latent_shape) == ("label", 4, (4,))
    codes, labels = rng.normal(0, 1, (4, 3)).astype(np.float32), np.arange(4)
    received = open_codec(bundle).decode(np.hstack([codes, labels[:, None]]).astype(np.float32))
    (made,) = expected(tmp_path, "whole", z=codes, label=labels)
    np.testing.assert_allclose(received, channels_last(made), atol=CLOSE)


def test_a_pair_without_an_axis_for_the_batch_of_codes(tmp_path: Path) -> None:
    decoder = models.decoder((28, 28))
    weights = {"row": np.array([1, 10], np.int64)}
    decoder.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    decoder.graph.node.insert(0, helper.make_node("Reshape", ["code", "row"], ["z"]))
    del decoder.graph.input[:]
    decoder.graph.input.append(helper.make_tensor_value_info("code", TensorProto.FLOAT, [10]))
    bundle = bring_in(tmp_path, encoder=models.encoder(), decoder=decoder)
    codes = np.random.default_rng(0).normal(0, 1, (3, 10)).astype(np.float32)
    made = open_codec(bundle).decode(codes)
    for code, image in zip(codes, made, strict=True):
        (alone,) = expected(tmp_path, "decoder", code=code)
        np.testing.assert_allclose(image, alone.reshape(28, 28, 1), atol=CLOSE)


def test_color_images_of_a_gray_model_are_averaged(tmp_path: Path) -> None:
    decoder = models.decoder((28, 28, 1))
    decoder.graph.node.append(helper.make_node("Concat", ["picture"] * 3, ["colors"], axis=3))
    decoder.graph.output[0].name = "colors"
    bundle = bring_in(tmp_path, encoder=models.encoder(), decoder=decoder)
    assert "averaged to gray" in record(bundle).notes[0]
    codes = np.random.default_rng(0).normal(0, 1, (2, 10)).astype(np.float32)
    (made,) = expected(tmp_path, "decoder", z=codes)
    np.testing.assert_allclose(open_codec(bundle).decode(codes), made[..., :1], atol=CLOSE)


def external(tmp_path: Path, location: str) -> onnx.ModelProto:
    """Return an encoder whose largest weights are in another file, which is written as ``weights.data``."""
    proto = models.encoder()
    for one in proto.graph.initializer:
        if one.name == "directions":
            (tmp_path / "weights.data").write_bytes(b"x" * 8 + one.raw_data)
            size = len(one.raw_data)
            one.ClearField("raw_data")
            one.data_location = TensorProto.EXTERNAL
            for key, value in (("location", location), ("offset", "8"), ("length", str(size))):
                entry = one.external_data.add()
                entry.key, entry.value = key, value
    return proto


def test_external_data_in_the_same_folder(tmp_path: Path) -> None:
    bundle = bring_in(tmp_path, encoder=external(tmp_path, "weights.data"), decoder=models.decoder())
    (codes,) = expected(tmp_path, "encoder", pixels=planes(IMAGES))
    np.testing.assert_allclose(open_codec(bundle).encode(IMAGES), codes, atol=CLOSE)


@pytest.mark.parametrize("location", ["../weights.data", "/etc/passwd", "a/b.data", "..\\weights.data", "..", ""])
def test_external_data_outside_the_folder(tmp_path: Path, location: str) -> None:
    said = refusal(tmp_path, encoder=external(tmp_path, location), decoder=models.decoder())
    assert "which is outside of its folder" in said


def test_external_data_behind_a_link(tmp_path: Path) -> None:
    proto = external(tmp_path, "linked.data")
    (tmp_path / "linked.data").symlink_to(tmp_path / "weights.data")
    assert "which is not a file in the same folder" in refusal(tmp_path, encoder=proto, decoder=models.decoder())


def test_external_data_that_is_missing_or_short(tmp_path: Path) -> None:
    proto = external(tmp_path, "weights.data")
    (tmp_path / "weights.data").write_bytes(b"short")
    assert "it has too few weights" in refusal(tmp_path, encoder=proto, decoder=models.decoder())
    (tmp_path / "weights.data").unlink()
    assert "needs its weights in “weights.data”" in refusal(tmp_path, encoder=proto, decoder=models.decoder())


def test_external_data_whose_length_is_no_number(tmp_path: Path) -> None:
    proto = external(tmp_path, "weights.data")
    for one in proto.graph.initializer:
        for entry in one.external_data:
            if entry.key == "length":
                entry.value = "long"
    said = refusal(tmp_path, encoder=proto, decoder=models.decoder())
    assert "Cannot read the weights of encoder.onnx in “weights.data”: an offset or a length is not a number" in said


def test_a_network_without_inputs(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["table"], ["picture"])]
    proto = models.model(nodes, [], ["picture"], {"table": np.zeros((1, 28, 28, 1), np.float32)})
    assert "The outputs of whole.onnx do not depend on an input" in refusal(tmp_path, whole=proto)


def with_node(node: Any) -> onnx.ModelProto:
    proto = models.encoder()
    proto.graph.node.append(node)
    return proto


def test_what_cannot_be_run_safely_is_refused(tmp_path: Path) -> None:
    other = models.decoder()
    custom = helper.make_node("Evil", ["code"], ["more"], domain="com.example")
    assert "uses the custom operator Evil" in refusal(tmp_path, encoder=with_node(custom), decoder=other)
    body = helper.make_graph([], "body", [], [])
    loop = helper.make_node("Loop", ["", "", "code"], ["more"], body=body)
    assert "it uses control flow" in refusal(tmp_path, encoder=with_node(loop), decoder=other)
    huge = models.encoder()
    huge.graph.initializer.add(name="huge", data_type=TensorProto.FLOAT, dims=[1 << 20, 1 << 20])
    assert "“huge” has 0 bytes, but its shape needs" in refusal(tmp_path, encoder=huge, decoder=other)
    grown = with_node(helper.make_node("ConstantOfShape", ["size"], ["more"]))
    grown.graph.initializer.append(numpy_helper.from_array(np.array([1 << 18, 1 << 18], np.int64), "size"))
    grown.graph.node.append(helper.make_node("ReduceSum", ["more"], ["total"], keepdims=0))
    grown.graph.node.append(helper.make_node("Add", ["code", "total"], ["sum"]))
    grown.graph.output[0].name = "sum"
    said = refusal(tmp_path, encoder=grown, decoder=other)
    wanted = "encoder.onnx: The network cannot be run safely: a tensor takes 262,144 MB in a run on 1×1×28×28"
    assert wanted in said
    hidden = numpy_helper.from_array(np.zeros(2, np.float32), "hidden")
    hidden.data_location = TensorProto.EXTERNAL
    hidden.external_data.add(key="location", value="/etc/passwd")
    constant = helper.make_node("Constant", [], ["more"], value=hidden)
    assert "weights in other files (external data)" in refusal(tmp_path, encoder=with_node(constant), decoder=other)


def test_files_that_are_no_networks(tmp_path: Path) -> None:
    path = tmp_path / "encoder.onnx"
    path.write_bytes(b"\x00garbage")
    with pytest.raises(ModelError, match=r"encoder\.onnx is not an ONNX file, or is damaged"):
        list(import_model(ImportRequest(path, tmp_path / "out")))
    path.write_bytes(b"")
    with pytest.raises(ModelError, match="is not an ONNX file"):
        list(import_model(ImportRequest(path, tmp_path / "out")))


def test_networks_that_are_not_of_images(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    proto = models.model(nodes, [("x", TensorProto.FLOAT, ["n", 5, 7])], ["y"])
    assert "The input of whole.onnx is not an image: its shape is 5×7" in refusal(tmp_path, whole=proto)


def test_a_part_that_does_not_match(tmp_path: Path) -> None:
    said = refusal(tmp_path, encoder=models.encoder(count=4), decoder=models.decoder(count=5))
    assert "Encoder and decoder do not match: the code has the shape 4, the decoder's inputs 5" in said
    keras = ImportRequest(None, tmp_path / "out", tmp_path / "encoder.onnx", tmp_path / "decoder.keras")
    with pytest.raises(ModelError, match="of different frameworks"):
        list(import_model(keras))


def test_single_parts(tmp_path: Path) -> None:
    path = models.save(models.encoder(), tmp_path / "one.onnx")
    seen = list(examine(ImportRequest(path, tmp_path / "out")))[-1]
    assert isinstance(seen, Examined)
    assert (seen.record.parts, seen.latent_shape) == ("encoder", (10,))
    path = models.save(models.decoder(), tmp_path / "two.onnx")
    seen = list(examine(ImportRequest(path, tmp_path / "out")))[-1]
    assert isinstance(seen, Examined)
    assert (seen.record.parts, len(seen.reconstructions)) == ("decoder", 8)


@pytest.mark.parametrize("opset", [9, 13])
def test_older_operator_sets(tmp_path: Path, opset: int) -> None:
    bundle = bring_in(tmp_path, encoder=models.encoder(opset=opset), decoder=models.decoder())
    (codes,) = expected(tmp_path, "encoder", pixels=planes(IMAGES))
    np.testing.assert_allclose(open_codec(bundle).encode(IMAGES), codes, atol=CLOSE)


def test_models_of_our_own_are_imported_again(tmp_path: Path) -> None:
    own = Path(__file__).parents[2] / "pretrained" / "digits-vae-2d"
    request = ImportRequest(None, tmp_path / "out", own / "encoder.onnx", own / "decoder.onnx")
    list(import_model(request))
    mine, again = open_bundle(own), open_bundle(tmp_path / "out")
    images = np.random.default_rng(0).uniform(0, 1, (3, *mine.card.image_shape)).astype(np.float32)
    for a, b in zip(distribution(mine, images), distribution(again, images), strict=True):
        np.testing.assert_allclose(a, b, atol=CLOSE)
    codes = open_codec(mine).encode(images)
    np.testing.assert_allclose(open_codec(mine).decode(codes), open_codec(again).decode(codes), atol=CLOSE)


def test_no_tensorflow_is_needed() -> None:
    code = "import json, explorer.engine.third_party.importing, sys; print(json.dumps(list(sys.modules)))"
    assert not {"tensorflow", "keras"} & set(run_python(code))
