"""Diagram of a model: encoder, code and decoder, one block per layer."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QSizePolicy, QWidget

from explorer.messages import message_text
from explorer.models.layer_labels import activation_label, count_label, layer_labels, shape_label
from explorer.models.layers import Conv, ConvTranspose
from explorer.models.spec import ModelSpec
from explorer.ui.plain_text import plain_tooltip
from explorer.ui.theme import current_theme
from explorer.ui.widgets.fields import name_widget
from explorer.ui.widgets.network_layout import EDGE, Block, Frame, Layout, Part, lay_out
from explorer.ui.widgets.network_painter import LINE_SHARE, NetworkLook, block_words, paint_network, upright_lines

_FONT_SHARE = 0.86
_ROOM = 48.0
"""Least height of the blocks, in pixels, with which labels are shown below them."""

_LEAST_ROOM = 28.0
_NARROWEST = 14.0
"""Width of a column without labels."""

_COLUMN_GAP = 5.0
_LINES = 4


class NetworkDrawing(QAbstractScrollArea):
    """Encoder, code and decoder of a `ModelSpec`; mouse and arrow keys show details of a layer.

    The labels are horizontal if the width suffices, else rotated; if even these do not fit, the diagram scrolls. If
    the height is too small for labels, only the details of one layer are shown at the bottom.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spec: ModelSpec | None = None
        self.diagram: Layout | None = None
        self._words: tuple[tuple[str, ...], ...] = ()
        self._current = 0
        self._hovered: int | None = None
        name_widget(
            self,
            "network_drawing",
            self.tr("Network layers"),
            self.tr("One block per layer: height shows the output size, thickness the number of channels"),
        )
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.viewport().setAutoFillBackground(False)
        self.viewport().setMouseTracking(True)
        self.show_spec(None)

    def sizeHint(self) -> QSize:
        return QSize(560, 230)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, round(self._header + self._footer + _LEAST_ROOM + 12))

    @property
    def current(self) -> int:
        """Number of the block selected with the keyboard."""
        return self._current

    def show_spec(self, spec: ModelSpec | None) -> None:
        if spec == self._spec and (spec is None) == (self.diagram is None):
            self._describe()
            return
        self._spec, self._hovered = spec, None
        self._arrange()
        self._current = min(self._current, len(self.diagram.blocks) - 1) if self.diagram else 0
        self._describe()

    # -- geometry ------------------------------------------------------------------------------------------------

    @property
    def _small(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(max(6.0, font.pointSizeF() * _FONT_SHARE))
        return font

    @property
    def _line(self) -> float:
        return QFontMetricsF(self._small).height()

    def _arrange(self) -> None:
        self.diagram = None if self._spec is None else self._laid_out(self._spec)
        bar = self.horizontalScrollBar()
        wide = self.diagram.width if self.diagram else 0
        bar.setPageStep(self.viewport().width())
        bar.setSingleStep(40)
        bar.setRange(0, max(0, round(wide) - self.viewport().width()))
        self.viewport().update()

    def _laid_out(self, spec: ModelSpec) -> Layout:
        """Return the layout; it depends on the length of the labels, which depends on their orientation."""
        metrics = QFontMetricsF(self._small)
        frame = Frame(self.viewport().width(), 0, 100, 2 * LINE_SHARE * self._line + 1, 0)
        blocks = lay_out(spec, frame).blocks
        self._words = tuple(block_words(block, self.tr("Code"), self.tr("Image")) for block in blocks)
        widest = max(metrics.horizontalAdvance(text) for words in self._words for text in words)
        longest = max(metrics.horizontalAdvance(text) for words in self._words for text in upright_lines(words))
        frame = Frame(frame.width, 0, 100, frame.narrow, widest + _COLUMN_GAP)
        words = _LINES * LINE_SHARE * self._line if lay_out(spec, frame).flat else longest
        self._below = self.viewport().height() - self._footer - words - 2
        top, bottom, narrow = self._header + 6, self._below - 8, frame.narrow
        if bottom - top < _ROOM:
            self._words = ()
            bottom, narrow = max(top + _LEAST_ROOM, self.viewport().height() - self._footer - 4), _NARROWEST
        return lay_out(spec, Frame(frame.width, top, bottom, narrow, frame.wide))

    @property
    def _header(self) -> float:
        return self._line + 7

    @property
    def _footer(self) -> float:
        return self._line + 4

    def _point(self, point: QPointF) -> QPointF:
        return point + QPointF(self.horizontalScrollBar().value(), 0)

    # -- texts ---------------------------------------------------------------------------------------------------

    def details(self, number: int) -> str:
        assert self.diagram is not None
        block = self.diagram.blocks[number]
        if block.row is None:
            return self._plain_details(block)
        row = block.row
        shapes = f"{shape_label(row.input_shape)} → {shape_label(row.output_shape)}"
        parts = [f"{self._title(block)}: {shapes}"]
        if row.parameters:
            parts.append(self.tr("%1 parameters").replace("%1", f"{row.parameters:,}"))
        if row.operations:
            parts.append(self.tr("%1 MACs").replace("%1", count_label(row.operations)))
        return ", ".join(parts)

    def _short_details(self, number: int) -> str:
        assert self.diagram is not None
        row = self.diagram.blocks[number].row
        if row is None:
            return self.details(number)
        words = " ".join(filter(None, layer_labels(row.layer)))
        shapes = f"{shape_label(row.input_shape)} → {shape_label(row.output_shape)}"
        return f"{words}: {shapes}" + (f" · {count_label(row.parameters)}" if row.parameters else "")

    def _plain_details(self, block: Block) -> str:
        shape = shape_label(block.shape)
        if block.role == "image":
            return self.tr("Image: %1").replace("%1", shape)
        assert self._spec is not None
        text = self.tr("Code: %1 dimensions").replace("%1", f"{self._spec.latent_dim:,}")
        if len(block.shape) > 1:
            text += " " + self.tr("as %1").replace("%1", shape)
        return text + (self.tr(", sampled from mean and variance") if self._spec.variational else "")

    def _title(self, block: Block) -> str:
        assert block.row is not None
        words = self._kind(block)
        if block.role != "head" and hasattr(block.row.layer, "activation"):
            words += ", " + (activation_label(block.row.layer) or self.tr("linear"))
        return words

    def _kind(self, block: Block) -> str:
        assert block.row is not None
        layer, kind = block.row.layer, block.row.kind
        heads = {"mean": self.tr("Mean of the code"), "log_variance": self.tr("Log-variance of the code")}
        if block.role == "head":
            return heads.get(kind, kind)
        words = message_text(layer.title)
        if isinstance(layer, Conv | ConvTranspose):
            stride = self.tr("stride %1").replace("%1", str(layer.strides))
            words += f" {layer.kernel}×{layer.kernel}, {stride}"
        return words

    def _totals(self) -> str:
        if self._spec is None:
            return self.tr("Invalid settings: no network.")
        encoder, decoder = self._spec.encoder, self._spec.decoder
        text = self.tr("%1 parameters, %2 MACs per image")
        for place, value in enumerate(
            (encoder.parameters + decoder.parameters, encoder.operations + decoder.operations), 1
        ):
            text = text.replace(f"%{place}", f"{value:,}" if place == 1 else count_label(value))
        return text

    def _titles(self) -> dict[Part, tuple[str, ...]]:
        assert self._spec is not None
        encoder, decoder = self._spec.encoder.parameters, self._spec.decoder.parameters
        return {
            "encoder": _title_sizes(self.tr("Encoder"), encoder),
            "code": ("",),
            "decoder": _title_sizes(self.tr("Decoder"), decoder),
        }

    def _spoken_of(self) -> int | None:
        """Return the block under the mouse, else the current one if focused, else None for the whole network."""
        if self.diagram is None:
            return None
        return self._current if self._hovered is None and self.hasFocus() else self._hovered

    def _summary(self) -> str:
        number = self._spoken_of()
        return self._totals() if number is None else self.details(number)

    def _caption(self, room: float) -> str:
        number, summary = self._spoken_of(), self._summary()
        if number is None or QFontMetricsF(self._small).horizontalAdvance(summary) <= room:
            return summary
        return self._short_details(number)

    def _describe(self) -> None:
        summary = self._summary()
        self.setAccessibleDescription(summary)
        self.viewport().setToolTip(plain_tooltip(summary if self._hovered is not None else ""))
        self.viewport().update()

    # -- input ---------------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._number_at(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        number = self._number_at(event.position())
        if number is not None:
            self._go(number)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll horizontally with either wheel direction."""
        turned = event.angleDelta()
        bar = self.horizontalScrollBar()
        if not bar.maximum():
            event.ignore()
            return
        bar.setValue(bar.value() - (turned.y() or turned.x()))

    def leaveEvent(self, event: object) -> None:
        self._hover(None)

    def _number_at(self, point: QPointF) -> int | None:
        if self.diagram is None:
            return None
        there = self._point(point)
        return self.diagram.at(there.x(), there.y())

    def _hover(self, number: int | None) -> None:
        if number != self._hovered:
            self._hovered = number
            self._describe()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self.diagram.blocks) - 1 if self.diagram else 0
        places = {
            Qt.Key.Key_Left: self._current - 1,
            Qt.Key.Key_Right: self._current + 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: last,
        }
        number = places.get(Qt.Key(event.key()))
        if number is None or self.diagram is None:
            super().keyPressEvent(event)
            return
        self._go(min(max(number, 0), last))

    def _go(self, number: int) -> None:
        assert self.diagram is not None
        self._current = number
        left, right = self.diagram.column_span(self.diagram.blocks[number])
        bar = self.horizontalScrollBar()
        shown = max(bar.value(), right + EDGE - self.viewport().width())
        bar.setValue(round(min(left - EDGE, shown)))
        self._describe()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._describe()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._describe()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def scrollContentsBy(self, across: int, down: int) -> None:
        self.viewport().update()

    # -- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = current_theme()
        painter = QPainter(self.viewport())
        painter.setFont(self._small)
        width, height = self.viewport().width(), self.viewport().height()
        foot = QPointF(0, height - self._footer)
        if self.diagram is not None:
            painter.save()
            painter.translate(QPoint(-self.horizontalScrollBar().value(), 0))
            paint_network(painter, self._look(self.diagram), theme)
            painter.restore()
        summary = QFontMetricsF(self._small).elidedText(
            self._caption(width - 8), Qt.TextElideMode.ElideRight, width - 8
        )
        painter.setPen(theme.color("muted" if self._hovered is None and not self.hasFocus() else "text"))
        where = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignHCenter
        painter.drawText(QRectF(foot.x(), foot.y(), width, self._footer), where, summary)
        painter.end()

    def _look(self, layout: Layout) -> NetworkLook:
        return NetworkLook(
            layout,
            self._words,
            self._titles(),
            self._current,
            self._hovered,
            self.hasFocus(),
            self._small,
            self._header,
            self._below,
        )


def _title_sizes(name: str, parameters: int) -> tuple[str, ...]:
    return f"{name} · {parameters:,}", f"{name} · {count_label(parameters)}", name
