"""F1: what can be done, with mouse and keys."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

_TEXT = """
<h3>The main loop</h3>
<ol>
<li><b>Choose a picture</b> in the gallery. The stage shows it beside its reconstruction.</li>
<li><b>Drag a slider</b>, or click on the map: the edited picture follows the code.</li>
<li><b>Add keyframes</b> to the timeline from wherever the cursor is, and play the morph between them.</li>
<li><b>Export</b> it as a GIF.</li>
</ol>
<h3>What you see</h3>
<p>An autoencoder squeezes a picture into a short <i>code</i> (encoder) and makes a picture of it again (decoder).
What comes back is what the code kept. A variational one is trained so that the space between codes makes sense too.</p>
<p>Sliders are in standard deviations (σ) of the data: the hill behind each shows where real pictures lie, the tick
where the chosen one is. <b>Dimensions</b> are the code's own numbers; <b>axes</b> are the directions in which the
codes of the data vary most, the widest first. A code of <b>feature maps</b> is shown as such, and a brush on a map
edits it: the left button paints, the right one brings the picture's own values back.</p>
<p>Far outside the hills the
decoder has never been, and the picture shows it.</p>
<p><b>MSE</b> is the mean squared error per pixel, <b>PSNR</b> the same in decibels (higher is better), <b>SSIM</b>
compares structure (1 is equal). <b>KL</b> is what a dimension of a variational model tells of a
picture, in nats: near 0 the model does not use it.</p>
<h3>Keys</h3>
<table cellspacing="4">
<tr><td><b>Alt+Page Up, Alt+Page Down</b></td><td>previous, next picture; on the stage ← → too</td></tr>
<tr><td><b>↑ ↓ ← →</b></td><td>on the sliders: choose, turn (with Shift ten times as far); on the map: move</td></tr>
<tr><td><b>Enter</b></td><td>on a slider: type its value in σ</td></tr>
<tr><td><b>Ctrl+Shift+A, Ctrl+F</b></td><td>sliders by dimensions or axes; show only some of them</td></tr>
<tr><td><b>Ctrl+B</b></td><td>to the feature map: arrows move, + − change, Space paints, Page Up and Page Down go
through the channels</td></tr>
<tr><td><b>Delete</b></td><td>on a slider or a map: back to the picture's value; on the timeline:
take the keyframe out</td></tr>
<tr><td><b>Ctrl+K, Ctrl+Space</b></td><td>add a keyframe, play</td></tr>
<tr><td><b>← →, Alt+← →, Ctrl+← →</b></td><td>on the timeline: choose a keyframe, move it to another place, move the
playhead</td></tr>
<tr><td><b>Insert, Ctrl+Shift+K</b></td><td>on the timeline, anywhere: duplicate the chosen keyframe</td></tr>
<tr><td><b>Ctrl+wheel</b></td><td>turn the slider under the mouse</td></tr>
<tr><td><b>Ctrl+R, Ctrl+J</b></td><td>reset, shuffle the code</td></tr>
<tr><td><b>Ctrl+M</b></td><td>bookmark the code; in the list Enter goes to one, F2 names it, Delete lets it go</td></tr>
<tr><td><b>Ctrl+N, Ctrl+Alt+O, Ctrl+S, Ctrl+Shift+S</b></td><td>new, open, save the session, save it as</td></tr>
<tr><td><b>Ctrl+Z, Ctrl+Shift+Z</b></td><td>undo, redo (Ctrl+Y too where that is the custom)</td></tr>
<tr><td><b>Ctrl+O, Ctrl+D, Ctrl+Shift+D</b></td><td>open a model, a folder of pictures, a file of pictures</td></tr>
<tr><td><b>Ctrl+I</b></td><td>import a Keras model</td></tr>
<tr><td><b>Ctrl+E, Ctrl+Shift+O</b></td><td>export the morph, open an exported one</td></tr>
<tr><td><b>Ctrl+1 … Ctrl+9</b></td><td>the tabs under the stage, from Map to Train</td></tr>
</table>
"""


class HelpDialog(QDialog):
    """A page of help that stays open beside the window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("help_dialog")
        self.setWindowTitle(self.tr("Help"))
        self.resize(560, 600)
        page = QTextBrowser()
        page.setObjectName("help_text")
        page.setAccessibleName(self.tr("Help"))
        page.setHtml(_TEXT)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setObjectName("help_close")
        close.setToolTip(self.tr("Close the help (Esc)"))
        layout = QVBoxLayout(self)
        layout.addWidget(page)
        layout.addWidget(buttons)
