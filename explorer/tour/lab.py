"""Steps of the tour: quality over noise, noise on the code, outliers."""

from __future__ import annotations

from PySide6.QtWidgets import QMenu

from explorer.document.views import CloudView
from explorer.errors import EngineError
from explorer.tour.guide import Tour


def denoising(tour: Tour) -> None:
    """Lay the curve of a model that learnt to take noise away over that of the same network trained clean."""
    studies = tour.document.studies
    tour.open_model("digits-denoise")
    tour.tab(tour.running.window.noise)
    tour.trigger("noise_preset_reference_digits")
    tour.click("noise_one")
    tour.settle()
    tour.shoot("denoised")
    tour.click("noise_curves")
    tour.click("noise_measure")
    tour.until(lambda: len(studies.quality.curves) == 1, "the curve of the open model")
    tour.find(QMenu, "noise_others_menu").aboutToShow.emit()
    tour.trigger("noise_other_digits-deep-49")
    tour.until(lambda: len(studies.quality.curves) == 2, "the curve of the other model")
    tour.shoot("noise-curve")
    own, clean = (curve.reconstructed.psnr[5] for curve in studies.quality.curves)
    if own <= clean:
        raise EngineError("the denoiser to be nearer at half the strength", f"{own:.1f} and {clean:.1f} dB")


def cloud(tour: Tour) -> None:
    """Throw codes around the cursor."""
    tour.tab(tour.running.window.noise)
    tour.click("noise_code")
    tour.until(lambda: isinstance(tour.document.cloud_view, CloudView), "the cloud around the cursor")
    tour.shoot("noise-code")
    tour.click("noise_one")


def outliers(tour: Tour) -> None:
    """Give clothing to a model of digits, rank it, and send what is off the scale to the gallery."""
    window, studies = tour.running.window, tour.document.studies
    digits = tour.document.source
    tour.open_source("clothing")
    tour.tab(window.outliers)
    tour.click("outliers_rank")
    tour.until(lambda: studies.ranking is not None, "the ranking")
    tour.click("outliers_pick")
    tour.until(lambda: window.gallery.model.rowCount() < 2_500, "the gallery to show the outliers")
    tour.settle()
    tour.shoot("outliers")
    if digits is not None:
        tour.open_source(digits.name)
