"""Opens and saves sessions as jobs: finds their model and images, and detects files changed on disk."""

from __future__ import annotations

import glob
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject

from explorer.data.choices import join, place_of, split
from explorer.data.source import Source
from explorer.data.sources import known_name
from explorer.document.document import Document
from explorer.document.reading import check_export
from explorer.document.session_file import Session, read_session, write_session
from explorer.document.session_record import DataRecord, ModelRecord
from explorer.document.session_state import imported_image_of, picked_of, state_of
from explorer.document.sessions import LeftOver, Opening
from explorer.document.state import OpenModel, State
from explorer.document.views.bookmarks import bookmark_thumbnails
from explorer.errors import ExplorerError, ExportError, SessionError
from explorer.messages import NO_MESSAGE, message
from explorer.models.bundle import file_hash, find_bundles, open_bundle
from explorer.models.recent import note_recent
from explorer.models.runs import read_run
from explorer.types import Progress
from explorer.workers.jobs import JobRunner
from explorer.workers.loading import load_source, open_model

_LOCK_WAIT_MS = 10_000


def load_session(
    path: Path, model: OpenModel | None, source: Source | None, recovered: LeftOver | None = None
) -> Iterator[Progress | Opening]:
    """Read a session, and open its model and images; the open ones are reused if they match.

    `recovered` is the unsaved work of which the file is the backup copy.
    """
    yield Progress(0, 0, message("Reading the session"))
    session, checksum = read_session(path)
    home: Path | None = path
    if recovered is not None:
        record = session.record
        home, checksum = (Path(record.origin), record.origin_checksum) if record.origin else (None, "")
    yield from _found(Opening(home, session, checksum, recovered=recovered), model, source)


def _found(opening: Opening, model: OpenModel | None, source: Source | None) -> Iterator[Progress | Opening]:
    record = opening.session.record
    folder = opening.path.parent if opening.path is not None else None
    if record.model is not None:
        yield Progress(0, 0, message("Opening the model"))
        try:
            opening = replace(opening, model=find_model(record.model, model))
        except ExplorerError as error:
            opening = replace(opening, model_problem=error.message)
    if record.data is not None:
        try:
            images = yield from find_source(record.data, source, folder)
            opening = replace(opening, source=images)
        except ExplorerError as error:
            opening = replace(opening, source_problem=error.message)
    try:
        opening = replace(opening, imported_image=imported_image_of(opening.session))
    except ExplorerError as error:
        opening = replace(opening, imported_image_problem=error.message)
    yield opening


def look_again(opening: Opening, where: Path) -> Iterator[Progress | Opening]:
    """Look for the missing model or images in a folder that the user has selected."""
    record = opening.session.record
    yield Progress(0, 0, message("Searching {name}", name=where.name))
    try:
        if opening.missing == "model" and record.model is not None:
            opening = replace(opening, model=find_model(record.model, None, where), model_problem=NO_MESSAGE)
        else:
            images = yield from load_source(where)
            opening = replace(opening, source=images, source_problem=NO_MESSAGE)
    except ExplorerError as error:
        problem = error.message
        missing_model = opening.missing == "model"
        opening = replace(opening, model_problem=problem) if missing_model else replace(opening, source_problem=problem)
    yield opening


def find_model(record: ModelRecord, current: OpenModel | None, where: Path | None = None) -> OpenModel:
    """Open the model of a session: the open one, the one at its path, or one in the library with the same decoder.

    One that was in training is the model that its run has produced. SessionError if it is not found.
    """
    if where is None:
        if current is not None and current.run is not None and str(current.run) == record.run and not record.model_hash:
            return current  # it is still in training here, or was canceled
        record = _produced(record)
        if current is not None and current.epochs is None and _is_of(current, record):
            return current
    for path in [where] if where is not None else _places(record):
        try:
            if not _remote(str(path)) and _card_fits(path, record):
                model = open_model(path)
                if _is_of(model, record, chosen=where is not None):
                    return model
        except ExplorerError:
            if where is not None:
                raise
    wanted = message("“{name}”", name=record.name)
    if record.model_hash:
        wanted = message("“{name}” (checksum {checksum}…)", name=record.name, checksum=record.model_hash[:8])
    if where is not None:
        raise SessionError(
            "“{folder}” does not contain the model {model}. Choose its folder.", folder=where.name, model=wanted
        )
    raise SessionError(
        "Cannot find the model {model} in {path} or in the library. Choose its folder.", model=wanted, path=record.path
    )


