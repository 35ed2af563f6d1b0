"""Icons: their colors in both themes, sharp at every scale, and loaded late."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from explorer_testing.programs import run_python
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QToolButton

from explorer.paths import resources_dir
from explorer.ui.icons import icon
from explorer.ui.theme import DARK, LIGHT, Theme, choose_scheme

NAMES = sorted(file.stem for file in (resources_dir() / "icons" / "lucide").glob("*.svg"))
REPOSITORY = Path(__file__).resolve().parents[2]
THEMES = [(Qt.ColorScheme.Light, LIGHT), (Qt.ColorScheme.Dark, DARK)]


def ink(pixmap: QPixmap) -> QColor:
    """Return the color of the most opaque pixel."""
    image = pixmap.toImage()
    colors = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    return max(colors, key=QColor.alpha)


def near(one: QColor, other: QColor) -> bool:
    pairs = zip(one.getRgb()[:3], other.getRgb()[:3], strict=True)  # type: ignore[index]
    return all(abs(a - b) <= 3 for a, b in pairs)


@pytest.mark.usefixtures("themed", "light_again")
@pytest.mark.parametrize("name", NAMES)
def test_an_icon_is_drawn(name: str) -> None:
    assert ink(icon(name).pixmap(QSize(24, 24))).alpha() > 200


@pytest.mark.usefixtures("light_again")
@pytest.mark.parametrize(("scheme", "theme"), THEMES)
def test_colors_follow_the_theme(themed: QApplication, scheme: Qt.ColorScheme, theme: Theme) -> None:
    before = icon("square")
    before.pixmap(QSize(24, 24))
    choose_scheme(themed, scheme)
    states = {
        (QIcon.Mode.Normal, QIcon.State.Off): theme.text,
        (QIcon.Mode.Normal, QIcon.State.On): theme.accent,
        (QIcon.Mode.Disabled, QIcon.State.Off): theme.muted,
        (QIcon.Mode.Disabled, QIcon.State.On): theme.muted,
    }
    for (mode, state), wanted in states.items():
        assert near(ink(before.pixmap(QSize(24, 24), mode, state)), QColor(wanted)), (mode, state)


def clone(original: QIcon) -> QIcon:
    """Return a changed copy of an icon, which needs an engine of its own."""
    copy = QIcon(original)
    copy.setIsMask(True)
    return copy


@pytest.mark.usefixtures("themed")
def test_a_clone_lives_as_long_as_its_icon() -> None:
    original = icon("square")
    wanted = original.pixmap(QSize(24, 24)).toImage()
    kept = clone(original)
    gc.collect()
    before = sum(isinstance(one, QIconEngine) for one in gc.get_objects())
    for _ in range(20):
        clone(original)
    gc.collect()
    assert kept.pixmap(QSize(24, 24)).toImage() == wanted
    assert sum(isinstance(one, QIconEngine) for one in gc.get_objects()) <= before + 1


@pytest.mark.usefixtures("themed")
def test_icons_have_the_pixels_of_the_screen() -> None:
    for scale in (1.0, 1.5, 2.0, 3.0):
        pixmap = icon("search").pixmap(QSize(18, 18), scale)
        assert (pixmap.width(), pixmap.devicePixelRatio()) == (round(18 * scale), scale)
    target = QPixmap(36, 36)
    target.setDevicePixelRatio(2)
    target.fill(Qt.GlobalColor.transparent)
    painter = QPainter(target)
    icon("search").paint(painter, 0, 0, 18, 18)
    painter.end()
    assert target.toImage() == icon("search").pixmap(QSize(18, 18), 2.0).toImage().convertedTo(
        target.toImage().format()
    )


@pytest.mark.usefixtures("themed")
def test_copies_of_an_icon_outlive_it() -> None:
    button = QToolButton()
    button.setIcon(icon("play"))
    copy = QIcon(button.icon())
    copy.addPixmap(icon("pause").pixmap(QSize(16, 16)))
    del button
    assert not copy.pixmap(QSize(16, 16)).isNull()


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="unheard-of"):
        icon("unheard-of")


def test_qtsvg_is_imported_with_the_first_visible_icon() -> None:
    early, late = run_python(
        "import json, sys; from PySide6.QtWidgets import QApplication; app = QApplication([])\n"
        "from explorer.ui.icons import icon; one = icon('play'); early = 'PySide6.QtSvg' in sys.modules\n"
        "one.pixmap(18); print(json.dumps([early, 'PySide6.QtSvg' in sys.modules]))"
    )
    assert (early, late) == (False, True)


def test_the_license_of_the_icons_ships() -> None:
    text = (REPOSITORY / "LICENSES" / "ISC-Lucide.txt").read_text(encoding="utf-8")
    assert text.startswith("ISC License")
    assert "Lucide Icons and Contributors" in text
    assert "LICENSES/ISC-Lucide.txt" in (REPOSITORY / "NOTICE.md").read_text(encoding="utf-8")
