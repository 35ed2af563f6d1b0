"""Questions about training images, and which answers count."""

from __future__ import annotations

from pathlib import Path

from explorer_testing.training import small_request

from explorer.document.dataset_checks import AugmentView, DatasetChecks
from explorer.messages import message


def test_the_answer_to_an_earlier_question_is_dropped() -> None:
    """A job that was done when the next was asked for reports late; its images are of other settings."""
    dataset_checks = DatasetChecks()
    previews: list[AugmentView | None] = []
    dataset_checks.preview_changed.connect(lambda: previews.append(dataset_checks.preview))
    first, second = (small_request(Path("a.npz"), Path("out"), seed=seed) for seed in (1, 2))
    dataset_checks.ask_preview(first)
    dataset_checks.ask_preview(second)
    dataset_checks.put_preview(AugmentView(first, None, message("late")))
    answer = AugmentView(second, None, message("in time"))
    dataset_checks.put_preview(answer)
    assert dataset_checks.preview is answer
    assert previews == [None, None, answer]