def _places(record: ModelRecord) -> list[Path]:
    """Return the recorded path, then the matching models of the library, those with the same name first."""
    named = sorted(find_bundles(), key=lambda found: found.path.name != record.name)
    fitting = [found.path for found in named if found.bundle and found.bundle.card.decoder_hash == record.model_hash]
    return [Path(record.path), *fitting]


def _card_fits(path: Path, record: ModelRecord) -> bool:
    """Compare the hash in the card before reading the whole model."""
    card = open_bundle(path, whole=False).card
    return not record.model_hash or card.decoder_hash == record.model_hash


def _produced(record: ModelRecord) -> ModelRecord:
    """Return the record with the hash of the model that its run has produced; unchanged if the run says nothing.

    SessionError if the run has not produced one.
    """
    if record.model_hash or not record.run or _remote(record.run):
        return record
    try:
        run = read_run(Path(record.run))
    except ExplorerError:  # deleted, or on another machine
        return record
    if run.phase != "finished":
        raise SessionError(
            "The model “{name}” was in training, and that training has not finished. Resume it, and open the session "
            "again when it has.",
            name=record.name,
        )
    return record.model_copy(update={"model_hash": run.decoder_hash})


def _is_of(model: OpenModel, record: ModelRecord, *, chosen: bool = False) -> bool:
    """Return whether a model is that of a record; without a hash that in the same folder, or one that was chosen."""
    if model.latent_dim != record.latent_dim:
        return False
    if record.model_hash:
        return model.card.decoder_hash == record.model_hash
    return model.name == record.name and (chosen or model.path == Path(record.path))


def find_source(record: DataRecord, current: Source | None, folder: Path | None) -> Generator[Progress, None, Source]:
    """Open the images of a session: the open ones, those at their path, or those next to the session.

    ExplorerError if they are not found.
    """
    if current is not None and current.spec == record.spec and not current.provisional:
        return current
    spec = record.spec
    beside = _beside(record, folder)
    if known_name(spec) is None and beside and not Path(place_of(spec)).exists():
        spec = beside
    if known_name(spec) is None and (_remote(spec) or not Path(place_of(spec)).exists()):
        raise SessionError("Cannot find the images in {path}. Choose their folder or file.", path=spec[:200])
    return (yield from load_source(spec))


def _beside(record: DataRecord, folder: Path | None) -> str:
    """Return the spec of the images next to a session; empty if there are none."""
    if folder is None or not record.beside:
        return ""
    place, choices = split(record.beside)
    found = (folder / place).resolve()
    return join(found, choices) if found.exists() else ""


def _remote(spec: str) -> bool:
    """Return whether a path refers to another machine; opening a session must not contact it."""
    return spec.startswith(("\\\\", "//"))


def save_session(path: Path, session: Session, expected: str | None) -> Iterator[Progress | str | None]:
    """Write a session; yields finally its SHA-256.

    None instead if an existing file has not the `expected` SHA-256, and is not replaced; without one any is replaced.
    """
    yield Progress(0, 0, message("Writing"))
    # Otherwise another window could save between the comparison and the replacement.
    lock = QLockFile(str(path.with_name(f".{path.name}.lock")))
    if not lock.tryLock(_LOCK_WAIT_MS) and lock.error() == QLockFile.LockError.LockFailedError:
        raise ExportError("Cannot save {path}: another window is saving it. Try again in a moment.", path=path)
    try:
        if expected is not None and path.exists() and _hash(path) != expected:
            yield None
        else:
            # Partial files of a killed window; nobody else writes while this lock is held.
            for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
                part.unlink(missing_ok=True)
            yield write_session(path, session)
    finally:
        lock.unlock()


