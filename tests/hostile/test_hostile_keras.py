"""Keras files made to hang, exhaust or confuse: each is refused in one sentence, by a process that can be lost."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from explorer_testing.training import of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.engine.client import ModelProcess
from explorer.engine.messages import Examine, Failed
from explorer.errors import ExplorerError, ModelError
from explorer.json_limits import CONFIGURATION
from explorer.models.third_party.builtin import STAND_IN
from explorer.models.third_party.files import dangers_of
from explorer.models.third_party.reading import ThirdPartyFile, read_third_party
from explorer.models.third_party.request import ImportRequest
from explorer.models.third_party.rewriting import rewrite
from explorer.reader import client

HANG = Path(__file__).parent / "files" / "hdf5-hang.h5"
Config = dict[str, Any]


def tensor(source: str, size: int = 2, dtype: object = "float32") -> Config:
    """Return the configuration of the tensor that a layer gives."""
    config = {"shape": [None, size], "dtype": dtype, "keras_history": [source, 0, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def dense(units: int, inputs: int = 2, **more: Any) -> Config:
    """Return the configuration of a functional model with one dense layer, as Keras 3 writes it."""
    start = {"batch_shape": [None, inputs], "name": "i"}
    layers = [
        {"module": "keras.layers", "class_name": "InputLayer", "name": "i", "config": start, "inbound_nodes": []},
        {
            "module": "keras.layers",
            "class_name": "Dense",
            "name": "d",
            "config": {"name": "d", "units": units, **more},
            "inbound_nodes": [{"args": [tensor("i", inputs)], "kwargs": {}}],
        },
    ]
    inner = {"name": "m", "layers": layers, "input_layers": [["i", 0, 0]], "output_layers": [["d", 0, 0]]}
    return {"module": "keras.src.models.functional", "class_name": "Functional", "config": inner}


def write_keras(path: Path, config: object, kernel: tuple[int, ...] = (2, 3)) -> Path:
    """Write a .keras file whose weights are those of one small dense layer."""
    weights = path.with_suffix(".weights")
    with h5py.File(weights, "w") as file:
        group = file.create_group("layers/dense/vars")
        group["0"], group["1"] = np.ones(kernel, np.float32), np.zeros(kernel[-1:], np.float32)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        archive.write(weights, "model.weights.h5")
    return path


def write_hdf5(path: Path, add: Callable[[Any], None]) -> Path:
    """Write a model as HDF5 that holds what `add` puts in."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "m", "layers": []}})
        add(file.create_group("model_weights"))
    return path


# -- files that hang or exhaust --------------------------------------------------------------------------------------


def test_a_file_that_holds_the_library_for_ever_is_refused_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PROGRESS_SECONDS", 1.0)
    with pytest.raises(ModelError, match=r"Cannot read hdf5-hang\.h5: no progress for 1 s"):
        read_third_party(HANG)


def test_nested_groups_are_refused_soon(tmp_path: Path) -> None:
    def nest(group: Any) -> None:
        for _ in range(3_000):
            group = group.create_group("g")

    with pytest.raises(ModelError, match="too deeply nested groups"):
        read_third_party(write_hdf5(tmp_path / "nested.h5", nest))


def test_groups_in_a_circle_are_read_once(tmp_path: Path) -> None:
    def join(group: Any) -> None:
        one, two = group.create_group("one"), group.create_group("two")
        one["two"], two["one"], two["two"] = two, one, two

    assert read_third_party(write_hdf5(tmp_path / "circle.h5", join)).links == ()


@pytest.mark.parametrize("zipped", [False, True])
def test_arrays_that_the_file_cannot_hold_are_refused(zipped: bool, tmp_path: Path) -> None:
    def declare(group: Any) -> None:
        group.create_dataset("huge", (2, 2**31 - 1), np.float32, chunks=(1, 1024))

    path = write_hdf5(tmp_path / "model.h5", declare)
    if zipped:
        with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
            archive.writestr("config.json", json.dumps(dense(3)))
            archive.writestr("metadata.json", "{}")
            archive.write(path, "model.weights.h5")
        path = tmp_path / "model.keras"
    with pytest.raises(ModelError, match=r"declares 17,179,869,176 bytes of weights, but has only [\d,]+ bytes"):
        read_third_party(path)


# -- configurations --------------------------------------------------------------------------------------------------

ODD_CONFIGS: dict[str, object] = {
    "a list as class name": {"class_name": ["Functional"], "config": {}},
    "an object as class name": {"class_name": {"a": 1}, "config": {}},
    "a number as class name": {"class_name": 7},
    "a list as class name of a layer": dense(3) | {"config": {"layers": [{"class_name": ["Dense"], "config": []}]}},
    "a number as module": {"class_name": "Sequential", "module": 3, "config": {}},
    "text for layers": {"class_name": "Sequential", "config": {"class_name": "x", "layers": "many"}},
    "values without end": {"class_name": "Sequential", "config": [[]] * (CONFIGURATION.values + 1)},
    "a list": [1],
    "deep": json.loads("[" * 300 + "]" * 300),
}


