"""The latent panel: sliders for the current code, per dimension, principal component or direction."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtWidgets import QLineEdit, QWidget

from explorer.document.document import Document
from explorer.document.state import COMPONENTS_ABOVE, OpenModel
from explorer.document.view_store import FailedView
from explorer.document.views.meter import METER
from explorer.errors import UsageError
from explorer.latent.selection import select
from explorer.messages import message_text
from explorer.types import Floats, LatentShape
from explorer.ui.actions import Action, Section
from explorer.ui.code_views import CodeView, ComponentsView, DimensionsView, DirectionsView, SortKey
from explorer.ui.dialogs.find_directions import FindDirectionsDialog
from explorer.ui.dialogs.statistics import StatisticsDialog
from explorer.ui.panels.latent_controls import LatentControls
from explorer.ui.plain_text import PlainLabel, plain_tooltip
from explorer.ui.text import filled, percent
from explorer.ui.theme import current_theme
from explorer.ui.widgets.fields import button, clearable, combo_box, label, name_control, name_widget
from explorer.ui.widgets.layouts import hbox, vbox, widget_of
from explorer.ui.widgets.segmented_control import SegmentedControl
from explorer.ui.widgets.slider_list import ROW_HEIGHT, SliderList
from explorer.ui.widgets.slider_rows import NO_ROWS, RowOrder, in_order

_DIMENSIONS, _AXES, _DIRECTIONS = 0, 1, 2
_REST_MS = 250
"""Delay in ms after the last edit before sliders sorted by edit size are sorted again."""
_FEWEST = 3
_OFF = 2.0
"""Distance ratio above which a code counts as out of distribution."""


class LatentPanel(QWidget):
    """Sliders with a choice of basis, sorting, a filter, reset, and random codes."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._rng = np.random.default_rng()
        self._view: CodeView | None = None
        self._model: OpenModel | None = None
        self._latent_shape: LatentShape = ()
        self._start: Floats | None = None
        self._marks: Floats | None = None
        self._moving = False
        self._finder: FindDirectionsDialog | None = None
        self._statistics_dialog: StatisticsDialog | None = None
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._make_controls()
        self._lay_out()
        self._connect()
        self._on_model_changed()

    def _make_controls(self) -> None:
        name_widget(self, "latent_panel", self.tr("Latent code"))
        self._controls = LatentControls(self._document)
        self._summary = label("latent_summary", self.tr("No model"))
        self.views = SegmentedControl(
            ("latent_dimensions", self.tr("Dimensions"), self.tr("One slider per latent dimension (Ctrl+Shift+A)")),
            (
                "latent_axes",
                self.tr("PCA"),
                self.tr("One slider per principal component (PC), by decreasing variance (Ctrl+Shift+A)"),
            ),
            (
                "latent_directions",
                self.tr("Directions"),
                self.tr("One slider per direction, along which an attribute changes (Ctrl+Shift+A)"),
            ),
        )
        self._sort = combo_box(
            "latent_sort", self.tr("Sort by index, standard deviation, KL divergence or edit size"), []
        )
        self.filter = QLineEdit()
        name_control(self.filter, "latent_filter", self.tr("Filter the sliders"))
        clearable(self.filter)
        self.sliders = SliderList()
        name_widget(
            self.sliders,
            "latent_sliders",
            self.tr("Sliders of the latent code"),
            self.tr(
                "Values in standard deviations (σ) of the dataset, over its histogram; tick = original value.\n"
                "Drag to edit, double-click to reset, double-click the number or press Enter to type a value."
            ),
        )
        self._meter = label("latent_meter", look="plain", wrap=False)
        self._meter.setTextFormat(Qt.TextFormat.RichText)  # for the color of its dot; it shows no names
        self._meter.setToolTip(
            self.tr("Distance to the nearest test code ÷ 95th-percentile nearest-neighbor distance of test codes")
        )
        self._find = button(
            "latent_find_directions",
            self.tr("Find…"),
            self.tr("Find the direction of an attribute and test its significance (Ctrl+Shift+F)"),
        )
        self._part = button(
            "latent_part_directions",
            self.tr("Orthogonalize"),
            self.tr("Make the directions orthogonal, in order"),
            self.tr("orthogonal, gram-schmidt, disentangle"),
        )
        self._drop = button(
            "latent_drop_direction",
            self.tr("Delete"),
            self.tr("Delete the direction of the current slider"),
            self.tr("remove direction, delete direction"),
        )
        self._reset = button(
            "latent_reset", self.tr("Reset edit"), self.tr("Restore the code of the selected image (Ctrl+R)")
        )
        self._shuffle = button(
            "latent_shuffle",
            self.tr("Random"),
            self.tr("Draw a code from a normal distribution fitted to the dataset (Ctrl+J)"),
        )
        self._statistics = button(
            "latent_statistics",
            self.tr("Statistics…"),
            self.tr("Dimension statistics, correlations and linear probes (Ctrl+T)"),
        )

    def _lay_out(self) -> None:
        self._of_directions = widget_of(hbox((self._find, 1), self._part, self._drop))
        self.setLayout(
            vbox(
                self.views,
                self._summary,
                self._meter,
                self._controls,
                hbox(PlainLabel(self.tr("Sort")), self._sort, (self.filter, 1), spacing=6),
                (self.sliders, 1),
                self._of_directions,
                hbox(self._reset, self._shuffle, self._statistics),
                margins=8,
            )
        )

    def _connect(self) -> None:
        document = self._document
        self.views.chosen.connect(self._show_view)
        self._sort.activated.connect(lambda index: self._arrange())
        self.filter.textChanged.connect(lambda text: self._arrange())
        self._rest.timeout.connect(lambda: self._arrange(to_top=False))
        self._reset.clicked.connect(document.reset_code)
        self._shuffle.clicked.connect(self.shuffle)
        self.sliders.moved.connect(self._on_slider_moved)
        self.sliders.reset_requested.connect(self._on_slider_reset)
        document.changed.model.connect(self._on_model_changed)
        document.changed.code.connect(self._on_code_changed)
        document.views.changed(METER).connect(self._on_meter_changed)
        document.changed.directions.connect(self._on_directions_changed)
        self._find.clicked.connect(self.find_directions)
        self._statistics.clicked.connect(self.show_statistics)
        self._part.clicked.connect(document.direction_search.part)
        self._drop.clicked.connect(lambda: document.direction_search.drop([self.sliders.current_item]))

    @property
    def wanted_height(self) -> int:
        """Height in pixels that shows all sliders; words instead of them need as much as three."""
        count = self._view.rows.count if self._view is not None else 0
        others = super().sizeHint().height() - self.sliders.sizeHint().height()
        return others + max(count, _FEWEST) * ROW_HEIGHT

    def hasHeightForWidth(self) -> bool:
        """The sliders take what is left; with wrapped texts Qt would ask for more height than needed."""
        return False

    # -- intents -------------------------------------------------------------------------------------------------

    def shuffle(self) -> None:
        self._document.shuffle_code(self._rng)

    def switch_view(self) -> None:
        places = [(self.views.current + step) % 3 for step in (1, 2)]
        there = {_DIRECTIONS: bool(self._document.state.directions)}
        possible = (place for place in places if self.views.part(place).isEnabled() and there.get(place, True))
        other = next(possible, None)
        if other is not None:
            self.views.choose(other)
            self._show_view(other)

    def show_statistics(self) -> StatisticsDialog:
        if self._statistics_dialog is None:
            self._statistics_dialog = StatisticsDialog(self._document, self.window())
        self._statistics_dialog.show()
        self._statistics_dialog.raise_()
        return self._statistics_dialog

    def find_directions(self) -> FindDirectionsDialog:
        if self._finder is None:
            self._finder = FindDirectionsDialog(self._document, self.window())
        self._finder.show()
        self._finder.raise_()
        if self._document.model is not None:
            self.views.choose(_DIRECTIONS)
            self._show_view(_DIRECTIONS)
        return self._finder

    def menu_actions(self) -> Iterator[Action]:
        yield Action(
            "action_reset",
            self.tr("Re&set edit"),
            self._document.reset_code,
            Section.CODE,
            shortcut="Ctrl+R",
            tip=self.tr("Reset to the code that the encoder gives the selected image."),
            synonyms=self.tr("restore original, revert, clear edit"),
            icon="rotate-ccw",
            buttons=(self._reset,),
        )
        yield Action(
            "action_shuffle",
            self.tr("R&andom code"),
            self.shuffle,
            Section.CODE,
            shortcut="Ctrl+J",
            tip=self.tr("Draw a code from a normal distribution fitted to the dataset's codes."),
            synonyms=self.tr("shuffle, sample, generate, surprise me"),
            icon="dices",
            buttons=(self._shuffle,),
        )
        yield from self._controls.menu_actions()
        yield Action(
            "action_code_view",
            self.tr("Cycle slider &basis"),
            self.switch_view,
            Section.SLIDERS,
            shortcut="Ctrl+Shift+A",
            tip=self.tr("Switch the sliders between dimensions, principal components and directions."),
            synonyms=self.tr("pca, principal components, dimensions, directions"),
            buttons=tuple(self.views.part(number) for number in (_DIMENSIONS, _AXES, _DIRECTIONS)),
        )
        yield Action(
            "action_filter",
            self.tr("&Filter sliders"),
            self.find_sliders,
            Section.SLIDERS,
            shortcut="Ctrl+F",
            tip=self.tr("Show only sliders of given numbers or ranges, or the active ones."),
            synonyms=self.tr("find slider, search dimensions, active dimensions"),
        )
        yield Action(
            "action_find_directions",
            self.tr("Find attribute d&irection…"),
            self.find_directions,
            Section.SLIDERS,
            shortcut="Ctrl+Shift+F",
            tip=self.tr("Find the direction in latent space along which an attribute changes."),
            synonyms=self.tr("attribute vector, smile, semantic direction, concept"),
            buttons=(self._find,),
        )
        yield Action(
            "action_statistics",
            self.tr("Latent s&tatistics…"),
            self.show_statistics,
            Section.SLIDERS,
            shortcut="Ctrl+T",
            tip=self.tr("Show statistics of each dimension, correlations, and linear probes."),
            synonyms=self.tr("correlation, linear probe, kl divergence, variance"),
            buttons=(self._statistics,),
        )

    def _on_directions_changed(self) -> None:
        if self.views.current == _DIRECTIONS and self._document.model is not None:
            self._show_view(_DIRECTIONS)

    def find_sliders(self) -> None:
        self.filter.setFocus()
        self.filter.selectAll()

    def _on_meter_changed(self) -> None:
        view = self._document.views[METER]
        self._meter.setWordWrap(isinstance(view, FailedView))
        if view is None:
            self._meter.clear()
            return
        if isinstance(view, FailedView):
            self._meter.setText(escape(message_text(view.message)))
            return
        use, words = "good", self.tr("In distribution")
        if view.ratio > 1:
            use, words = "warn", self.tr("Edge of distribution")
        if view.ratio > _OFF:
            use, words = "bad", self.tr("Out of distribution")
        color = current_theme().color(use).name()
        self._meter.setText(f'<span style="color:{color}">●</span> {words} · {view.ratio:.1f}×')

    # -- what is shown ---------------------------------------------------------------------------------------------

    def _on_model_changed(self) -> None:
        model = self._document.model
        shape = () if model is None else model.card.latent_shape
        same = shape == self._latent_shape and self._view is not None
        self._latent_shape = shape
        for control in (self.views, self._sort, self.filter, self._statistics):
            control.setEnabled(model is not None)
        if model is None:
            self._view = None
            self._of_directions.hide()
            self._summary.setText(self.tr("No model"))
            self._summary.show()
            self.sliders.set_rows(NO_ROWS)
            self.sliders.set_order(in_order(0), self.tr("Open a model to edit its codes."))
            self._on_code_changed()
            return
        axes = len(model.sample.statistics.components)
        self.views.part(_AXES).setEnabled(axes > 0)
        wanted = self.views.current
        if not same:
            wanted = _AXES if model.latent_dim > COMPONENTS_ABOVE else _DIMENSIONS
            with QSignalBlocker(self.filter):
                self.filter.clear()
        self.views.choose(wanted if axes or wanted == _DIRECTIONS else _DIMENSIONS)
        newer, self._model = model.continues(self._model), model
        if not (newer and self._renew_view(model)):
            self._show_view(self.views.current)

    def _renew_view(self, model: OpenModel) -> bool:
        """Show newer weights of a model in training without interrupting a drag; return whether that is possible."""
        view = self._view_of(model, self.views.current)
        if self._view is None or view.rows.count != self._view.rows.count:
            return False
        self._view = view
        self.sliders.renew_rows(view.rows)
        self._start = self._marks = None
        self._show_code()
        return True

    def _view_of(self, model: OpenModel, number: int) -> CodeView:
        if number == _DIRECTIONS:
            return DirectionsView(model, self._document.state.directions)
        return ComponentsView(model) if number == _AXES else DimensionsView(model)

    def _show_view(self, number: int) -> None:
        model = self._document.model
        if model is None:
            return
        self._view = self._view_of(model, number)
        self._of_directions.setVisible(number == _DIRECTIONS)
        for control in (self._part, self._drop):
            control.setEnabled(bool(self._document.state.directions))
        self._fill_sort(self._view)
        spatial = len(self._view.shape) == 3
        self.filter.setPlaceholderText(self.tr("Filter, e.g. c5") if spatial else self.tr("Filter, e.g. 3, 10-20"))
        self.filter.setToolTip(plain_tooltip(self._filter_tip(spatial=spatial)))
        self.sliders.set_rows(self._view.rows)
        self._start = self._marks = None
        self._show_code()
        self._arrange()

    def _filter_tip(self, *, spatial: bool) -> str:
        text = self.tr("Numbers and ranges such as 3, 10-20, or “active” (Ctrl+F).")
        if spatial:
            text += " " + self.tr("Channels: c5, c5-8. An entry: 3,4,7 (row, column, channel).")
        return text

    def _fill_sort(self, view: CodeView) -> None:
        titles: dict[SortKey, str] = {
            "order": self.tr("Index"),
            "spread": self.tr("Std. dev."),
            "kl": self.tr("KL"),
            "changed": self.tr("Edit size"),
        }
        before = self._sort.currentData()
        with QSignalBlocker(self._sort):
            self._sort.clear()
            for key in view.sort_keys:
                self._sort.addItem(titles[key], key)
            self._sort.setMinimumContentsLength(8)
            self._sort.setCurrentIndex(max(0, self._sort.findData(before)))

    def _arrange(self, *, to_top: bool = True) -> None:
        view = self._view
        if view is None:
            return
        self._rest.stop()
        count = view.rows.count
        items, words = view.sorted(self._sort.currentData(), self.sliders.values, self._marks), ""
        if not count:
            words = self.tr("No directions yet. Find one from a labeled attribute, e.g. “smile”.")
        text = self.filter.text().strip()
        if text:
            try:
                chosen = _filtered(text, view)
                items = items[chosen[items]]
                words = self.tr("No sliders match “%1”").replace("%1", text)
            except UsageError as error:
                items, words = items[:0], str(error)
        self.sliders.set_order(RowOrder(items, count), words, to_top=to_top)
        self._show_summary(len(items))

    def _show_summary(self, shown: int) -> None:
        model, view = self._document.model, self._view
        assert model is not None
        assert view is not None
        count = view.rows.count
        if isinstance(view, DirectionsView):
            text = ""
        elif isinstance(view, ComponentsView):
            share = percent(float(min(1.0, model.sample.statistics.explained.sum())))
            text = filled(self.tr("%1 PCs explain %2 of the variance"), _shape_words(model, view), share)
        else:
            kind = self.tr("VAE") if model.card.variational else self.tr("autoencoder (AE)")
            if not model.card.encodes:
                kind = self.tr("decoder only")
            elif not model.card.decodes:
                kind = self.tr("encoder only")
            text = filled(self.tr("%1 dimensions, %2"), _shape_words(model, view), kind)
        filtered = self.tr("%1 shown").replace("%1", f"{shown:,}") if shown != count else ""
        self._summary.setText(" · ".join(part for part in (text, filtered) if part))
        self._summary.setVisible(bool(self._summary.text()))

    # -- the cursor ------------------------------------------------------------------------------------------------

    def _on_code_changed(self) -> None:
        self._show_code()
        if self._sort.currentData() == "changed" and not self._moving:
            # Rows must not move during a drag, and an animation must not sort at every frame.
            self._rest.start()

    def _show_code(self) -> None:
        view, code, start = self._view, self._document.code, self._document.state.start_code
        ready = view is not None and code is not None
        self.sliders.setEnabled(ready)
        self._reset.setEnabled(ready)
        self._shuffle.setEnabled(view is not None)
        if view is None or code is None:
            return
        if start is not self._start:
            self._start = start
            self._marks = None if start is None else view.coordinates(start)
        self.sliders.set_values(view.coordinates(code), self._marks)

    def _on_slider_moved(self, item: int, value: float, gesture: str) -> None:
        if self._view is not None:
            self._moving = True
            self._view.move(self._document, item, value, gesture)
            self._moving = False

    def _on_slider_reset(self, item: int, gesture: str) -> None:
        if self._view is not None:
            self._moving = True
            self._view.reset(self._document, item, gesture)
            self._moving = False


def _filtered(text: str, view: CodeView) -> NDArray[np.bool_]:
    """Return which sliders a filter names; principal components are counted from 1, as they are displayed."""
    count, first = view.rows.count, int(isinstance(view, ComponentsView))
    chosen = np.zeros(first + count, np.bool_)
    shape = (first + count,) if first else view.shape
    chosen[select(text, shape, np.concatenate([np.zeros(first, np.bool_), view.active]))] = True
    return chosen[first:]


def _shape_words(model: OpenModel, view: CodeView) -> str:
    """Return the number of sliders; for the dimensions of a spatial code, its shape."""
    if isinstance(view, DimensionsView) and len(view.shape) > 1:
        return "×".join(f"{side:,}" for side in view.shape)
    return f"{view.rows.count:,}"
