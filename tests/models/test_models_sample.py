from __future__ import annotations

import numpy as np
import pytest
from explorer_testing.builders import make_source
from explorer_testing.codec import MatrixCodec

from explorer.data.preprocessing import Preprocessing, to_floats
from explorer.latent.components import to_components
from explorer.latent.statistics import compute_statistics, kl_per_dimension
from explorer.models import sample as module
from explorer.models.codes import CodeSample, most_kept, most_measured
from explorer.models.sample import sample_codes
from explorer.types import Progress

pytestmark = pytest.mark.numeric

SHAPE = (16, 20, 1)
RECIPE = Preprocessing.standard(SHAPE)


def drawn(codec: MatrixCodec, count: int, shape: tuple[int, ...]) -> tuple[CodeSample, list[Progress]]:
    source = make_source(count, SHAPE)
    items = list(sample_codes(codec, source, np.arange(1, count, dtype=np.int64), RECIPE, shape))
    result = items.pop()
    assert isinstance(result, CodeSample)
    return result, [item for item in items if isinstance(item, Progress)]


@pytest.mark.parametrize("variational", [False, True])
def test_a_short_code_is_kept_of_every_image(variational: bool) -> None:
    codec = MatrixCodec(SHAPE, 5, variational=variational)
    result, progress = drawn(codec, 700, (5,))
    source = make_source(700, SHAPE)
    pixels = source.read(np.arange(1, 700), RECIPE)
    np.testing.assert_array_equal(result.indices, np.arange(1, 700))
    np.testing.assert_array_equal(result.thumbnails, pixels)
    np.testing.assert_allclose(result.codes, codec.encode(to_floats(pixels)), atol=1e-5)
    assert result.labels is not None
    np.testing.assert_array_equal(result.labels, np.arange(1, 700) % 10)
    assert result.coordinates is None
    np.testing.assert_allclose(result.component_coordinates.std(0), 1, rtol=1e-3)
    assert [item.done for item in progress] == [500, 699]
    if variational:
        _, log_variance = codec.encode_distribution(to_floats(pixels))
        assert log_variance is not None
        np.testing.assert_allclose(result.statistics.kl, kl_per_dimension(result.codes, log_variance), rtol=1e-5)  # type: ignore[arg-type]


def test_of_a_long_code_more_are_measured_than_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.models.codes._KEPT_VALUES", 300 * 20)
    monkeypatch.setattr("explorer.models.codes._MEASURED_VALUES", 300 * 90)
    # Parts of 32 images, so that what is kept comes from several.
    monkeypatch.setattr(module, "_BATCH", 32)
    codec = MatrixCodec(SHAPE, 300)
    assert (most_kept(300), most_measured(300)) == (20, 90)
    result, _ = drawn(codec, 400, (10, 10, 3))
    assert (result.codes.shape, result.thumbnails.shape) == ((20, 300), (20, *SHAPE))
    assert (result.indices[0], result.indices[-1]) == (1, 399)
    source = make_source(400, SHAPE)
    np.testing.assert_array_equal(result.thumbnails, source.read(result.indices, RECIPE))
    np.testing.assert_allclose(result.codes, codec.encode(to_floats(result.thumbnails)), atol=1e-5)
    measured = np.arange(1, 400)[np.linspace(0, 398, 90).astype(int)]
    codes = codec.encode(to_floats(source.read(measured, RECIPE)))
    statistics = compute_statistics(codes, max_components=16)
    np.testing.assert_allclose(result.statistics.sigma, statistics.sigma, rtol=1e-4)
    assert result.component_coordinates.shape == (90, 16)
    np.testing.assert_allclose(result.component_coordinates, to_components(codes, result.statistics), atol=1e-3)
