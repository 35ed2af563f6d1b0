"""The help page (F1): concepts, mouse and keyboard."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from explorer.ui.actions import Command


class HelpDialog(QDialog):
    """A help page that stays open beside the window; lists the keys of `commands`."""

    def __init__(self, commands: Sequence[Command] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("help_dialog")
        self.setWindowTitle(self.tr("Help"))
        self.resize(600, 640)
        page = QTextBrowser()
        page.setObjectName("help_text")
        page.setAccessibleName(self.tr("Help"))
        page.setHtml(self._loop() + self._science() + self._clipboard_dnd() + self._keys(commands))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setObjectName("help_close")
        close.setText(self.tr("Close"))
        close.setToolTip(self.tr("Close help (Esc)"))
        layout = QVBoxLayout(self)
        layout.addWidget(page)
        layout.addWidget(buttons)

    def _loop(self) -> str:
        return self.tr(
            "<h3>The main loop</h3><ol>"
            "<li><b>Select an image</b> in the gallery. The stage shows it with its reconstruction.</li>"
            "<li><b>Drag a slider</b> or click on the map to edit the code. The edited image is decoded at once.</li>"
            "<li><b>Add keyframes</b> of the current code to the timeline, and play the animation.</li>"
            "<li><b>Export</b> the animation as a video or GIF.</li></ol>"
        )

    def _science(self) -> str:
        return (
            self.tr(
                "<h3>Concepts</h3><p>An autoencoder compresses an image into a short <i>latent code</i> (encoder) "
                "and reconstructs it (decoder). The reconstruction error shows what the code lost. A variational "
                "autoencoder (VAE) is trained so that codes between those of images decode to plausible images, "
                "too.</p>"
            )
            + self.tr(
                "<p>Sliders are in standard deviations (σ) of the dataset, with a histogram of its codes; the tick "
                "is the value of the selected image. <b>Dimensions</b> are the numbers of the code. <b>PCA</b> shows "
                "principal components (PC), by decreasing variance. <b>Directions</b> change one attribute. A code "
                "with height and width is shown as <b>feature maps</b>; paint on one with the left button, restore "
                "original values with the right one. Codes out of distribution decode to unreliable images.</p>"
            )
            + self.tr(
                "<p><b>MSE</b> is the mean squared error, <b>PSNR</b> the same in decibels (higher is better), "
                "<b>SSIM</b> the structural similarity (1 is a perfect copy). <b>KL</b> is the information that a "
                "dimension of a VAE carries, in nats; near 0 the dimension is inactive.</p>"
            )
        )

    def _clipboard_dnd(self) -> str:
        return self.tr(
            "<h3>Import and export</h3><p>Drop or paste images, folders, models, sessions and exported animations on "
            "the window. A single image is preprocessed like the training data and encoded; select an image in the "
            "gallery to return to the dataset. Drag images from the stage to the timeline or to other programs.</p>"
        )

    def _keys(self, commands: Sequence[Command]) -> str:
        within = (
            ("← →", self.tr("stage: previous or next image")),
            ("↑ ↓ ← →", self.tr("sliders: select, change (Shift: ten times as far); map: move the current code")),
            ("Enter", self.tr("slider: type a value in σ")),
            ("↑ ↓ ← → + − Space", self.tr("feature map: move, change, paint; Page Up and Page Down: channel")),
            ("Delete", self.tr("slider or feature map: restore the original value; timeline: delete the keyframe")),
            ("← →, Alt+← →, Ctrl+← →", self.tr("timeline: select a keyframe, move it, move the playhead")),
            ("Insert", self.tr("timeline: duplicate the keyframe")),
            ("Ctrl+wheel", self.tr("change the slider under the mouse")),
            ("Ctrl+G…", self.tr("buttons of the panels; the Panels menu lists the shortcuts")),
            ("Tab, F6", self.tr("next control, next panel")),
        )
        rows = [(command.keys, command.record.title) for command in commands if command.keys]
        return f"<h3>{self.tr('Keys in panels')}</h3>{_table(within)}<h3>{self.tr('Menu shortcuts')}</h3>{_table(rows)}"


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><td><b>{escape(keys)}</b></td><td>{escape(words)}</td></tr>" for keys, words in rows)
    return f'<table cellspacing="4">{cells}</table>'
