from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from explorer_testing.builders import decoder_network, encoder_network, make_card, write_bundle
from explorer_testing.codec import LOG_VARIANCE, MatrixCodec
from hypothesis import given
from hypothesis import strategies as st
from onnx.external_data_helper import convert_model_to_external_data

from explorer.errors import ModelError
from explorer.inference.codec import BATCH, SINGLE_LIMIT, OnnxCodec
from explorer.models.bundle import COMPILED, Bundle, open_bundle, seal
from explorer.models.import_record import Control, Imported
from explorer.paths import pretrained_dir
from explorer.types import Floats

pytestmark = pytest.mark.numeric

CODEC = MatrixCodec((9, 11, 3), 4)


def random_images(count: int, shape: tuple[int, ...] = CODEC.image_shape) -> Floats:
    return np.random.default_rng(count).uniform(0, 1, (count, *shape)).astype(np.float32)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    write_bundle(tmp_path / "tiny", CODEC)
    return open_bundle(tmp_path / "tiny")


def test_the_networks_are_run_as_they_stand(bundle: Bundle) -> None:
    codec = OnnxCodec(bundle)
    images = random_images(5)
    assert (codec.image_shape, codec.latent_dim) == (CODEC.image_shape, 4)
    codes = codec.encode(images)
    np.testing.assert_allclose(codes, CODEC.encode(images), atol=1e-5)
    np.testing.assert_allclose(codec.decode(codes * 9), CODEC.decode(codes * 9), atol=1e-5)
    assert codec.decode(codes * 9).min() < 0  # not clipped
    assert codec.encode_distribution(images)[1] is None
    assert codes.dtype == codec.decode(codes).dtype == np.float32


def test_a_variational_encoder_gives_mean_and_log_variance(tmp_path: Path) -> None:
    inner = MatrixCodec((8, 8, 1), 3, variational=True)
    write_bundle(tmp_path / "vae", inner)
    codec = OnnxCodec(open_bundle(tmp_path / "vae"))
    mean, log_variance = codec.encode_distribution(random_images(6, (8, 8, 1)))
    assert log_variance is not None
    np.testing.assert_allclose(mean, inner.encode(random_images(6, (8, 8, 1))), atol=1e-5)
    np.testing.assert_array_equal(log_variance, np.full((6, 3), LOG_VARIANCE, np.float32))
    np.testing.assert_array_equal(codec.encode(random_images(6, (8, 8, 1))), mean)


def test_a_conditional_model_of_an_earlier_version_must_be_imported_again(bundle: Bundle) -> None:
    # Its encoder gave the condition with the code.
    label = Control(name="label", shape=(2,), choices=2, in_decoder=1)
    imported = Imported(file="classes.h5", keras=2, networks=False, controls=(label,))
    seal(bundle.path, make_card(CODEC, architecture="imported", training=None, imported=imported))
    with pytest.raises(ModelError, match=r"“tiny” was imported by an earlier version, .+\. Import it again\."):
        OnnxCodec(open_bundle(bundle.path))


