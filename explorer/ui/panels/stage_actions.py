"""The commands of the stage, and the context menus of its images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtGui import QKeySequence

from explorer.document.document import Document
from explorer.document.mixing import mixed_channels
from explorer.ui.actions import Action, Section, When
from explorer.ui.dialogs.channel_mixer import MixerDialog
from explorer.ui.dialogs.in_front import show_in_front
from explorer.ui.image_menu import ImageMenu, MenuImage
from explorer.ui.widgets.stage_canvas import MODES, StageCanvas
from explorer.ui.widgets.stage_image import StageImage


class StageActions(QObject):
    """What can be done on the stage; `alone_requested()`: everything around it is to be hidden, or shown again."""

    alone_requested = Signal()

    def __init__(self, document: Document, canvas: StageCanvas) -> None:
        super().__init__(canvas)
        self._document = document
        self._canvas = canvas
        self._menus = {frame: ImageMenu(document, frame, partial(self._target, frame)) for frame in canvas.frames}
        self._names = dict(zip(canvas.frames, ("original", "reconstruction", "error", "edited"), strict=True))
        self._mixer: MixerDialog | None = None

    def flip(self) -> None:
        self._canvas.flip(not self._canvas.flipped)

    @property
    def has_channels(self) -> bool:
        """Whether the open images have channels to mix."""
        return mixed_channels(self._document.state) > 0

    def show_mixer(self) -> MixerDialog:
        """Show the channel mixer."""
        if self._mixer is None:
            self._mixer = MixerDialog(self._document, self._canvas.window())
        show_in_front(self._mixer)
        return self._mixer

    def _target(self, frame: StageImage, where: QPoint | None = None) -> MenuImage | None:
        """Return what a menu acts on; all images but the edited one stand for the code of the selected image."""
        state, model = self._document.state, self._document.model
        if frame.image is None or model is None:
            return None
        name = f"{model.name} {self._names[frame]}"
        if frame is self._canvas.edited:
            return MenuImage(frame.image, name, state.code)
        return MenuImage(frame.image, name, state.start_code, None if state.imported_image else state.image_index)

    def _do(self, what: Callable[[ImageMenu, MenuImage], object]) -> None:
        """Do something of the context menu with the edited image."""
        found = self._target(self._canvas.edited)
        if found is not None:
            what(self._menus[self._canvas.edited], found)

    def menu_actions(self) -> Iterator[Action]:
        yield from self._mode_actions()
        yield Action(
            "action_stage_flip",
            self.tr("Show &original instead of edited"),
            self.flip,
            Section.STAGE,
            shortcut="Ctrl+Shift+Space",
            tip=self.tr("Show the original in place of the edited image (Space on the stage)."),
            synonyms=self.tr("before after, flip, toggle original"),
            icon="eye",
            checked=When(lambda: self._canvas.flipped, (self._canvas.flipped_changed,)),
        )
        yield Action(
            "action_stage_zoom_in",
            self.tr("Zoom &in"),
            self._canvas.zoom_in,
            Section.STAGE,
            shortcut=QKeySequence.StandardKey.ZoomIn,
            tip=self.tr("Enlarge the images on the stage (wheel, or + on the stage)."),
            synonyms=self.tr("enlarge, magnify, larger image, pixels"),
            icon="zoom-in",
        )
        yield Action(
            "action_stage_zoom_out",
            self.tr("Zoom o&ut"),
            self._canvas.zoom_out,
            Section.STAGE,
            shortcut=QKeySequence.StandardKey.ZoomOut,
            tip=self.tr("Show more of the images on the stage (wheel, or − on the stage)."),
            synonyms=self.tr("shrink, smaller image, reduce"),
            icon="zoom-out",
        )
        yield Action(
            "action_stage_fit",
            self.tr("&Fit image"),
            self._canvas.viewport.fit,
            Section.STAGE,
            shortcut="Ctrl+0",
            tip=self.tr("Show the whole image on the stage (double-click, or 0 on the stage)."),
            synonyms=self.tr("reset zoom, whole image, fit to window"),
            icon="maximize",
        )
        yield Action(
            "action_stage_alone",
            self.tr("Stage &alone"),
            self.alone_requested.emit,
            Section.STAGE,
            shortcut="Shift+F11",
            tip=self.tr("Hide or show everything around the stage (F on the stage)."),
            synonyms=self.tr("focus mode, hide panels, large image"),
            icon="expand",
        )
        changed = self._document.changed
        yield Action(
            "action_channel_mixer",
            self.tr("Channel mi&xer…"),
            self.show_mixer,
            Section.STAGE,
            shortcut="Ctrl+Shift+X",
            tip=self.tr("Choose the color and the range of values of each channel."),
            synonyms=self.tr(
                "channels, contrast, brightness, lookup table, LUT, fluorescence, window level, composite"
            ),
            icon="sliders-horizontal",
            enabled=When(lambda: self.has_channels, (changed.model, changed.source)),
        )
        yield from self._image_actions()

    def _image_actions(self) -> Iterator[Action]:
        """Yield those of the context menu that the menu bar has nowhere else, for the edited image."""
        shown = When(lambda: self._target(self._canvas.edited) is not None)
        yield Action(
            "action_save_image",
            self.tr("Save i&mage…"),
            partial(self._do, ImageMenu.ask_save),
            Section.CLIPBOARD,
            shortcut="Ctrl+Alt+S",
            tip=self.tr("Save the edited image as PNG, pixel for pixel."),
            synonyms=self.tr("png, export image, download image"),
            icon="save",
            enabled=shown,
        )
        yield Action(
            "action_find_neighbors",
            self.tr("Find nei&ghbors"),
            partial(self._do, ImageMenu.find_neighbors),
            Section.IMAGES,
            shortcut="Ctrl+Shift+N",
            tip=self.tr("Find the images whose codes are nearest to the current code."),
            synonyms=self.tr("similar images, nearest, look alike"),
            icon="users",
            enabled=shown,
        )
        yield Action(
            "action_send_to_arithmetic",
            self.tr("Send to a&rithmetic"),
            partial(self._do, ImageMenu.send_to_arithmetic),
            Section.IMAGES,
            shortcut="Ctrl+Alt+A",
            tip=self.tr("Add the current code to the next free term of the arithmetic."),
            synonyms=self.tr("analogy, add to term, vector math"),
            icon="plus",
            enabled=shown,
        )

    def _mode_actions(self) -> Iterator[Action]:
        texts = (
            (
                self.tr("&1-up"),
                "square",
                self.tr("Show the edited image alone on the stage."),
                self.tr("single image, edited only, large image"),
            ),
            (
                self.tr("&2-up"),
                "columns-2",
                self.tr("Show original and edited image side by side."),
                self.tr("side by side, before and after, two images"),
            ),
            (
                self.tr("&3-up"),
                "columns-3",
                self.tr("Show the edited image, with original and reconstruction smaller."),
                self.tr("three images, default view, reconstruction"),
            ),
            (
                self.tr("&Swipe"),
                "square-split-horizontal",
                self.tr("Drag a divider between original and edited image."),
                self.tr("split view, slider, before after"),
            ),
            (
                self.tr("&Error map"),
                "flame",
                self.tr("Show the reconstruction error of every pixel, with a color scale."),
                self.tr("difference, residual, heat map"),
            ),
        )
        for number, (mode, (label, icon, tip, synonyms)) in enumerate(zip(MODES, texts, strict=True)):
            yield Action(
                f"action_stage_{mode}",
                label,
                partial(self._canvas.set_mode, mode),
                Section.STAGE,
                shortcut=f"Ctrl+Shift+{number + 1}",
                tip=tip,
                synonyms=synonyms,
                icon=icon,
                checked=When(partial(self._is_mode, mode), (self._canvas.mode_changed,)),
            )

    def _is_mode(self, mode: str) -> bool:
        return self._canvas.mode == mode
