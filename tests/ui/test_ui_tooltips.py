"""Tooltips explain the science, in a sentence: what a thing means, and not only what it is called."""

from __future__ import annotations

import re

import pytest
from explorer_testing.rooms import furnish, rooms
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QWidget

from explorer.ui.main_window import MainWindow
from explorer.ui.panels import PANELS

SCIENCE = {
    "stage_original": "encoder",
    "stage_reconstruction": "encoded and decoded",
    "stage_error": "reconstruction error",
    "stage_edited": "latent code",
    "latent_dimensions": "dimension",
    "latent_axes": "decreasing variance",
    "latent_directions": "attribute",
    "latent_sort": "KL",
    "latent_meter": "distance",
    "latent_sliders": "standard deviations",
    "latent_shuffle": "normal distribution",
    "latent_part_directions": "orthogonal",
    "feature_channel": "feature",
    "timeline_path": "latent space",
    "timeline_easing": "slow",
    "map_canvas": "Decoded",
    "map_quantiles": "prior",
    "map_overlay": "reliable",
    "traversals_axes": "vary most",
    "traversals_maximum": "mean code",
    "samples_normal": "Standard normal",
    "samples_fitted": "Gaussian mixture",
    "samples_temperature": "standard deviation",
    "noise_curves": "strength",
    "noise_code": "smooth",
    "outliers_rank": "reconstruction",
    "neighbors_metric": "Cosine",
    "neighbors_whitened": "principal component",
    "compare_pca": "linear",
    "train_latent": "in common",
    "train_beta": "KL",
    "train_l1": "near zero",
    "train_loss": "cross-entropy",
    "train_schedule": "cosine",
    "train_early_stop": "validation",
    "train_augment": "elastic distortion",
    "train_noise": "clean",
    "network_drawing": "layer",
}
"""Controls that stand for an idea, and a word without which it is not explained."""

_LONGEST = 60
_WIDEST = 100
"""Characters of a line."""


@pytest.fixture
def furnished(bare_window: MainWindow) -> MainWindow:
    furnish(bare_window)
    for panel in PANELS:
        bare_window.show_panel(panel.name)
    return bare_window


@pytest.mark.parametrize(("name", "word"), SCIENCE.items())
def test_a_control_that_stands_for_an_idea_explains_it(furnished: MainWindow, name: str, word: str) -> None:
    control = furnished.findChild(QWidget, name)
    assert control is not None
    tip = control.toolTip()
    assert word in tip
    assert 6 <= len(tip.split()) <= _LONGEST or name == "latent_sliders"


def test_the_icon_of_every_panel_says_what_it_is_for(furnished: MainWindow) -> None:
    for panel in PANELS:
        button = furnished.findChild(QAbstractButton, f"tool_show_{panel.name}")
        assert button is not None
        assert button.accessibleName() == panel.title
        assert panel.title in button.toolTip()
        assert button.toolTip().endswith(panel.tip)
        assert re.fullmatch(r"[A-Z][^.]+\.", panel.tip), "one sentence"


def test_tooltips_have_at_most_two_lines(furnished: MainWindow) -> None:
    """Qt does not wrap plain tooltips: a long one breaks its line itself."""
    faults: set[tuple[str, str]] = set()
    for _, place in rooms(furnished):
        controls: list[QWidget | QAction] = [*place.findChildren(QWidget), *place.findChildren(QAction)]
        for control in controls:
            lines = control.toolTip().splitlines()
            ours = re.fullmatch(r"[a-z0-9_]+", control.objectName())  # pyqtgraph has hidden menus of its own
            if ours and (len(lines) > 2 or max(map(len, lines), default=0) > _WIDEST):
                faults.add((control.objectName(), control.toolTip()))
    assert not faults, "\n".join(map(str, sorted(faults)))


def test_no_tooltip_only_repeats_the_label(furnished: MainWindow) -> None:
    faults = []
    for control in furnished.findChildren(QAbstractButton):
        bare = re.sub(r"\W", "", control.text()).casefold()
        if bare and bare == re.sub(r"\W", "", control.toolTip()).casefold():
            faults.append(control.objectName())
    assert faults == []