@pytest.mark.parametrize("what", ODD_CONFIGS)
def test_a_configuration_that_is_none_is_one_clear_error(what: str, tmp_path: Path) -> None:
    path = write_keras(tmp_path / "odd.keras", ODD_CONFIGS[what])
    with pytest.raises(ModelError, match=r"Cannot read odd\.keras: it is damaged"):
        read_third_party(path)


_names = st.sampled_from(
    ["class_name", "config", "layers", "inbound_nodes", "name", "module", "args", "kwargs", "keras_history", "function"]
)
_texts = st.sampled_from(["Functional", "Sequential", "Dense", "Lambda", "Sampling", "z_mean", "z_log_var", "function"])
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_names, inner, max_size=5),
    max_leaves=30,
)


@given(_values)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_passes_the_reader_is_judged_without_another_exception(config: object) -> None:
    from explorer.models.third_party.contents import _check

    try:
        _check(config)
    except ModelError:
        return
    if isinstance(config, dict):
        dangers_of(ThirdPartyFile(Path("m.keras"), "keras", "3.15.1", config))


@given(st.binary(max_size=64), st.integers(0, 2**16), st.integers(0, 3))
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_bytes_give_one_clear_error_or_a_model(
    tmp_path: Path, content: bytes, position: int, which: int
) -> None:
    source = write_hdf5(tmp_path / "good.h5", lambda group: group.create_dataset("w", data=np.arange(64.0)))
    path = write_keras(tmp_path / "good.keras", dense(3)) if which else source
    data = bytearray(path.read_bytes())
    start = position % len(data)
    data[start : start + len(content)] = content
    damaged = tmp_path / f"damaged{path.suffix}"
    damaged.write_bytes(data)
    with suppress(ModelError):
        read_third_party(damaged)


# -- what Keras would build ------------------------------------------------------------------------------------------

OPENER: Config = {"class_name": "StringLookup", "module": "keras.layers", "config": {"vocabulary": "/etc/passwd"}}
HIDDEN: dict[str, tuple[Config, set[str]]] = {
    "beside the tensors": ({"inbound_nodes": [{"args": [tensor("i"), OPENER], "kwargs": {"mask": OPENER}}]}, set()),
    "among the tensors": ({"inbound_nodes": [{"args": [tensor("i") | {"build_config": OPENER}], "kwargs": {}}]}, set()),
    "in an old call": ({"inbound_nodes": [[["i", 0, 0, {"mask": OPENER}]]]}, set()),
    "for building": ({"build_config": OPENER}, set()),
    "in a tensor": (
        {"inbound_nodes": [{"args": [tensor("i", dtype=OPENER)], "kwargs": {}}]},
        {"external"},
    ),
}


@pytest.mark.parametrize("where", HIDDEN)
def test_what_stands_in_for_code_brings_no_other_code(where: str, tmp_path: Path) -> None:
    hidden, dangers = HIDDEN[where]
    code = {"class_name": "Lambda", "name": "tile", "config": {"name": "tile", "output_shape": [2]}} | hidden
    config = dense(3)
    start, end = config["config"]["layers"]
    config["config"]["layers"] = [start, code, end | {"inbound_nodes": [{"args": [tensor("tile")], "kwargs": {}}]}]
    file = ThirdPartyFile(tmp_path / "model.keras", "keras", "3.15.1", config)
    (rewritten,) = rewrite(file, without_code=True).models.values()
    assert rewritten["config"]["layers"][1]["class_name"] == STAND_IN
    assert ("StringLookup" in json.dumps(rewritten)) == bool(dangers)
    assert {finding.danger for finding in dangers_of(file, without_code=True)} == dangers


LARGE: dict[str, tuple[Config, str]] = {
    "units": (dense(2**31 - 1), "needs 4,294,967,294"),
    "inputs": (dense(3, inputs=2**31 - 1), "needs 6,442,450,941"),
}


@pytest.mark.engine
@pytest.mark.parametrize("what", LARGE)
def test_a_description_that_its_weights_do_not_bear_out_is_refused_before_it_is_built(
    what: str, tmp_path: Path
) -> None:
    config, said = LARGE[what]
    path = write_keras(tmp_path / "dense.keras", config)
    process = ModelProcess()
    try:
        (failed,) = of(Failed, list(process.run(Examine(ImportRequest(path, tmp_path / "out")))))
        assert "The configuration of dense.keras does not match its weights" in str(failed.message)
        assert "but the largest array has 6" in str(failed.message)
        assert said in str(failed.message)
        assert process.pid is not None
        peak = next(
            line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if line.startswith("VmHWM")
        )
        assert int(peak.split()[1]) < 2 << 20, "kB that it ever took"
    finally:
        process.close()


@pytest.mark.engine
def test_an_import_that_does_not_go_on_is_ended(tmp_path: Path) -> None:
    path = write_keras(tmp_path / "model.keras", dense(3))
    process = ModelProcess()
    events = process.steps(Examine(ImportRequest(path, tmp_path / "out")), 0.3)
    try:
        # Importing Keras takes longer than this.
        with pytest.raises(ExplorerError, match=r"did not answer for 0\.3 s and was stopped"):
            list(events)
        child = process._process
        assert child is not None
        child.join(30)
        assert child.exitcode is not None
        assert child.exitcode < 0, "killed"
    finally:
        process.close()
