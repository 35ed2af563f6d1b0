"""Models of TensorFlow are found and paired by their names: folders with a ``model.json``, or JSON files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from explorer.errors import ModelError
from explorer.models.file_kind import identify
from explorer.models.third_party.files import (
    becomes_onnx,
    dangers,
    decoder_beside,
    files_by_role,
    looks_third_party,
    parts_in,
)
from explorer.models.third_party.no_network import tfjs_file
from explorer.models.third_party.reading import finished, read_third_party
from explorer.models.third_party.request import ImportRequest
from explorer.types import Early
from explorer.workers.opening import group_files

FIXTURES = Path(__file__).parents[1] / "fixtures"
PAIR, WHOLE = FIXTURES / "tfjs" / "pair", FIXTURES / "tfjs" / "whole"


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """A folder with a folder each of encoder and decoder, and files of others."""
    for role in ("encoder", "decoder"):
        (tmp_path / role).mkdir()
        shutil.copyfile(PAIR / f"{role}.json", tmp_path / role / "model.json")
        shutil.copyfile(PAIR / f"{role}.weights.bin", tmp_path / role / f"{role}.weights.bin")
    (tmp_path / "encoder-settings.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize("path", [WHOLE, WHOLE / "model.json", PAIR, PAIR / "encoder.json"])
def test_models_of_tensorflow_js_are_known_at_a_glance(path: Path) -> None:
    assert looks_third_party(path)
    assert identify(path) == "third_party"
    assert not becomes_onnx(path)


def test_a_model_whose_list_of_weights_comes_first_is_one(tmp_path: Path) -> None:
    document = json.loads((WHOLE / "model.json").read_text())
    document["weightsManifest"][0]["paths"] = [f"group1-shard{number}of500.bin" for number in range(500)]
    path = tmp_path / "model.json"
    path.write_text(json.dumps({key: document[key] for key in ("weightsManifest", "modelTopology")}))
    assert tfjs_file(tmp_path) == path
    with pytest.raises(ModelError, match="more than 200 files of weights"):
        read_third_party(tmp_path)


def test_other_json_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"a": 1}')
    assert not looks_third_party(tmp_path)
    assert identify(tmp_path / "model.json") == "images"


def test_pairs_are_found_by_the_names_of_files_and_folders(folders: Path) -> None:
    assert parts_in(PAIR) == {"encoder": PAIR / "encoder.json", "decoder": PAIR / "decoder.json"}
    assert decoder_beside(PAIR / "encoder.json") == PAIR / "decoder.json"
    pair = {"encoder": folders / "encoder", "decoder": folders / "decoder"}
    assert parts_in(folders) == pair
    assert decoder_beside(folders / "encoder" / "model.json") == pair["decoder"]
    assert decoder_beside(folders / "encoder") == pair["decoder"]
    encoder, decoder = (path / "model.json" for path in pair.values())
    request = ImportRequest(None, folders / "out", encoder, decoder)
    assert request.title == "encoder + decoder"
    assert finished(dangers(request)) == ()


def test_a_folder_with_a_model_is_that_model() -> None:
    assert files_by_role(ImportRequest(WHOLE, Path("out"))) == {"whole": WHOLE}
    file = read_third_party(WHOLE)
    assert (file.kind, file.path, file.keras_version) == ("tfjs", WHOLE / "model.json", "")
    assert [shard.name for shard in file.shards] == ["group1-shard1of2.bin", "group1-shard2of2.bin"]


def test_tensorflow_lite_is_a_network_to_convert(tmp_path: Path) -> None:
    model = FIXTURES / "tflite" / "encoder-float32.tflite"
    for path in (model, Path(shutil.copyfile(model, tmp_path / "encoder.bin"))):
        assert becomes_onnx(path)
        assert identify(path) == "third_party"
        assert finished(dangers(ImportRequest(path, tmp_path / "out"))) == ()


def groups(paths: list[Path]) -> Any:
    """Return what is opened for dropped files."""
    *_, early, rest = group_files(paths)
    assert rest == []
    assert isinstance(early, Early)
    return early.result


@pytest.mark.parametrize("names", [("decoder/model.json", "encoder/model.json"), ("encoder", "decoder")])
def test_two_dropped_models_are_one(folders: Path, names: tuple[str, str]) -> None:
    ((kind, paths),) = groups([folders / name for name in names])
    assert kind == "third_party"
    assert ["encoder" in str(path.relative_to(folders)) for path in paths] == [True, False]


def test_dropped_weights_belong_to_their_model() -> None:
    assert groups(sorted(WHOLE.iterdir())) == [("third_party", (WHOLE / "model.json",))]


def test_a_zip_of_a_model_must_be_unpacked(tmp_path: Path) -> None:
    path = Path(shutil.make_archive(str(tmp_path / "model"), "zip", WHOLE))
    with pytest.raises(ModelError, match=r"is an archive that contains a model\. Unpack it and import its content"):
        read_third_party(path)
