"""Kinds of models in strangers' repositories that were once refused or misread, each with the right result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_testing.programs import run_python
from explorer_testing.training import of

from explorer.engine.client import ModelProcess
from explorer.engine.codecs import open_codec
from explorer.engine.messages import Examine, Examined, Failed, Import, ImportFinished
from explorer.models.bundle import open_bundle
from explorer.models.third_party.request import ImportRequest

pytestmark = pytest.mark.engine

_WRITE = """
import json, sys
from pathlib import Path
from explorer_testing import third_party_kinds
third_party_kinds.main(Path(json.loads(sys.argv[1])))
print("null")
"""


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small models of all kinds."""
    folder = tmp_path_factory.mktemp("kinds")
    run_python(_WRITE, str(folder))
    return folder


def look(process: ModelProcess, path: Path | None, out: Path, **options: Any) -> Examined:
    """Return what is found out about a model."""
    events = list(process.run(Examine(ImportRequest(path, out, **options))))
    (seen,) = of(Examined, events) or [events[-1]]
    assert isinstance(seen, Examined), seen
    return seen


def bring_in(process: ModelProcess, path: Path | None, out: Path, **options: Any) -> ImportFinished:
    """Import a model."""
    last = list(process.run(Import(ImportRequest(path, out, **options))))[-1]
    assert isinstance(last, ImportFinished), last
    return last


def refusal(process: ModelProcess, path: Path | None, out: Path, **options: Any) -> str:
    """Return why a model is not imported."""
    last = list(process.run(Examine(ImportRequest(path, out, **options))))[-1]
    assert isinstance(last, Failed), last
    return str(last.message)


def test_a_pair_of_keras_2_is_loaded_by_what_opens_both(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    seen = look(process, kinds / "keras_2_pair", tmp_path / "out")
    assert (seen.image_shape, seen.latent_shape, seen.record.keras) == ((28, 28, 1), (4,), 2)


def test_a_whole_model_is_found_beside_its_encoder(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    seen = look(process, kinds / "whole_and_encoder", tmp_path / "out")
    assert (seen.record.parts, seen.latent_shape) == ("both", (8,))
    alone = look(process, None, tmp_path / "out", encoder=kinds / "whole_and_encoder" / "autoencoder.keras")
    assert (alone.record.parts, alone.latent_shape) == ("both", (8,)), "by its shapes, whatever it is called"


def test_a_folder_that_can_be_read_in_two_ways_is_asked_about(
    process: ModelProcess, kinds: Path, tmp_path: Path
) -> None:
    folder = kinds / "two_pairs"
    said = refusal(process, folder, tmp_path / "out")
    assert "can be read in several ways" in said
    assert "mnist_encoder.keras" in said
    assert "--encoder" in said
    names = {"encoder": Path("mnist_encoder.keras"), "decoder": Path("faces_decoder.keras")}
    assert look(process, folder, tmp_path / "out", **names).latent_shape == (8,)


def test_weights_saved_on_windows_are_found(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    finished = bring_in(process, kinds / "windows.keras", tmp_path / "out")
    assert finished.latent_shape == (2,)
    made = open_codec(open_bundle(tmp_path / "out")).decode(np.ones((1, 2), np.float32))
    np.testing.assert_allclose(made, np.load(kinds / "windows.npy"), atol=1e-4)


def test_a_loss_within_the_graph_is_left_out(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    seen = look(process, kinds / "add_loss.h5", tmp_path / "out")
    assert (seen.latent_shape, seen.record.parts, seen.record.variational) == ((2,), "both", True)
    assert any("only the training needs" in note and "add_loss" in note for note in seen.record.notes)
    assert any("sampling layer is replaced" in note for note in seen.record.notes)


def test_a_sampling_layer_is_known_by_its_structure(process: ModelProcess, kinds: Path, tmp_path: Path) -> None:
    seen = look(process, kinds / "untold_lambda.keras", tmp_path / "out")
    assert (seen.latent_shape, seen.record.parts, seen.record.variational) == ((2,), "encoder", True)
