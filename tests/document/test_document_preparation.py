"""Questions about training pictures, and which answers count."""

from __future__ import annotations

from pathlib import Path

from explorer_testing.training import small_request

from explorer.document.preparation import AugmentView, Preparation


def test_the_answer_to_an_earlier_question_is_dropped() -> None:
    """A job that was done when the next was asked for reports late; its pictures are of other settings."""
    preparation = Preparation()
    told: list[AugmentView | None] = []
    preparation.preview_changed.connect(lambda: told.append(preparation.preview))
    first, second = (small_request(Path("a.npz"), Path("out"), seed=seed) for seed in (1, 2))
    preparation.ask_preview(first)
    preparation.ask_preview(second)
    preparation.put_preview(AugmentView(first, None, "late"))
    answer = AugmentView(second, None, "in time")
    preparation.put_preview(answer)
    assert preparation.preview is answer
    assert told == [None, None, answer]
