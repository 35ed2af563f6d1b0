"""The download dialog: source, license and size of a dataset, its download, and local files instead."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFormLayout, QProgressBar, QSizePolicy, QWidget

from explorer.data.sources.entry import SourceEntry
from explorer.document.document import Document
from explorer.document.open_requests import OpenRequest
from explorer.messages import message_text
from explorer.ui.dialogs.files import ask_file, ask_folder, dataset_filters
from explorer.ui.motion import show_busy
from explorer.ui.plain_text import PlainLabel, plain_window_title
from explorer.ui.text import capitalized, duration, filled, sentence
from explorer.ui.widgets.fields import button, label, name_control
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox

_WIDTH = 540


class GetDataDialog(QDialog):
    """A dataset that is not on this machine; not modal, so it can stay open during the download."""

    def __init__(self, document: Document, entry: SourceEntry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._entry = entry
        self.setObjectName("get_dialog")
        self.setWindowTitle(plain_window_title(self.tr("Download %1").replace("%1", entry.title)))
        self.setFixedWidth(_WIDTH)
        self._bar = QProgressBar()
        name_control(self._bar, "get_progress", self.tr("Progress of the download"))
        self._bar.setTextVisible(False)
        self._note = label("get_note", look="plain", selectable=True)
        self._fetch = button("get_download", self.tr("Download"), self.tr("Download to the program’s data folder"))
        self._fetch.setProperty("primary", True)
        self._cancel = button("get_cancel", self.tr("Cancel"), self.tr("Cancel the download; it can be resumed"))
        self._open = button("get_open", self.tr("Open"), self.tr("Open the dataset"), primary=True)
        self._file = button("get_file", self.tr("Use local file…"), self.tr("Open a local file of this dataset"))
        self._folder = button(
            "get_folder", self.tr("Use local folder…"), self.tr("Open a local folder of this dataset")
        )
        self._close = button("get_close", self.tr("Close"), self.tr("Close; the download continues (Esc)"))
        self._lay_out()
        self._fetch.clicked.connect(lambda: document.downloads.download_requested.emit(entry.name))
        self._cancel.clicked.connect(self._on_cancel_clicked)
        self._open.clicked.connect(self._on_open_clicked)
        opening = self.tr("Open image file")
        self._file.clicked.connect(lambda: ask_file(self, opening, self._on_chosen, kinds=dataset_filters()))
        self._folder.clicked.connect(lambda: ask_folder(self, self.tr("Open image folder"), self._on_chosen))
        self._close.clicked.connect(self.close)
        document.downloads.download_changed.connect(self._on_download_changed)
        document.jobs_changed.connect(self._on_jobs_changed)
        self._fetch.setDefault(True)
        for other in (self._cancel, self._file, self._folder, self._close):
            other.setAutoDefault(False)
        self._fetch.setFocus()
        self._show_phase()

    def _lay_out(self) -> None:
        entry = self._entry
        heading = PlainLabel(entry.title)
        heading.setProperty("heading", True)
        facts = QFormLayout()
        facts.setVerticalSpacing(4)
        height, width, channels = entry.image_shape
        colors = self.tr("grayscale") if channels == 1 else self.tr("RGB")
        size = self.tr("%1 MB to download").replace("%1", f"{entry.size_mb:,}") if entry.can_fetch else ""
        for name, title, text in (
            ("get_count", self.tr("Images"), f"{entry.count:,} · {width}×{height} {colors}"),
            ("get_url", self.tr("Source"), entry.url),
            (
                "get_license",
                self.tr("License"),
                ". ".join(capitalized(part) for part in (entry.license, entry.attribution) if part),
            ),
            ("get_size", self.tr("Size"), size),
            ("get_how", self.tr("Manual download"), message_text(entry.how)),
        ):
            if text:
                caption = PlainLabel(title)
                caption.setProperty("muted", True)
                caption.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
                caption.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
                facts.addRow(caption, label(name, text, look="plain", selectable=True))
        self.setLayout(
            vbox(
                heading,
                facts,
                hbox((self._bar, 1), self._cancel),
                self._note,
                STRETCH,
                hbox(self._file, self._folder, STRETCH, self._fetch, self._open, self._close),
                spacing=10,
            )
        )

    def _on_download_changed(self, name: str) -> None:
        if name == self._entry.name:
            self._show_phase()

    def _show_phase(self) -> None:
        download = self._document.downloads.download(self._entry.name)
        phase = download.phase if download is not None else "new"
        running, finished = phase == "running", phase == "finished"
        self._bar.setVisible(running)
        self._cancel.setVisible(running)
        self._open.setVisible(finished)
        self._fetch.setVisible(self._entry.can_fetch and not finished)
        self._fetch.setEnabled(not running)
        self._fetch.setText(self.tr("Retry") if phase in {"failed", "cancelled"} else self.tr("Download"))
        notes = {
            "running": self.tr("Connecting…"),
            "finished": self.tr("Already downloaded"),
            "cancelled": self.tr("Canceled. The partial download was kept; you can resume it."),
            "failed": sentence(download.message) if download is not None else "",
        }
        self._note.setText(notes.get(phase, ""))
        self._note.setVisible(bool(self._note.text()))
        self._note.setProperty("problem", phase == "failed")
        self._note.style().polish(self._note)
        self._on_jobs_changed()
        # Wrapped text is squeezed when a line is added.
        self.adjustSize()

    def _on_jobs_changed(self) -> None:
        download = self._document.downloads.download(self._entry.name)
        if download is None or download.phase != "running":
            return
        job = next((job for job in self._document.jobs if job.key == download.key), None)
        if job is None or not job.note:
            show_busy(self._bar)
            return
        if job.total:
            # Qt's range has 32 bits, which a number of bytes may exceed.
            self._bar.setRange(0, 1_000)
            self._bar.setValue(round(1_000 * job.done / job.total))
        else:
            show_busy(self._bar)
        note = sentence(job.note)
        if job.seconds_left is not None:
            note = filled(self.tr("%1, %2 left"), note, duration(job.seconds_left))
        self._note.setText(note)

    def _on_cancel_clicked(self) -> None:
        download = self._document.downloads.download(self._entry.name)
        if download is not None:
            self._document.job_cancel_requested.emit(download.key)

    def _on_open_clicked(self) -> None:
        self._document.open_requested.emit(OpenRequest((self._entry.name,), "images"))
        self.close()

    def _on_chosen(self, path: Path) -> None:
        self._document.open_requested.emit(OpenRequest((path,), "images"))
        self.close()
