"""The job that opens anything: identifies a file, and opens it by its kind."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias, assert_never

from explorer.data.choices import ChoiceNeeded
from explorer.data.imported_image import ImportedImage
from explorer.data.mixer import needs_mixer
from explorer.data.polarity import dark_on_light
from explorer.data.source import Source, range_differs
from explorer.data.sources import opening
from explorer.data.sources.tiff import has_channels
from explorer.document.document import Document
from explorer.document.open_requests import OpenRequest, ReadingQuestion
from explorer.document.sessions import Opening
from explorer.document.state import OpenModel, State
from explorer.errors import DataError
from explorer.export.recipe_file import read_recipe
from explorer.latent.animation import Animation
from explorer.latent.animation_presets import AnimationPreset
from explorer.messages import message
from explorer.models.bundle import find_bundles, first_bundle
from explorer.models.file_kind import FileKind, identify, is_image
from explorer.models.third_party.layout import place_of
from explorer.models.third_party.no_network import tfjs_file
from explorer.paths import replacing_folder, user_dir
from explorer.types import Early, Progress
from explorer.workers.loading import load_model, open_model, skipped_words
from explorer.workers.session_io import load_session

_MOST = 5_000
"""Largest number of image files in one drop."""


class Opened(Protocol):
    """What was opened; it is shown on the main thread only."""

    def show(self, document: Document) -> None:
        """Show it in the document; main thread only."""


Item: TypeAlias = Progress | Early | Opened
"""What a job of this module yields; `Early` holds a `FileKind`, or what is shown until the rest is open."""

Group: TypeAlias = tuple[FileKind, tuple[Path, ...]]
"""Files that are opened together."""


@dataclass(frozen=True, eq=False)
class OpenedModel:
    """A model, and the dataset that it was trained on, if that may be opened with it."""

    model: OpenModel
    home: Source | None

    def show(self, document: Document) -> None:
        document.open(self.model, self.home if wants_home(document, self.home) else None)


@dataclass(frozen=True, eq=False)
class OpenedSource:
    """A dataset, and its provisional version if that is already shown."""

    source: Source
    listed: Source | None = None

    def show(self, document: Document) -> None:
        if self.source.continues(self.listed):
            document.refine_source(self.source)
        else:
            document.open(source=self.source)
        if self.source.skipped:
            document.report(*skipped_words(self.source))


@dataclass(frozen=True, eq=False)
class OpenedAnimation:
    """An exported animation, and its model unless that is open."""

    preset: AnimationPreset
    model: OpenModel | None

    def show(self, document: Document) -> None:
        if self.model is None:
            document.timeline.set_animation(*self.preset)
        else:
            document.open(self.model, animation=self.preset)


@dataclass(frozen=True, eq=False)
class OpenedImage:
    """An imported image, and whether its polarity is opposite to that of the training data.

    `first` is the model that encodes it, if nothing was open.
    """

    source: ImportedImage
    negative: bool
    first: OpenedModel | None = None

    def show(self, document: Document) -> None:
        if self.first is not None and document.model is None:
            self.first.show(document)
        document.receive(self.source)
        self._tell_depth(document)
        if self.source.found.frames:
            document.announced.emit(
                message(
                    "{name} has {count} frames, and this is the first. Open it with “Open file…” to see all.",
                    name=self.source.name,
                    count=self.source.found.frames,
                )
            )
        if self.negative:
            document.announced.emit(
                message("The image is black-on-white, the training data white-on-black. Invert it with Ctrl+Shift+I.")
            )

    def _tell_depth(self, document: Document) -> None:
        """Say if the model learned from 8 bits and the image has more, or the reverse; else both have one range."""
        if document.model is None:
            return
        preprocessing = document.model.card.preprocessing
        differs = range_differs(preprocessing, self.source)
        if differs is not None and None in (preprocessing.reading.range, self.source.found.range):
            document.announced.emit(differs)


@dataclass(frozen=True, eq=False)
class OpenedSession:
    """A session, and whether it may replace unsaved changes without a question."""

    opening: Opening
    confirmed: bool

    def show(self, document: Document) -> None:
        sessions = document.sessions
        asks = sessions.dirty and not self.confirmed
        (sessions.replace_wanted if asks else sessions.complete_requested).emit(self.opening)


@dataclass(frozen=True)
class ThirdPartyModel:
    """A Keras model to import: one file or folder, or encoder and decoder."""

    paths: tuple[Path, ...]

    def show(self, document: Document) -> None:
        document.imports.wanted.emit(self.paths)


@dataclass(frozen=True)
class WantedChoice:
    """A file that can be read in several ways, of which the user chooses one."""

    question: ReadingQuestion

    def show(self, document: Document) -> None:
        document.choice_wanted.emit(self.question)


def wants_home(document: Document, home: Source | None) -> bool:
    """Return whether to open the dataset of a model with it; it never replaces images of the user."""
    current = document.source
    if home is None or (current is not None and current.name == home.name):
        return False
    return current is None or current.status == "embedded"


def open_requested(request: OpenRequest, state: State) -> Iterator[Item]:
    """Identify what is requested, and open it; of several files, see `group_files`.

    The first `Early` that it yields is the `FileKind`; finally it yields what was opened.
    """
    if request.content:
        yield Early("image")
        yield from _open_image(request.content, request.name, state)
        return
    (path,) = request.paths
    yield Progress(0, 0, message("Reading {name}", name=Path(path).name))
    yield from open_as(_kind(path, request.wanted, state), (path,), state, confirmed=request.wanted == "session")


def _kind(path: Path | str, wanted: str, state: State) -> FileKind:
    """Return as what to open a file."""
    if wanted == "session":
        return "session"
    kind = identify(path)
    if wanted == "model":
        return kind if kind == "third_party" else "model"
    return "images" if wanted == "images" and kind in ("image", "animation") else kind


def open_as(kind: FileKind, paths: Sequence[Path | str], state: State, *, confirmed: bool = False) -> Iterator[Item]:
    """Open files of a known kind; a single image becomes a dataset if the open model cannot encode it.

    If nothing is open, the first model encodes it. DataError if an image has other channels than the model takes, and
    would replace the open images.
    """
    path = Path(paths[0])
    taken: OpenModel | None = None
    if kind == "image" and _becomes_dataset(path, state):
        kind, taken = "images", state.model if state.source is not None else None
    yield Early(kind)
    match kind:
        case "session":
            for item in load_session(path.absolute(), state.model, state.source):
                yield OpenedSession(item, confirmed) if isinstance(item, Opening) else item
        case "model":
            home = state.source is None or state.source.status == "embedded"
            for loaded in load_model(path, home):
                yield OpenedModel(*loaded) if isinstance(loaded, tuple) else loaded
        case "third_party":
            yield ThirdPartyModel(tuple(map(Path, paths)))
        case "animation":
            yield from open_animation(path, state.model)
        case "image":
            yield from _open_image(path, path.name, state)
        case "images":
            yield from _open_images(paths[0], taken)
        case _:
            assert_never(kind)


def _becomes_dataset(path: Path, state: State) -> bool:
    """Return whether an image is opened as a dataset: one that is imported is grayscale or color, and encoded."""
    model = state.model
    if has_channels(path) or (model is not None and needs_mixer(model.card.image_shape[2])):
        return True
    encodes = state.source is not None and model is not None and model.card.encodes
    return not encodes and _first(state) is None


def _check_channels(model: OpenModel, source: Source) -> None:
    """Raise DataError if a model cannot take the channels of an image."""
    given = source.found.channels if source.image_shape is None else source.image_shape[2]
    wanted = model.card.image_shape[2]
    if given != wanted and (needs_mixer(given) or needs_mixer(wanted)):
        raise DataError(
            "“{image}” has {given:# channel|# channels}, and the model “{model}” takes {wanted}. Open a model of "
            "{given:# channel|# channels}, or open the image as a dataset with “Open file…”.",
            image=source.name,
            given=given,
            model=model.name,
            wanted=wanted,
        )


def _open_images(spec: Path | str, taken: OpenModel | None = None) -> Iterator[Item]:
    """Open a dataset; a large folder is shown early, before all its files are checked.

    A model that is `taken` must take its images.
    """
    listed: Source | None = None
    try:
        for item in opening(spec):
            if isinstance(item, Progress):
                yield item
            elif item.provisional:
                listed = item
                yield Early(OpenedSource(item))
            else:
                if taken is not None:
                    _check_channels(taken, item)
                yield OpenedSource(item, listed)
    except ChoiceNeeded as error:
        yield WantedChoice(ReadingQuestion(str(spec), error.options))


def _first(state: State) -> Path | None:
    return first_bundle() if state.model is None and state.source is None else None


def _open_image(content: Path | bytes, name: str, state: State) -> Iterator[Item]:
    """Decode one image, and compare its polarity with the training data of the model, the first one if none is open."""
    imported_image = ImportedImage.open(content, name)
    model, path, opened = state.model, _first(state), None
    for loaded in load_model(path, home=True) if path is not None else ():
        if isinstance(loaded, tuple):
            opened = OpenedModel(*loaded)
            model = opened.model
        else:
            yield loaded
    negative = (
        model is not None
        and dark_on_light(imported_image.read([0], model.card.preprocessing))
        and not dark_on_light(model.sample.thumbnails)
    )
    yield OpenedImage(imported_image, negative, opened)


def open_animation(path: Path, model: OpenModel | None) -> Iterator[Progress | OpenedAnimation]:
    """Read the recipe of an exported animation, and open its model unless it is `model`.

    DataError if the file is damaged, or its model is not in the library.
    """
    recipe = read_recipe(path)
    if recipe is None:
        raise DataError("Cannot reopen {name}: it is not an exported animation. Choose another file.", name=path.name)
    preset = AnimationPreset(recipe.key_codes(), Animation.from_dict(recipe.animation.model_dump()))
    if model is not None and model.card.decoder_hash == recipe.model_hash:
        yield OpenedAnimation(preset, None)
        return
    # Of several copies of the model, prefer the one with the same name.
    for found in sorted(find_bundles(), key=lambda found: found.path.name != recipe.model):
        if found.bundle is not None and found.bundle.card.decoder_hash == recipe.model_hash:
            yield Progress(0, 0, message("Opening {name}", name=found.path.name))
            yield OpenedAnimation(preset, open_model(found.path))
            return
    raise DataError(
        "Cannot reopen {name}: its model “{model}” (checksum {checksum}…) is not in the library. Add the model first.",
        name=path.name,
        model=recipe.model,
        checksum=recipe.model_hash[:8],
    )


def group_files(paths: Sequence[Path]) -> Iterator[Progress | Early | list[Group]]:
    """Identify several files; two third-party files are one model, and several images are copied into one dataset.

    What need not be copied comes early. The weights of a TensorFlow.js model belong to it.
    """
    groups: list[Group] = []
    images: list[Path] = []
    folders = {path.parent for path in paths if path.suffix.lower() == ".json" and tfjs_file(path) is not None}
    paths = [path for path in paths if path.suffix.lower() != ".bin" or path.parent not in folders]
    for number, path in enumerate(paths):
        yield Progress(number, len(paths), message("Reading {name}", name=path.name))
        if is_image(path):
            images.append(path)
        else:
            groups.append((identify(path), (path,)))
    if len(paths) == 2 and [kind for kind, _ in groups] == ["third_party"] * 2:
        groups = [("third_party", tuple(sorted(paths, key=lambda path: "dec" in place_of(path).name.lower())))]
    if len(images) == 1:
        groups.append(("image", (images[0],)))
    yield Early(groups)
    yield [("images", ((yield from _gathered(images)),))] if len(images) > 1 else []


def _gathered(paths: Sequence[Path]) -> Generator[Progress, None, Path]:
    """Copy image files into one folder, in order, and return it; the same files give the same folder.

    A source is identified by its path, for example in the training process; a list of files has none. DataError if
    there are too many of them, or one cannot be read; ExportError if the folder cannot be written.
    """
    if len(paths) > _MOST:
        raise DataError(
            "Cannot import {count:,} images at once; at most {most:,} are allowed. Drop their folder instead.",
            count=len(paths),
            most=_MOST,
        )
    digest = hashlib.sha256()
    for path in paths:
        try:
            stat = path.stat()
        except OSError as error:
            raise DataError(
                "Cannot import {path}: {reason}. Drop it again.", path=path, reason=error.strerror or str(error)
            ) from error
        digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    folder = user_dir() / "dropped" / f"{len(paths)} images {digest.hexdigest()[:8]}"
    if not folder.is_dir():
        with replacing_folder(folder) as new:
            width = len(str(len(paths)))
            for number, path in enumerate(paths):
                yield Progress(number, len(paths), message("Copying images"))
                shutil.copyfile(path, new / f"{number:0{width}} {path.name}")
    return folder
