"""Export of the map: the points as SVG, the codes as CSV."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from explorer.document.analysis import CodesView
from explorer.document.map_tiles import MapWindow
from explorer.export.table import write_csv
from explorer.paths import replacing_file
from explorer.ui.scatter_image import Scatter

_SVG_WIDTH = 1000
_DOT = 2.2
_MARGIN = 40


def save_points(scatter: Scatter, window: MapWindow, names: tuple[str, str], path: Path) -> None:
    """Write the points in view as SVG circles, with a frame and axis limits; ExportError if it fails."""
    scale = _SVG_WIDTH / (window.right - window.left)
    height = (window.top - window.bottom) * scale
    across = (scatter.points[:, 0] - window.left) * scale
    down = (window.top - scatter.points[:, 1]) * scale
    seen = scatter.shown & (across >= 0) & (across <= _SVG_WIDTH) & (down >= 0) & (down <= height)
    places = np.stack([across, down], axis=1)[seen].tolist()
    fills = ["#" + bytes(color).hex() for color in scatter.colors[seen]]
    circles = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_DOT}" fill="{fill}"/>'
        for (x, y), fill in zip(places, fills, strict=True)
    )
    box = f"{-_MARGIN} {-_MARGIN} {_SVG_WIDTH + 2 * _MARGIN} {height + 2 * _MARGIN:.1f}"
    style = 'font-family="sans-serif" font-size="16"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">',
        f'<rect x="0" y="0" width="{_SVG_WIDTH}" height="{height:.1f}" fill="white" stroke="#888"/>',
        *circles,
        f'<text x="0" y="{height + 20:.1f}" {style}>{window.left:.3g}</text>',
        f'<text x="{_SVG_WIDTH}" y="{height + 20:.1f}" text-anchor="end" {style}>{window.right:.3g}</text>',
        f'<text x="{_SVG_WIDTH / 2}" y="{height + 20:.1f}" text-anchor="middle" {style}>{escape(names[0])}</text>',
        f'<text x="-6" y="{height:.1f}" text-anchor="end" {style}>{window.bottom:.3g}</text>',
        f'<text x="-6" y="14" text-anchor="end" {style}>{window.top:.3g}</text>',
        f'<text x="0" y="-8" {style}>{escape(names[1])}</text>',
        "</svg>",
    ]
    with replacing_file(path) as temporary:
        temporary.write_text("\n".join(lines), encoding="utf-8")


def save_codes(view: CodesView, scatter: Scatter, path: Path) -> None:
    """Write the codes of the visible images as CSV: index, label, position on the map, and code.

    Codes that are not kept whole are written as principal components, in σ. ExportError if the file cannot be written.
    """
    values = view.table.values
    name = "z" if view.table.whole else "pc"
    header = ["index", "label", "x", "y", *(f"{name}{dim}" for dim in range(values.shape[1]))]
    rows = (
        [int(index), view.source.label(int(index)), *scatter.points[index].tolist(), *values[index].tolist()]
        for index in np.flatnonzero(scatter.shown)
    )
    write_csv(path, header, rows)
