"""F1: what can be done, with mouse and keys."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from explorer.ui.commands import Command


class HelpDialog(QDialog):
    """A page of help that stays open beside the window.

    Parameters
    ----------
    commands
        Those whose keys are listed.
    """

    def __init__(self, commands: Sequence[Command] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("help_dialog")
        self.setWindowTitle(self.tr("Help"))
        self.resize(600, 640)
        page = QTextBrowser()
        page.setObjectName("help_text")
        page.setAccessibleName(self.tr("Help"))
        page.setHtml(self._loop() + self._science() + self._exchange() + self._keys(commands))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setObjectName("help_close")
        close.setText(self.tr("Close"))
        close.setToolTip(self.tr("Close the help (Esc)"))
        layout = QVBoxLayout(self)
        layout.addWidget(page)
        layout.addWidget(buttons)

    def _loop(self) -> str:
        return self.tr(
            "<h3>The main loop</h3><ol>"
            "<li><b>Choose a picture</b> in the gallery. The stage shows it beside its reconstruction.</li>"
            "<li><b>Drag a slider</b>, or click on the map: the edited picture follows the code.</li>"
            "<li><b>Add keyframes</b> to the timeline from wherever the cursor is, and play what lies between.</li>"
            "<li><b>Export</b> it as a film.</li></ol>"
        )

    def _science(self) -> str:
        return (
            self.tr(
                "<h3>What you see</h3><p>An autoencoder squeezes a picture into a short <i>code</i> (encoder) and "
                "makes a picture of it again (decoder). What comes back is what the code kept. A variational one is "
                "trained so that the space between codes makes sense too.</p>"
            )
            + self.tr(
                "<p>Sliders are in standard deviations (σ) of the data: the hill behind each shows where real pictures "
                "lie, the tick where the chosen one is. <b>Dimensions</b> are the code's own numbers; <b>axes</b> are "
                "the directions in which the codes of the data vary most, the widest first. A code of <b>feature "
                "maps</b> is shown as such, and a brush on a map edits it: the left button paints, the right one "
                "brings the picture's own values back. Far outside the hills the decoder has never been, and the "
                "picture shows it.</p>"
            )
            + self.tr(
                "<p><b>MSE</b> is the mean squared error per pixel, <b>PSNR</b> the same in decibels (higher is "
                "better), <b>SSIM</b> compares structure (1 is equal). <b>KL</b> is what a dimension of a variational "
                "model tells of a picture, in nats: near 0 the model does not use it.</p>"
            )
        )

    def _exchange(self) -> str:
        return self.tr(
            "<h3>In and out</h3><p>Drop or paste pictures of any size, folders, models, sessions and exported films on "
            "the window. A single picture is prepared as the data were and encoded; choose one in the gallery to leave "
            "it. Pictures of the stage can be dragged onto the timeline and to other programs.</p>"
        )

    def _keys(self, commands: Sequence[Command]) -> str:
        within = (
            ("← →", self.tr("on the stage: previous, next picture")),
            ("↑ ↓ ← →", self.tr("on the sliders: choose, turn (with Shift ten times as far); on the map: move")),
            ("Enter", self.tr("on a slider: type its value in σ")),
            ("↑ ↓ ← → + − Space", self.tr("on a feature map: move, change, paint; Page Up and Down: its channels")),
            ("Delete", self.tr("on a slider or map: the picture's own value; on the timeline: take the keyframe out")),
            ("← →, Alt+← →, Ctrl+← →", self.tr("on the timeline: choose a keyframe, move it, move the playhead")),
            ("Insert", self.tr("on the timeline: duplicate the chosen keyframe")),
            ("Ctrl+wheel", self.tr("turn the slider under the mouse")),
            ("Ctrl+G …", self.tr("the buttons of the panels: their keys are in the menu Panels")),
            ("Tab, F6", self.tr("to the next control, to the next part of the window")),
        )
        rows = [(command.keys, command.title) for command in commands if command.keys]
        return (
            f"<h3>{self.tr('Keys within a part of the window')}</h3>{_table(within)}"
            f"<h3>{self.tr('Keys of the menus')}</h3>{_table(rows)}"
        )


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><td><b>{escape(keys)}</b></td><td>{escape(words)}</td></tr>" for keys, words in rows)
    return f'<table cellspacing="4">{cells}</table>'
