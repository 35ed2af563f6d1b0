"""The comparison with classical filters: every row is correct."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from explorer_testing.builders import write_bundle
from explorer_testing.codec import MatrixCodec
from scipy import ndimage

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "compare_denoisers.py"


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("compare_denoisers", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["compare_denoisers"] = module  # where a dataclass looks its annotations up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["compare_denoisers"]


def test_the_table(script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bundle(tmp_path / "few", MatrixCodec((16, 16, 1), 4))
    write_bundle(tmp_path / "many", MatrixCodec((16, 16, 1), 250))
    rough = np.random.default_rng(0).random((30, 16, 16))
    smooth = ndimage.gaussian_filter(rough, (0, 2, 2))
    images = ((smooth - smooth.min()) / np.ptp(smooth) * 255).astype(np.uint8)
    np.save(tmp_path / "data.npy", images)
    words = ["--model", f"{tmp_path}/few", "--model", f"{tmp_path}/many", "--data", f"{tmp_path}/data.npy"]
    assert script.main([*words, "--noise", "gaussian:0.2@0.2", "--json"]) == 0
    lines = {line["name"]: line for line in json.loads(capsys.readouterr().out)}
    names = ["median filter", "Gaussian filter"]
    fitted = [f"{name}, levels fitted" for name in names]
    assert list(lines) == [
        *("none (noisy input)", f"{tmp_path}/few", f"{tmp_path}/many"),
        *(names[0], fitted[0], names[1], fitted[1]),
    ]
    # 250 of 256 dimensions lose nearly nothing; smooth images suit the filters.
    assert lines[f"{tmp_path}/many"]["mse"] == pytest.approx(lines["none (noisy input)"]["mse"], rel=0.1)
    for name, levels in zip(names, fitted, strict=True):
        assert lines["none (noisy input)"]["psnr"] < lines[name]["psnr"] < lines[levels]["psnr"]
    assert script.main([*words, "--noise", "gaussian:0.2"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2 + 7


def test_what_cannot_be_compared_is_one_line(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "a", MatrixCodec((16, 16, 1), 4))
    write_bundle(tmp_path / "b", MatrixCodec((12, 10, 1), 4))
    for words in (["a"], ["a", "b"]):
        models = [word for name in words for word in ("--model", str(tmp_path / name))]
        noise = "snow:1" if len(words) == 1 else "blur:1"
        assert script.main([*models, "--data", "digits", "--noise", noise]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        assert ("snow" if len(words) == 1 else "differ in preprocessing. Compare them one by one.") in error


@pytest.mark.parametrize(
    ("denoiser", "clean", "data", "noise"),
    [
        ("digits-denoise", "digits-deep-49", "digits", "gaussian:0.5@0.5"),
        ("faces-denoise", None, "faces", "gaussian:0.1"),
    ],
)
def test_the_denoisers_that_ship_beat_filters_and_the_same_network_trained_clean(
    script: ModuleType, capsys: pytest.CaptureFixture[str], denoiser: str, clean: str | None, data: str, noise: str
) -> None:
    """On held-out images; the parameters of the filters are chosen on the same images."""
    models = [word for name in (denoiser, clean) if name for word in ("--model", name)]
    words = [*models, "--data", data, "--split", "all", "--count", "300", "--noise", noise, "--json"]
    assert script.main(words) == 0
    lines = {line["name"]: line for line in json.loads(capsys.readouterr().out)}
    own = lines.pop(denoiser)
    assert len(lines) == (6 if clean else 5)
    for other in lines.values():
        assert own["psnr"] > other["psnr"] + 1, other
        assert own["ssim"] > other["ssim"], other
        assert own["mse"] < other["mse"], other
