from __future__ import annotations

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import ModelError
from explorer.models.architectures import ARCHITECTURES, get_architecture
from explorer.models.layers import BatchNorm, Conv, ConvTranspose, Dense, Head, MaxPool, Network, Pad, Reshape, UpSample
from explorer.types import ImageShape

SIDES = st.integers(16, 512)


@pytest.mark.parametrize(
    ("name", "encoder", "decoder"),
    [
        ("linear", 124_448, 128_304),
        ("conv-pool", 462_176, 464_195),
        ("dense", 38_465, 39_200),
        ("deep-dense", 134_750, 135_485),
        ("conv-spatial", 24_385, 24_385),
        ("sparse", 39_776, 40_544),
        ("cae-upsample", 93_248, 166_467),
        ("conv-stride", 2_116_096, 2_169_217),
        ("vae", 281_492, 125_249),
        ("vae-deep", 195_460, 173_089),
        ("cnn", 69_008, 108_993),
    ],
)
def test_parameters_at_the_default_shapes(name: str, encoder: int, decoder: int) -> None:
    architecture = get_architecture(name)
    spec = architecture.build(architecture.default_image_shape)
    assert spec.latent_dim == architecture.default_latent
    assert (spec.encoder.parameters, spec.decoder.parameters) == (encoder, decoder)
    assert sum(row.parameters for row in spec.encoder.rows()) == encoder


def test_names_are_those_of_the_registry() -> None:
    assert all(architecture.name == name for name, architecture in ARCHITECTURES.items())
    with pytest.raises(ModelError, match=r"no architecture “alexnet”.*linear, conv-pool, dense"):
        get_architecture("alexnet")


@given(
    name=st.sampled_from(sorted(ARCHITECTURES)),
    shape=st.tuples(SIDES, SIDES, st.sampled_from([1, 3])),
    latent=st.integers(1, 256),
)
def test_every_size_goes_in_and_comes_out(name: str, shape: ImageShape, latent: int) -> None:
    spatial = ARCHITECTURES[name].spatial
    spec = ARCHITECTURES[name].build(shape, None if spatial else latent)
    assert spec.encoder.input_shape == spec.decoder.output_shape == spec.image_shape == shape
    assert spec.encoder.output_shape == spec.decoder.input_shape == spec.latent_shape
    assert spec.latent_dim == prod(spec.latent_shape)
    if not spatial:
        assert spec.latent_shape == (latent,)
    assert spec.variational == ARCHITECTURES[name].variational
    assert [head.name for head in spec.encoder.heads] == (["mean", "log_variance"] if spec.variational else [])


@pytest.mark.parametrize("channels", [2, 4, 16])
@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_architecture_takes_and_gives_many_channels(name: str, channels: int) -> None:
    spec = ARCHITECTURES[name].build((33, 28, channels))
    assert spec.image_shape == spec.encoder.input_shape == (33, 28, channels)
    assert spec.decoder.output_shape == (33, 28, channels)


@pytest.mark.parametrize(
    ("shape", "latent", "expected"),
    [
        ((15, 28, 1), 2, "15×28"),
        ((28, 513, 1), 2, "28×513"),
        ((28, 28, 17), 2, "with 17 channels. Choose 1 to 16 channels"),
        ((28, 28, 1), 0, "from 1 to 784"),
        ((16, 16, 1), prod((16, 16)) + 1, "from 1 to 256"),
    ],
)
@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_impossible_sizes_are_refused(name: str, shape: ImageShape, latent: int, expected: str) -> None:
    if ARCHITECTURES[name].spatial and "from" in expected:
        expected = f"Cannot set the latent size of {name}"
    with pytest.raises(ModelError, match=expected):
        ARCHITECTURES[name].build(shape, latent)


@pytest.mark.parametrize(
    ("name", "shape", "latent_shape"),
    [
        ("conv-spatial", (28, 28, 1), (7, 7, 1)),
        ("conv-spatial", (50, 37, 3), (13, 10, 1)),
        ("cae-upsample", (224, 224, 3), (28, 28, 128)),
        ("cae-upsample", (45, 16, 1), (6, 2, 128)),
    ],
)
def test_a_spatial_code_follows_from_the_image(name: str, shape: ImageShape, latent_shape: tuple[int, ...]) -> None:
    assert ARCHITECTURES[name].build(shape).latent_shape == latent_shape
    # A trained model says its code size when it is built again.
    assert ARCHITECTURES[name].build(shape, prod(latent_shape)).latent_shape == latent_shape


def test_shapes_of_single_layers() -> None:
    assert Conv(8, strides=2).output_shape((7, 10, 3)) == (4, 5, 8)
    assert Conv(8, kernel=5).parameters((7, 10, 3)) == (5 * 5 * 3 + 1) * 8
    assert ConvTranspose(4).output_shape((3, 5, 2)) == (6, 10, 4)
    assert MaxPool().output_shape((6, 10, 2)) == (3, 5, 2)
    assert UpSample().output_shape((3, 5, 2)) == (6, 10, 2)
    assert MaxPool().parameters((6, 10, 2)) == UpSample().parameters((3, 5, 2)) == 0
    with pytest.raises(ModelError, match=r"Cannot pool 5×10: both sides must be multiples of 2"):
        MaxPool().output_shape((5, 10, 2))
    with pytest.raises(ModelError, match="Cannot reshape 9 to 4×2"):
        Network((9,), (Reshape((4, 2)),)).rows()


def test_multiply_adds_of_single_layers_are_those_counted_by_hand() -> None:
    # 784 inputs to each of 49 units.
    assert Dense(49).operations((784,)) == 784 * 49 == 38_416
    # 4 × 5 places, each 3 × 3 taps on 3 channels for 8 filters.
    assert Conv(8, strides=2).operations((7, 10, 3)) == 4 * 5 * 9 * 3 * 8 == 4_320
    # Each of 3 × 5 places with 2 channels is spread over 3 × 3 places of 4 filters.
    assert ConvTranspose(4).operations((3, 5, 2)) == 3 * 5 * 2 * 9 * 4 == 1_080
    assert BatchNorm().operations((3, 5, 2)) == 30
    for layer in (MaxPool(), UpSample(), Pad(1, 1)):
        assert layer.operations((4, 6, 2)) == 0


def test_multiply_adds_of_a_network_are_those_of_its_layers_and_heads() -> None:
    network = Network((6,), (Dense(4), Dense(3)), (Head("mean", Dense(2)), Head("log_variance", Dense(2))))
    assert network.operations == 6 * 4 + 4 * 3 + 3 * 2 + 3 * 2
    assert network.values == 4 + 3 + 2 + 2
    # R2's dense network has one weight for each MAC, and a bias for each unit beside.
    spec = get_architecture("deep-dense").build((28, 28, 1))
    assert spec.encoder.operations == spec.encoder.parameters - (147 + 98 + 49)
    # R2's convolution: 28² · 49 · 128, then 14² · 4 · 128 · 32, then 7² · 49 · 32.
    assert get_architecture("conv-spatial").build((28, 28, 1)).encoder.operations == 4_917_248 + 3_211_264 + 76_832
