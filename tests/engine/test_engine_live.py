"""A model that is shown while it learns: what is shown is the model, and it costs little."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explorer_testing.programs import run_python
from explorer_testing.training import of, small_request, train, write_images

from explorer.data.preprocessing import to_floats, to_pixels
from explorer.engine.client import ModelProcess
from explorer.engine.messages import Epoch, Event, Finished, Live, Started, Step
from explorer.inference.codec import OnnxCodec
from explorer.latent.statistics import compute_statistics
from explorer.models.architectures import ARCHITECTURES
from explorer.models.bundle import open_bundle

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def events(process: ModelProcess, images: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """All events of a variational training that is looked at; long enough to be shown several times."""
    out = tmp_path_factory.mktemp("live") / "new"
    return train(process, small_request(images, out, architecture="vae", latent=3, epochs=150), live=True)


def codec_of(live: Live) -> OnnxCodec:
    return OnnxCodec.from_contents(live.card, live.encoder.tobytes(), live.decoder.tobytes())


def test_it_is_shown_before_the_first_step_and_as_it_gets_better(events: list[Event]) -> None:
    kinds = [type(event) for event in events if isinstance(event, Started | Live | Step | Epoch)]
    assert kinds[:2] == [Started, Live]
    shown = of(Live, events)
    assert len(shown) >= 3, "it was hardly shown"
    progress = [live.progress for live in shown]
    assert progress[0] == 0
    assert progress == sorted(progress)
    assert all(np.array_equal(live.originals, shown[0].originals) for live in shown)
    errors = [np.square(to_floats(live.originals) - to_floats(live.reconstructions)).mean() for live in shown]
    assert errors[-1] < errors[0] / 2


def test_the_last_is_the_model_that_is_kept(events: list[Event]) -> None:
    """The animation of a training ended seconds before its end."""
    assert isinstance(events[-1], Finished)
    bundle, last = open_bundle(Path(events[-1].path)), of(Live, events)[-1]
    assert last.progress == 150
    kept = OnnxCodec(bundle)
    originals = to_floats(last.originals)
    expected = to_pixels(kept.decode(kept.encode(originals))).astype(int)
    assert np.abs(expected - last.reconstructions).max() <= 1


@pytest.mark.parametrize("epochs", [1, 5])
def test_even_a_short_training_is_shown_in_even_steps(
    process: ModelProcess, images: Path, tmp_path: Path, epochs: int
) -> None:
    request = small_request(images, tmp_path / "new", epochs=epochs, batch=4)
    progress = np.array([live.progress for live in of(Live, train(process, request, live=True))])
    assert (progress[0], progress[-1]) == (0, epochs)
    for part in np.linspace(0, epochs, 9):
        assert np.abs(progress - part).min() <= epochs / 8 / 4, f"nothing near {part}"


def test_with_early_stopping_the_last_is_the_best(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    request = small_request(images, tmp_path / "new", epochs=200, rate=0.05, early_stop=1)
    events = train(process, request, live=True)
    assert isinstance(events[-1], Finished)
    kept, last = OnnxCodec(open_bundle(tmp_path / "new")), of(Live, events)[-1]
    assert last.progress == len(of(Epoch, events)) < 200
    expected = to_pixels(kept.decode(kept.encode(to_floats(last.originals)))).astype(int)
    assert np.abs(expected - last.reconstructions).max() <= 1


def test_each_shows_codes_and_images_of_its_own_networks(events: list[Event]) -> None:
    for live in of(Live, events):
        codec = codec_of(live)
        codes = codec.encode(to_floats(live.sample.thumbnails))
        np.testing.assert_allclose(codes, live.sample.codes, atol=1e-4)
        expected = compute_statistics(codes)
        np.testing.assert_allclose(live.sample.statistics.mean, expected.mean, atol=1e-4)
        np.testing.assert_allclose(live.sample.statistics.sigma, expected.sigma, atol=1e-4)
        again = to_pixels(codec.decode(codec.encode(to_floats(live.originals))))
        # A value between two levels may be rounded to either: products round differently in the two processes.
        np.testing.assert_allclose(again.astype(int), live.reconstructions, atol=1)
        assert live.sample.statistics.kl is not None
        assert [record.epoch for record in live.card.history] == list(range(1, int(live.progress) + 1))


def test_nothing_is_shown_where_nobody_looks(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    assert not of(Live, train(process, small_request(images, tmp_path / "new", epochs=2)))


def test_showing_it_changes_nothing(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    losses = []
    for name, live in (("shown", True), ("hidden", False)):
        seen = train(process, small_request(images, tmp_path / name, architecture="vae", latent=2), live=live)
        assert isinstance(seen[-1], Finished)
        losses.append([(epoch.loss, epoch.val_loss) for epoch in of(Epoch, seen)])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


CHANGING = """
import json, sys
import keras, numpy as np
from explorer.engine.build import build
from explorer.engine.agreement import largest_difference
from explorer.engine.live_network import LiveNetwork
from explorer.models.architectures import ARCHITECTURES

found = {}
for name, architecture in ARCHITECTURES.items():
    for shape in ((28, 28, 1), (37, 50, 3)):
        spec = architecture.build(shape)
        heads = ("mean", "log_variance") if spec.variational else ("code",)
        for model, outputs in zip(build(spec), (heads, ("picture",))):
            network = LiveNetwork(model, outputs)
            rng = np.random.default_rng(0)
            model.set_weights([array + rng.uniform(-0.01, 0.01, array.shape) for array in model.get_weights()])
            found[f"{name} {shape} {model.name}"] = largest_difference(model, network.content())
print(json.dumps(found))
"""


def test_every_architecture_can_be_shown_with_any_weights() -> None:
    found = run_python(CHANGING)
    assert len(found) == len(ARCHITECTURES) * 4
    assert {name: difference for name, difference in found.items() if not difference <= 1e-4} == {}


SHOWN_OFTEN = """
import gc, json, sys
from pathlib import Path
from explorer.engine.live import LiveView
from explorer.engine.prepare import Prepared, prepare
from explorer_testing.training import small_request

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

*_, prepared = prepare(small_request(Path(json.loads(sys.argv[1])), Path("new")))
view = LiveView(prepared)
sizes = []
for number in range(500):
    view.show([], 0.0, 0.0)
    if number % 100 == 99:
        gc.collect()
        sizes.append(resident())
print(json.dumps(sizes))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_400_updates_leave_the_memory_of_the_model_process_flat(tmp_path: Path) -> None:
    data = write_images(tmp_path / "blobs.npz")
    sizes = run_python(SHOWN_OFTEN, str(data))
    growth = (sizes[-1] - sizes[0]) / 400
    assert growth < 4_000, f"{growth:.0f} bytes an update; networks alone are {_network_bytes()}"


def _network_bytes() -> int:
    spec = ARCHITECTURES["deep-dense"].build((16, 16, 1), 8)
    return 4 * (spec.encoder.parameters + spec.decoder.parameters)


def test_the_finished_bundle_is_the_last_that_was_shown_or_better(events: list[Event]) -> None:
    finished = of(Finished, events)[0]
    card = open_bundle(Path(finished.path)).card
    last = of(Live, events)[-1].card
    assert (card.image_shape, card.latent_shape, card.preprocessing) == (
        last.image_shape,
        last.latent_shape,
        last.preprocessing,
    )
    assert card.history[: len(last.history)] == last.history
