"""Makes films of a timeline: lays its way, turns images into keyframes, writes files and opens them again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject

from explorer.data.preprocessing import to_floats, to_pixels
from explorer.data.source import Source
from explorer.data.sources import open_source
from explorer.document.document import Document
from explorer.document.state import OpenModel
from explorer.document.timeline import ACROSS, Estimate, Export
from explorer.errors import DataError, ExplorerError, UsageError
from explorer.export import AnimationSettings, ExportFormat, format_of
from explorer.export.estimate import estimate_bytes
from explorer.export.layout import cells_of, finished, strip_below
from explorer.export.recipe import Recipe, make_recipe
from explorer.export.recipe_file import read_recipe
from explorer.latent.checks import check_table
from explorer.latent.film import Film, FilmCurve
from explorer.latent.neighbour_graph import NeighbourGraph
from explorer.latent.presets import Preset
from explorer.messages import Wording
from explorer.models.batches import pictures_at_once
from explorer.models.bundle import find_bundles
from explorer.models.codes import CodeSample
from explorer.types import Floats, Indices, Pixels, Progress
from explorer.workers.jobs import CANCELED, JobRunner
from explorer.workers.loading import open_model, render

_TRIED = 10
"""Neighboring frames that are written to learn how large a film will be."""

_PREVIEWED = 24
_ENCODED_AT_ONCE = 250
_MOST_DROPPED = 64
"""Images of one dropped file that become keyframes at most."""


def settings_of(export: Export, model: OpenModel, keys: Floats, film: Film, kind: ExportFormat) -> AnimationSettings:
    """Return how the frames of a model become that file."""
    height, width = model.card.image_shape[:2]
    side = max(height, width)
    scale, size = max(1, (export.side or ACROSS) // side), None
    if export.smooth and export.side is not None:
        scale, size = 1, (max(1, round(height * export.side / side)), max(1, round(width * export.side / side)))
    beside = None
    if export.beside:
        ends = to_pixels(model.codec.decode(keys[[0, -1]]))
        beside = (ends[0], ends[1])
    return AnimationSettings(
        fps=kind.possible_fps(export.fps or film.fps),
        loop=film.loop != "none",
        scale=scale,
        palette=export.palette,
        dither=export.dither,
        plays=export.plays,
        size=size,
        caption=export.caption,
        beside=beside,
        recipe=recipe_of(model, keys, film),
    )


def recipe_of(model: OpenModel, keys: Floats, film: Film) -> Recipe | None:
    """Return what a file remembers of its film; None for a model that still learns, which nobody can open again."""
    decoder = model.card.decoder_hash
    return None if decoder is None else make_recipe(model.name, decoder, keys, film.to_dict())


def write_film(
    export: Export, model: OpenModel, keys: Floats, film: Film, curve: FilmCurve | None
) -> Iterator[Progress | Path]:
    """Write the morph; frames are rendered at exact times, whatever the playback does.

    A file that is to play at another speed than the timeline shows other frames, and takes as long.
    """
    kind = format_of(export.path)
    yield Progress(0, 0, "laying the way")
    curve = curve or FilmCurve(keys, film, model.sample.codes)
    settings = settings_of(export, model, keys, film, kind)
    codes = curve.at(film.positions_at(settings.fps) if kind.animated else film.positions())
    yield from kind.write(render(model.codec, codes), len(codes), export.path, settings)
    yield export.path


def estimate_film(
    export: Export, model: OpenModel, keys: Floats, film: Film, curve: FilmCurve | None
) -> Iterator[Progress | Estimate]:
    """Make a few of the frames as they will be, and tell how large the file becomes; what is wrong is an answer too."""
    yield Progress(0, 0, "trying a few frames")
    try:
        kind = format_of(export.path)
        curve = curve or FilmCurve(keys, film, model.sample.codes)
        settings = settings_of(export, model, keys, film, kind)
        codes = curve.at(film.positions_at(settings.fps) if kind.animated else film.positions())
        some = np.unique(np.linspace(0, len(codes) - 1, _PREVIEWED).round().astype(np.int64))
        shown: list[Pixels] = []
        strip: Pixels | None = None
        for cells in cells_of(render(model.codec, codes[some]), len(some), settings):
            strip = strip_below(cells, settings) if strip is None else strip
            shown.append(finished(cells, strip, settings))
            yield Progress(len(shown), len(some), "trying a few frames")
        # In the midst of the first pass, where something moves.
        first = max(0, round(len(codes) * (film.hold + film.pass_frames / 2) / film.frames) - _TRIED // 2)
        tried = list(render(model.codec, codes[first : first + _TRIED]))
        moving = int((np.diff(codes, axis=0) != 0).any(axis=1).sum())
        size = estimate_bytes(kind, tried, len(codes), settings, moving)
        yield Estimate(export, np.stack(shown), len(codes), settings.fps, size)
    except ExplorerError as error:
        yield Estimate(export, None, 0, 1.0, 0, str(error))


def encode_pictures(model: OpenModel, source: Source, indices: Indices) -> Iterator[Progress | Floats]:
    """Give the codes ``(n, latent_dim)`` of images of a source, n > 0."""
    check_table(len(indices), model.latent_dim)
    step = pictures_at_once(model.codec.image_shape, _ENCODED_AT_ONCE)
    codes: list[Floats] = []
    for start in range(0, len(indices), step):
        yield Progress(start, len(indices), "encoding")
        pixels = source.read(indices[start : start + step], model.card.preprocessing)
        codes.append(model.codec.encode(to_floats(pixels)))
    yield np.concatenate(codes)


def encode_files(model: OpenModel, paths: Sequence[Path]) -> Iterator[Progress | Floats]:
    """Give the codes of the images in files, prepared as the model's data were."""
    codes: list[Floats] = []
    for number, path in enumerate(paths):
        yield Progress(number, len(paths), f"encoding {path.name}")
        source = open_source(str(path))
        if source.count > _MOST_DROPPED:
            raise DataError(
                f"a picture, or at most {_MOST_DROPPED} in one file",
                f"{source.count:,} in {path.name}",
                "Open it in the library, and choose some in the gallery.",
            )
        pictures = source.read(np.arange(source.count), model.card.preprocessing)
        codes.append(model.codec.encode(to_floats(pictures)))
    yield np.concatenate(codes)


