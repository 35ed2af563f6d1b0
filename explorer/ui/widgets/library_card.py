"""The card of the model or dataset that is selected in the library."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QFrame, QWidget

from explorer.ui.widgets.elided_label import ElidedLabel
from explorer.ui.widgets.fields import button, name_widget
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox
from explorer.ui.widgets.thumbnail_grid import ThumbnailGrid

_FACTS = 3


class LibraryCard(QFrame):
    """Images, name and facts, and the buttons to open it, or to remove it from the list.

    It keeps its size, so that nothing moves between the clicks of a double-click.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        name_widget(self, "library_card", self.tr("Selected model or dataset"))
        self.images = ThumbnailGrid("library_card_images", self.tr("Images of the selected model or dataset"))
        self._title = ElidedLabel("library_card_title", look="heading")
        self._facts = [ElidedLabel(f"library_card_fact_{number}", look="muted") for number in range(_FACTS)]
        self.open = button(
            "library_card_open",
            self.tr("Open"),
            self.tr("Open the selected model or dataset (Enter)"),
            self.tr("load selected model, show dataset"),
        )
        self.remove = button(
            "library_card_remove",
            self.tr("Remove from list"),
            self.tr("Remove the selected dataset from the library; its files are kept (Delete)"),
            self.tr("forget dataset, remove folder"),
        )
        text = vbox(self._title, *self._facts, STRETCH, spacing=1)
        buttons = hbox(self.open, self.remove, spacing=6)
        self.setLayout(vbox(hbox(self.images, (text, 1), spacing=8), buttons, spacing=6, margins=8))
        self.clear()

    @property
    def text(self) -> str:
        return "\n".join(part.text() for part in (self._title, *self._facts) if part.text())

    def clear(self) -> None:
        self.show_facts(self.tr("Nothing selected"), (), openable=False, removable=False)
        self.images.show_images(None)

    def show_facts(self, title: str, facts: Sequence[str], *, openable: bool, removable: bool) -> None:
        self._title.setText(title)
        given = [fact for fact in facts if fact]
        for number, part in enumerate(self._facts):
            part.setText(given[number] if number < len(given) else "")
        self.open.setEnabled(openable)
        self.remove.setVisible(removable)
        self.setAccessibleDescription(self.text)
