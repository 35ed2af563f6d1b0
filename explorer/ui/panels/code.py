"""The code dock: feature maps, where the code has any, sliders, and a mini-map."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QSplitter, QWidget

from explorer.document.document import Document
from explorer.ui.actions import Action
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel
from explorer.ui.panels.feature_maps import FeatureMapsPanel
from explorer.ui.panels.latent import LatentPanel
from explorer.ui.widgets.layouts import hbox, vbox, widget_of
from explorer.ui.widgets.mini_map import MiniMap

_SLIDERS = 246
"""Least height in pixels of the sliders with their controls; the mini-map gets what is left."""

_BELOW = 8
"""Pixels below the mini-map."""


class CodePanel(QSplitter):
    """All controls of the current code."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self.setObjectName("latent_splitter")
        self.setChildrenCollapsible(False)
        self.feature_maps = FeatureMapsPanel(document)
        self.latent = LatentPanel(document)
        self.latent.setMinimumHeight(_SLIDERS)
        self.mini_map = MiniMap(document)
        self.addWidget(self.feature_maps)
        self._sliders = widget_of(vbox((self.latent, 1), hbox(8, self.mini_map, 8), _BELOW, spacing=0))
        self._sliders.installEventFilter(self)
        self.addWidget(self._sliders)
        self.setStretchFactor(1, 1)
        document.changed.model.connect(self._share)
        document.changed.directions.connect(self._share)
        self.latent.views.chosen.connect(lambda number: self._share())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._sliders and event.type() == QEvent.Type.Resize:
            self._share()
        return False

    def _share(self) -> None:
        """Give the mini-map the height that few sliders leave."""
        self.mini_map.offer_height(self._sliders.height() - self.latent.wanted_height - _BELOW)

    def menu_actions(self) -> Iterator[Action]:
        yield from self.latent.menu_actions()
        yield from self.feature_maps.menu_actions()


PANEL = Panel(
    "latent",
    QT_TRANSLATE_NOOP("panels", "Latent code"),
    CodePanel,
    tip=QT_TRANSLATE_NOOP("panels", "Show or hide the sliders of the latent code."),
    synonyms=QT_TRANSLATE_NOOP("panels", "sliders, dimensions, z, vector"),
    icon="sliders-horizontal",
    workspaces=("explore", "animate"),
    help="explore#edit-the-code",
)