def reopen(path: Path, model: OpenModel | None) -> Iterator[Progress | Path | tuple[OpenModel | None, Preset]]:
    """Read what an exported morph remembers, with its model where that is another than the open one.

    What is no morph of ours is given back as the path that it is.

    Raises
    ------
    DataError
        If its model is not in the library, or the file is damaged.
    """
    yield Progress(0, 0, f"looking into {path.name}")
    recipe = read_recipe(path)
    if recipe is None:
        yield path
        return
    preset = Preset(recipe.key_codes(), Film.from_dict(recipe.film.model_dump()))
    if model is not None and model.card.decoder_hash == recipe.model_hash:
        yield None, preset
        return
    # Of copies of a model, the one of the same name.
    for found in sorted(find_bundles(), key=lambda found: found.path.name != recipe.model):
        if found.bundle is not None and found.bundle.card.decoder_hash == recipe.model_hash:
            yield Progress(0, 0, f"opening {found.path.name}")
            yield open_model(found.path), preset
            return
    raise DataError(
        f"the model “{recipe.model}” in the library, with which {path.name} was made",
        "none with the same decoder",
        f"Train or import “{recipe.model}”, or put its folder among your models; its checksum begins with "
        f"{recipe.model_hash[:8]}.",
    )


class FilmMaker(QObject):
    """Serves what a timeline requests, with jobs. Lives on the main thread."""

    def __init__(self, document: Document, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._exporting: set[Path] = set()
        self._graph: tuple[CodeSample, NeighbourGraph] | None = None
        self._laying = self._estimating = self._reopening = 0
        timeline = document.timeline
        timeline.curve_wanted.connect(self._on_curve_wanted)
        timeline.pictures_requested.connect(self._on_pictures_requested)
        timeline.files_requested.connect(self._on_files_requested)
        timeline.reopen_requested.connect(self._on_reopen_requested)
        timeline.export_requested.connect(self._on_export_requested)
        timeline.estimate_requested.connect(self._on_estimate_requested)

    # -- the way along the data ------------------------------------------------------------------------------------

    def _on_curve_wanted(self) -> None:
        """Lay it; the one asked for last wins."""
        model, film = self._document.model, self._document.timeline.film
        if model is None or film is None:
            return
        keys, sample, known = self._document.timeline.keys, model.sample, self._graph

        def lay() -> Iterator[Progress | tuple[NeighbourGraph, FilmCurve]]:
            yield Progress(0, 0, "laying the way along the data")
            graph = known[1] if known is not None and known[0] is sample else NeighbourGraph(sample.codes)
            yield graph, FilmCurve(keys, film, graph)

        def laid(result: tuple[NeighbourGraph, FilmCurve]) -> None:
            self._graph = (sample, result[0])
            self._document.timeline.put_curve(film, result[1])

        self._jobs.cancel(self._laying)
        self._laying = self._jobs.start("Laying the way along the data", lay, laid)

    # -- keyframes from images -------------------------------------------------------------------------------------

    def _on_pictures_requested(self, indices: Indices, place: int) -> None:
        model, source = self._document.model, self._document.source
        if model is not None and source is not None:
            self._start_keyframes(model, encode_pictures(model, source, indices), place)

    def _on_files_requested(self, paths: list[Path], place: int) -> None:
        """Make keyframes of images; an exported morph is opened in the place of all of them."""
        if len(paths) == 1:
            self._reopen(paths[0], lambda path: self._encode([path], place))
        else:
            self._encode(paths, place)

    def _encode(self, paths: list[Path], place: int) -> None:
        model = self._document.model
        if model is None:
            self._document.report(str(UsageError("an open model", "none", "Open one, and drop the pictures again.")))
        else:
            self._start_keyframes(model, encode_files(model, paths), place)

    def _start_keyframes(self, model: OpenModel, codes: Iterator[Progress | Floats], place: int) -> None:
        def put(found: Floats) -> None:
            # Codes of a model that is open no more mean nothing.
            current = self._document.model
            if current is not None and (current is model or current.continues(model)):
                self._document.timeline.insert(found, min(place, len(self._document.keyframes)))

        self._jobs.start("Adding keyframes", lambda: codes, put)

    # -- files -----------------------------------------------------------------------------------------------------

    def _on_export_requested(self, export: Export) -> None:
        document, path = self._document, export.path
        model, film = document.model, document.timeline.film
        if model is None or film is None:
            error = UsageError("at least two keyframes to export", str(len(document.keyframes)), "Add another.")
            document.report(str(error))
            return
        if path in self._exporting:
            document.report(f"{path.name} is being written. Wait for it, or choose another name.")
            return
        self._exporting.add(path)
        keys, curve = document.timeline.keys, document.timeline.curve
        self._jobs.start(
            f"Exporting {path.name}",
            lambda: write_film(export, model, keys, film, curve),
            document.exported.emit,
            lambda: self._exporting.discard(path),
        )

    def _on_estimate_requested(self, export: Export) -> None:
        """Try it; what was asked for last wins."""
        model, film = self._document.model, self._document.timeline.film
        self._jobs.cancel(self._estimating)
        if model is not None and film is not None:
            keys, curve = self._document.timeline.keys, self._document.timeline.curve
            tell = self._document.timeline.estimated.emit

            def failed(message: Wording) -> None:
                if self._estimating == key:
                    tell(Estimate(export, None, 0, 1.0, 0, message))

            key = self._estimating = self._jobs.start(
                "Trying the export",
                lambda: estimate_film(export, model, keys, film, curve),
                tell,
                on_failed=failed,
                on_cancelled=lambda: failed(CANCELED),
            )

    def _on_reopen_requested(self, path: Path) -> None:
        """Open an exported morph; anything else is taken in as what it is."""
        self._reopen(path, self._document.intake.other_given.emit)

    def _reopen(self, path: Path, otherwise: Callable[[Path], None]) -> None:
        """Open an exported morph, the one asked for last; anything else is handed on."""
        model = self._document.model

        def reopened(found: Path | tuple[OpenModel | None, Preset]) -> None:
            if isinstance(found, Path):
                otherwise(found)
            elif found[0] is None:
                self._document.timeline.set_morph(*found[1])
            else:
                self._document.open(found[0], morph=found[1])

        self._jobs.cancel(self._reopening)
        self._reopening = self._jobs.start(f"Opening {path.name}", lambda: reopen(path, model), reopened)
