"""What the notice bar says: which data fit a model, and how a training ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from explorer.data.source import Source, range_differs
from explorer.document.activity import TrainingView
from explorer.document.document import Document
from explorer.document.fitting_data import FittingData, fitting_data
from explorer.document.open_requests import OpenRequest
from explorer.messages import NO_MESSAGE, Message, message, message_text
from explorer.models.bundle import CARD
from explorer.models.runs import Run
from explorer.ui.text import filled, range_words
from explorer.ui.widgets.notice_bar import Choice, NoticeBar

_OF_FLOATS = ((0.0, 1.0),)
_USUAL = {"bool": ((0.0, 1.0),), "uint8": ((0.0, 255.0),)}
"""Ranges that nobody needs to be told, by dtype."""


class Notices(QObject):
    """Fills the bar of a window; `show_panel` reveals a panel by its name."""

    def __init__(self, document: Document, bar: NoticeBar, show_panel: Callable[[str], object]) -> None:
        super().__init__(bar)
        self._document = document
        self._bar = bar
        self._show_panel = show_panel
        self._data: FittingData | None = None
        self._source: Source | None = None
        self._reading = self._warned = False
        self._reported: set[str] = set()
        self._models: tuple[Path, ...] = ()
        self._was_active = False
        self._trained: Path | None = None
        document.changed.model.connect(self._on_model_changed)
        document.changed.source.connect(self._on_source_changed)
        document.training_changed.connect(self._on_training_changed)

    # -- data that fit a model -----------------------------------------------------------------------------------------

    def _on_model_changed(self) -> None:
        document, model = self._document, self._document.model
        if model is None or model.epochs is not None:
            return
        self._models = (model.path, *(path for path in self._models if path != model.path))[:2]
        if self._data is not None or self._warned or (self._trained is not None and not self._is_open(self._trained)):
            self._hide()
        self._data = fitting_data(model.card, document.source, document.places.paths)
        if self._data is not None:
            self._reading = self._warned = False
            self._offer(self._data, model.name)
        elif document.source is not None and self._learned_otherwise(document.source):
            self._tell_reading(document.source)

    def _offer(self, data: FittingData, model: str) -> None:
        source = self._document.source
        if source is None:
            text = filled(self.tr("%1 is open, but no images."), model)
        elif data.home:
            text = filled(self.tr("%1 was trained on other images than %2."), model, source.title)
        else:
            text = filled(self.tr("%1 takes images of another size than %2."), model, source.title)
        words = filled(self.tr("Use %1"), data.title)
        tip = self.tr("Open the images that the model was trained on")
        tip = tip if data.home else self.tr("Open images of the size that the model takes")
        request = OpenRequest((data.spec,), "images")
        self._bar.show_notice(text, Choice(words, tip, partial(self._document.open_requested.emit, request)))

    def _on_source_changed(self) -> None:
        """Say how newly opened images were read; hide an offer of data once others are open."""
        model, source, old = self._document.model, self._document.source, self._source
        # How the files of a large folder are read is known only after it is shown.
        known = old is not None and source is not None and source.continues(old) and source.found == old.found
        if source is not None and not known:
            if self._reading:
                self._hide()
            self._tell_reading(source)
        self._source = source
        if self._data is not None and (model is None or source is None or not fitting_data(model.card, source, ())):
            self._hide()

    # -- how images were read ------------------------------------------------------------------------------------------

    def _tell_reading(self, source: Source) -> None:
        """Say what the program had to guess, once for each way, and if a model learned from another range."""
        differs = self._learned_otherwise(source)
        words = message_text(differs) if differs else self._reading_words(source)
        if not words or (not differs and source.spec in self._reported):
            return
        self._reported.add(source.spec)
        choices = [
            Choice(
                self.tr("Change…"),
                self.tr("Show how the images were read, and change it"),
                self._document.reading_requested.emit,
            )
        ]
        model = self._document.model
        learned = None if model is None else model.card.preprocessing.reading.range
        if differs and None not in (learned, source.found.range) and os.path.isabs(source.spec):
            again = partial(self._document.read_again, replace(source.choices, range=learned))
            tip = self.tr("Read the images again with the range that the model learned from")
            choices.insert(0, Choice(self.tr("Use the model’s range"), tip, again))
        self._data, self._reading, self._warned = None, True, bool(differs)
        self._bar.show_notice(words, *choices)

    def _learned_otherwise(self, source: Source) -> Message:
        """Return a note if the model learned from another range or depth; else an empty one."""
        model = self._document.model
        return NO_MESSAGE if model is None else range_differs(model.card.preprocessing, source) or NO_MESSAGE

    def _reading_words(self, source: Source) -> str:
        """Return what the program chose itself where the file leaves it open; empty if nothing."""
        found, choices, words = source.found, source.choices, []
        if len(found.arrays) > 1 and not choices.array:
            words.append(filled(self.tr("One of %1 arrays was read."), len(found.arrays)))
        if choices.range is None and found.range not in (None, *_USUAL.get(found.dtype, _OF_FLOATS)):
            words.append(filled(self.tr("Read with values %1 as black to white."), range_words(found.range)))
        if found.alpha and not choices.channels:
            words.append(filled(self.tr("Channel %1 was read as transparency."), found.channels))
        return " ".join(words)

    def _hide(self) -> None:
        self._data = self._trained = None
        self._reading = self._warned = False
        self._bar.hide()

    # -- the end of a training -----------------------------------------------------------------------------------------

    def _on_training_changed(self) -> None:
        training, was_active = self._document.training, self._was_active
        self._was_active = training.active
        if was_active and not training.active:
            self._data, self._reading, self._warned = None, False, False
            (self._tell_finished if training.phase == "finished" else self._tell_ended)(training)

    def _tell_finished(self, training: TrainingView) -> None:
        path = self._trained = Path(training.path)
        self._bar.show_notice(
            f"{training.title}: {message_text(training.note)}",
            Choice(self.tr("Open model"), self.tr("Show the trained model"), partial(self._open, path)),
            Choice(
                self.tr("Compare"), self.tr("Compare the trained model with another one"), partial(self._compare, path)
            ),
            self._again(training),
        )

    def _tell_ended(self, training: TrainingView) -> None:
        words = self.tr("The training of %1 failed.")
        if training.phase == "cancelled":
            words = self.tr("The training of %1 was canceled.")
        tip = self.tr("Resume the training from its last checkpoint")
        resume = Choice(self.tr("Resume"), tip, partial(self._resume, training.run))
        self._bar.show_notice(filled(words, training.title), resume, self._again(training))

    def _again(self, training: TrainingView) -> Choice:
        tip = self.tr("Copy the settings of this training to the form")
        return Choice(self.tr("Train again"), tip, partial(self._train_again, training.run))

    def _open(self, path: Path) -> None:
        model = self._document.model
        if model is None or not self._is_open(path) or model.epochs is not None:
            self._document.open_requested.emit(OpenRequest((path,), "model"))
        self._show_panel("latent")

    def _compare(self, path: Path) -> None:
        """Compare the trained model with the open one; if it is open itself, with the one open before."""
        other: Path | None = path
        if self._is_open(path):
            other = next((known for known in self._models if known.resolve() != path.resolve()), None)
        self._show_panel("compare")
        if other is not None and (other / CARD).is_file():
            self._document.comparison.model_requested.emit(other)

    def _is_open(self, path: Path) -> bool:
        model = self._document.model
        return model is not None and model.path.resolve() == path.resolve()

    def _train_again(self, run: Path | None) -> None:
        self._show_panel("train")
        found = self._found(run)
        if found is not None:
            self._document.trainings.again_requested.emit(found.request)

    def _resume(self, run: Path | None) -> None:
        self._show_panel("train")
        found = self._found(run)
        if found is not None and found.resumable:
            self._document.trainings.run_resume_requested.emit(found)
        else:
            self._document.report(message("Cannot resume the training: it has no checkpoint. Train again."))

    def _found(self, path: Path | None) -> Run | None:
        return next((run for run in self._document.trainings.runs if run.path == path), None)
