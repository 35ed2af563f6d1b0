"""The bundles that ship give what their Keras files give, within the tolerance that they were compiled with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explorer_testing.programs import run_python

from explorer.data.preprocessing import to_floats
from explorer.data.sources import open_source
from explorer.inference.codec import OnnxCodec
from explorer.models.bundle import open_bundle
from explorer.paths import pretrained_dir

BUNDLES = {"digits-deep-49": "digits", "digits-vae-2d": "digits", "glyphs-vae-2d": "glyphs"}
COUNT = 64

PROGRAM = """
import json, sys
import keras
import numpy as np

for folder, given in json.loads(sys.argv[1]):
    arrays = np.load(given)
    encoder, decoder = (
        keras.saving.load_model(f"{folder}/{name}.keras", compile=False) for name in ("encoder", "decoder")
    )
    codes = encoder(arrays["images"], training=False)
    codes = codes if isinstance(codes, list) else [codes]
    images = decoder(arrays["codes"], training=False)
    np.savez(given.replace(".npz", ".answer.npz"), *(np.asarray(part) for part in [images, *codes]))
print("null")
"""


@pytest.mark.engine
def test_compiled_networks_agree_with_keras(tmp_path: Path) -> None:
    jobs = []
    for name, data in BUNDLES.items():
        bundle = open_bundle(pretrained_dir() / name)
        images = to_floats(open_source(data).read(np.arange(COUNT), bundle.card.preprocessing))
        given = tmp_path / f"{name}.npz"
        np.savez(given, images=images, codes=bundle.sample.codes[:COUNT])
        jobs.append((str(bundle.path), str(given)))
    run_python(PROGRAM, jobs)
    for name in BUNDLES:
        bundle = open_bundle(pretrained_dir() / name)
        codec = OnnxCodec(bundle)
        with np.load(tmp_path / f"{name}.npz") as asked, np.load(tmp_path / f"{name}.answer.npz") as answer:
            mean, log_variance = codec.encode_distribution(asked["images"])
            np.testing.assert_allclose(codec.decode(asked["codes"]), answer["arr_0"], atol=1e-4)
            np.testing.assert_allclose(mean, answer["arr_1"], rtol=1e-4, atol=1e-4)
            assert (log_variance is not None) == bundle.card.variational
            if log_variance is not None:
                np.testing.assert_allclose(log_variance, answer["arr_2"], rtol=1e-4, atol=1e-4)
