"""Code arithmetic: a − b + c, crossover, and variations of the current code; the result becomes the current code."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from PySide6.QtCore import QPoint, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QKeyEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QSizePolicy, QWidget

from explorer.data.mixer import shown
from explorer.document.document import Document
from explorer.document.state import Term
from explorer.document.view_store import FailedView
from explorer.document.views.decoded import DecodedView
from explorer.document.views.nearest import NEAREST
from explorer.document.views.neighbors import NeighborsView
from explorer.document.views.terms import TERMS
from explorer.errors import ExplorerError
from explorer.types import Floats, Shown
from explorer.ui.dragging import code_of, images_of
from explorer.ui.image_menu import ImageMenu, MenuImage
from explorer.ui.images import pixels_to_qimage
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel, WatchingPanel
from explorer.ui.panels.noise_cloud import CloudControls, NoiseCloudPage
from explorer.ui.plain_text import PlainLabel
from explorer.ui.text import sentence
from explorer.ui.theme import current_theme
from explorer.ui.widgets.fields import GestureSlider, button, decimal_box, label, name_control, name_widget, spin_box
from explorer.ui.widgets.image_frame import ImageFrame
from explorer.ui.widgets.layouts import STRETCH, folding, hbox, vbox, widget_of
from explorer.ui.widgets.pages import Pages
from explorer.ui.widgets.segmented_control import SegmentedControl
from explorer.ui.widgets.thumbnail_delegate import show_thumbnails

_SUM, _CROSS, _MORE = 0, 1, 2
_SIDE = 72
_CLEAR = 30
_FOLD = 150
"""Width in pixels below which the buttons of a term are below each other."""
_STEPS = 100
_SEEDS = 1_000_000


class ArithmeticPanel(WatchingPanel):
    """Three terms with images, and the image of the dataset whose code is nearest to the result."""

    watched = NEAREST

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, parent)
        name_widget(self, "arithmetic_panel", self.tr("Arithmetic"))
        self._make_controls()
        self._lay_out()
        self._connect()
        self._show_settings()
        self._show_nearest()

    def _make_controls(self) -> None:
        self.modes = SegmentedControl(
            (
                "arithmetic_sum",
                self.tr("A − B + C"),
                self.tr("Add and subtract codes: a − b + c"),
                self.tr("analogy, vector arithmetic, subtract"),
            ),
            (
                "arithmetic_cross",
                self.tr("Crossover"),
                self.tr("Take each dimension from one of two codes at random"),
                self.tr("mix codes, breed, recombine"),
            ),
            (
                "arithmetic_more",
                self.tr("Variations"),
                self.tr("Images decoded from the current code plus Gaussian noise"),
                self.tr("similar codes, mutate, perturb"),
            ),
        )
        self.terms = [_TermBox(self._document, number) for number in range(3)]
        self.nearest = ImageFrame(self.tr("Nearest"), self.tr("Add images to a, b and c."))
        self.nearest.setObjectName("arithmetic_nearest")
        ImageMenu(self._document, self.nearest, self._nearest_image)
        self.nearest.setToolTip(self.tr("The image of this dataset whose code is nearest to the result"))
        self._share = GestureSlider(
            "arithmetic_share", self.tr("Fraction of dimensions taken from c"), _STEPS, "arithmetic-share"
        )
        self._seed = spin_box("arithmetic_seed", self.tr("Seed for the dimension mask"), 0, _SEEDS - 1, 0)
        self._words = label("arithmetic_words")
        self.cloud, self._cloud_controls = (
            NoiseCloudPage(self._document),
            CloudControls(self._document, name="arithmetic_cloud"),
        )
        self.cloud.table.setObjectName("arithmetic_cloud")

    def _lay_out(self) -> None:
        self._crossing = widget_of(
            hbox(PlainLabel(self.tr("Crossover ratio")), (self._share, 1), PlainLabel(self.tr("Seed")), self._seed)
        )
        first = hbox((self.terms[0], 1), (self.terms[1], 1), spacing=10)
        second = hbox((self.terms[2], 1), (self.nearest, 1), spacing=10)
        images = folding(460, (first, 1), (second, 1), spacing=10)
        made = widget_of(vbox((images, 1), self._crossing, self._words))
        more = widget_of(folding(460, (self.cloud, 2), (self._cloud_controls, 1)))
        self._pages = Pages()
        self._pages.addWidget(made)
        self._pages.addWidget(more)
        self.setLayout(vbox(hbox(self.modes, STRETCH), (self._pages, 1), spacing=6, margins=(12, 8, 8, 8)))

    def _connect(self) -> None:
        document = self._document
        self.modes.chosen.connect(self._on_mode_chosen)
        self._share.moved.connect(self._on_share_moved)
        self._seed.valueChanged.connect(self._on_seed_changed)
        document.changed.arithmetic.connect(self._show_settings)
        document.views.changed(TERMS).connect(self._show_terms)
        document.views.changed(NEAREST).connect(self._show_nearest)
        document.analysis.running_changed.connect(self._show_nearest)
        document.changed.model.connect(self._show_settings)

    def _nearest_image(self, where: QPoint | None) -> MenuImage | None:
        view = self._document.views[NEAREST]
        if self.nearest.image is None or not isinstance(view, NeighborsView) or not len(view.indices):
            return None
        index = int(view.indices[0])
        return MenuImage(self.nearest.image, f"image-{index + 1}", index=index)

    # -- intents -----------------------------------------------------------------------------------------------------

    def _on_mode_chosen(self, number: int) -> None:
        self._pages.setCurrentIndex(1 if number == _MORE else 0)
        if number != _MORE:
            mode: Literal["sum", "cross"] = "cross" if number == _CROSS else "sum"
            if mode != self._document.state.arithmetic.mode:
                self._document.set_arithmetic(replace(self._document.state.arithmetic, mode=mode))

    def _on_share_moved(self, value: int, gesture: str) -> None:
        self._document.set_arithmetic(replace(self._document.state.arithmetic, share=value / _STEPS), gesture)

    def _on_seed_changed(self, value: int) -> None:
        self._document.set_arithmetic(replace(self._document.state.arithmetic, seed=value), "~arithmetic-seed")

    # -- display -----------------------------------------------------------------------------------------------------

    def _show_settings(self) -> None:
        arithmetic = self._document.state.arithmetic
        crossing = arithmetic.mode == "cross"
        if self.modes.current != _MORE:
            self.modes.choose(_CROSS if crossing else _SUM)
        self._crossing.setVisible(crossing)
        self.terms[1].setVisible(not crossing)
        with QSignalBlocker(self._share), QSignalBlocker(self._seed):
            self._share.setValue(round(_STEPS * arithmetic.share))
            self._seed.setValue(arithmetic.seed)
        for box, term in zip(self.terms, arithmetic.terms, strict=True):
            box.show_term(term, crossing=crossing)
        words = self.tr("Drop images on a slot. Several images are averaged.")
        if arithmetic.result() is not None:
            words = self.tr("The result is shown on the stage.")
        self._words.setText(words)
        self._show_terms()

    def _show_terms(self) -> None:
        view = self._document.views[TERMS]
        pixels = shown(view.images, self._document.mixer) if isinstance(view, DecodedView) else None
        start = 0
        for box, term in zip(self.terms, self._document.state.arithmetic.terms, strict=True):
            end = start + len(term.codes)
            box.show_images(pixels[start:end] if pixels is not None and end <= len(pixels) else None, end - start)
            start = end

    def _show_nearest(self) -> None:
        view, source = self._document.views[NEAREST], self._document.source
        if not isinstance(view, NeighborsView) or not len(view.indices) or source is None:
            problem = view.message if isinstance(view, FailedView) else self._document.analysis.problem("index")
            again = self.tr("Try again in the Neighbors tab.")
            busy = self.tr("Encoding the images…")
            self.nearest.show_text(f"{sentence(problem)}\n{again}" if problem else busy, problem=bool(problem))
            return
        place = int(view.indices[0])
        label = source.label(place)
        words = self.tr("Image %1").replace("%1", f"{place + 1:,}") + (f" · {label}" if label else "")
        self.nearest.show_image(pixels_to_qimage(np.ascontiguousarray(view.images[0])), words)


class _TermBox(QWidget):
    """One term: its weight and its images; images and codes can be dropped on it."""

    def __init__(self, document: Document, number: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._number = number
        letter = "abc"[number]
        self.setObjectName(f"slot_{letter}")
        self.setAcceptDrops(True)
        self._strength = decimal_box(
            f"slot_{letter}_strength", self.tr("Weight; below 0, the term is subtracted"), (-5.0, 5.0), 0.1, 2
        )
        self._strength.setPrefix(f"{letter}  × ")
        self._strength.setMinimumWidth(80)
        self._strength.setSizePolicy(QSizePolicy.Policy.Ignored, self._strength.sizePolicy().verticalPolicy())
        self.list = _TermImages()
        name_control(self.list, f"slot_{letter}_images", self.tr("Images of this term; press Delete to remove one"))
        show_thumbnails(self.list, QSize(_SIDE + 4, _SIDE + 4))
        self.list.setAcceptDrops(False)
        self._add = button(
            f"slot_{letter}_add",
            self.tr("+ Image"),
            self.tr("Add the selected image to %1").replace("%1", letter),
            self.tr("insert image, use image"),
        )
        tip = self.tr("Add the current code to %1").replace("%1", letter)
        self._cursor = button(f"slot_{letter}_cursor", self.tr("+ Code"), tip, self.tr("insert code, use code"))
        self._clear = button(
            f"slot_{letter}_clear",
            "×",
            self.tr("Remove all images from %1").replace("%1", letter),
            self.tr("empty slot, remove images"),
        )
        self._clear.setAccessibleName(self.tr("Clear"))
        self._clear.setFixedWidth(_CLEAR)
        for made in (self._add, self._cursor):
            made.setMinimumWidth(30)
            made.setSizePolicy(QSizePolicy.Policy.Ignored, made.sizePolicy().verticalPolicy())
        self.setLayout(
            vbox(
                hbox((self._strength, 1), self._clear, spacing=4),
                (self.list, 1),
                folding(_FOLD, (self._add, 1), (self._cursor, 1), spacing=4),
                spacing=4,
                margins=0,
            )
        )
        self._strength.valueChanged.connect(self._on_strength_changed)
        self._add.clicked.connect(lambda: self._take(self._document.state.start_code))
        self._cursor.clicked.connect(lambda: self._take(self._document.code))
        self._clear.clicked.connect(lambda: self._put(replace(self._term, codes=())))

    @property
    def _term(self) -> Term:
        return self._document.state.arithmetic.terms[self._number]

    def _put(self, term: Term, gesture: str | None = None) -> None:
        terms = list(self._document.state.arithmetic.terms)
        terms[self._number] = term
        first, second, third = terms
        self._document.set_arithmetic(replace(self._document.state.arithmetic, terms=(first, second, third)), gesture)

    def _on_strength_changed(self, value: float) -> None:
        self._put(replace(self._term, strength=value), f"~slot-{self._number}")

    def _take(self, code: Floats | None) -> None:
        if code is not None:
            self._document.add_to_term(self._number, code[None])

    def show_term(self, term: Term, *, crossing: bool) -> None:
        with QSignalBlocker(self._strength):
            self._strength.setValue(term.strength)
        self._strength.setEnabled(not crossing)
        self._clear.setEnabled(bool(term.codes))
        open_model = self._document.model is not None
        self._add.setEnabled(open_model)
        self._cursor.setEnabled(open_model)

    def show_images(self, pixels: Shown | None, count: int) -> None:
        """Show the images ``(count, h, w, c)``, or empty places until they are decoded."""
        while self.list.count() > count:
            self.list.takeItem(self.list.count() - 1)
        while self.list.count() < count:
            self.list.addItem(QListWidgetItem())
        for place in range(count):
            item = self.list.item(place)
            words = self.tr("Image %1 of this term").replace("%1", str(place + 1))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, words)
            if pixels is not None:
                qimage = pixels_to_qimage(np.ascontiguousarray(pixels[place]))
                times = max(1, _SIDE // max(qimage.width(), qimage.height()))
                item.setData(Qt.ItemDataRole.DecorationRole, QPixmap.fromImage(qimage.scaled(qimage.size() * times)))
        self.list.doItemsLayout()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        place = self.list.currentRow()
        if event.key() in {Qt.Key.Key_Delete, Qt.Key.Key_Backspace} and 0 <= place < len(self._term.codes):
            codes = self._term.codes
            self._put(replace(self._term, codes=(*codes[:place], *codes[place + 1 :])))
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if images_of(event.mimeData()) or code_of(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        images, code = images_of(event.mimeData()), code_of(event.mimeData())
        event.acceptProposedAction()
        if images:
            self._document.term_requested.emit(np.asarray(images, np.int64), self._number)
        elif code is not None:
            try:
                self._document.add_to_term(self._number, code[None])
            except ExplorerError as error:
                self._document.report(error.message)


class _TermImages(QListWidget):
    """The images of a term; without any, it says how to add some."""

    def sizeHint(self) -> QSize:
        return QSize(120, 92)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.count():
            painter = QPainter(self.viewport())
            painter.setPen(current_theme().color("muted"))
            area = self.viewport().rect().adjusted(8, 8, -8, -8)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(area, int(flags), self.tr("Drop images here"))
            painter.end()


PANEL = Panel(
    "arithmetic",
    QT_TRANSLATE_NOOP("panels", "Arithmetic"),
    ArithmeticPanel,
    tip=QT_TRANSLATE_NOOP("panels", "Add and subtract codes, such as A − B + C, and decode the result."),
    synonyms=QT_TRANSLATE_NOOP("panels", "analogy, vector math, add, subtract, mix"),
    icon="plus",
    workspaces=("explore",),
    help="explore#arithmetic",
)
