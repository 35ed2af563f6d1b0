"""Colors, font and style sheet of the light and dark themes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from string import Template

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from explorer.paths import resources_dir

SCHEME_VARIABLE = "LATENT_EXPLORER_SCHEME"
FONT_FAMILY = "Inter"


@dataclass(frozen=True)
class Theme:
    """The colors of a theme by use, as ``#rrggbb``.

    `border` decorates; `field_border` identifies a field, so its contrast to what is around is at least 3.
    """

    window: str
    panel: str
    base: str
    text: str
    muted: str
    border: str
    field_border: str
    raised: str
    hover: str
    accent: str
    accent_hover: str
    accent_text: str
    accent_soft: str
    stage: str
    good: str
    bad: str
    warn: str

    def color(self, name: str) -> QColor:
        return QColor(getattr(self, name))


LIGHT = Theme(
    window="#f3f4f7",
    panel="#fbfbfd",
    base="#ffffff",
    text="#1b1f27",
    muted="#565f6e",
    border="#d3d8e0",
    field_border="#808896",
    raised="#f0f2f6",
    hover="#e4e8ef",
    accent="#2b62d9",
    accent_hover="#1f50bd",
    accent_text="#ffffff",
    accent_soft="#cfddfb",
    stage="#e7eaef",
    good="#187a45",
    bad="#b3261e",
    warn="#b45309",
)
DARK = Theme(
    window="#1b1e23",
    panel="#22262c",
    base="#15181c",
    text="#e7e9ee",
    muted="#a3acb9",
    border="#3a404a",
    field_border="#747c8b",
    raised="#2a2f37",
    hover="#343b46",
    accent="#6b9bff",
    accent_hover="#8fb3ff",
    accent_text="#0c1220",
    accent_soft="#2b3a5c",
    stage="#121417",
    good="#5cc98b",
    bad="#ff8a80",
    warn="#f5b455",
)


def luminance(color: QColor) -> float:
    """Return the relative luminance of a color, 0 to 1, as WCAG 2 defines it."""
    parts = (color.redF(), color.greenF(), color.blueF())
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def text_on(color: QColor) -> QColor:
    """Return black or white, which has the higher contrast to a color: at least 4.5."""
    return QColor("black" if luminance(color) > 0.18 else "white")


class _Choice:
    """The requested color scheme; not every platform can store it."""

    scheme = Qt.ColorScheme.Unknown


def current_theme() -> Theme:
    scheme = _Choice.scheme
    if scheme == Qt.ColorScheme.Unknown:
        scheme = QApplication.styleHints().colorScheme()
    return DARK if scheme == Qt.ColorScheme.Dark else LIGHT


def chosen_scheme() -> Qt.ColorScheme:
    """Return the requested color scheme; ``Unknown`` to follow the system."""
    return _Choice.scheme


def choose_scheme(app: QApplication, scheme: Qt.ColorScheme) -> None:
    """Apply the light or dark theme, or (``Unknown``) follow the system."""
    _Choice.scheme = scheme
    app.styleHints().setColorScheme(scheme)
    apply_theme(app)


def install_theme(app: QApplication) -> None:
    """Set font and style of the application, and follow the system's color scheme.

    ``LATENT_EXPLORER_SCHEME`` set to ``light`` or ``dark`` overrides the system.
    """
    app.setStyle("Fusion")
    _install_font(app)
    schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
    app.styleHints().colorSchemeChanged.connect(lambda scheme: apply_theme(app))
    choose_scheme(app, schemes.get(os.environ.get(SCHEME_VARIABLE, ""), Qt.ColorScheme.Unknown))


def apply_theme(app: QApplication) -> None:
    theme = current_theme()
    app.setPalette(_palette(theme))
    template = Template((resources_dir() / "style" / "app.qss").read_text(encoding="utf-8"))
    icons = (resources_dir() / "icons").as_posix()
    suffix = "dark" if theme is DARK else "light"
    app.setStyleSheet(template.substitute(asdict(theme), icons=icons, suffix=suffix))


@contextmanager
def styled_at_once(app: QApplication) -> Iterator[None]:
    """Style the widgets that are built inside when all are there: one by one, Qt takes half as long again."""
    sheet = app.styleSheet()
    app.setStyleSheet("")
    try:
        yield
    finally:
        app.setStyleSheet(sheet)


def _install_font(app: QApplication) -> None:
    """Load the bundled font: some machines have none, and text should look the same everywhere."""
    for file in sorted((resources_dir() / "fonts").glob("*.otf")):
        QFontDatabase.addApplicationFont(str(file))
    if FONT_FAMILY in QFontDatabase.families():
        font = QFont(FONT_FAMILY)
        font.setPointSizeF(9.5)
        font.setFeature(QFont.Tag("tnum"), 1)
        app.setFont(font)


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: theme.window,
        QPalette.ColorRole.WindowText: theme.text,
        QPalette.ColorRole.Base: theme.base,
        QPalette.ColorRole.AlternateBase: theme.panel,
        QPalette.ColorRole.Text: theme.text,
        QPalette.ColorRole.Button: theme.panel,
        QPalette.ColorRole.ButtonText: theme.text,
        QPalette.ColorRole.ToolTipBase: theme.panel,
        QPalette.ColorRole.ToolTipText: theme.text,
        QPalette.ColorRole.PlaceholderText: theme.muted,
        QPalette.ColorRole.Highlight: theme.accent,
        QPalette.ColorRole.HighlightedText: theme.accent_text,
        QPalette.ColorRole.Link: theme.accent,
        QPalette.ColorRole.Mid: theme.border,
    }
    for role, color in roles.items():
        palette.setColor(role, QColor(color))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        faded = QColor(theme.muted)
        faded.setAlpha(150)
        palette.setColor(QPalette.ColorGroup.Disabled, role, faded)
    return palette
