"""Child processes that open a window and report when it is painted; imports are as late as possible."""

from __future__ import annotations

import runpy
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.bench.child import Tell
from explorer.bench.harness import resident_mb

if TYPE_CHECKING:
    from explorer.app import Running
    from explorer.document.preferences import PreferencesFile

_GIVE_UP_MS = 60_000


def real_window(arguments: dict[str, Any], tell: Tell) -> None:
    """Run the program without arguments, as at its second start, until its first reconstruction is painted.

    Sends the path of the open model at that moment and, ``settle_ms`` later, the resident memory.
    """
    from PySide6.QtCore import QTimer

    from explorer import app
    from explorer.document.preferences import PreferencesFile
    from explorer.paths import pretrained_dir, settings_path

    # The first start shows the start page; later ones open the last model.
    PreferencesFile(settings_path()).put(last_model=str(pretrained_dir() / app.FIRST_MODEL), tour_seen=True)
    make_window = app.make_window
    seen: list[str] = []

    def watched_window(preferences: PreferencesFile | None = None) -> Running:
        running = make_window(preferences)

        def end() -> None:
            tell({"rss_mb": resident_mb()})
            running.window.close()

        def on_painted() -> None:
            if not seen and running.document.model is not None:
                seen.append(str(running.document.model.path))
                tell({"model": seen[0]})
                QTimer.singleShot(arguments["settle_ms"], end)

        running.window.stage.reconstruction_painted.connect(on_painted)
        QTimer.singleShot(_GIVE_UP_MS, running.window.close)
        return running

    # The real main function runs; only the creation of the window is wrapped.
    app.make_window = watched_window
    sys.argv = ["latent-explorer"]
    with suppress(SystemExit):
        runpy.run_module("explorer", run_name="__main__")


def bare_window(arguments: dict[str, Any], tell: Tell) -> None:
    """Show one image decoded by ONNX Runtime in an empty Qt window: the minimum with these libraries.

    Sends the resident memory once it is painted.
    """
    import numpy as np
    import onnxruntime
    from PySide6.QtCore import QTimer
    from PySide6.QtGui import QImage, QPainter, QPaintEvent
    from PySide6.QtWidgets import QApplication, QWidget

    folder = Path(arguments["path"])
    networks = [onnxruntime.InferenceSession(folder / f"{part}.onnx") for part in ("encoder", "decoder")]
    decoder = networks[1]
    shape = decoder.get_inputs()[0].shape[1:]
    (image,) = decoder.run(None, {decoder.get_inputs()[0].name: np.zeros((1, *shape), np.float32)})
    gray = np.ascontiguousarray((image[0].mean(axis=2).clip(0, 1) * 255).astype(np.uint8))

    class Window(QWidget):
        def paintEvent(self, event: QPaintEvent) -> None:
            height, width = gray.shape
            painter = QPainter(self)
            painter.drawImage(self.rect(), QImage(gray.data, width, height, width, QImage.Format.Format_Grayscale8))
            painter.end()
            tell({"rss_mb": resident_mb()})
            QTimer.singleShot(0, self.close)

    application = QApplication(["bare"])
    window = Window()
    window.show()
    application.exec()
