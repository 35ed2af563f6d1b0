"""One unreadable file does not spoil a command: it is skipped and named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

CUT, DAMAGED = "cut.png", "damaged.png"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight images, one that is truncated, and one whose damage only shows when it is decoded."""
    images = tmp_path / "images"
    images.mkdir()
    rng = np.random.default_rng(0)
    for number in range(8):
        Image.fromarray(rng.integers(0, 256, (28, 28), dtype=np.uint8)).save(images / f"{number}.png")
    (images / CUT).write_bytes((images / "0.png").read_bytes()[:300])
    Image.fromarray(rng.integers(0, 256, (700, 700, 3), dtype=np.uint8)).save(images / DAMAGED)
    content = bytearray((images / DAMAGED).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (images / DAMAGED).write_bytes(content)
    return images


@pytest.mark.parametrize(
    ("command", "count"),
    [
        (["encode", "--out", "codes.npz"], lambda found: found["count"]),
        (["evaluate", "--split", "all"], lambda found: found["count"]),
        (["reconstruct", "--split", "all", "--count", "20", "--out", "rows.png"], lambda found: found["count"]),
        (["neighbors", "--query", "digits:3", "--count", "20"], len),
    ],
    ids=["encode", "evaluate", "reconstruct", "neighbors"],
)
def test_every_command_skips_it(
    command: list[str],
    count: Any,
    folder: Path,
    call: Any,
    deep: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = call(command[0], "--model", deep, "--data", folder, *command[1:], "--json")
    assert outcome.code == 0
    assert count(outcome.document) == 8
    for name in (CUT, DAMAGED):
        assert f"warning: {name} was skipped" in outcome.err
    if isinstance(outcome.document, dict):
        assert {one["file"] for one in outcome.document["skipped"]} == {CUT, DAMAGED}


def test_a_dataset_is_described_without_it(folder: Path, call: Any) -> None:
    outcome = call("data", folder, "--json")
    assert json.loads(outcome.out)["count"] == 9, "the damage of a large file only shows when it is decoded"
    assert [one["file"] for one in outcome.document["skipped"]] == [CUT]
    assert f"skipped {CUT}: " in call("data", folder).out
