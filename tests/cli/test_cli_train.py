from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.shared_process import shared_process
from PIL import Image

from explorer.cli.inputs import open_model
from explorer.cli.main import main
from explorer.data.preprocessing import to_floats
from explorer.data.sources import open_source
from explorer.engine.client import ModelProcess
from explorer.models.bundle import open_bundle
from explorer.models.settings import TrainingRequest

EVENTS = {"started", "epoch", "checkpoint", "finished", "cancelled", "failed"}


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def shared(model_process: ModelProcess) -> Iterator[None]:
    with shared_process(model_process, "explorer.cli.commands.train"):
        yield


@pytest.fixture(scope="module")
def trained(shared: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deep dense model, trained for two epochs by the command line."""
    out = tmp_path_factory.mktemp("trained") / "tiny"
    words = ["train", "--arch", "deep-dense", "--data", "digits", "--limit", "300", "--epochs", "2", "--seed", "3"]
    assert main([*words, "--out", str(out)]) == 0
    return out


@pytest.mark.engine
@pytest.mark.usefixtures("shared")
def test_events_of_a_training(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = call(
        *("train", "--arch", "vae", "--data", "digits", "--out", "small", "--size", "16x20", "--latent", 3),
        *("--limit", 200, "--epochs", 2, "--batch", 100, "--rate", 1e-3, "--schedule", "cosine", "--loss", "mse"),
        *("--beta", 0.5, "--l1", 0, "--noise", "gaussian:0.1", "--augment", 250, "--seed", 5, "--early-stop", 4),
        *("--crop", 2, "--invert", "--json"),
    )
    assert (outcome.code, outcome.err) == (0, "")
    found = events(outcome.out)
    assert {event["event"] for event in found} <= EVENTS
    assert [event["event"] for event in found if event["event"] != "checkpoint"] == [
        *("started", "epoch", "epoch", "finished"),
    ]
    assert (found[0]["train_count"], found[0]["image_shape"], found[0]["latent_shape"]) == (
        250,
        [16, 20, 1],
        [3],
    )
    epoch = next(event for event in found if event["event"] == "epoch")
    assert set(epoch) == {"event", "epoch", "loss", "val_loss", "seconds"}
    assert found[-1]["path"] == str(tmp_path / "small")
    card = open_bundle(tmp_path / "small").card
    assert found[-1]["metrics"] == card.metrics
    assert (found[-1]["data_range"], found[-1]["range"]) == (1, None)
    settings = card.trained
    assert (settings.epochs, settings.batch, settings.rate, settings.schedule) == (2, 100, 1e-3, "cosine")
    assert (settings.loss, settings.beta, settings.noise, settings.augment) == ("mse", 0.5, "gaussian:0.1", 250)
    assert (settings.limit, settings.seed, settings.early_stop) == (200, 5, 4)
    assert {"crop_margin", "invert"} <= {step.step for step in card.preprocessing.steps}


@pytest.mark.engine
def test_every_other_command_runs_on_what_was_trained(ask: Any, call: Any, trained: Path, tmp_path: Path) -> None:
    model = ["--model", trained]
    data = ["--data", "digits"]
    assert open_bundle(trained).card.trained.seed == 3
    assert ask("reconstruct", *model, *data, "--out", tmp_path / "r.png")["count"] == 10
    figures = ask("evaluate", *model, *data)
    assert figures["mse"] == pytest.approx(open_bundle(trained).card.metrics["mse"], rel=1e-3)
    seen = call("evaluate", *model, *data, "--split", "train", "--json")
    assert seen.document["seen_in_training"] is True
    assert seen.err.startswith("warning: ")
    assert ask("encode", *model, *data, "--out", tmp_path / "c.npz") == {
        "count": 10_000,
        "latent_shape": [49],
        "skipped": [],
    }
    assert ask("decode", *model, "--codes", tmp_path / "c.npz", "--out", tmp_path / "d.png") == {"count": 10_000}
    assert len(ask("traverse", *model, "--out", tmp_path / "t.png")["rows"]) == 49
    assert len(ask("grid", *model, "--steps", 4, "--out", tmp_path / "g.png")["xs"]) == 4
    assert ask("sample", *model, "--count", 5, "--out", tmp_path / "s.png")["prior"] == "fitted"
    keys = ["--keys", "digits:0", tmp_path / "s.png"]
    assert ask("morph", *model, *keys, "--steps", 5, "--out", tmp_path / "m.gif")["frames"] > 5
    assert sorted(path.suffix for path in tmp_path.iterdir()) == sorted([".png"] * 5 + [".npz", ".gif"])


@pytest.mark.engine
@pytest.mark.usefixtures("shared")
def test_linear_agrees_with_scikit_learn(call: Any, ask: Any, tmp_path: Path) -> None:
    from sklearn.decomposition import PCA

    out = tmp_path / "linear"
    outcome = call("train", "--arch", "linear", "--data", "digits", "--latent", 49, "--out", out)
    assert outcome.code == 0
    assert outcome.out.splitlines()[-1] == f"written to {out}"
    model, source = open_model(str(out)), open_source("digits")
    train = to_floats(source.read(source.splits.train, model.preprocessing)).reshape(-1, 784)
    test = to_floats(source.read(source.splits.test, model.preprocessing))
    peer = PCA(49, svd_solver="covariance_eigh").fit(train.astype(np.float64))
    expected = peer.inverse_transform(peer.transform(test.reshape(-1, 784))).reshape(test.shape)
    np.testing.assert_allclose(model.codec.decode(model.codec.encode(test)), expected, atol=1e-4)
    result = ask("evaluate", "--model", out, "--data", "digits")
    assert result["mse"] == pytest.approx(((test - expected) ** 2).mean(), abs=1e-6)


@pytest.mark.engine
@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(("words", "channels"), [([], 3), (["--channels", "1"], 1)])
def test_color_images_of_several_sizes(words: list[str], channels: int, call: Any, tmp_path: Path) -> None:
    """They train in color, unless asked otherwise; what is unreadable is reported."""
    images = tmp_path / "images"
    images.mkdir()
    for number in range(10):
        noise = np.random.default_rng(number).integers(0, 256, (16 + 8 * (number % 2), 16, 3), dtype=np.uint8)
        Image.fromarray(noise).save(images / f"{number}.png")
    (images / "z.bmp").write_bytes((images / "0.png").read_bytes()[:200])
    options = ["--arch", "deep-dense", "--latent", "2", "--size", "16x16", "--epochs", "1", *words]
    outcome = call("train", "--data", images, "--out", tmp_path / "new", *options, "--json")
    assert outcome.code == 0
    started = events(outcome.out)[0]
    assert started["image_shape"] == [16, 16, channels]
    assert [one["file"] for one in started["skipped"]] == ["z.bmp"]
    assert "z.bmp was skipped" in outcome.err
    card = open_bundle(tmp_path / "new").card
    assert card.image_shape == (16, 16, channels)
    assert ("--channels 1" in card.command) == bool(words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--channels", "0"], "channels"),
        (["--arch", "nosuch"], "“nosuch”"),
        (["--data", "nosuch"], "“nosuch”"),
        (["--data", "mnist"], "nor in another known folder"),
        (["--epochs", "0"], "epochs"),
        (["--rate", "-1"], "rate"),
        (["--noise", "fog:1"], "fog"),
        (["--from", "nosuch"], "“nosuch”"),
        (["--out", "taken"], "it already exists"),
    ],
)
def test_wrong_requests_fail_before_keras_is_started(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    given = {"--arch": "deep-dense", "--data": "digits", "--out": "new"} | dict([words])
    outcome = call("train", *(word for pair in given.items() for word in pair), "--json")
    assert outcome.code == 2
    (failed,) = events(outcome.out)
    assert failed["event"] == "failed"
    assert expected in failed["message"]
    assert outcome.err == f"error: {failed['message']}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_spatial_code_takes_no_size(call: Any, tmp_path: Path) -> None:
    words = ["train", "--arch", "conv-spatial", "--data", "digits", "--latent", 16, "--out", tmp_path / "new", "--json"]
    outcome = call(*words)
    assert outcome.code == 2
    assert "Cannot set the latent size of conv-spatial to 16" in events(outcome.out)[0]["message"]
    assert "--latent" in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.engine
@pytest.mark.usefixtures("shared")
def test_a_spatial_model_from_the_command_line(ask: Any, call: Any, tmp_path: Path) -> None:
    """All views of a code that is longer than any sheet: 6 × 6 × 128 dimensions."""
    out = tmp_path / "maps"
    words = ["train", "--arch", "cae-upsample", "--data", "glyphs", "--size", "45x45", "--limit", 30, "--epochs", 1]
    outcome = call(*words, "--batch", 15, "--out", out, "--json")
    assert outcome.code == 0
    assert events(outcome.out)[0]["latent_shape"] == [6, 6, 128]
    card = open_bundle(out).card
    assert card.trained.l1 == 0
    assert "--latent" not in card.command
    result = ask("traverse", "--model", out, "--steps", 3, "--out", tmp_path / "axes.png")
    assert result == {"rows": list(range(16)), "values": [-3, 0, 3]}
    result = ask("traverse", "--model", out, "--mean-to-max", "--out", tmp_path / "max.png")
    assert result["rows"] == list(range(16))
    assert all(value > 0 for value in result["values"])
    result = ask("traverse", "--model", out, "--dim", 4_607, "--steps", 2, "--out", tmp_path / "dim.png")
    assert result["rows"] == [4_607]
    assert (
        "no principal component 16. Choose a number from 0 to 15."
        in call("traverse", "--model", out, "--axis", 16, "--out", tmp_path / "x.png").error
    )
    assert (
        "no dimension 4608. Choose a number from 0 to 4607."
        in call("traverse", "--model", out, "--dim", 4_608, "--out", tmp_path / "x.png").error
    )


@pytest.mark.engine
@pytest.mark.usefixtures("shared")
def test_failure_in_the_model_process(call: Any, tmp_path: Path) -> None:
    words = ["train", "--arch", "deep-dense", "--data", "digits", "--size", "8x8", "--out", tmp_path / "new"]
    outcome = call(*words, "--json")
    assert outcome.code == 2
    found = events(outcome.out)
    assert found[-1]["event"] == "failed"
    assert outcome.err == f"error: {found[-1]['message']}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.engine
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal between processes")
def test_interrupt_cancels(program: Any, tmp_path: Path) -> None:
    words = ["train", "--arch", "deep-dense", "--data", "digits", "--epochs", 100_000, "--out", "new", "--json"]
    process = program(*words, cwd=tmp_path)
    for line in process.stdout:
        if json.loads(line)["event"] == "checkpoint":
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    found = events(out.decode())
    assert (process.returncode, err) == (130, b"")
    assert found[-1] == {"event": "cancelled", "checkpoint": str(tmp_path / "new.checkpoint")}
    assert [path.name for path in tmp_path.iterdir()] == ["new.checkpoint"]


def test_every_option_is_a_field_of_the_request() -> None:
    from explorer.cli.main import build_parser, load_command

    options = build_parser("train", load_command("train"))
    names = {action.dest for action in options._actions} - {"help", "json"}
    names = {name for name in names if not name.startswith("choice_")}  # they are part of the data
    assert names == set(TrainingRequest.model_fields)
