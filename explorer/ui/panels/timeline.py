"""The timeline: keyframes, the segments between them, playback and export."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QMimeData, QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from explorer.document.document import Document
from explorer.document.open_requests import OpenRequest
from explorer.document.state import Keyframe, OpenModel
from explorer.document.views.animation import ANIMATION, AnimationView
from explorer.document.views.decoded import DecodedView
from explorer.document.views.keyframes import KEYFRAMES
from explorer.errors import ExplorerError
from explorer.export import FORMATS
from explorer.ui.actions import Action, ActionMenu, Section, When
from explorer.ui.dialogs.animation_presets import AnimationPresetsDialog
from explorer.ui.dialogs.export_animation import ExportAnimationDialog
from explorer.ui.dialogs.files import ask_file
from explorer.ui.dragging import code_of, files_of, images_of
from explorer.ui.images import image_to_qimage, pixels_to_qimage
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel
from explorer.ui.panels.timeline_menu import KeyframeMenu
from explorer.ui.panels.timeline_player import TimelinePlayer
from explorer.ui.panels.timeline_settings import SegmentSettings
from explorer.ui.widgets.collapsible import Collapsible
from explorer.ui.widgets.fields import button, name_widget
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox, widget_of
from explorer.ui.widgets.timeline_track import TimelineTrack
from explorer.ui.widgets.track_places import TrackAnimation, TrackCurves, TrackStrip

_STRIP = 28
"""Height of the collapsed timeline in pixels."""

_LARGEST = 16_777_215
"""Qt's largest size of a widget."""


