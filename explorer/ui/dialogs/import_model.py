"""Dialog to import a model of another program: files, code in them, input and bottleneck, and a few reconstructions."""

from __future__ import annotations

from functools import partial
from math import prod
from pathlib import Path

import numpy as np
from PySide6.QtGui import QFontDatabase, QHideEvent
from PySide6.QtWidgets import QApplication, QDialog, QFrame, QLabel, QWidget

from explorer.data.mixer import shown
from explorer.document.document import Document
from explorer.engine.messages import Examined
from explorer.errors import ExplorerError
from explorer.messages import NO_MESSAGE, Message
from explorer.models.conditions import conditions_of
from explorer.models.import_record import POOR
from explorer.models.settings import check_new_model, free_name
from explorer.models.third_party.files import SUFFIXES, becomes_onnx, decoder_beside, files_by_role, files_of
from explorer.models.third_party.layout import place_of
from explorer.models.third_party.request import NO_CHOICES, ImportRequest
from explorer.models.third_party.safety import Finding
from explorer.paths import user_models_dir
from explorer.ui.dialogs.files import ask_file, ask_folder
from explorer.ui.dialogs.import_choices import ImportChoices, numbers
from explorer.ui.text import capitalized, filled, percent, sentence
from explorer.ui.widgets.elided_label import ElidedLabel
from explorer.ui.widgets.field_grid import FieldGrid
from explorer.ui.widgets.fields import button, label, line_edit, name_widget
from explorer.ui.widgets.image_table import ImageTable
from explorer.ui.widgets.job_strip import JobStrip
from explorer.ui.widgets.layouts import STRETCH, hbox, vbox, widget_of

_WIDTH, _TABLE_HEIGHT = 620, 196
_FRAMES = 50
"""Sum of the horizontal margins of the dialog and of the warning box."""

FILE_FILTERS = (("Models", "*.keras *.h5 *.hdf5 *.onnx *.tflite *.json *.pt2 *.pt *.pth"),)


