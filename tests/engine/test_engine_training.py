"""Real trainings in the model process, from request to bundle."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.training import blobs, of, small_request, train, until, write_images

from explorer.data.corruption import parse_noise
from explorer.data.preprocessing import to_floats, to_pixels
from explorer.data.sources import open_source
from explorer.engine.client import ModelProcess
from explorer.engine.codecs import open_codec
from explorer.engine.messages import (
    ENDINGS,
    Cancelled,
    Checkpoint,
    Epoch,
    Failed,
    Finished,
    Live,
    Started,
    Step,
    Train,
    Working,
)
from explorer.inference.codec import OnnxCodec
from explorer.models.bundle import PREVIEW, open_bundle
from explorer.models.evaluation import Evaluation, evaluate
from explorer.models.preview import COUNT, read_preview
from explorer.models.reservation import Reservation

pytestmark = pytest.mark.engine


def test_events_come_in_order_and_the_bundle_opens(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    events = train(process, small_request(images, tmp_path / "new"))
    # A checkpoint comes between where an epoch took long, on a machine that has much else to do.
    kinds = [type(event) for event in events if not isinstance(event, Working | Step | Checkpoint)]
    assert kinds == [Started, Epoch, Epoch, Epoch, Finished]
    assert isinstance(events[-1], Finished)
    assert sum(isinstance(event, ENDINGS) for event in events) == 1
    (started,), epochs = of(Started, events), of(Epoch, events)
    assert (started.architecture, started.data, started.image_shape) == ("deep-dense", "blobs.npz", (16, 16, 1))
    assert (started.train_count, started.val_count, started.first_epoch, started.epochs) == (160, 40, 1, 3)
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3]
    assert epochs[-1].loss < epochs[0].loss
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    bundle = open_bundle(tmp_path / "new")
    card = bundle.card
    wanted = to_pixels(open_codec(bundle).decode(bundle.sample.codes[:COUNT]))
    # Keras has written it, and ONNX decodes a little differently.
    np.testing.assert_allclose(read_preview(bundle.path / PREVIEW).astype(int), wanted, atol=1)
    assert events[-1] == Finished(str(tmp_path / "new"), card.metrics, decoder_hash=card.files["decoder.keras"])
    assert [(record.loss, record.val_loss) for record in card.history] == [(e.loss, e.val_loss) for e in epochs]
    assert (card.encoder_params, card.decoder_params) == (started.encoder_params, started.decoder_params)
    assert (card.data.train, card.data.test, card.data.split_origin) == (160, 40, "given")
    assert card.data.content_hash == open_source(str(images)).content_hash()
    assert card.max_difference <= 1e-4
    # The last epoch's validation loss is the mean BCE over the same images as the card's figure.
    assert card.metrics["bce"] == pytest.approx(epochs[-1].val_loss, rel=1e-3)


def test_the_bundle_is_as_good_as_its_card_says(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    train(process, small_request(images, tmp_path / "new", architecture="vae", latent=3, epochs=2))
    bundle, source = open_bundle(tmp_path / "new"), open_source(str(images))
    *_, result = evaluate(OnnxCodec(bundle), source, source.splits.test, bundle.card.preprocessing)
    assert isinstance(result, Evaluation)
    assert result.metrics() == pytest.approx(bundle.card.metrics, rel=1e-3)
    np.testing.assert_array_equal(bundle.sample.indices, source.splits.test)
    codes = OnnxCodec(bundle).encode(to_floats(bundle.sample.thumbnails))
    np.testing.assert_allclose(bundle.sample.codes, codes, atol=1e-4)
    assert bundle.sample.statistics.kl == pytest.approx(result.kl_per_dim, rel=1e-3)


def test_images_for_validation_are_used_for_it(process: ModelProcess, tmp_path: Path) -> None:
    images, path = blobs(200), tmp_path / "three.npz"
    np.savez(path, x_train=images[:140], x_val=255 - images[140:160], x_test=images[160:])
    events = train(process, small_request(path, tmp_path / "new", epochs=2), live=True)
    bundle, source = open_bundle(tmp_path / "new"), open_source(path)
    assert (of(Started, events)[0].train_count, of(Started, events)[0].val_count) == (140, 20)
    assert (bundle.card.data.train, bundle.card.data.validation, bundle.card.data.test) == (140, 20, 40)
    np.testing.assert_array_equal(bundle.sample.indices, source.splits.test)
    *_, validation = evaluate(OnnxCodec(bundle), source, source.splits.validation, bundle.card.preprocessing)
    assert isinstance(validation, Evaluation)
    assert of(Epoch, events)[-1].val_loss == pytest.approx(validation.bce, rel=1e-3)
    *_, test = evaluate(OnnxCodec(bundle), source, source.splits.test, bundle.card.preprocessing)
    assert isinstance(test, Evaluation)
    assert test.metrics() == pytest.approx(bundle.card.metrics, rel=1e-3)
    assert set(of(Live, events)[-1].sample.indices) <= set(source.splits.validation)


def test_the_same_seed_gives_the_same_model(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    losses = [
        [epoch.loss for epoch in of(Epoch, train(process, small_request(images, tmp_path / name, seed=seed)))]
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert losses[0] != pytest.approx(losses[2], rel=1e-6)
    codes = [open_bundle(tmp_path / name).sample.codes for name in "ab"]
    np.testing.assert_allclose(codes[0], codes[1], atol=1e-5)


def test_cancel_leaves_no_bundle_and_the_process_ready(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    events = process.run(Train(small_request(images, tmp_path / "new", epochs=100_000)))
    until(events, Epoch)
    process.cancel()
    rest = list(events)
    last = rest[-1]
    assert isinstance(last, Cancelled)
    assert sum(isinstance(event, ENDINGS) for event in rest) == 1
    # On a slow machine there was time for a checkpoint, which stays.
    assert [path for path in tmp_path.iterdir() if str(path) != last.checkpoint] == []
    pid = process.pid
    assert isinstance(train(process, small_request(images, tmp_path / "second", epochs=1))[-1], Finished)
    assert process.pid == pid


def test_a_cancel_that_comes_too_late_stops_nothing_else(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    train(process, small_request(images, tmp_path / "first", epochs=1))
    process.cancel()
    assert isinstance(train(process, small_request(images, tmp_path / "second", epochs=1))[-1], Finished)


def test_a_loss_that_is_no_number_fails_and_leaves_nothing(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    request = small_request(images, tmp_path / "new", architecture="conv-pool", rate=10, epochs=50, loss="mse")
    events = train(process, request)
    failed = events[-1]
    assert isinstance(failed, Failed)
    assert str(failed.message).startswith(("The loss is nan in epoch", "The loss is inf in epoch"))
    assert "in epoch" in str(failed.message)
    assert "learning rate" in str(failed.message)
    assert failed.details == ""
    assert list(tmp_path.iterdir()) == []


def test_an_existing_bundle_is_replaced_only_by_force(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    request = small_request(images, tmp_path / "new", epochs=1)
    train(process, request)
    before = {file.name: file.read_bytes() for file in (tmp_path / "new").iterdir()}
    (failed,) = train(process, request)
    assert isinstance(failed, Failed)
    assert "--force" in str(failed.message)
    assert {file.name: file.read_bytes() for file in (tmp_path / "new").iterdir()} == before
    events = train(process, request.model_copy(update={"force": True, "latent": 5}))
    assert isinstance(events[-1], Finished)
    assert open_bundle(tmp_path / "new").card.latent_dim == 5
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_force_replaces_nothing_but_a_bundle(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "photos"
    out.mkdir()
    (out / "holiday.jpg").write_bytes(b"a photograph")
    (failed,) = train(process, small_request(images, out, epochs=1, force=True))
    assert isinstance(failed, Failed)
    assert "holiday.jpg" in str(failed.message)
    assert (out / "holiday.jpg").read_bytes() == b"a photograph"


def test_a_training_stays_apart_from_its_images(process: ModelProcess, tmp_path: Path) -> None:
    """Its checkpoint, too."""
    data = write_images(tmp_path / "blobs.npz")
    folder = tmp_path / "birds.checkpoint"
    folder.mkdir()
    shutil.copy(data, folder / "blobs.npz")
    for request in (
        small_request(data, data, force=True),
        small_request(folder / "blobs.npz", folder, force=True),
        small_request(folder / "blobs.npz", tmp_path / "birds"),
    ):
        (failed,) = train(process, request)
        assert isinstance(failed, Failed)
        assert " the input " in str(failed.message)
    assert [path.name for path in folder.iterdir()] == ["blobs.npz"]


def test_a_place_that_is_taken_is_refused_before_anything_is_read(
    process: ModelProcess, images: Path, tmp_path: Path
) -> None:
    """The second of two trainings with one name failed after its last epoch."""
    with Reservation(tmp_path / "new"):
        (failed,) = train(process, small_request(images, tmp_path / "new", force=True))
    assert isinstance(failed, Failed)
    assert "“new”" in str(failed.message)
    events = train(process, small_request(images, tmp_path / "new", epochs=1))
    assert isinstance(events[-1], Finished)


def test_where_the_bundle_cannot_be_written_what_was_learned_is_kept(
    process: ModelProcess, images: Path, tmp_path: Path
) -> None:
    """Somebody makes a folder at its place during the training: the last epoch is in the checkpoint."""
    out = tmp_path / "new"
    events = process.run(Train(small_request(images, out, epochs=2)))
    until(events, Started)
    out.mkdir()
    (out / "holiday.jpg").write_bytes(b"a photograph")
    *_, failed = events
    assert isinstance(failed, Failed)
    assert (out / "holiday.jpg").read_bytes() == b"a photograph"
    out.rename(tmp_path / "photos")
    resumed = train(process, small_request(images, out, epochs=2, resume=True))
    assert isinstance(resumed[-1], Finished), resumed[-1]
    assert of(Started, resumed)[0].first_epoch == 3, "nothing is trained again"
    assert len(open_bundle(out).card.history) == 2


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"data": "nowhere.npz"}, "nowhere.npz"),
        ({"architecture": "alexnet"}, "alexnet"),
        ({"size": (8, 8)}, "16 to 512"),
        ({"latent": 100_000}, "Choose a number from 1 to 256"),
        ({"architecture": "linear", "latent": 200}, "PCA with 200 dimensions needs as many training images"),
        ({"architecture": "cae-upsample"}, "Cannot set the latent size of cae-upsample"),
        ({"start_from": "nowhere"}, "“nowhere”"),
        ({"resume": True}, "There is no checkpoint in"),
    ],
)
def test_what_cannot_be_trained_fails_with_a_reason(
    process: ModelProcess, images: Path, tmp_path: Path, changes: dict[str, object], expected: str
) -> None:
    *_, failed = train(process, small_request(images, tmp_path / "new").model_copy(update=changes))
    assert isinstance(failed, Failed)
    assert expected in str(failed.message)
    assert failed.details == "", "an error that was foreseen needs no traceback"
    assert list(tmp_path.iterdir()) == []


def test_linear_is_scikit_learns_principal_components(process: ModelProcess, tmp_path: Path) -> None:
    from sklearn.decomposition import PCA

    out = tmp_path / "linear"
    events = train(process, small_request(Path("digits"), out, architecture="linear", latent=49, limit=0))
    assert isinstance(events[-1], Finished)
    bundle, source = open_bundle(out), open_source("digits")
    flat = {
        split: to_floats(source.read(source.splits.select(split), bundle.card.preprocessing)).reshape(-1, 784)
        for split in ("train", "test")
    }
    peer = PCA(49, svd_solver="covariance_eigh").fit(flat["train"].astype(np.float64))
    expected = peer.inverse_transform(peer.transform(flat["test"]))
    codec = OnnxCodec(bundle)
    codes = codec.encode(flat["test"].reshape(-1, 28, 28, 1))
    np.testing.assert_allclose(codec.decode(codes).reshape(-1, 784), expected, atol=1e-4)
    np.testing.assert_allclose(codec.encode(codec.decode(codes)), codes, atol=1e-3)
    assert bundle.card.metrics["mse"] == pytest.approx(((flat["test"] - expected) ** 2).mean(), rel=1e-4)


def test_training_goes_on_from_a_trained_model(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    first = of(Epoch, train(process, small_request(images, tmp_path / "parent", epochs=10)))
    events = train(
        process, small_request(images, tmp_path / "child", epochs=2, latent=None, start_from=str(tmp_path / "parent"))
    )
    second = of(Epoch, events)
    assert second[0].loss < first[1].loss < first[0].loss
    assert second[0].loss == pytest.approx(first[-1].loss, rel=0.1)
    assert open_bundle(tmp_path / "child").card.trained_from == "parent"
    *_, failed = train(
        process, small_request(images, tmp_path / "other", architecture="vae", start_from=str(tmp_path / "parent"))
    )
    assert isinstance(failed, Failed)
    assert "--arch deep-dense" in str(failed.message)


def test_early_stopping_keeps_the_best(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    request = small_request(images, tmp_path / "new", epochs=200, early_stop=3, rate=0.03)
    events = train(process, request)
    losses = [epoch.val_loss for epoch in of(Epoch, events)]
    assert len(losses) < 200
    assert len(losses) - 1 - int(np.argmin(losses)) == 3
    card = open_bundle(tmp_path / "new").card
    assert card.metrics["bce"] == pytest.approx(min(losses), rel=1e-3)
    assert len(card.history) == len(losses)


def test_noise_and_augmentation_take_part(process: ModelProcess, images: Path, tmp_path: Path) -> None:
    noise = "gaussian:0.5:7"
    plain = train(process, small_request(images, tmp_path / "plain", limit=50))
    noisy = train(process, small_request(images, tmp_path / "noisy", limit=50, noise=noise, augment=90))
    assert [of(Started, events)[0].train_count for events in (plain, noisy)] == [50, 90]
    assert [of(Started, events)[0].val_count for events in (plain, noisy)] == [40, 40]
    bundle, source = open_bundle(tmp_path / "noisy"), open_source(str(images))
    recipe = bundle.card.preprocessing
    *_, evaluation = evaluate(OnnxCodec(bundle), source, source.splits.test, recipe, parse_noise(noise))
    assert isinstance(evaluation, Evaluation)
    assert bundle.card.metrics == pytest.approx(evaluation.metrics(), rel=1e-3)
