"""Every layout of image sets that users have: the table in `explorer_testing.layouts` is what opening it gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explorer_testing.layouts import LAYOUTS, Layout

from explorer.data import extras
from explorer.data.preprocessing import Preprocessing
from explorer.data.sources import describe, open_source


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.name)
def test_a_layout_gives_its_images(layout: Layout, tmp_path: Path) -> None:
    if layout.extra and not extras.installed(layout.extra):
        pytest.skip(f"the extra is not installed: {extras.install_command(layout.extra)}")
    source = open_source(layout.write(tmp_path))
    count, height, width = layout.images.shape[:3]
    channels = layout.images.shape[3] if layout.images.ndim == 4 else 1
    assert (source.count, source.image_shape) == (count, (height, width, channels))
    facts = describe(source)
    assert (facts["range"] and tuple(facts["range"])) == layout.range
    assert (tuple(source.attributes), source.found.frames) == (layout.attributes, layout.frames)
    assert tuple(one.name for one in source.skipped) == layout.skipped
    labels = None if source.labels is None else [source.label(index) for index in range(count)]
    assert labels == layout.labels
    if layout.splits is None:
        assert facts["splits"].startswith("random") or count == 1
    else:
        assert (facts["train"], facts["test"], facts["validation"]) == layout.splits
    pixels = source.read(range(count), Preprocessing.standard((height, width, channels)))
    assert np.abs(pixels.reshape(layout.images.shape).astype(int) - layout.images).max() <= layout.far