class TimelinePanel(QWidget):
    """Keyframes from the current code, a playhead that sets it, and export of the animation."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._model: OpenModel | None = None
        self._begun: tuple[Keyframe, ...] = ()
        self._dialog: ExportAnimationDialog | None = None
        self._presets_dialog: AnimationPresetsDialog | None = None
        name_widget(self, "timeline_panel", self.tr("Timeline"))
        self._make_track()
        self._make_buttons()
        self.settings = SegmentSettings(document, self.track)
        self.player = TimelinePlayer(document)
        self._lay_out()
        document.changed.keyframes.connect(self._on_keyframes_changed)
        document.views.changed(KEYFRAMES).connect(self._on_keyframes_view_changed)
        document.views.changed(ANIMATION).connect(self._on_animation_view_changed)
        document.changed.animation.connect(self._on_animation_changed)
        document.changed.times.connect(self._on_animation_changed)
        document.timeline.playhead_changed.connect(lambda: self.track.set_playhead(document.timeline.playhead))
        document.changed.code.connect(self._on_code_changed)
        document.changed.model.connect(self._on_model_changed)
        self._on_animation_changed()
        self._on_keyframes_changed()

    # -- making --------------------------------------------------------------------------------------------------

    def _make_track(self) -> None:
        self.track = TimelineTrack()
        self.track.setObjectName("timeline_track")
        self.track.setAccessibleName(
            self.tr(
                "Keyframes. Click or Enter: jump to keyframe. Drag: retime. ←/→: select. Alt+←/→: reorder. "
                "Ctrl+←/→: move the playhead. Insert: duplicate. Delete: delete."
            )
        )
        timeline = self._document.timeline
        self.track.key_taken.connect(timeline.take)
        self.track.scrubbed.connect(timeline.set_playhead)
        self.track.retime_begun.connect(self._on_retime_begun)
        self.track.retimed.connect(self._on_retimed)
        self.track.moved.connect(self._on_moved)
        self.track.removal_asked.connect(self._remove)
        self.track.duplicate_asked.connect(self._duplicate)
        KeyframeMenu(self._document, self.track, self._duplicate, self._remove)
        self.track.dropped.connect(self._on_dropped)

    def _make_buttons(self) -> None:
        self.add = button(
            "timeline_add", self.tr("Add keyframe"), self.tr("Add the current code as the last keyframe (Ctrl+Shift+K)")
        )
        self.export = button(
            "timeline_export",
            self.tr("Export…"),
            self.tr("Export as animation, video or images (Ctrl+E)"),
            primary=True,
        )
        self._presets = button(
            "timeline_presets",
            self.tr("Presets…"),
            self.tr("Animation presets: one image per class, random walk, …"),
            self.tr("random walk, templates, animation presets"),
        )
        self._more = button("timeline_more", "⋮", self.tr("More: equalize visual speed, duplicate, delete"))
        self._more.setAccessibleName(self.tr("More"))
        self._more.setMenu(ActionMenu("timeline_more_menu", self._more, records=self._more_actions()))
        self.add.clicked.connect(self._document.timeline.add)
        self._presets.clicked.connect(self.ask_preset)
        self.export.clicked.connect(self.ask_export)

    def _more_actions(self) -> Iterator[Action | None]:
        has_keyframes = When(lambda: bool(self._document.state.keyframes))
        yield Action(
            "timeline_even",
            self.tr("Equalize visual speed"),
            self._on_even_triggered,
            tip=self.tr("Retime the frames so that the image changes equally in each."),
            synonyms=self.tr("constant speed, even, uniform, retime"),
            enabled=When(self._can_even),
            checked=When(lambda: self._document.timeline.evened),
        )
        yield None
        yield Action(
            "timeline_duplicate",
            self.tr("Duplicate keyframe (Ctrl+D)"),
            self.duplicate,
            tip=self.tr("Insert a copy of the selected keyframe after it."),
            synonyms=self.tr("copy keyframe, clone"),
            enabled=has_keyframes,
        )
        yield Action(
            "timeline_delete",
            self.tr("Delete keyframe (Del)"),
            lambda: self._remove(self.track.key),
            tip=self.tr("Delete the selected keyframe."),
            synonyms=self.tr("remove keyframe, drop keyframe"),
            enabled=has_keyframes,
        )
        yield Action(
            "timeline_clear",
            self.tr("Delete all keyframes"),
            self._document.timeline.clear,
            tip=self.tr("Delete all keyframes; undo restores them."),
            synonyms=self.tr("empty timeline, clear, remove all"),
            enabled=has_keyframes,
        )

    def _lay_out(self) -> None:
        segment = hbox(self.settings, STRETCH, self._presets, self._more, spacing=6)
        playing = hbox((self.player, 1), self.add, self.export, spacing=6)
        content = widget_of(vbox((self.track, 1), segment, playing, spacing=6))
        self.strip = Collapsible(
            "timeline_expand", self.tr("Timeline"), self.tr("Show keyframes, playback and export"), content
        )
        self.strip.toggled.connect(self._on_strip_toggled)
        self.setLayout(vbox(self.strip, margins=(8, 1, 8, 1)))
        self._on_strip_toggled(False)

    def sizeHint(self) -> QSize:
        return super().sizeHint() if self.strip.expanded else QSize(400, _STRIP)

    def _on_strip_toggled(self, expanded: bool) -> None:
        self.setMaximumHeight(_LARGEST if expanded else _STRIP)
        self.setMinimumHeight(0 if expanded else _STRIP)

    # -- keyframes -----------------------------------------------------------------------------------------------

    def menu_actions(self) -> Iterator[Action]:
        document = self._document
        playable = When(lambda: document.timeline.frames > 0, (document.changed.keyframes,))
        yield Action(
            "action_reopen",
            self.tr("Open expo&rted animation…"),
            self.ask_animation,
            Section.ANIMATION,
            shortcut="Ctrl+Shift+O",
            tip=self.tr("Restore keyframes and paths from the recipe in an exported file."),
            synonyms=self.tr("load gif, load video, import animation, recipe"),
        )
        yield Action(
            "action_export",
            self.tr("&Export animation…"),
            self.ask_export,
            Section.ANIMATION,
            shortcut="Ctrl+E",
            tip=self.tr("Export the animation as a video, GIF or contact sheet."),
            synonyms=self.tr("gif, video, mp4, save movie, render"),
            icon="download",
            enabled=playable,
            buttons=(self.export,),
        )
        yield Action(
            "action_keyframe",
            self.tr("Add &keyframe"),
            document.timeline.add,
            Section.KEYFRAMES,
            shortcut="Ctrl+Shift+K",
            tip=self.tr("Append the current code to the timeline."),
            synonyms=self.tr("insert keyframe, new keyframe, to timeline, interpolate, interpolation"),
            icon="diamond",
            buttons=(self.add,),
        )
        yield Action(
            "action_duplicate",
            self.tr("&Duplicate keyframe"),
            self.duplicate,
            Section.KEYFRAMES,
            shortcut="Ctrl+D",
            scope=(self,),
            tip=self.tr("Insert a copy of the selected keyframe after it."),
            synonyms=self.tr("copy keyframe, repeat keyframe, clone"),
        )
        yield Action(
            "action_play",
            self.tr("P&lay or pause animation"),
            self.player.play.click,
            Section.KEYFRAMES,
            shortcut="Ctrl+Space",
            tip=self.tr("Play the animation between the keyframes."),
            synonyms=self.tr("start, stop, preview, interpolate, interpolation, loop"),
            buttons=(self.player.play,),
        )

    def _remove(self, number: int) -> None:
        if 0 <= number < len(self._document.state.keyframes):
            self._document.timeline.remove(number)

    def _duplicate(self, number: int) -> None:
        self._document.timeline.duplicate(number)
        self.track.choose_key(number + 1)

    def duplicate(self) -> None:
        if self._document.state.keyframes:
            self._duplicate(self.track.key)

    def _on_moved(self, number: int, to: int) -> None:
        self._document.timeline.move(number, to)
        self.track.choose_key(to)

    def _on_retime_begun(self) -> None:
        self._begun = self._document.state.keyframes

    def _on_retimed(self, number: int, frame: int, gesture: str) -> None:
        if len(self._begun) == len(self._document.state.keyframes):
            self.track.choose_key(self._document.timeline.retime(self._begun, number, frame, gesture))

    def _on_dropped(self, mime: QMimeData, frame: int) -> None:
        """Insert keyframes from dropped items; an exported animation replaces all keyframes."""
        timeline = self._document.timeline
        place = timeline.place_of(frame)
        images, code, files = images_of(mime), code_of(mime), files_of(mime)
        source = self._document.source
        if images and source is not None:
            timeline.request_images([number for number in images if number < source.count], place)
        elif code is not None:
            try:
                timeline.insert(code[None], place)
            except ExplorerError as error:
                self._document.report(error.message)
        elif files:
            timeline.request_files(files, place)

    def _on_model_changed(self) -> None:
        """Stop playing and clear the track, unless the new model is a newer state of the same training."""
        model = self._document.model
        if model is None or not model.continues(self._model):
            self.player.stop()
            self.track.show_images(())  # those of the other model's keyframes
        self._model = model
        self._update_controls()

    def _on_keyframes_changed(self) -> None:
        more = len(self._document.state.keyframes) > self.track.key_count
        self._update_controls()
        if more:
            self.track.choose_key(len(self._document.state.keyframes) - 1)
        self._on_keyframes_view_changed()
        self.settings.refresh()

    def _on_keyframes_view_changed(self) -> None:
        view = self._document.views[KEYFRAMES]
        if isinstance(view, DecodedView):
            self.track.show_images([image_to_qimage(image, self._document.mixer) for image in view.images])
        elif not self._document.state.keyframes:
            self.track.show_images(())

    def _on_animation_view_changed(self) -> None:
        """Show frames and curves; while they are computed again, the last ones stay."""
        view = self._document.views[ANIMATION]
        if self._document.timeline.animation is None:
            self.track.show_measures(None, None)
        elif isinstance(view, AnimationView):
            images: list[QImage] = [pixels_to_qimage(image) for image in view.pixels]
            self.track.show_measures(
                TrackStrip(view.shown, images), TrackCurves(view.frames, view.changes, view.distances)
            )

    def _can_even(self) -> bool:
        timeline, view = self._document.timeline, self._document.views[ANIMATION]
        measured = isinstance(view, AnimationView) and view.done and view.animation is timeline.animation
        return timeline.animation is not None and (timeline.evened or measured)

    def _update_controls(self) -> None:
        keyframes, timeline = len(self._document.state.keyframes), self._document.timeline
        animation = timeline.animation
        shown = None
        if animation is not None:
            shown = TrackAnimation(
                animation.frames,
                animation.fps,
                animation.hold,
                animation.key_frames(),
                animation.pass_numbers(),
                [self.settings.words(segment) for segment in animation.segments],
                [keyframe.segment is not None for keyframe in self._document.state.keyframes],
            )
        words = self.tr("Drag images here, or press Ctrl+Shift+K to add the current code as a keyframe.")
        self.track.show_animation(keyframes, shown, self.tr("Add one more keyframe to play.") if keyframes else words)
        if animation is None:
            self.track.show_measures(None, None)
        self.add.setEnabled(self._document.code is not None)
        self._more.setEnabled(keyframes > 0)
        self._presets.setEnabled(self._document.model is not None)
        self.export.setEnabled(animation is not None)
        self.player.refresh()
        self.track.set_playhead(timeline.playhead)

    def _on_animation_changed(self) -> None:
        self._update_controls()
        self.settings.refresh()

    def _on_even_triggered(self) -> None:
        timeline, view = self._document.timeline, self._document.views[ANIMATION]
        if timeline.evened:
            timeline.forget_times()
        elif isinstance(view, AnimationView) and view.done:
            timeline.even_out(view.animation, view.changes_of_pass())

    def ask_preset(self) -> None:
        if self._presets_dialog is None:
            self._presets_dialog = AnimationPresetsDialog(self._document, self)
        self._presets_dialog.open()

    def _on_code_changed(self) -> None:
        self.add.setEnabled(self._document.code is not None)

    # -- export --------------------------------------------------------------------------------------------------

    def ask_animation(self) -> None:
        kinds = ((self.tr("Exported animations"), " ".join(f"*{suffix}" for suffix in FORMATS)),)
        ask_file(self, self.tr("Open an exported animation"), self._reopen, kinds=kinds, purpose="export")

    def _reopen(self, path: Path) -> None:
        self._document.open_requested.emit(OpenRequest((path,)))

    def ask_export(self) -> None:
        if self._document.timeline.frames:
            if self._dialog is None:
                self._dialog = ExportAnimationDialog(self._document, self)
            self._dialog.open()


PANEL = Panel(
    "timeline",
    QT_TRANSLATE_NOOP("panels", "Timeline"),
    TimelinePanel,
    tip=QT_TRANSLATE_NOOP("panels", "Show or hide the keyframes and the animation controls."),
    synonyms=QT_TRANSLATE_NOOP("panels", "keyframes, animation, player, interpolate, interpolation, loop, ping-pong"),
    icon="film",
    area=Qt.DockWidgetArea.BottomDockWidgetArea,
    workspaces=("explore", "map", "animate"),
    strip=True,
    help="animate",
)