@pytest.mark.parametrize("count", [1, SINGLE_LIMIT, SINGLE_LIMIT + 1, BATCH, BATCH + 1, 2 * BATCH + 3])
@pytest.mark.parametrize("name", ["digits-vae-2d", "digits-deep-49"])
def test_a_batch_is_its_images_one_by_one(name: str, count: int) -> None:
    codec = OnnxCodec(open_bundle(pretrained_dir() / name))
    images = random_images(count, codec.image_shape)
    codes = codec.encode(images)
    decoded = codec.decode(codes)
    assert (codes.shape, decoded.shape) == ((count, codec.latent_dim), images.shape)
    for index in {0, count // 2, count - 1}:
        np.testing.assert_allclose(codec.encode(images[index : index + 1])[0], codes[index], atol=1e-4)
        np.testing.assert_allclose(codec.decode(codes[index : index + 1])[0], decoded[index], atol=1e-5)


def test_after_a_rest_a_codec_answers_as_before(bundle: Bundle) -> None:
    codec = OnnxCodec(bundle)
    images = random_images(SINGLE_LIMIT + 3)
    codes = codec.encode(images)
    codec.rest()
    np.testing.assert_allclose(codec.encode(images), codes, atol=1e-6)
    codec.rest()
    codec.rest()
    np.testing.assert_allclose(codec.decode(codes[:1]), CODEC.decode(codes[:1]), atol=1e-5)


@given(low=st.integers(-2, 0), span=st.integers(1, 255))
def test_a_networks_own_range_is_hidden(low: int, span: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A network for images in [-1, 1] or [0, 255] takes and gives images in [0, 1]."""
    folder = tmp_path_factory.mktemp("ranges") / "model"
    write_bundle(folder, CODEC)
    seal(folder, make_card(CODEC, value_range=(float(low), float(low + span))))
    codec = OnnxCodec(open_bundle(folder))
    images = random_images(2)
    np.testing.assert_allclose(codec.encode(images), CODEC.encode(images * span + low), rtol=1e-4, atol=1e-3)
    codes = np.ones((2, 4), np.float32)
    np.testing.assert_allclose(codec.decode(codes), (CODEC.decode(codes) - low) / span, rtol=1e-4, atol=1e-3)


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def another_image(content: bytes) -> bytes:
    return decoder_network(MatrixCodec((9, 12, 3), 4))


def another_code(content: bytes) -> bytes:
    return decoder_network(MatrixCodec((9, 11, 3), 5))


def random_bytes(content: bytes) -> bytes:
    return np.random.default_rng(0).bytes(len(content))


@pytest.mark.parametrize("damage", [truncated, random_bytes, another_image, another_code, lambda content: b""])
def test_a_network_that_does_not_fit_is_refused(bundle: Bundle, damage: Callable[[bytes], bytes]) -> None:
    """The checksum may be right all the same: whoever wrote the bundle wrote that too."""
    path = bundle.path / COMPILED[1]
    path.write_bytes(damage(path.read_bytes()))
    seal(bundle.path, bundle.card)
    with pytest.raises(ModelError):
        OnnxCodec(open_bundle(bundle.path))


def test_a_network_that_vanished_is_refused(bundle: Bundle) -> None:
    (bundle.path / COMPILED[0]).unlink()
    with pytest.raises(ModelError, match=COMPILED[0]):
        OnnxCodec(bundle)


@pytest.mark.parametrize("variational", [False, True])
def test_as_many_outputs_as_the_card_says(bundle: Bundle, variational: bool) -> None:
    """A plain encoder under a variational card, and the other way round."""
    (bundle.path / COMPILED[0]).write_bytes(encoder_network(CODEC, variational=not variational))
    seal(bundle.path, make_card(CODEC, variational=variational))
    with pytest.raises(ModelError, match="damaged"):
        OnnxCodec(open_bundle(bundle.path))


@pytest.mark.parametrize(
    "change", [{"image_shape": (100_000, 100_000, 3)}, {"latent_shape": (-1,)}, {"image_shape": (0, 0, 0)}]
)
def test_absurd_shapes_in_the_card_are_refused(bundle: Bundle, change: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        OnnxCodec(Bundle(bundle.path, bundle.card.model_copy(update=change)))


def test_weights_outside_the_file_are_refused(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network must not read files of its choosing, not even where the program runs in their folder."""
    monkeypatch.chdir(bundle.path)
    model = onnx.load_model_from_string((bundle.path / COMPILED[1]).read_bytes())
    convert_model_to_external_data(model, size_threshold=0, location="secret.bin")
    onnx.save_model(model, str(bundle.path / COMPILED[1]))
    assert (bundle.path / "secret.bin").exists()
    seal(bundle.path, bundle.card)
    with pytest.raises(ModelError, match=r"decoder\.onnx"):
        OnnxCodec(open_bundle(bundle.path))


def test_a_model_that_is_not_compiled_is_refused(bundle: Bundle) -> None:
    with pytest.raises(ModelError, match="no compiled networks"):
        OnnxCodec(Bundle(bundle.path, bundle.card.model_copy(update={"engine": "keras"})))
