"""The morph timeline: keyframes, how they are joined, scrub, play, export."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

from PySide6.QtCore import QItemSelectionModel, QSignalBlocker, QSize, Qt, QTimer
from PySide6.QtGui import QIcon, QKeyEvent, QPixmap
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSlider,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from explorer.document.document import Document
from explorer.document.state import OpenModel
from explorer.document.views import KeyframesView
from explorer.export import FORMATS
from explorer.types import Floats
from explorer.ui.dialogs.files import ask_save
from explorer.ui.images import floats_to_qimage
from explorer.ui.widgets.empty_label import EmptyLabel
from explorer.ui.widgets.fields import button, combo_box, decimal_box, name_control, spin_box
from explorer.ui.widgets.thumbnail_delegate import ThumbnailDelegate

_THUMBNAIL = 48
_BOX_WIDTH = 80


class _Strip(QListWidget):
    """A list that leaves the arrow keys with Alt to the panel, which reorders by them."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.AltModifier:
            event.ignore()
        else:
            super().keyPressEvent(event)


class TimelinePanel(QWidget):
    """Keyframes from the cursor, a playhead that moves it, and the way to a GIF."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._gestures = count(1)
        self._gesture = ""
        self._ticking = False
        self._model: OpenModel | None = None
        self._played: Floats | None = None
        self.setObjectName("timeline_panel")
        self.setAccessibleName(self.tr("Morph timeline"))
        self._make_strip()
        self._make_buttons()
        self._make_settings()
        self._make_player()
        self._lay_out()
        document.keyframes_changed.connect(self._on_keyframes_changed)
        document.keyframes_view_changed.connect(self._on_keyframes_view_changed)
        document.film_changed.connect(self._on_film_changed)
        document.playhead_changed.connect(self._on_playhead_changed)
        document.code_changed.connect(self._on_code_changed)
        document.model_changed.connect(self._on_model_changed)
        self._on_film_changed()
        self._on_keyframes_changed()

    def _make_strip(self) -> None:
        self.strip = _Strip()
        name_control(
            self.strip,
            "timeline_keyframes",
            self.tr("Keyframes in order. Click or Enter: go there. Alt+←/→: reorder. Delete: take out."),
        )
        self.strip.setViewMode(QListWidget.ViewMode.IconMode)
        self.strip.setFlow(QListWidget.Flow.LeftToRight)
        self.strip.setWrapping(False)
        self.strip.setMovement(QListWidget.Movement.Static)
        self.strip.setItemDelegate(ThumbnailDelegate(self.strip))
        self.strip.setIconSize(QSize(_THUMBNAIL, _THUMBNAIL))
        self.strip.setGridSize(QSize(_THUMBNAIL + 12, _THUMBNAIL + 26))
        self.strip.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for chosen in (self.strip.itemClicked, self.strip.itemActivated):
            chosen.connect(lambda item: self._document.take_keyframe(self.strip.row(item)))
        self._empty = EmptyLabel(
            self.tr("A morph runs through keyframes: edit the picture, press “Add keyframe”, and again.")
        )

    def _make_buttons(self) -> None:
        self.add = button(
            "timeline_add",
            self.tr("Add keyframe"),
            self.tr("Add what is being edited to the end of the morph (Ctrl+K)"),
        )
        self._delete = button("timeline_delete", self.tr("Delete"), self.tr("Take the chosen keyframe out (Delete)"))
        self._clear = button("timeline_clear", self.tr("Clear"), self.tr("Take all keyframes out"))
        self.export = button(
            "timeline_export",
            self.tr("Export …"),
            self.tr("Write the morph as an animated GIF or a sheet of pictures (Ctrl+E)"),
            primary=True,
        )
        self.add.clicked.connect(self._document.add_keyframe)
        self._delete.clicked.connect(self._delete_current)
        self._clear.clicked.connect(self._document.clear_keyframes)
        self.export.clicked.connect(self.ask_export)

    def _make_settings(self) -> None:
        self._steps = spin_box(
            "timeline_steps", self.tr("Frames from one keyframe to the next, both counted"), 2, 1000, 90
        )
        self._hold = spin_box("timeline_hold", self.tr("Frames that the first and last picture are held"), 0, 1000, 18)
        self._fps = decimal_box("timeline_fps", self.tr("Frames a second; a GIF plays at most 50"), (1, 50), 1, 1)
        loops: list[tuple[str, object]] = [
            (self.tr("there and back"), "pingpong"),
            (self.tr("again and again"), "repeat"),
            (self.tr("once"), "none"),
        ]
        self._loop = combo_box("timeline_loop", self.tr("What happens at the end"), loops)
        for box in (self._steps, self._hold, self._fps):
            box.setFixedWidth(_BOX_WIDTH)
            box.valueChanged.connect(lambda value: self._on_settings_edited())
        self._loop.activated.connect(lambda index: self._on_settings_edited())

    def _make_player(self) -> None:
        self.play = button("timeline_play", self.tr("Play"), self.tr("Play the morph on the stage (Ctrl+Space)"))
        self.play.setCheckable(True)
        self.play.setMinimumWidth(72)
        self.playhead = QSlider(Qt.Orientation.Horizontal)
        name_control(self.playhead, "timeline_playhead", self.tr("Playhead: drag to scrub through the morph"))
        self._length = QLabel()
        self._length.setObjectName("timeline_length")
        self._length.setProperty("muted", True)
        self._clock = QTimer(self)
        self._clock.setTimerType(Qt.TimerType.PreciseTimer)
        self._clock.timeout.connect(self._on_clock_ticked)
        self.play.toggled.connect(self._on_play_toggled)
        self.playhead.sliderPressed.connect(self._begin_gesture)
        self.playhead.valueChanged.connect(self._on_playhead_dragged)

    def _lay_out(self) -> None:
        self._fps.setSuffix(self.tr(" fps"))
        settings = QGridLayout()
        settings.setSpacing(6)
        places = (
            (self.tr("Frames"), self._steps, 0, 0),
            (self.tr("Hold"), self._hold, 0, 2),
            (self.tr("Speed"), self._fps, 1, 0),
            (self.tr("Loop"), self._loop, 1, 2),
        )
        for text, box, row, column in places:
            settings.addWidget(QLabel(text), row, column)
            settings.addWidget(box, row, column + 1)
        settings.setRowStretch(2, 1)
        buttons = QGridLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.add, 0, 0, 1, 2)
        buttons.addWidget(self._delete, 1, 0)
        buttons.addWidget(self._clear, 1, 1)
        buttons.setRowStretch(2, 1)
        self._place = QStackedWidget()
        self._place.addWidget(self._empty)
        self._place.addWidget(self.strip)
        self._place.setFixedHeight(_THUMBNAIL + 40)
        top = QHBoxLayout()
        top.setSpacing(14)
        top.addWidget(self._place, 1)
        top.addLayout(settings)
        top.addLayout(buttons)
        bottom = QHBoxLayout()
        bottom.addWidget(self.play)
        bottom.addWidget(self.playhead, 1)
        bottom.addWidget(self._length)
        bottom.addSpacing(8)
        bottom.addWidget(self.export)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.addLayout(top)
        layout.addLayout(bottom)

    # -- keyframes -----------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete and reorder keyframes by keyboard."""
        row = self.strip.currentRow()
        alt = event.modifiers() & Qt.KeyboardModifier.AltModifier
        if event.key() in {Qt.Key.Key_Delete, Qt.Key.Key_Backspace}:
            self._delete_current()
        elif alt and event.key() in {Qt.Key.Key_Left, Qt.Key.Key_Right} and row >= 0:
            to = row + (1 if event.key() == Qt.Key.Key_Right else -1)
            if 0 <= to < len(self._document.keyframes):
                self._document.move_keyframe(row, to)
                self.strip.setCurrentRow(to)
        else:
            super().keyPressEvent(event)

    def _delete_current(self) -> None:
        row = self.strip.currentRow()
        if 0 <= row < len(self._document.keyframes):
            self._document.remove_keyframe(row)

    def _on_model_changed(self) -> None:
        """Stop playing; but a newer version of a model that learns plays on."""
        model = self._document.model
        if model is None or not model.continues(self._model):
            self.play.setChecked(False)
        self._model = model
        self._update_controls()

    def _on_keyframes_changed(self) -> None:
        row, before = self.strip.currentRow(), self.strip.count()
        self.strip.clear()
        for index in range(len(self._document.keyframes)):
            item = QListWidgetItem(str(index + 1))
            item.setSizeHint(self.strip.gridSize())
            self.strip.addItem(item)
        last = self.strip.count() - 1
        row = last if row < 0 or self.strip.count() > before else min(row, last)
        self.strip.setCurrentRow(row, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._on_keyframes_view_changed()
        self._update_controls()

    def _on_keyframes_view_changed(self) -> None:
        view = self._document.keyframes_view
        if isinstance(view, KeyframesView) and len(view.images) == self.strip.count():
            for index, image in enumerate(view.images):
                self.strip.item(index).setIcon(QIcon(QPixmap.fromImage(floats_to_qimage(image))))

    def _update_controls(self) -> None:
        keyframes = len(self._document.keyframes)
        self._place.setCurrentWidget(self.strip if keyframes else self._empty)
        frames = self._document.frame_count
        self.add.setEnabled(self._document.code is not None)
        self._delete.setEnabled(keyframes > 0)
        self._clear.setEnabled(keyframes > 0)
        for control in (self.play, self.playhead, self.export):
            control.setEnabled(frames > 0)
        if not frames:
            self.play.setChecked(False)
        with QSignalBlocker(self.playhead):
            self.playhead.setRange(0, max(0, frames - 1))
            self.playhead.setValue(self._document.playhead)
        self._show_length()

    def _show_length(self) -> None:
        frames = self._document.frame_count
        if not frames:
            self._length.setText(self.tr("Two keyframes make a morph"))
            return
        seconds = frames / self._document.film.fps
        words = self.tr("frame %1 of %2, %3 s")
        frame = str(self._document.playhead + 1)
        self._length.setText(words.replace("%1", frame).replace("%2", str(frames)).replace("%3", f"{seconds:.2f}"))

    # -- settings ------------------------------------------------------------------------------------------------

    def _on_settings_edited(self) -> None:
        film = replace(
            self._document.film,
            steps=self._steps.value(),
            hold=self._hold.value(),
            fps=self._fps.value(),
            loop=self._loop.currentData(),
        )
        self._document.set_film(film)

    def _on_film_changed(self) -> None:
        film = self._document.film
        blockers = [QSignalBlocker(box) for box in (self._steps, self._hold, self._fps, self._loop)]
        self._steps.setValue(film.steps)
        self._hold.setValue(film.hold)
        self._fps.setValue(film.fps)
        self._loop.setCurrentIndex(self._loop.findData(film.loop))
        for blocker in blockers:
            blocker.unblock()
        self._clock.setInterval(round(1000 / film.fps))
        self._update_controls()

    # -- playing -------------------------------------------------------------------------------------------------

    def _begin_gesture(self) -> None:
        self._gesture = f"playhead-{next(self._gestures)}"

    def _on_play_toggled(self, playing: bool) -> None:
        self.play.setText(self.tr("Pause") if playing else self.tr("Play"))
        if playing:
            self._begin_gesture()
            if self._document.playhead >= self._document.frame_count - 1:
                self._ticking = True
                self._document.set_playhead(0, self._gesture)
                self._ticking = False
            self._clock.start()
        else:
            self._clock.stop()

    def _on_clock_ticked(self) -> None:
        frame = self._document.playhead + 1
        if frame >= self._document.frame_count:
            if self._document.film.loop == "none":
                self.play.setChecked(False)
                return
            frame = 0
        self._ticking = True
        self._document.set_playhead(frame, self._gesture)
        self._ticking = False
        self._played = self._document.code

    def _on_code_changed(self) -> None:
        """Whoever takes hold of the picture while the morph plays gets it.

        A model that learns tells of codes, too, when its picture's own code is another and the cursor is not.
        """
        if self.play.isChecked() and not self._ticking and self._document.code is not self._played:
            self.play.setChecked(False)
        self._update_controls()

    def _on_playhead_dragged(self, frame: int) -> None:
        if not self.playhead.isSliderDown():
            self._gesture = "~playhead-steps"
        self._document.set_playhead(frame, self._gesture)

    def _on_playhead_changed(self) -> None:
        with QSignalBlocker(self.playhead):
            self.playhead.setValue(self._document.playhead)
        self._show_length()

    # -- export --------------------------------------------------------------------------------------------------

    def ask_export(self) -> None:
        """Ask where the morph shall go, and request it."""
        if not self._document.frame_count:
            return
        filters = [f"{format_.title} (*{suffix})" for suffix, format_ in FORMATS.items()]
        title = self.tr("Export the morph")
        ask_save(self, title, filters, Path.home() / "morph.gif", self._document.export_requested.emit)
