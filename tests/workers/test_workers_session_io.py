"""A session finds its model by what it computes, not by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from explorer_testing.builders import make_model, write_bundle
from explorer_testing.codec import MatrixCodec
from explorer_testing.training import small_request

from explorer.document.session_record import ModelRecord
from explorer.document.session_state import session_of
from explorer.document.state import OpenModel, State
from explorer.errors import SessionError
from explorer.models.bundle import open_bundle
from explorer.models.runs import RunWriter
from explorer.workers.loading import open_model
from explorer.workers.session_io import find_model


@pytest.fixture
def saved(tmp_path: Path, explorer_home: Path) -> Callable[..., ModelRecord]:
    """Return what a session holds of a model that was saved while it was in training."""
    run = RunWriter.create(small_request(explorer_home / "blobs.npz", tmp_path / "new"), datetime.now())

    def save(made: str | None, phase: str = "finished") -> ModelRecord:
        write_bundle(tmp_path / "new")
        if phase != "unfinished":
            run.log(phase, **({} if made is None else {"decoder_hash": made}))
        model = replace(open_model(tmp_path / "new"), run=run.path, epochs=1.5)
        record = record_of(model)
        assert (record.model_hash, record.run) == ("", str(run.path))
        return record

    return save


def record_of(model: OpenModel) -> ModelRecord:
    record = session_of(State(model=model)).record.model
    assert record is not None
    return record


def hash_of(path: Path) -> str:
    return open_bundle(path).card.decoder_hash or ""


def test_the_model_that_the_run_has_produced(saved: Callable[..., ModelRecord], tmp_path: Path) -> None:
    write_bundle(tmp_path / "elsewhere", name="new")
    record = saved(hash_of(tmp_path / "elsewhere"))
    assert find_model(record, None).path == tmp_path / "new"


def test_another_model_in_the_folder_of_the_run(saved: Callable[..., ModelRecord], tmp_path: Path) -> None:
    write_bundle(tmp_path / "other", MatrixCodec(seed=1), name="new")
    record = saved(hash_of(tmp_path / "other"))
    with pytest.raises(SessionError, match="Cannot find the model “new”"):
        find_model(record, None)
    with pytest.raises(SessionError, match="Cannot find the model “new”"):
        find_model(record, open_model(tmp_path / "new"))
    assert find_model(record, None, tmp_path / "other").path == tmp_path / "other"


@pytest.mark.parametrize("phase", ["unfinished", "cancelled", "failed"])
def test_a_run_that_has_not_finished(saved: Callable[..., ModelRecord], phase: str) -> None:
    record = saved(None, phase)
    with pytest.raises(SessionError, match="“new” was in training, and that training has not finished"):
        find_model(record, None)
    # It is found where it is still open, in training or canceled.
    open_one = replace(make_model(), run=Path(record.run), epochs=1)
    assert find_model(record, open_one) is open_one
    with pytest.raises(SessionError, match="has not finished"):
        find_model(record, replace(open_one, run=Path("/nowhere/else")))


def test_without_its_run_a_model_must_be_in_its_folder(saved: Callable[..., ModelRecord], tmp_path: Path) -> None:
    record = saved("").model_copy(update={"run": ""})
    write_bundle(tmp_path / "copy", name="new")
    copy = open_model(tmp_path / "copy")
    assert find_model(record, copy).path == tmp_path / "new"
    assert find_model(record, None, tmp_path / "copy").path == tmp_path / "copy"
    gone = record.model_copy(update={"path": str(tmp_path / "gone")})
    with pytest.raises(SessionError, match="Cannot find the model “new”"):
        find_model(gone, copy)


def test_an_encoder_alone_has_a_hash_too(tmp_path: Path) -> None:
    write_bundle(tmp_path / "new")
    card = open_bundle(tmp_path / "new").card
    files = {name: value for name, value in card.files.items() if "decoder" not in name}
    assert card.model_copy(update={"files": files}).decoder_hash == files["encoder.keras"]
