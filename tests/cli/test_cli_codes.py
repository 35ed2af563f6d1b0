"""`neighbors` and `arithmetic`: results agree with numpy, and invalid input is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer.cli.inputs import Model, open_model
from explorer.data.preprocessing import Preprocessing, to_floats, to_pixels
from explorer.data.sources import open_source
from explorer.types import Floats

RECIPE = Preprocessing.standard((28, 28, 1))


@pytest.fixture(scope="module")
def deep_model() -> Model:
    return open_model("digits-deep-49")


@pytest.fixture(scope="module")
def codes(deep_model: Model) -> Floats:
    source = open_source("digits")
    return deep_model.codec.encode(to_floats(source.read(np.arange(source.count), RECIPE)))


def test_neighbors_are_those_of_brute_force(ask: Any, codes: Floats) -> None:
    source = open_source("digits")
    result = ask("neighbors", "--model", "digits-deep-49", "--data", "digits", "--query", "digits:17", "--count", 7)
    distances = np.linalg.norm(codes.astype(np.float64) - codes[17], axis=1)
    distances[17] = np.inf
    nearest = np.argsort(distances, kind="stable")[:7]
    assert [entry["index"] for entry in result] == nearest.tolist()
    np.testing.assert_allclose([entry["distance"] for entry in result], distances[nearest], rtol=1e-3)
    assert [entry["label"] for entry in result] == [source.label(int(place)) for place in nearest]


@pytest.mark.parametrize(("kind", "least"), [("hnsw", 9), ("lsh", 3)])
def test_approximate_ones_are_mostly_the_same(ask: Any, kind: str, least: int) -> None:
    words = ("neighbors", "--model", "digits-deep-49", "--data", "digits", "--query", "digits:17")
    exact = {entry["index"] for entry in ask(*words, "--index", "exact")}
    found = {entry["index"] for entry in ask(*words, "--index", kind)}
    assert len(exact & found) >= least
    assert 17 not in found


def test_cosine_looks_at_directions(ask: Any, codes: Floats) -> None:
    result = ask(
        "neighbors", "--model", "digits-deep-49", "--data", "digits", "--query", "digits:3", "--metric", "cosine"
    )
    unit = codes.astype(np.float64) / np.linalg.norm(codes, axis=1, keepdims=True)
    distances = 1 - unit @ unit[3]
    distances[3] = np.inf
    assert [entry["index"] for entry in result] == np.argsort(distances, kind="stable")[:10].tolist()
    np.testing.assert_allclose([entry["distance"] for entry in result], np.sort(distances)[:10], atol=1e-3)


@pytest.mark.parametrize("form", ["scan.npy:17", "./scan.npy:17", "scan.npy?range=0,127:17"])
def test_a_query_of_the_dataset_is_read_as_the_dataset(
    ask: Any, form: str, codes: Floats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pixels = open_source("digits").read(np.arange(200), RECIPE)
    np.save("scan.npy", pixels // 2)
    words = ("neighbors", "--model", "digits-deep-49", "--data", "scan.npy", "--data-range", "0,127", "--count", 5)
    result = ask(*words, "--query", form)
    distances = np.linalg.norm(codes[:200].astype(np.float64) - codes[17], axis=1)
    distances[17] = np.inf
    assert [entry["index"] for entry in result] == np.argsort(distances, kind="stable")[:5].tolist()
    np.testing.assert_allclose([entry["distance"] for entry in result], np.sort(distances)[:5], rtol=0.05)
    # Read with a different range, the query does not belong to the dataset.
    other = ask(*words, "--query", "scan.npy?range=0,255:17")
    assert other[0]["index"] == 17
    assert other[0]["distance"] > 1


def test_a_file_is_a_query_too_and_is_not_left_out(ask: Any, tmp_path: Path) -> None:
    source = open_source("digits")
    Image.fromarray(source.read(np.array([40]), RECIPE)[0, :, :, 0]).save(tmp_path / "digit.png")
    result = ask(
        *("neighbors", "--model", "digits-deep-49", "--data", "digits"),
        *("--query", tmp_path / "digit.png", "--count", 3),
    )
    assert result[0]["index"] == 40
    assert result[0]["distance"] == pytest.approx(0, abs=0.05)


def test_arithmetic_adds_and_subtracts_codes(ask: Any, codes: Floats, deep_model: Model, tmp_path: Path) -> None:
    out = tmp_path / "sum.png"
    result = ask(
        *("arithmetic", "--model", "digits-deep-49"),
        *("--plus", "digits:0", "digits:1", "--minus", "digits:2", "--out", out),
    )
    wanted = codes[0] + codes[1] - codes[2]
    np.testing.assert_allclose(result["code"], wanted, atol=1e-4)
    with Image.open(out) as pil_image:
        made = np.asarray(pil_image).astype(int)
    drawn = to_pixels(deep_model.codec.decode(wanted[None]))[0, :, :, 0]
    assert np.abs(made - drawn).max() <= 1


def test_plus_alone_gives_the_reconstruction(ask: Any, codes: Floats, tmp_path: Path) -> None:
    words = ("arithmetic", "--model", "digits-deep-49", "--plus", "digits:5", "--out", tmp_path / "one.png")
    np.testing.assert_allclose(ask(*words)["code"], codes[5], atol=1e-4)


@pytest.mark.parametrize(
    "words",
    [
        ("neighbors", "--model", "digits-deep-49", "--data", "digits", "--query", "digits:10000"),
        ("neighbors", "--model", "digits-deep-49", "--data", "digits", "--query", "missing.png"),
        ("neighbors", "--model", "digits-deep-49", "--data", "digits", "--query", "digits:1", "--count", "0"),
        ("neighbors", "--model", "digits-deep-49", "--data", "digits", "--query", "digits:1", "--index", "tree"),
        ("arithmetic", "--model", "digits-deep-49", "--plus", "digits:-1", "--out", "sum.png"),
        ("arithmetic", "--model", "digits-deep-49", "--plus", "digits:1", "--out", "sum.jpg"),
        ("arithmetic", "--model", "digits-deep-49", "--minus", "digits:1", "--out", "sum.png"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    call: Any, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(*words).error
    assert list(tmp_path.iterdir()) == []
