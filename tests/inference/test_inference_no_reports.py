"""Nothing is uploaded: ONNX Runtime, which reports how it is used by default, does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from explorer_testing.programs import environment


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_onnx_runtime_stores_no_identifier_and_no_reports(tmp_path: Path) -> None:
    code = (
        "import explorer.inference.codec, os\n"
        "print([os.path.realpath(f'/proc/self/fd/{name}') for name in os.listdir('/proc/self/fd')])\n"
        "print([line for line in open('/proc/self/maps') if 'onnxruntime.db' in line])"
    )
    variables = environment(HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache"))
    # On build servers it reports nothing anyway.
    for name in ("CI", "GITHUB_ACTIONS", "TF_BUILD"):
        variables.pop(name, None)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=variables)
    files, maps = ended.stdout.splitlines()
    assert str(tmp_path) not in files
    assert maps == "[]"
    assert list(tmp_path.iterdir()) == []
