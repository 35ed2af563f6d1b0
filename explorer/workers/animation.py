"""Animations: computes the path of the timeline, encodes images as keyframes, exports files and reopens them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject

from explorer.data.mixer import DEFAULT_MIXER, Mixer, channels_text, shown
from explorer.data.preprocessing import to_floats
from explorer.data.source import Skipped, Source
from explorer.data.sources import open_source
from explorer.document.document import Document
from explorer.document.state import OpenModel
from explorer.document.timeline import ACROSS, Estimate, Export
from explorer.errors import DataError, UsageError
from explorer.export import ExportFormat, ExportSettings, format_of
from explorer.export.estimate import estimate_bytes
from explorer.export.frames import fitted
from explorer.export.layout import cells_of, finished, strip_below
from explorer.export.recipe import Recipe, make_recipe
from explorer.export.recipe_file import has_recipe
from explorer.latent.animation import Animation, AnimationCurve
from explorer.latent.checks import check_table
from explorer.latent.neighbor_graph import NeighborGraph
from explorer.messages import Message, message
from explorer.models.batches import images_at_once, readable_batches, render, render_values
from explorer.models.codes import CodeSample
from explorer.types import Floats, Indices, Pixels, Progress, Shown
from explorer.workers.jobs import JobRunner
from explorer.workers.loading import listed_words
from explorer.workers.opening import OpenedAnimation, open_animation

_TRIED = 10
"""Consecutive frames that are written to estimate the file size."""

_PREVIEWED = 24
_ENCODED_AT_ONCE = 250
_MOST_DROPPED = 64
"""Largest number of images of one dropped file that become keyframes."""


def settings_of(
    export: Export,
    model: OpenModel,
    keys: Floats,
    animation: Animation,
    kind: ExportFormat,
    mixer: Mixer = DEFAULT_MIXER,
) -> ExportSettings:
    shape = model.card.image_shape
    scale, size = max(1, ACROSS // max(shape[:2])), None
    if export.side is not None:
        scale, size = fitted(shape, export.side, smooth=export.smooth)
    beside = None
    if export.beside:
        ends = shown(model.codec.decode(keys[[0, -1]]), mixer)
        beside = (ends[0], ends[1])
    return ExportSettings(
        fps=kind.possible_fps(export.fps or animation.fps),
        loop=animation.loop != "none",
        scale=scale,
        palette=export.palette,
        dither=export.dither,
        plays=export.plays,
        size=size,
        smooth=export.smooth,
        caption=export.caption,
        beside=beside,
        recipe=recipe_of(model, keys, animation, mixer),
        values=model.card.preprocessing.reading.values_text(),
    )


def recipe_of(model: OpenModel, keys: Floats, animation: Animation, mixer: Mixer = DEFAULT_MIXER) -> Recipe | None:
    """Return the recipe of an animation; None for a model in training, which cannot be opened again."""
    decoder = model.card.decoder_hash
    if decoder is None:
        return None
    return make_recipe(model.name, decoder, keys, animation.to_dict(), channels_text(model.card.image_shape[2], mixer))


def _planned(
    export: Export,
    model: OpenModel,
    keys: Floats,
    animation: Animation,
    curve: AnimationCurve | None,
    mixer: Mixer,
) -> tuple[ExportFormat, ExportSettings, Floats]:
    """Return what to write: the format, its settings, and a code for each frame."""
    kind = format_of(export.path)
    curve = curve or AnimationCurve(keys, animation, model.sample.codes)
    settings = settings_of(export, model, keys, animation, kind, mixer)
    return kind, settings, curve.at(animation.positions_at(settings.fps) if kind.animated else animation.positions())


def write_animation(
    export: Export,
    model: OpenModel,
    keys: Floats,
    animation: Animation,
    curve: AnimationCurve | None,
    mixer: Mixer = DEFAULT_MIXER,
) -> Iterator[Progress | Path]:
    """Write an animation, its channels as in the mixer; frames are rendered at exact times.

    A frame rate that differs from the timeline changes the number of frames, not the duration.
    """
    yield Progress(0, 0, message("Computing the path"))
    kind, settings, codes = _planned(export, model, keys, animation, curve, mixer)
    yield from kind.write(_frames(kind, model, codes, mixer), len(codes), export.path, settings)
    yield export.path


def _frames(kind: ExportFormat, model: OpenModel, codes: Floats, mixer: Mixer) -> Iterator[Pixels]:
    if kind.values:
        return render_values(model.codec, codes, model.card.preprocessing.reading)
    return render(model.codec, codes, mixer)


def estimate_animation(
    export: Export,
    model: OpenModel,
    keys: Floats,
    animation: Animation,
    curve: AnimationCurve | None,
    mixer: Mixer = DEFAULT_MIXER,
) -> Iterator[Progress | Estimate]:
    """Render sample frames and estimate the file size; ExplorerError if the animation cannot be exported."""
    yield Progress(0, 0, message("Rendering sample frames"))
    kind, settings, codes = _planned(export, model, keys, animation, curve, mixer)
    some = np.unique(np.linspace(0, len(codes) - 1, _PREVIEWED).round().astype(np.int64))
    previews: list[Shown] = []
    strip: Shown | None = None
    for cells in cells_of(render(model.codec, codes[some], mixer), len(some), settings):
        strip = strip_below(cells, settings) if strip is None else strip
        previews.append(finished(cells, strip, settings))
        yield Progress(len(previews), len(some), message("Rendering sample frames"))
    # In the middle of the first pass, where the image changes.
    first = max(0, round(len(codes) * (animation.hold + animation.pass_frames / 2) / animation.frames) - _TRIED // 2)
    tried = list(_frames(kind, model, codes[first : first + _TRIED], mixer))
    moving = int((np.diff(codes, axis=0) != 0).any(axis=1).sum())
    size = estimate_bytes(kind, tried, len(codes), settings, moving)
    yield Estimate(export, np.stack(previews), len(codes), settings.fps, size)


@dataclass(frozen=True, eq=False)
class EncodedImages:
    """Codes ``(n, latent_dim)``, n > 0, of the readable ones of some images; `skipped` are the others."""

    codes: Floats
    skipped: tuple[Skipped, ...] = ()

    def report_skipped(self, document: Document) -> None:
        if self.skipped:
            document.report(*listed_words(self.skipped, len(self.codes) + len(self.skipped)))


def encode_images(model: OpenModel, source: Source, indices: Indices) -> Iterator[Progress | EncodedImages]:
    """Encode images of a source; yields progress, and finally the codes. DataError if none can be read."""
    check_table(len(indices), model.latent_dim)
    step = images_at_once(model.codec.image_shape, _ENCODED_AT_ONCE)
    codes: list[Floats] = []
    read: list[Indices] = []
    yield Progress(0, len(indices), message("Encoding"))
    for done, pixels, kept in readable_batches(source, indices, model.card.preprocessing, step):
        codes.append(model.codec.encode(to_floats(pixels)))
        read.append(kept)
        yield Progress(done, len(indices), message("Encoding"))
    yield EncodedImages(np.concatenate(codes), source.skipped_among(np.setdiff1d(indices, np.concatenate(read))))


def encode_files(model: OpenModel, paths: Sequence[Path]) -> Iterator[Progress | EncodedImages]:
    """Encode image files with the preprocessing of the model; yields progress, and finally the codes.

    DataError if none can be read, UsageError if one has too many images.
    """
    encoded: list[EncodedImages] = []
    errors: dict[Path, DataError] = {}
    for number, path in enumerate(paths):
        yield Progress(number, len(paths), message("Encoding {name}", name=path.name))
        try:
            encoded.append(_encode_file(model, path))
        except DataError as error:
            errors[path] = error
    if not encoded:
        raise next(iter(errors.values()))
    skipped = [one for file in encoded for one in file.skipped]
    skipped += [Skipped(path.name, error.message) for path, error in errors.items()]
    yield EncodedImages(np.concatenate([file.codes for file in encoded]), tuple(skipped))


def _encode_file(model: OpenModel, path: Path) -> EncodedImages:
    source = open_source(str(path))
    if source.count > _MOST_DROPPED:
        raise UsageError(
            "Cannot add {name} as keyframes: it contains {count:,} images; at most {most} are allowed. Open it in "
            "the library, and select some in the gallery.",
            name=path.name,
            count=source.count,
            most=_MOST_DROPPED,
        )
    *_, encoded = encode_images(model, source, np.arange(source.count))
    assert isinstance(encoded, EncodedImages)
    return replace(encoded, skipped=source.skipped)


def keyframes_of(
    paths: Sequence[Path], model: OpenModel | None
) -> Iterator[Progress | OpenedAnimation | EncodedImages]:
    """Encode image files as keyframes, or open a single exported animation; UsageError if no model is open."""
    if len(paths) == 1 and has_recipe(paths[0]):
        yield from open_animation(paths[0], model)
    elif model is None:
        raise UsageError("No model is open. Open one, and drop the images again.")
    else:
        yield from encode_files(model, paths)


class AnimationJobs(QObject):
    """Runs the jobs that a timeline requests. Belongs to the main thread."""

    def __init__(self, document: Document, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._exporting: dict[Path, int] = {}
        self._graph: tuple[CodeSample, NeighborGraph] | None = None
        self._laid: Animation | None = None
        self._laying = self._estimating = 0
        timeline = document.timeline
        for changed in (document.changed.keyframes, document.changed.animation, document.changed.times):
            changed.connect(self._on_animation_changed)
        timeline.images_requested.connect(self._on_images_requested)
        timeline.files_requested.connect(self._on_files_requested)
        timeline.export_requested.connect(self._on_export_requested)
        timeline.estimate_requested.connect(self._on_estimate_requested)

    # -- data path -----------------------------------------------------------------------------------------------------

    def _on_animation_changed(self) -> None:
        model, timeline = self._document.model, self._document.timeline
        animation = timeline.animation
        if animation is self._laid:
            return
        self._laid = animation
        self._jobs.cancel(self._laying)
        if model is None or animation is None or not timeline.along_data:
            return
        keys, sample, known = timeline.keys, model.sample, self._graph

        def lay() -> Iterator[Progress | tuple[NeighborGraph, AnimationCurve]]:
            yield Progress(0, 0, message("Computing the path through codes of the data"))
            graph = known[1] if known is not None and known[0] is sample else NeighborGraph(sample.codes)
            yield graph, AnimationCurve(keys, animation, graph)

        def laid(result: tuple[NeighborGraph, AnimationCurve]) -> None:
            self._graph = (sample, result[0])
            timeline.put_curve(animation, result[1])

        self._laying = self._jobs.start(message("Computing the path through codes of the data"), lay, laid)

    # -- keyframes from images -----------------------------------------------------------------------------------------

    def _on_images_requested(self, indices: Indices, place: int) -> None:
        model, source = self._document.model, self._document.source
        if model is not None and source is not None:
            self._start_keyframes(model, lambda: encode_images(model, source, indices), place)

    def _on_files_requested(self, paths: list[Path], place: int) -> None:
        """Add images as keyframes; a single exported animation replaces the timeline."""
        model = self._document.model
        self._start_keyframes(model, lambda: keyframes_of(paths, model), place)

    def _start_keyframes(
        self,
        model: OpenModel | None,
        steps: Callable[[], Iterator[Progress | OpenedAnimation | EncodedImages]],
        place: int,
    ) -> None:
        def put(found: OpenedAnimation | EncodedImages) -> None:
            current = self._document.model
            if isinstance(found, OpenedAnimation):
                found.show(self._document)
                return
            # The codes are meaningless for another model.
            if current is not None and (current is model or current.continues(model)):
                self._document.timeline.insert(found.codes, min(place, len(self._document.state.keyframes)))
            found.report_skipped(self._document)

        self._jobs.start(message("Adding keyframes"), steps, put)

    # -- files ---------------------------------------------------------------------------------------------------------

    def _on_export_requested(self, export: Export) -> None:
        document, path = self._document, export.path
        model, animation = document.model, document.timeline.animation
        if model is None or animation is None:
            document.report(message("An animation needs at least two keyframes. Add keyframes."))
            return
        if self._jobs.running(self._exporting.get(path, 0)):
            document.report(message("{name} is already being exported. Wait, or choose another name.", name=path.name))
            return
        keys, curve, mixer = document.timeline.keys, document.timeline.curve, document.state.mixer
        self._exporting[path] = self._jobs.start(
            message("Exporting {name}", name=path.name),
            lambda: write_animation(export, model, keys, animation, curve, mixer),
            document.exported.emit,
        )

    def _on_estimate_requested(self, export: Export) -> None:
        model, animation = self._document.model, self._document.timeline.animation
        self._jobs.cancel(self._estimating)
        if model is not None and animation is not None:
            keys, curve = self._document.timeline.keys, self._document.timeline.curve
            mixer = self._document.state.mixer
            tell = self._document.timeline.estimated.emit

            def failed(problem: Message) -> None:
                if self._estimating == key:
                    tell(Estimate(export, None, 0, 1.0, 0, problem))

            key = self._estimating = self._jobs.start(
                message("Estimating the file size"),
                lambda: estimate_animation(export, model, keys, animation, curve, mixer),
                tell,
                on_failed=failed,
                quiet=True,
            )
