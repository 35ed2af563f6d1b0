from __future__ import annotations

import io
import json
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from explorer_testing.builders import write_bundle
from explorer_testing.codec import MatrixCodec
from PIL import Image

from explorer.data.preprocessing import Preprocessing, Reading
from explorer.document.preferences import PreferencesFile
from explorer.inference import providers
from explorer.inference.providers import title
from explorer.inference.sessions import CPU
from explorer.models.bundle import open_bundle, seal
from explorer.paths import resources_dir, settings_path, user_models_dir


def test_models(ask: Any, vae: Path) -> None:
    listed = {model["name"]: model for model in ask("models")}
    assert {"digits-vae-2d", "digits-deep-49", "glyphs-vae-2d"} <= set(listed)
    model, card = listed["digits-vae-2d"], open_bundle(vae).card
    assert set(model) == {
        *("name", "architecture", "image_shape", "latent_shape", "data", "metrics", "path", "engine"),
        *("data_range", "range"),
    }
    assert model["path"] == str(vae.resolve())
    assert (model["image_shape"], model["latent_shape"], model["engine"]) == ([28, 28, 1], [2], "onnx")
    assert (model["architecture"], model["data"], model["metrics"]) == (card.architecture, card.data.name, card.metrics)


def test_models_names_the_metrics_of_each_channel(ask: Any) -> None:
    folder = user_models_dir() / "cells"
    write_bundle(folder, MatrixCodec((16, 16, 2), 3))
    figures = ({"mse": 0.001, "psnr": 30.0, "ssim": 0.9}, {"mse": 0.002, "psnr": 27.0, "ssim": 0.8})
    recipe = Preprocessing.standard((16, 16, 2), reading=Reading(low=0, high=4095, depth=16))
    card = open_bundle(folder).card
    seal(folder, card.model_copy(update={"channel_metrics": figures, "preprocessing": recipe}))
    (model,) = (model for model in ask("models") if model["name"] == "cells")
    assert model["channels"] == list(figures)
    assert (model["data_range"], model["range"]) == (1, [0, 4095])


def test_models_leaves_broken_bundles_out_with_a_warning(call: Any, vae: Path) -> None:
    broken = user_models_dir() / "broken"
    shutil.copytree(vae, broken)
    with (broken / "decoder.onnx").open("ab") as file:
        file.write(b"x")
    outcome = call("models", "--json")
    assert outcome.code == 0
    assert "broken" not in {model["name"] for model in outcome.document}
    assert outcome.err.startswith("warning: broken was skipped: ")
    assert outcome.err.count("\n") == 1


def test_models_as_text(call: Any) -> None:
    outcome = call("models")
    assert outcome.out.splitlines()[0].split()[:4] == ["name", "architecture", "image", "code"]
    assert any(line.startswith("digits-vae-2d ") for line in outcome.out.splitlines())


def test_architectures(ask: Any) -> None:
    listed = {entry.pop("name"): entry for entry in ask("architectures")}
    counts = {name: (entry["encoder_params"], entry["decoder_params"]) for name, entry in listed.items()}
    assert counts["deep-dense"] == (134_750, 135_485)
    assert counts["vae"] == (281_492, 125_249)
    assert counts["cae-upsample"] == (93_248, 166_467)
    assert len(counts) == 11
    assert (listed["conv-spatial"]["default_latent"], listed["cae-upsample"]["default_latent"]) == (49, 100_352)
    assert listed["vae"]["variational"] is True
    assert listed["deep-dense"]["variational"] is False
    assert set(listed["vae"]) == {
        *("title", "variational", "default_image_shape", "default_latent", "encoder_params", "decoder_params"),
        "source",
    }


def test_data_lists_the_known_sources(ask: Any) -> None:
    listed = {entry["name"]: entry for entry in ask("data")}
    assert list(listed)[:4] == ["digits", "clothing", "glyphs", "faces"]
    assert list(listed)[4:] == ["mnist", "fashion_mnist", "cifar10", "lfw", "stanford_dogs"]
    for name in ("cifar10", "lfw", "stanford_dogs"):
        assert listed[name]["status"] == "missing"
        assert "Download it in the window" in listed[name]["how"]
    assert set(listed["digits"]) == {"name", "count", "train", "test", "image_shape", "labels", "status", "how"}
    assert listed["digits"]["status"] == listed["glyphs"]["status"] == "embedded"
    assert listed["mnist"]["status"] == "missing"
    assert "keras" in listed["mnist"]["how"]


def test_data_in_detail(ask: Any, call: Any, tmp_path: Path) -> None:
    digits = ask("data", "digits")
    assert (digits["count"], digits["train"], digits["test"]) == (10_000, 8_000, 2_000)
    assert digits["labels"] == list("0123456789")
    assert ask("data", "mnist")["status"] == "missing"
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"no image")
    folder = ask("data", tmp_path)
    assert (folder["count"], folder["image_shape"], folder["status"]) == (1, [20, 30, 3], "present")
    assert [entry["file"] for entry in folder["skipped"]] == ["bad.png"]
    assert "skipped bad.png: " in call("data", tmp_path).out
    assert "attributes" not in folder


