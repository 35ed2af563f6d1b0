"""Traversals: a row of images for each dimension or principal component; a click makes a code the current one."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from PySide6.QtCore import QPoint, QSignalBlocker, Qt
from PySide6.QtWidgets import QScrollArea, QWidget

from explorer.document.document import Document
from explorer.document.mixing import shown_text
from explorer.document.state import OpenModel
from explorer.document.view_store import FailedView
from explorer.document.views.traversal import TRAVERSAL, TraversalView
from explorer.latent.statistics import ACTIVE_VARIANCE
from explorer.messages import message, message_text
from explorer.ui.image_menu import ImageMenu, MenuImage
from explorer.ui.images import pixels_to_qimage, stated
from explorer.ui.panel import QT_TRANSLATE_NOOP, Panel, WatchingPanel
from explorer.ui.plain_text import PlainLabel
from explorer.ui.text import component_name, dimension_name, filled, percent
from explorer.ui.widgets.fields import decimal_box, label, name_control, name_widget
from explorer.ui.widgets.image_grid import ImageGrid
from explorer.ui.widgets.layouts import flow, hbox, vbox, widget_of
from explorer.ui.widgets.segmented_control import SegmentedControl

_KINDS: tuple[Literal["dimensions", "components", "maximum"], ...] = ("dimensions", "components", "maximum")


class TraversalsPanel(WatchingPanel):
    """Rows of images that show what each dimension changes."""

    watched = TRAVERSAL

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, parent)
        name_widget(self, "traversals_panel", self.tr("Traversals"))
        self._make_controls()
        self._lay_out()
        self.kinds.chosen.connect(self._on_kind_chosen)
        self._reach.valueChanged.connect(self._on_reach_changed)
        self.table.chosen.connect(self._on_chosen)
        ImageMenu(document, self.table, self._menu_image)
        document.changed.traversal.connect(self._on_traversal_changed)
        document.views.changed(TRAVERSAL).connect(self._on_view_changed)
        self._on_traversal_changed()
        self._on_view_changed()

    def _make_controls(self) -> None:
        self.kinds = SegmentedControl(
            (
                "traversals_dimensions",
                self.tr("Dimensions"),
                self.tr("One row per dimension, sorted by variance or KL; other dimensions stay fixed"),
                self.tr("per dimension, latent units"),
            ),
            (
                "traversals_axes",
                self.tr("PCA"),
                self.tr("One row per principal component: the directions in which the codes vary most"),
                self.tr("principal components, eigenvectors"),
            ),
            (
                "traversals_maximum",
                self.tr("One dim. at max"),
                self.tr("The mean code, with one dimension at a time at its maximum over the test images"),
                self.tr("maximum activation, one-hot, extremes"),
            ),
        )
        tip = self.tr("Range of each row, in standard deviations (σ) of the codes of test images")
        self._reach = decimal_box("traversals_reach", tip, (0.1, 20.0), 0.5, 1)
        self._reach.setSuffix(" σ")
        self._range = widget_of(hbox(PlainLabel(self.tr("Range ±")), self._reach, spacing=6))
        self._caption = label("traversals_caption", narrow=True)
        self.table = ImageGrid(wrap="")
        policy = self.table.sizePolicy()
        policy.setHeightForWidth(True)
        self.table.setSizePolicy(policy)
        about = self.tr("Images around the current code; click one to use its code")
        name_control(self.table, "traversals_table", about)

    def _lay_out(self) -> None:
        area = QScrollArea()
        name_control(area, "traversals_area", self.tr("Rows of images, one per dimension or principal component"))
        area.setWidgetResizable(True)
        # The images take the keyboard focus, and the area scrolls to them.
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self.table)
        self.setLayout(
            vbox(
                flow(self.kinds, self._range),
                (area, 1),
                self._caption,
                spacing=6,
                margins=(12, 8, 8, 8),
            )
        )

    # -- intents -----------------------------------------------------------------------------------------------------

    def _on_kind_chosen(self, number: int) -> None:
        self._document.set_traversal(replace(self._document.state.traversal, by=_KINDS[number]))

    def _on_reach_changed(self, reach: float) -> None:
        self._document.set_traversal(replace(self._document.state.traversal, reach=reach), "~reach")

    def _on_chosen(self, row: int, column: int) -> None:
        view = self._document.views[TRAVERSAL]
        if isinstance(view, TraversalView) and row < len(view.codes):
            self._document.set_code(view.codes[row, column], message("Select traversal image"))

    def _menu_image(self, where: QPoint | None) -> MenuImage | None:
        view, place = self._document.views[TRAVERSAL], self.table.target(where)
        if not isinstance(view, TraversalView) or place is None:
            return None
        name = f"traversal-{place[0] + 1}-{place[1] + 1}"
        image = stated(pixels_to_qimage(view.pixels[place]), shown_text(self._document.state))
        return MenuImage(image, name, view.codes[place])

    # -- display -----------------------------------------------------------------------------------------------------

    def _on_traversal_changed(self) -> None:
        traversal = self._document.state.traversal
        self.kinds.choose(_KINDS.index(traversal.by))
        with QSignalBlocker(self._reach):
            self._reach.setValue(traversal.reach)
        self._range.setVisible(traversal.by != "maximum")

    def _on_view_changed(self) -> None:
        view, model = self._document.views[TRAVERSAL], self._document.model
        if not isinstance(view, TraversalView) or model is None:
            words = self.tr("Open a model to traverse its latent space.")
            self.table.set_labels([])
            self.table.show_message(message_text(view.message) if isinstance(view, FailedView) else words)
            self._caption.clear()
            return
        self.table.set_labels(self._labels(view, model))
        self.table.show_pixels(view.pixels)
        self._caption.setText(self._described(view, model))

    def _labels(self, view: TraversalView, model: OpenModel) -> list[tuple[str, bool]]:
        """Return the label of each row, and whether it is dimmed because the dimension is inactive."""
        stats = model.sample.statistics
        if not len(view.values):
            columns = view.codes.shape[1]
            names = [dimension_name(int(dim)) for dim in view.rows]
            parts = [names[start : start + columns] for start in range(0, len(names), columns)]
            return [(f"{part[0]} … {part[-1]}" if len(part) > 1 else part[0], False) for part in parts]
        if view.components:
            return [(f"{component_name(axis)} · {percent(float(stats.explained[axis]))}", False) for axis in view.rows]
        labels = []
        for dim in view.rows.tolist():
            inactive = bool(stats.sigma[dim] ** 2 <= ACTIVE_VARIANCE)
            sigma = float(stats.sigma[dim])
            note = f"KL {stats.kl[dim]:.1f}" if stats.kl is not None else f"σ {sigma:.{1 if sigma >= 1 else 2}f}"
            labels.append((f"{dimension_name(dim)} · {self.tr('inactive') if inactive else note}", inactive))
        return labels

    def _described(self, view: TraversalView, model: OpenModel) -> str:
        if not len(view.values):
            return self.tr("Sorted by variance (VAE: by KL); last row padded with the mean.")
        words = self.tr("±%1 σ, other dimensions fixed")
        words = words.replace("%1", f"{view.values[-1]:g}")
        count = len(model.sample.statistics.components) if view.components else model.latent_dim
        if len(view.rows) < count:
            words += filled(self.tr(" · %1 of %2 shown"), len(view.rows), f"{count:,}")
        return words


PANEL = Panel(
    "traversals",
    QT_TRANSLATE_NOOP("panels", "Traversals"),
    TraversalsPanel,
    tip=QT_TRANSLATE_NOOP("panels", "Vary one dimension or principal component at a time."),
    synonyms=QT_TRANSLATE_NOOP("panels", "latent traversal, walk, sweep, vary, disentangle"),
    icon="grid-3x3",
    workspaces=("explore",),
    help="explore#traversals",
)
