"""A model of others does not take all memory of the machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from explorer_testing.programs import run_python

_ALLOCATE = """
import json, sys
from pathlib import Path
import numpy as np
from explorer.engine.third_party.memory_limit import limit_memory
path, gigabytes = json.loads(sys.argv[1])
held = limit_memory([Path(path)])
found = []
for size in gigabytes:
    try:
        np.empty(size << 30, np.uint8)
        found.append("given")
    except MemoryError:
        found.append("refused")
print(json.dumps([held, found]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what is allocated")
def test_what_a_model_may_take_follows_from_its_size(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(bytes(1000))
    assert run_python(_ALLOCATE, [str(tmp_path / "small"), [3, 5]]) == [True, ["given", "refused"]]
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 30)
    assert run_python(_ALLOCATE, [str(tmp_path), [5, 13]]) == [True, ["given", "refused"]], "of all in a folder"
