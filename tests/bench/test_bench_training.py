"""The benchmark ``training`` on one small case: both train, with live previews and checkpoints."""

from __future__ import annotations

import re

import pytest

from explorer.bench import run, training


@pytest.mark.engine
def test_training_for_real(monkeypatch: pytest.MonkeyPatch) -> None:
    case = {"architecture": "vae", "data": "digits", "limit": 600, "latent": 2, "size": (16, 16)}
    monkeypatch.setattr(training, "CASES", (case,))
    monkeypatch.setattr(training, "QUICK_ROUNDS", 1)
    speed, share = run(quick=True, only="training")
    assert (speed["unit"], speed["better"], speed["peer_name"]) == ("images/s", "higher", "bare model.fit")
    assert speed["case"] == "vae 16×16×1, live preview"
    for figure in ("ours", "peer", "limit", "ratio_to_peer", "ratio_to_limit"):
        assert speed[figure] > 0
    assert re.fullmatch(r"vae: \d+ live previews, \d+ checkpoints", share["case"])
    assert share["ours"] > 0
    assert share["limit"] == 3.0
    assert share["peer"] is None
    assert share["why"] == "model.fit has no live preview"
