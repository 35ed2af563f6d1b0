from __future__ import annotations

from math import prod

from hypothesis import given
from hypothesis import strategies as st

from explorer.models.architectures import ARCHITECTURES
from explorer.models.batches import HELD_BYTES, WORK_BYTES, images_at_once, images_in_memory
from explorer.models.layers import Network
from explorer.types import ImageShape

SHAPES = st.tuples(st.integers(16, 512), st.integers(16, 512), st.sampled_from([1, 3]))


@given(name=st.sampled_from(sorted(ARCHITECTURES)), shape=SHAPES, most=st.integers(1, 500))
def test_no_layer_of_any_architecture_takes_more_than_its_share(name: str, shape: ImageShape, most: int) -> None:
    count = images_at_once(shape, most)
    assert 1 <= count <= most
    spec = ARCHITECTURES[name].build(shape, None if ARCHITECTURES[name].spatial else 8)
    for network in (spec.encoder, spec.decoder):
        # Padding makes an oblong image up to 15 rows larger than it is.
        assert count * largest(network) * 4 <= 2 * WORK_BYTES or count == 1


def largest(network: Network) -> int:
    return max(prod(row.output_shape) for row in network.rows())


@given(shape=SHAPES, most=st.integers(1, 500))
def test_images_in_memory(shape: ImageShape, most: int) -> None:
    count = images_in_memory(shape, most)
    assert 1 <= count <= most
    assert count * prod(shape) * 4 <= HELD_BYTES


def test_small_images_go_in_full_batches() -> None:
    assert images_at_once((28, 28, 1), 256) == 256
    assert images_in_memory((64, 64, 3), 500) == 500
