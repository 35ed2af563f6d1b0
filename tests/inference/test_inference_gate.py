"""Which networks are checked before they are run: all that do not ship and have not passed before."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.advice import has_advice
from explorer_testing.builders import write_bundle
from explorer_testing.codec import MatrixCodec
from explorer_testing.programs import run_python
from explorer_testing.slow import slow_network

from explorer import reader
from explorer.errors import ModelError
from explorer.inference.codec import OnnxCodec
from explorer.inference.gate import MOST_AT_ONCE, admission, passed
from explorer.inference.gate.admission import Candidate, Passed, admit
from explorer.inference.gate.passed import find_passed, keep_passed, network_key
from explorer.inference.sessions import Interrupt, Interrupted
from explorer.models.bundle import COMPILED, open_bundle
from explorer.paths import cache_dir, pretrained_dir

KEPT = "checked-networks"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle from elsewhere."""
    write_bundle(tmp_path / "tiny")
    shutil.rmtree(cache_dir() / KEPT)
    return tmp_path / "tiny"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The files that the reader process was asked for; it is the real one."""
    files: list[list[str]] = []
    real = reader.steps

    def steps(name: str, paths: list[Path], *rest: object) -> Iterator[Passed | None]:
        files.append([path.name for path in paths])
        return real(name, paths, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(admission, "steps", steps)
    return files


def works(bundle: Path) -> bool:
    codec = OnnxCodec(open_bundle(bundle))
    codes = np.eye(2, dtype=np.float32)
    return np.allclose(codec.decode(codes), MatrixCodec().decode(codes), atol=1e-5)


def test_a_bundle_from_elsewhere_is_checked_once(bundle: Path, asked: list[list[str]]) -> None:
    assert works(bundle)
    assert asked == [list(COMPILED)]
    assert works(bundle)
    assert len(asked) == 1
    assert len(list((cache_dir() / KEPT).iterdir())) == 2


def test_a_bundle_that_ships_is_not_checked(asked: list[list[str]]) -> None:
    OnnxCodec(open_bundle(pretrained_dir() / "digits-vae-2d"))
    assert not asked


def test_a_copy_of_one_that_ships_is_checked(asked: list[list[str]], tmp_path: Path) -> None:
    shutil.copytree(pretrained_dir() / "digits-vae-2d", tmp_path / "copy")
    codec = OnnxCodec(open_bundle(tmp_path / "copy"))
    ours = OnnxCodec(open_bundle(pretrained_dir() / "digits-vae-2d"))
    assert asked == [list(COMPILED)]
    codes = np.random.default_rng(0).standard_normal((37, 2)).astype(np.float32)
    np.testing.assert_allclose(codec.decode(codes), ours.decode(codes), atol=1e-6)
    assert codec.decode(codes[:0]).shape == (0, *codec.image_shape)


@pytest.mark.parametrize("content", ["", "1", "x y", "0 256", "2 256", "1 0", "1 257", "1 256 3", "\0" * 100, "é"])
def test_what_is_remembered_but_damaged_counts_for_nothing(bundle: Path, asked: list[list[str]], content: str) -> None:
    assert works(bundle)
    for file in (cache_dir() / KEPT).iterdir():
        file.write_text(content, "utf-8")
    assert works(bundle)
    assert len(asked) == 2


def test_another_version_of_the_check_checks_again(
    bundle: Path, asked: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert works(bundle)
    monkeypatch.setattr(passed, "VERSION", passed.VERSION + 1)
    assert works(bundle)
    assert len(asked) == 2


def test_without_a_place_to_remember_it_every_opening_checks(bundle: Path, asked: list[list[str]]) -> None:
    cache_dir().mkdir(parents=True, exist_ok=True)
    (cache_dir() / KEPT).write_text("a file in the place of the folder", "utf-8")
    assert works(bundle)
    assert works(bundle)
    assert len(asked) == 2


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passed, "_MOST_KEPT", 3)
    for number in range(5):
        keep_passed(f"{number:064}", 1)
    assert len(list((cache_dir() / KEPT).iterdir())) == 3
    assert find_passed(f"{4:064}") == 1


def test_another_shape_is_another_network() -> None:
    """A network that takes any size may be large for one that the card claims."""
    keep_passed(network_key(b"network", (28, 28, 1)), MOST_AT_ONCE)
    assert find_passed(network_key(b"network", (28, 28, 1))) == MOST_AT_ONCE
    assert find_passed(network_key(b"network", (30_000, 30_000, 1))) is None


def test_a_file_that_changes_while_it_is_checked_is_refused(bundle: Path) -> None:
    path = bundle / COMPILED[1]
    with pytest.raises(ModelError, match="changed while it was checked"):
        admit([Candidate(path, path.read_bytes() + b"\0", (2,))])


def test_waiting_for_the_check_can_be_ended(bundle: Path) -> None:
    interrupt = Interrupt()
    interrupt.set()
    path = bundle / COMPILED[1]
    with interrupt.covering(), pytest.raises(Interrupted):
        admit([Candidate(path, path.read_bytes(), (2,))])


def test_a_network_that_takes_long_is_refused_after_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "slow.onnx"
    path.write_bytes(slow_network())
    monkeypatch.setattr("explorer.reader.client.PROGRESS_SECONDS", 0.5)
    with pytest.raises(ModelError, match=r"slow\.onnx.*no progress for 0\.5 s") as caught:
        admit([Candidate(path, path.read_bytes(), (2,))])
    assert has_advice(caught.value)


def test_the_window_opens_what_ships_and_what_has_passed_without_onnx(bundle: Path) -> None:
    assert works(bundle)
    program = """
import json, sys
from pathlib import Path
import explorer.app
from explorer.workers.loading import open_model
for path in json.loads(sys.argv[1]):
    open_model(Path(path))
print(json.dumps("onnx" in sys.modules))
"""
    assert run_python(program, [str(bundle), str(pretrained_dir() / "digits-vae-2d")]) is False
