"""The log for TensorBoard, read back with TensorBoard's own reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.programs import run_python
from explorer_testing.training import of, small_request, train

from explorer.engine.client import ModelProcess
from explorer.engine.messages import Epoch, Event, Failed, Finished
from explorer.models.bundle import open_bundle

pytestmark = pytest.mark.engine
pytest.importorskip("tensorboard")

READ = """
import io, json, sys
import numpy as np
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator
from tensorboard.util import tensor_util

found = EventAccumulator(json.loads(sys.argv[1]), size_guidance={TENSORS: 0})
found.Reload()
written = {"scalars": {}, "histograms": {}, "images": {}}
for tag in found.Tags()["tensors"]:
    kind = found.SummaryMetadata(tag).plugin_data.plugin_name
    for event in found.Tensors(tag):
        value = tensor_util.make_ndarray(event.tensor_proto)
        if kind == "images":
            drawn = [np.asarray(Image.open(io.BytesIO(content))) for content in value[2:]]
            value = [list(image.shape) for image in drawn]
        else:
            value = np.asarray(value).tolist()
        written.setdefault(kind, {}).setdefault(tag, []).append([event.step, value])
print(json.dumps(written))
"""


@pytest.fixture(scope="module")
def logged(process: ModelProcess, images: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Event], Any]:
    """The events of a variational training of four epochs, and what TensorBoard reads in its log."""
    folder = tmp_path_factory.mktemp("logged")
    values = {"architecture": "vae", "latent": 3, "epochs": 4, "schedule": "cosine", "tensorboard": folder / "log"}
    request = small_request(images, folder / "new", **values)
    events = train(process, request)
    assert isinstance(events[-1], Finished), events[-1]
    return events, run_python(READ, str(folder / "log"))


def test_scalars_are_the_epochs(logged: tuple[list[Event], Any]) -> None:
    events, written = logged
    epochs, scalars = of(Epoch, events), written["scalars"]
    for tag, expected in (
        ("loss/training", [epoch.loss for epoch in epochs]),
        ("loss/validation", [epoch.val_loss for epoch in epochs]),
        ("kl/validation", [epoch.parts.val_kl for epoch in epochs if epoch.parts]),
        ("reconstruction/training", [epoch.parts.reconstruction for epoch in epochs if epoch.parts]),
        ("kl_of_dimension/01", [epoch.kl_per_dim[1] for epoch in epochs]),
        ("speed/images_per_second", [epoch.rate for epoch in epochs]),
    ):
        assert [step for step, _ in scalars[tag]] == [1, 2, 3, 4], tag
        np.testing.assert_allclose([value for _, value in scalars[tag]], expected, rtol=1e-5, err_msg=tag)
    rates = [value for _, value in scalars["learning_rate"]]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-9), "a cosine ends at nothing"


def test_codes_are_histograms_and_reconstructions_images(logged: tuple[list[Event], Any]) -> None:
    _, written = logged
    for tag, count in (("codes/all", 40 * 3), ("codes/00", 40), ("codes/02", 40)):
        step, buckets = written["histograms"][tag][-1]
        assert step == 4
        assert sum(bucket[2] for bucket in buckets) == count
    step, shapes = written["images"]["originals_over_reconstructions"][-1]
    assert step == 4
    assert shapes == [[32, 16]] * 8


def test_the_log_is_no_part_of_the_model(logged: tuple[list[Event], Any]) -> None:
    events, _ = logged
    card = open_bundle(Path(of(Finished, events)[0].path)).card
    assert "tensorboard" not in card.model_dump_json()


def test_a_folder_that_cannot_be_made_is_refused(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", "utf-8")
    *_, failed = train(process, small_request(images, tmp_path / "new", tensorboard=tmp_path / "file" / "log"))
    assert isinstance(failed, Failed)
    assert "Cannot write into" in str(failed.message)
    assert not (tmp_path / "new").exists()


WITHOUT = """
import json, sys
from pathlib import Path
sys.modules["tensorboard"] = None
from explorer.engine.train import train
from explorer.errors import TrainingError
from explorer_testing.training import small_request

data, out = json.loads(sys.argv[1])
try:
    list(train(small_request(Path(data), Path(out), tensorboard=Path(out + ".log"))))
except (TrainingError, ValueError) as error:
    print(json.dumps(str(error)))
"""


def test_without_the_extra_it_is_said_before_the_training(images: Path, tmp_path: Path) -> None:
    error = run_python(WITHOUT, [str(images), str(tmp_path / "new")])
    assert "pip install tensorboard" in error
    assert list(tmp_path.iterdir()) == []
