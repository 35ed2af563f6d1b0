"""Imports models of other programs: reads them as data here, builds and compiles them in a separate model process."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QObject

from explorer import reader
from explorer.document.document import Document
from explorer.document.imports import ImportView
from explorer.document.open_requests import OpenRequest
from explorer.engine.client import IMPORT_SECONDS, ModelProcess
from explorer.engine.messages import Event, Examine, Examined, Failed, Import, ImportFinished, Working
from explorer.errors import EngineError, ExplorerError
from explorer.messages import NO_MESSAGE, Message, message
from explorer.models.third_party.files import dangers
from explorer.models.third_party.no_network import NoNetworkError
from explorer.models.third_party.request import ImportRequest
from explorer.models.third_party.safety import Finding, check
from explorer.types import Progress
from explorer.workers.closing import Deadline
from explorer.workers.jobs import JobRunner

T = TypeVar("T")
_CANCEL_SECONDS = 3.0
Outcome = tuple[Finding, ...] | Examined | ImportFinished | Failed | NoNetworkError


def look(process: ModelProcess, request: ImportRequest) -> Iterator[Progress | Outcome]:
    """Examine a model; yields the dangers if the user must trust it first, or that a file has no network.

    ExplorerError if it cannot be imported.
    """
    try:
        found = yield from _reported(dangers(request), Progress(0, 0, message("Reading the file")))
    except NoNetworkError as error:
        yield error
        return
    try:
        # The model process leaves code out then, or refuses the model.
        check(() if request.decoder_only else found, trust=request.trust)
    except ExplorerError:
        if not all(finding.can_be_trusted for finding in found):
            raise
        yield found
        return
    yield from _running(process, Examine(request))


def _reported(steps: Generator[None, None, T], progress: Progress) -> Generator[Progress, None, T]:
    """Return the result of a generator, and yield progress at each of its steps."""
    yield progress
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        yield progress


def write(process: ModelProcess, request: ImportRequest) -> Iterator[Progress | Outcome]:
    """Write the bundle of a model; ExplorerError if it cannot be imported."""
    yield from _running(process, Import(request))


def _running(process: ModelProcess, request: Examine | Import) -> Iterator[Progress | Outcome]:
    events = process.steps(request, IMPORT_SECONDS)
    progress = Progress(0, 0)
    try:
        for event in events:
            if event is None:
                yield progress
            elif isinstance(event, Working):
                progress = Progress(event.done, event.total, event.note)
                yield progress
            elif isinstance(event, Examined | ImportFinished | Failed):
                yield event
    except GeneratorExit:
        _cancel(process, events)
        raise


def _cancel(process: ModelProcess, events: Iterator[Event | None]) -> None:
    """Cancel the process and wait until it has cleaned up; kill it after a timeout."""
    process.cancel()
    deadline = time.monotonic() + _CANCEL_SECONDS
    with suppress(EngineError):
        for _ in events:
            if time.monotonic() > deadline:
                process.kill()


class Importer(QObject):
    """Runs the jobs that `Imports` requests. Belongs to the main thread."""

    def __init__(self, document: Document, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._process = ModelProcess()
        self._retired: list[ModelProcess] = []
        imports = document.imports
        imports.look_requested.connect(self._on_look_requested)
        imports.write_requested.connect(self._on_write_requested)
        imports.left.connect(self._on_left)

    def shut(self) -> None:
        """End the model process and the readers now; a job that waits for one fails."""
        self._process.shut()
        reader.close_all()

    def close(self, deadline: Deadline | None = None) -> None:
        """Wait for the model process until the deadline; call it when no job is running."""
        deadline = deadline or Deadline()
        self._close_retired(deadline)
        self._process.close(deadline.seconds)

    def _retire(self) -> None:
        """Replace the process; the old one is joined when its job has ended."""
        self._process.shut()
        self._retired.append(self._process)
        self._process = ModelProcess()

    def _close_retired(self, deadline: Deadline | None = None) -> None:
        deadline = deadline or Deadline()
        while self._retired:
            self._retired.pop().close(deadline.seconds)

    def _on_look_requested(self, request: ImportRequest) -> None:
        view = self._document.imports.view
        self._jobs.cancel(view.job)
        examined = view.examined if view.request is not None and view.request.path == request.path else None
        if view.phase == "looking":
            # The process still examines the previous model.
            self._retire()
        process = self._process
        key = self._start(message("Reading {name}", name=request.title), lambda: look(process, request), request)
        self._document.imports.put(ImportView("looking", request, examined=examined, job=key))

    def _on_write_requested(self, request: ImportRequest) -> None:
        view = self._document.imports.view
        if view.phase == "importing":
            return
        process = self._process
        key = self._start(message("Importing {name}", name=request.title), lambda: write(process, request), request)
        self._document.imports.put(replace(view, phase="importing", request=request, message=NO_MESSAGE, job=key))

    def _start(self, title: Message, steps: Callable[[], Iterator[Progress | Outcome]], request: ImportRequest) -> int:
        return self._jobs.start(
            title,
            steps,
            lambda outcome: self._on_outcome(request, outcome),
            on_failed=lambda problem: self._end(request, phase="failed", message=problem),
            on_canceled=lambda: self._on_canceled(request),
            quiet=True,
        )

    def _end(self, request: ImportRequest, **changes: Any) -> bool:
        """Show the end of a job; return False if another request followed."""
        self._close_retired()
        view = self._document.imports.view
        if view.request is request:
            self._document.imports.put(replace(view, job=0, **changes))
        return view.request is request

    def _on_canceled(self, request: ImportRequest) -> None:
        examined = self._document.imports.view.examined
        self._end(request, phase="ready" if examined is not None else "idle")

    def _on_outcome(self, request: ImportRequest, outcome: Outcome) -> None:
        if isinstance(outcome, Examined):
            self._end(request, phase="ready", examined=outcome)
        elif isinstance(outcome, NoNetworkError):
            self._end(request, phase="failed", message=outcome.message, recipe=outcome.recipe)
        elif isinstance(outcome, Failed):
            if self._end(request, phase="failed", message=outcome.message) and outcome.details:
                self._document.report(outcome.message, outcome.details)
        elif not isinstance(outcome, ImportFinished):
            self._end(request, phase="asking", dangers=outcome)
        elif self._end(request, phase="finished"):
            self._document.library_changed.emit()
            self._document.open_requested.emit(OpenRequest((Path(outcome.path),), "model"))
            self._document.announced.emit(_announcement(outcome))

    def _on_left(self) -> None:
        """Release the process, which takes half a gigabyte."""
        view = self._document.imports.view
        self._jobs.cancel(view.job)
        self._retire()
        if view.phase not in {"looking", "importing"}:
            self._close_retired()
        self._document.imports.put(ImportView())


def _announcement(finished: ImportFinished) -> Message:
    if finished.max_difference is None:
        return message(
            "Imported {name} (random: not compared with {framework})", name=finished.name, framework=finished.framework
        )
    if finished.engine == "onnx":
        return message(
            "Imported {name} (max. deviation from {framework} {difference:.0e})",
            name=finished.name,
            framework=finished.framework,
            difference=finished.max_difference,
        )
    return message("Imported {name}; it runs in Keras (slower)", name=finished.name)