class ImportDialog(QDialog):
    """Non-modal dialog that selects a model, shows its properties and starts the import."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._path: Path | None = None
        self._decoder: Path | None = None
        self._proposed = False
        self._trusted: Path | None = None
        self._decoder_only = False
        self._named_by_hand = False
        self.setObjectName("import_dialog")
        self.setWindowTitle(self.tr("Import model"))
        # The height of wrapped text depends on the width.
        self.setFixedWidth(_WIDTH)
        self._make_files()
        self._make_trust()
        self._make_choices()
        self._make_end()
        self._lay_out()
        document.imports.changed.connect(self._show_view)
        document.changed.mixer.connect(self._show_view)
        document.jobs_changed.connect(self._show_job)
        self._show_view()

    # -- parts -----------------------------------------------------------------------------------------------------

    def _make_files(self) -> None:
        self._hint = label("import_hint", look="plain")
        self._hint.setText(
            self.tr(
                "Takes a whole autoencoder, an encoder or a decoder: a .keras, .h5, .onnx, .tflite or .pt2 file, "
                "TorchScript, the .json file of TensorFlow.js, a SavedModel, or a folder with both parts."
            )
        )
        self._file_words = ElidedLabel("import_file_name", self.tr("No file selected"))
        self.choose_file = button(
            "import_file",
            self.tr("File…"),
            self.tr("Select a .keras, .h5, .onnx, .tflite, .pt2 or .json file, or TorchScript"),
        )
        self.choose_folder = button(
            "import_folder", self.tr("Folder…"), self.tr("Select a SavedModel, or a folder with encoder and decoder")
        )
        self._decoder_words = ElidedLabel("import_decoder_name", self.tr("In the same file"))
        self.choose_decoder = button(
            "import_decoder", self.tr("File…"), self.tr("Select the decoder if it is a separate file")
        )
        self.no_decoder = button(
            "import_no_decoder", self.tr("Remove"), self.tr("Import the encoder without this decoder")
        )
        title = self.tr("Import model")
        ask = partial(ask_file, self, kinds=FILE_FILTERS, purpose="model")
        self.choose_file.clicked.connect(lambda: ask(title, self.begin))
        self.choose_folder.clicked.connect(lambda: ask_folder(self, title, self.begin, purpose="model"))
        self.choose_decoder.clicked.connect(lambda: ask(self.tr("Select decoder"), self._on_decoder_chosen))
        self.no_decoder.clicked.connect(self._on_no_decoder_clicked)

    def _make_trust(self) -> None:
        self.trust_box = QFrame()
        self.trust_box.setObjectName("import_trust_box")
        self._dangers = label("import_dangers", look="plain", selectable=True)
        self.trust = button(
            "import_trust",
            self.tr("I trust the author. Run the code"),
            self.tr("Run this code in a separate process, which you can stop at any time"),
        )
        self.decoder_only = button(
            "import_decoder_only",
            self.tr("Import only the decoder"),
            self.tr("Leave the encoder out: images cannot be encoded, but codes decoded"),
        )
        self.trust.clicked.connect(self._on_trust_clicked)
        self.decoder_only.clicked.connect(self._on_decoder_only_clicked)
        self.trust_box.setLayout(
            vbox(self._dangers, hbox(STRETCH, self.decoder_only, self.trust), margins=(12, 10, 12, 10))
        )

    def _make_choices(self) -> None:
        self._facts = label("import_facts", look="plain", selectable=True)
        self.choices = ImportChoices()
        self.choices.chosen.connect(self._on_chosen)
        self.table = ImageTable(first_gap=0, whole=False)
        name_widget(self.table, "import_images", self.tr("A few images, and their reconstructions below"))
        self.table.setFixedHeight(_TABLE_HEIGHT)
        self._tried = label("import_tried", look="plain", selectable=True)
        self._tried.setProperty("muted", True)
        self.name = line_edit("import_name", self.tr("Name of the model in the library"))
        self.name.textEdited.connect(self._on_name_edited)

    def _make_end(self) -> None:
        self._message = label("import_message", look="plain", selectable=True)
        self._message.setProperty("problem", True)
        self.recipe = label("import_recipe", look="plain", wrap=False, selectable=True)
        self.recipe.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        name_widget(self.recipe, "import_recipe", self.tr("Script that exports the model to ONNX"))
        self.copy_recipe = button(
            "import_copy_recipe", self.tr("Copy script"), self.tr("Copy the lines of this script")
        )
        self.copy_recipe.clicked.connect(lambda: QApplication.clipboard().setText(self.recipe.text()))
        self.recipe_box = widget_of(vbox(self.recipe, hbox(STRETCH, self.copy_recipe)))
        self.strip = JobStrip("import")
        self.strip.cancelled.connect(lambda: self._document.job_cancel_requested.emit(self._document.imports.view.job))
        tip = self.tr("Convert the model and add it to the library")
        self.write = button("import_write", self.tr("Import"), tip, primary=True)
        self.close_button = button("import_close", self.tr("Cancel"), self.tr("Close without importing (Esc)"))
        self.write.clicked.connect(self._on_write_clicked)
        self.close_button.clicked.connect(self.close)
        self.write.setDefault(True)
        others = (self.close_button, self.trust, self.decoder_only, self.choose_file, self.choose_folder)
        for other in (*others, self.choose_decoder, self.no_decoder):
            other.setAutoDefault(False)

    def _lay_out(self) -> None:
        grid = FieldGrid()
        grid.wide(self.tr("Model"), _row(self._file_words, self.choose_file, self.choose_folder))
        grid.wide(self.tr("Decoder"), _row(self._decoder_words, self.no_decoder, self.choose_decoder))
        self.choices.add_row(self.tr("Name"), self.name)
        self.setLayout(
            vbox(
                grid,
                self._hint,
                self.trust_box,
                self._facts,
                self.choices,
                self.table,
                self._tried,
                self._message,
                self.recipe_box,
                self.strip,
                STRETCH,
                hbox(STRETCH, self.close_button, self.write),
                spacing=10,
            )
        )

    # -- request ---------------------------------------------------------------------------------------------------

    def begin(self, path: Path, decoder: Path | None = None) -> None:
        """Examine a file or folder, or an encoder and its decoder; that beside it, if none is given, is proposed."""
        path, decoder = place_of(path), None if decoder is None else place_of(decoder)
        beside = decoder_beside(path) if decoder is None else None
        self._path, self._decoder, self._trusted, self._proposed = path, decoder or beside, None, beside is not None
        self._named_by_hand = self._decoder_only = False
        wanted = path.stem if path.suffix.lower() in {*SUFFIXES, ".json"} else path.name
        self.name.setText(free_name(user_models_dir(), wanted or "imported"))
        self._look(restart=True)

    def _on_decoder_chosen(self, path: Path) -> None:
        self._decoder, self._proposed = path, False
        self._look(restart=True)

    def _on_no_decoder_clicked(self) -> None:
        self._decoder, self._proposed = None, False
        self._look(restart=True)

    def _on_decoder_only_clicked(self) -> None:
        decoder = self._separate_decoder()
        if decoder is not None:
            self.begin(decoder)
        else:
            self._decoder_only = True
            self._look(restart=True)

    def _on_trust_clicked(self) -> None:
        self._trusted, self._decoder_only = self._path, False
        self._look(restart=True)

    def _on_name_edited(self) -> None:
        self._named_by_hand = True
        self._show_name()

    def _request(self, *, restart: bool = False) -> ImportRequest | None:
        if self._path is None:
            return None
        source = self._document.source
        own = source.spec if source is not None and source.status != "embedded" else None
        parts = (self._path, self._decoder) if self._decoder is not None else (None, None)
        return ImportRequest(
            path=self._path if self._decoder is None else None,
            out=user_models_dir() / self.name.text().strip(),
            encoder=parts[0],
            decoder=parts[1],
            choices=NO_CHOICES if restart else self.choices.stated,
            trust=self._trusted is not None,
            decoder_only=self._decoder_only and self._decoder is None,
            data=own,
        )

    def _is_onnx(self) -> bool:
        request = self._document.imports.view.request
        try:
            return request is not None and any(becomes_onnx(path) for path in files_of(request))
        except (ExplorerError, OSError):
            return False

    def _on_chosen(self) -> None:
        """Examine the model again if anything else is stated."""
        request = self._document.imports.view.request
        if request is not None and not self.choices.problem and self.choices.stated != request.choices:
            self._look()
        else:
            self._show_view()

    def _separate_decoder(self) -> Path | None:
        """Return the file of the decoder; None if it is in the same file."""
        request = self._document.imports.view.request
        try:
            files = {} if request is None else files_by_role(request)
        except (ExplorerError, OSError):
            return None
        return files.get("decoder") if "encoder" in files else None

    def _look(self, *, restart: bool = False) -> None:
        if restart:
            self.choices.reset()
        request = self._request(restart=restart)
        if request is not None:
            self._document.imports.look_requested.emit(request)

    def _on_write_clicked(self) -> None:
        request = self._request()
        if request is not None and not self._name_problem() and not self.choices.problem:
            self._document.imports.write_requested.emit(request)

    # -- display ---------------------------------------------------------------------------------------------------

    def _show_view(self) -> None:
        view = self._document.imports.view
        self._file_words.setText(self._path.name if self._path is not None else self.tr("No file selected"))
        folder = self._path is not None and self._path.is_dir()
        same = self.tr("In the same folder") if folder else self.tr("In the same file")
        beside = self.tr("%1 (found beside the encoder)") if self._proposed else "%1"
        self._decoder_words.setText(beside.replace("%1", self._decoder.name) if self._decoder is not None else same)
        self.choose_decoder.setEnabled(self._path is not None)
        self.no_decoder.setVisible(self._decoder is not None)
        self._hint.setVisible(self._path is None)
        self.trust_box.setVisible(view.phase == "asking")
        if view.phase == "asking":
            only_code = self._decoder is None and all(finding.danger == "code" for finding in view.dangers)
            decoder = self._separate_decoder()
            dangerous = {finding.where for finding in view.dangers}
            self.decoder_only.setVisible(only_code or (decoder is not None and decoder.name not in dangerous))
            self._dangers.setText(self._danger_words(view.dangers))
            # QFrame ignores heightForWidth of its labels.
            self._dangers.setMinimumHeight(self._dangers.heightForWidth(_WIDTH - _FRAMES))
        shown = view.examined is not None and view.phase in {"ready", "looking", "importing", "failed"}
        for part in (self._facts, self.table, self._tried):
            part.setVisible(shown)
        self.choices.set_row_visible(self.name, visible=shown)
        self.choices.show_view(view, onnx=self._is_onnx())
        self.choices.setVisible(view.phase in {"ready", "looking", "importing", "failed"})
        if view.examined is not None and view.phase in {"ready", "failed"}:
            self._show_examined(view.examined)
        self.choices.setEnabled(view.phase not in {"looking", "importing"})
        self.write.setVisible(shown)
        self._message.setText(sentence(view.message) if view.phase == "failed" else "")
        self.recipe.setText(view.recipe if view.phase == "failed" else "")
        self.recipe_box.setVisible(bool(self.recipe.text()))
        self._show_name()
        self._show_job()
        if view.phase == "finished":
            self.close()
        self.adjustSize()

    def _danger_words(self, dangers: tuple[Finding, ...]) -> str:
        first = self.tr("This model contains code that runs when the model is loaded:")
        listed = "\n".join(f"•  {finding}" for finding in dangers[:6])
        more = self.tr("and %1 more").replace("%1", str(len(dangers) - 6)) if len(dangers) > 6 else ""
        last = self.tr("Code can read and change your files. Import it only if you trust the author.")
        return "\n".join(part for part in (first, listed, more, last) if part)

    def _show_examined(self, examined: Examined) -> None:
        record = examined.record
        height, width, channels = examined.image_shape
        words = self.tr("Input: %1×%2 %3. Latent dimensions: %4.")
        known = {1: self.tr("grayscale"), 3: self.tr("RGB")}
        colors = known.get(channels, self.tr("%1 channels").replace("%1", str(channels)))
        words = filled(words, width, height, colors, numbers(examined.latent_shape))
        kinds = {
            "encoder": self.tr("Encoder only: codes, map and neighbors, but no reconstruction."),
            "decoder": self.tr("Decoder only: sliders, map and animation, but no reconstruction."),
        }
        conditions = conditions_of(record.controls, prod(examined.latent_shape))
        more = [kinds.get(record.parts, "")]
        if conditions is not None:
            more.append(filled(self.tr("Condition inputs, which stay changeable: %1."), conditions.text))
        more += [f"{capitalized(note)}." for note in record.notes]
        self._facts.setText("\n".join([words, *(line for line in more if line)]))
        self._show_table(examined)

    def _show_table(self, examined: Examined) -> None:
        titled = (self.tr("Original"), examined.originals), (self.tr("Reconstruction"), examined.reconstructions)
        rows = [(title, shown(pixels, self._document.mixer)) for title, pixels in titled if len(pixels)]
        self.table.set_labels([(title, True) for title, _ in rows])
        self.table.show_pixels(np.stack([pixels for _, pixels in rows]))
        if examined.record.parts == "decoder":
            self._tried.setText(self.tr("Images decoded from random codes"))
        elif examined.record.parts == "encoder":
            self._tried.setText(self.tr("Suggested dataset: %1").replace("%1", examined.images))
        else:
            words = self.tr("%1: the reconstruction explains %2 of the variance")
            explained = percent(max(0.0, 1.0 - examined.error)) if np.isfinite(examined.error) else "?"
            poor = self.tr("Open images that the model knows first.") if examined.error > POOR else ""
            self._tried.setText(
                " ".join([filled(words, examined.images, explained) + ("." if poor else ""), poor]).strip()
            )

    def _name_problem(self) -> Message:
        try:
            check_new_model(user_models_dir(), self.name.text().strip())
        except ExplorerError as error:
            return error.message
        return NO_MESSAGE

    def _show_name(self) -> None:
        view = self._document.imports.view
        problem, unread = self._name_problem(), self.choices.problem
        for field, wrong in ((self.name, problem), (self.choices.condition, unread)):
            field.setProperty("problem", bool(wrong))
            field.style().polish(field)
        self.write.setEnabled(view.phase in {"ready", "failed"} and not problem and not unread)
        if unread:
            self._message.setText(sentence(unread))
        elif view.phase == "ready":
            self._message.setText(sentence(problem) if self._named_by_hand else "")
        self._message.setVisible(bool(self._message.text()))

    def _show_job(self) -> None:
        key = self._document.imports.view.job
        self.strip.show_job(next((job for job in self._document.jobs if job.key == key), None))

    def hideEvent(self, event: QHideEvent) -> None:
        """Release the model process."""
        super().hideEvent(event)
        if not event.spontaneous():
            self._path = self._decoder = None
            self._document.imports.left.emit()


def _row(words: QLabel, *buttons: QWidget) -> QWidget:
    return widget_of(hbox((words, 1), *buttons))