def test_data_says_how_a_file_was_read(ask: Any, call: Any, tmp_path: Path) -> None:
    path = tmp_path / "medical.npz"
    images = np.arange(8 * 20 * 20 * 3, dtype=np.uint16).reshape(8, 3, 20, 20) % 4096
    np.savez(path, train_images=images, val_images=images[:3], test_images=images[:2], notes=np.array([None]))
    facts = ask("data", path)
    assert (facts["train"], facts["validation"], facts["test"]) == (8, 3, 2)
    assert (facts["channels"], facts["dtype"], facts["range"]) == (3, "uint16", [0, 4095])
    assert (facts["layout"], facts["image_shape"]) == ("channels-first", [20, 20, 3])
    assert facts["arrays"] == ["train_images", "val_images", "test_images"]
    assert facts["skipped"] == [{"file": "notes", "reason": "not read: object arrays can execute code."}]
    out = call("data", path).out
    assert "0 (black) to 4095 (white)" in out
    assert "skipped notes: not read" in out
    assert ask("data", f"{path}?range=0,8190")["range"] == [0, 8190]
    assert ask("data", "digits")["range"] is None


def test_data_with_attributes_and_in_an_archive(ask: Any, call: Any, tmp_path: Path) -> None:
    faces = ask("data", "faces")
    assert (faces["count"], faces["train"], faces["status"]) == (1_000, 800, "embedded")
    assert {"eyes", "hair", "mouth", "skin color"} <= set(faces["attributes"])
    assert "clothing color, eyes, facial hair" in call("data", "faces").out
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(resources_dir() / "icons" / "app.svg", "icon.svg")
        archive.writestr("in/labels.csv", "file,label,age\n1.bmp,cat,3\n")
        image = io.BytesIO()
        Image.new("L", (8, 8)).save(image, "BMP")
        archive.writestr("in/1.bmp", image.getvalue())
    source = ask("data", tmp_path / "a.zip")
    assert (source["name"], source["labels"], source["attributes"]) == ("a.zip", ["cat"], ["age"])
    assert ask("data", "Stanford-Dogs")["url"].startswith("http")
    assert " as an archive: " in call("data", broken_archive(tmp_path), "--json").error


def broken_archive(folder: Path) -> Path:
    path = folder / "broken.tgz"
    path.write_bytes(b"nothing")
    return path


def test_data_that_is_not_there(call: Any) -> None:
    assert "“nosuch”" in call("data", "nosuch", "--json").error


def test_doctor(ask: Any, call: Any, vae: Path) -> None:
    checks = {entry["check"]: entry for entry in ask("doctor")}
    assert all(set(entry) == {"check", "ok", "detail", "fix"} for entry in checks.values())
    good = {"python", "tensorflow", "PySide6 version", "models folder", "data digits", "data glyphs", "interface font"}
    assert all(checks[name]["ok"] and not checks[name]["fix"] for name in {*good, "model digits-vae-2d"})
    shutil.copytree(vae, user_models_dir() / "broken")
    (user_models_dir() / "broken" / "codes.npz").unlink()
    outcome = call("doctor", "--json")
    broken = next(entry for entry in json.loads(outcome.out) if entry["check"] == "model broken")
    assert outcome.code == 0
    assert not broken["ok"]
    assert "codes.npz" in broken["detail"]
    assert broken["fix"]
    assert "PROBLEM model broken: " in call("doctor").out


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces every restriction")
def test_doctor_lists_the_restrictions_of_a_reader(ask: Any) -> None:
    row = next(entry for entry in ask("doctor") if entry["check"] == "reader process")
    assert row["ok"]
    assert "no other files, no network, no new processes" in row["detail"]


def test_doctor_lists_what_a_system_cannot_enforce(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, or on Linux before Landlock and without seccomp."""
    monkeypatch.setattr("explorer.reader.guards", lambda: ("cpu",))
    row = next(entry for entry in ask("doctor") if entry["check"] == "reader process")
    assert "cannot enforce: memory limit, no other files, no network, no new processes" in row["detail"]
    assert "Import only models that you trust" in row["fix"]
    assert row["ok"] == (sys.platform != "linux")


def test_doctor_says_where_decoders_run(
    ask: Any, call: Any, vae: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what the ordinary ONNX Runtime has besides the CPU, and does not offer."""
    second = next((name for name in onnxruntime.get_available_providers() if name != CPU), CPU)
    row = next(entry for entry in ask("doctor") if entry["check"] == "execution providers")
    assert row["ok"]
    assert row["detail"].endswith("CPU; decode on: Automatic")
    PreferencesFile(settings_path()).put(provider=second)
    monkeypatch.setattr(providers, "_LEFT_OUT", (CPU,))
    codes = np.zeros((1, open_bundle(vae).card.latent_dim))
    np.save(tmp_path / "codes.npy", codes)
    assert call("decode", "--model", vae, "--codes", tmp_path / "codes.npy", "--out", tmp_path / "a.png").code == 0
    checks = {entry["check"]: entry["detail"] for entry in ask("doctor")}
    assert checks["execution providers"].endswith(f"decode on: {title(second)}")
    assert checks[f"model {vae.name}"].endswith(f"; decodes on {title(second)}" if second != CPU else "codes")


def test_doctor_says_that_a_device_is_not_there(ask: Any) -> None:
    PreferencesFile(settings_path()).put(provider="NoExecutionProvider")
    row = next(entry for entry in ask("doctor") if entry["check"] == "execution providers")
    assert not row["ok"]
    assert "ONNX Runtime with No" in row["fix"]
    assert json.loads(settings_path().read_text("utf-8"))["provider"] == "NoExecutionProvider"


def test_doctor_survives_a_library_that_is_broken(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "explorer.engine.codecs", None)
    checks = {entry["check"]: entry for entry in ask("doctor")}
    assert not checks["models"]["ok"]
    assert checks["data digits"]["ok"]