def _hash(path: Path) -> str:
    try:
        return file_hash(path)
    except OSError:
        return ""


class SessionJobs(QObject):
    """Runs the jobs that `explorer.document.sessions.Sessions` requests. Belongs to the main thread."""

    def __init__(self, document: Document, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._opening = 0
        sessions = document.sessions
        sessions.new_requested.connect(self._on_new_requested)
        sessions.find_requested.connect(self._on_find_requested)
        sessions.complete_requested.connect(self._complete)
        sessions.save_requested.connect(self._on_save_requested)
        for changed in (document.history_changed, document.changed.model, document.changed.source):
            changed.connect(sessions.check)
        document.changed.code.connect(sessions.check)

    def _on_new_requested(self) -> None:
        """Start an empty session with the open model and images."""
        document, model, source = self._document, self._document.model, self._document.source
        document.put_state(State())
        document.selection.put(None)
        if model is not None or source is not None:
            document.open(model, source)
        document.forget_history()
        document.sessions.begin()

    def recover(self, path: Path, left: LeftOver) -> None:
        model, source = self._document.model, self._document.source
        self._jobs.cancel(self._opening)
        self._opening = self._jobs.start(
            message("Recovering unsaved work"), lambda: load_session(path, model, source, left), self._complete
        )

    def _on_find_requested(self, opening: Opening, where: Path) -> None:
        self._jobs.cancel(self._opening)
        self._opening = self._jobs.start(
            message("Searching {name}", name=where.name), lambda: look_again(opening, where), self._complete
        )

    def _complete(self, opening: Opening) -> None:
        self._jobs.cancel(self._opening)  # a search that another session has overtaken
        if opening.missing:
            self._document.sessions.incomplete.emit(opening)
        else:
            self._show(opening)

    def _show(self, opening: Opening) -> None:
        document, view = self._document, opening.session.record.view
        if opening.recovered is not None:
            document.sessions.recovered.emit(opening.recovered)
        document.put_state(state_of(opening.session, opening.model, opening.source, opening.imported_image))
        document.selection.put(picked_of(opening.session, opening.source))
        document.timeline.put_playhead(view.playhead)
        document.sessions.workspace_restored.emit(view.workspace)
        document.sessions.stage_restored.emit(view.stage)
        document.sessions.tab_restored.emit(view.tab)
        document.sessions.begin(
            opening.path, opening.checksum if opening.path else "", dirty=opening.recovered is not None
        )
        if opening.path is not None and opening.recovered is None:
            note_recent(opening.path)
        document.sessions.opened.emit(opening.path)
        if opening.imported_image_problem:
            document.report(message("Skipped the imported image. {problem}", problem=opening.imported_image_problem))
        record, model = opening.session.record.model, opening.model
        if record is not None and model is not None and record.preprocessing != model.card.preprocessing:
            document.report(
                message(
                    "The preprocessing of “{name}” has changed since this session was saved. Saved codes are "
                    "unchanged, but newly encoded images may get different codes.",
                    name=model.name,
                )
            )

    def _on_save_requested(self, path: Path, force: bool) -> None:
        sessions, state = self._document.sessions, self._document.state
        path = path.absolute()
        try:
            check_export(self._document, path)
            session = sessions.take(path.parent, thumbnails=bookmark_thumbnails(self._document))
        except ExplorerError as error:
            self._document.report(error.message)
            return
        # The save dialog has already asked before replacing another file.
        expected = None if force or path != sessions.path else sessions.checksum

        def saved(checksum: str | None) -> None:
            if checksum is None:
                sessions.conflicted.emit(path)
                return
            sessions.begin(path, checksum, state=state)
            note_recent(path)
            sessions.saved.emit(path)

        self._jobs.start(message("Saving {name}", name=path.name), lambda: save_session(path, session, expected), saved)
