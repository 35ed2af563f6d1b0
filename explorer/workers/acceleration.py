"""Moves the decoder of the open model to a faster execution provider, if ONNX Runtime has one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject, QTimer

from explorer.document.document import Document
from explorer.document.preferences import PreferencesFile
from explorer.inference.codec import Network, OnnxCodec
from explorer.inference.providers import candidates, choosing, forget_choices, on_cpu
from explorer.inference.sessions import CPU
from explorer.messages import message
from explorer.workers.jobs import JobRunner

SETTLED_MS = 1_000
"""Time after the opening of a model at which providers are tried: it is shown by then, and not only passed by."""


class Acceleration(QObject):
    """Tries the providers in `available` for each model that is opened, as a job. Belongs to the main thread.

    A model in training stays on the CPU, because each of its versions is a new network. The second model of a
    comparison stays there, too.
    """

    def __init__(
        self,
        document: Document,
        jobs: JobRunner,
        preferences: PreferencesFile,
        available: Sequence[str],
        parent: QObject | None = None,
        settled_ms: int = SETTLED_MS,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._preferences = preferences
        self._available = available
        self._key = 0
        self._timer = QTimer(self, interval=settled_ms, singleShot=True)
        self._timer.timeout.connect(self._begin)
        document.changed.model.connect(self._on_model_changed)

    def close(self) -> None:
        self._timer.stop()

    def choose_again(self) -> None:
        """Follow a changed setting."""
        forget_choices()
        codec = self._codec()
        if codec is not None and codec.decoder is not None:
            codec.decoder = on_cpu(codec.decoder)
        self._on_model_changed()

    def _on_model_changed(self) -> None:
        self._jobs.cancel(self._key)
        if self._available:
            self._timer.start()

    def _codec(self) -> OnnxCodec | None:
        model = self._document.model
        return model.codec if model is not None and isinstance(model.codec, OnnxCodec) else None

    def _begin(self) -> None:
        model, codec, setting = self._document.model, self._codec(), self._preferences.values.provider
        if model is None or codec is None or codec.decoder is None or model.epochs is not None:
            return
        if any(job.key == self._key for job in self._jobs.jobs):
            self._timer.start()  # the canceled trial of the last model is still within a driver
        elif codec.decoder.provider == CPU and candidates(setting, self._available):
            codes = model.sample.codes
            self._key = self._jobs.start(
                message("Finding the fastest device"),
                lambda: choosing(codec, codes, setting, self._available),
                partial(self._on_chosen, codec),
                quiet=True,
            )

    def _on_chosen(self, codec: OnnxCodec, decoder: Network) -> None:
        if codec is self._codec():
            codec.decoder = decoder
