"""The tour: the whole main loop in the real window, as the command line runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from explorer_testing.programs import PATIENCE_S, environment
from PIL import Image


@pytest.mark.engine
def test_the_tour_goes_through_the_main_loop(tmp_path: Path) -> None:
    out = tmp_path / "images"
    ended = subprocess.run(
        [sys.executable, "-m", "explorer", "tour", "--out", str(out), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        env=environment(QT_QPA_PLATFORM="offscreen"),
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    result = json.loads(ended.stdout)
    assert set(result) == {"screenshots", "gif", "clicks", "seconds", "heavy_modules"}
    assert result["heavy_modules"] == []
    shots = [Path(path) for path in result["screenshots"]]
    assert len(shots) >= 8
    assert len(set(shots)) == len(shots)
    seen: list[bytes] = []
    for shot in shots:
        with Image.open(shot) as pil_image:
            assert pil_image.width >= 1280
            assert pil_image.height >= 800
            pixels = np.asarray(pil_image.convert("RGB"))
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100, f"{shot.name} is nearly blank"
        seen.append(pixels.tobytes())
    assert len(set(seen)) == len(seen), "two steps look the same"
    with Image.open(result["gif"]) as animation:
        frames = getattr(animation, "n_frames", 1)
        assert frames > 50
        first = np.asarray(animation.convert("RGB"))
        animation.seek(frames // 3)
        assert not np.array_equal(first, np.asarray(animation.convert("RGB")))
    animations = ["first.gif", "morph.gif"]
    assert sorted(path.name for path in out.iterdir()) == sorted([*(shot.name for shot in shots), *animations])
