"""Asks for the size of an image before it is exported, and says what the file will be."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QTimer
from PySide6.QtGui import QImage, QImageWriter
from PySide6.QtWidgets import QDialog, QFormLayout, QWidget

from explorer.ui.text import file_size, filled
from explorer.ui.widgets.fields import button, label, spin_box
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox

_SETTLED_MS = 150
_SIDE, _LONGEST = 1024, 4096
_TRIED = 512
"""Longest side of the image that is encoded to estimate the size of the file."""


class ImageSizeDialog(QDialog):
    """Asks for the longest side of the image that `make` returns for it; `chosen` gets the image."""

    def __init__(
        self, parent: QWidget, title: str, make: Callable[[int], QImage], chosen: Callable[[QImage], object]
    ) -> None:
        super().__init__(parent)
        self._make = make
        self._chosen = chosen
        self.setObjectName("image_size_dialog")
        self.setWindowTitle(title)
        self.side = spin_box("image_size_side", self.tr("Longest side, in pixels"), 64, _LONGEST, _SIDE)
        self.side.setSuffix(self.tr(" px"))
        self.side.setSingleStep(64)
        self._words = label("image_size_words", look="plain")
        write = button("image_size_write", self.tr("Export…"), self.tr("Choose a file name and export"), primary=True)
        cancel = button("image_size_cancel", self.tr("Cancel"), self.tr("Close without exporting (Esc)"))
        cancel.setAutoDefault(False)
        write.setDefault(True)
        form = QFormLayout()
        form.addRow(self.tr("Size"), self.side)
        buttons = hbox((STRETCH, 1), cancel, write)
        self.setLayout(vbox(form, self._words, buttons, spacing=12, margins=(14, 14, 14, 12)))
        self.setMinimumWidth(320)
        self._settle = QTimer(self, singleShot=True, interval=_SETTLED_MS)
        self._settle.timeout.connect(self._show_size)
        self.side.valueChanged.connect(lambda value: self._settle.start())
        write.clicked.connect(self._on_write_clicked)
        cancel.clicked.connect(self.reject)
        self.finished.connect(self.deleteLater)
        self._show_size()

    def _show_size(self) -> None:
        side = self.side.value()
        tried = self._make(min(side, _TRIED))
        times = side / max(tried.width(), tried.height())
        about = file_size(round(_png_bytes(tried) * times**2))
        width, height = round(tried.width() * times), round(tried.height() * times)
        self._words.setText(filled(self.tr("%1×%2 px, about %3"), width, height, about))

    def _on_write_clicked(self) -> None:
        image = self._make(self.side.value())
        self.accept()
        self._chosen(image)


def _png_bytes(image: QImage) -> int:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return buffer.size()
