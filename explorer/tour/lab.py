"""Steps of the tour: denoising quality, latent noise, outliers."""

from __future__ import annotations

from PySide6.QtWidgets import QMenu

from explorer.document.views.cloud import CLOUD, CloudView
from explorer.errors import EngineError
from explorer.tour.guide import Tour


def denoising(tour: Tour) -> None:
    """Compare the noise-level curves of a denoising model and of the same network trained on clean images."""
    analysis = tour.document.analysis
    tour.open_model("digits-denoise")
    tour.show_panel("noise")
    tour.trigger("noise_preset_reference_digits")
    tour.click("noise_one")
    tour.settle()
    tour.shoot("denoised")
    tour.click("noise_curves")
    tour.click("noise_measure")
    tour.until(lambda: len(analysis.quality.curves) == 1, "the curve of the open model")
    tour.find(QMenu, "noise_others_menu").aboutToShow.emit()
    tour.trigger("noise_other_digits-deep-49")
    tour.until(lambda: len(analysis.quality.curves) == 2, "the curve of the other model")
    tour.shoot("noise-curve")
    own, clean = (curve.reconstructed.psnr[5] for curve in analysis.quality.curves)
    if own <= clean:
        raise EngineError(
            "The denoiser is not better at half the noise level: {own:.1f} dB, other model {clean:.1f} dB.",
            own=own,
            clean=clean,
        )


def cloud(tour: Tour) -> None:
    tour.show_panel("noise")
    tour.click("noise_code")
    tour.until(lambda: isinstance(tour.document.views[CLOUD], CloudView), "the images around the current code")
    tour.shoot("noise-code")
    tour.click("noise_one")


def outliers(tour: Tour) -> None:
    """Score clothing images with a model of digits, and show the outliers in the gallery."""
    window, analysis = tour.running.window, tour.document.analysis
    digits = tour.document.source
    tour.open_source("clothing")
    tour.show_panel("outliers")
    tour.click("outliers_rank")
    tour.until(lambda: analysis.ranking is not None, "the ranking")
    tour.click("outliers_pick")
    tour.until(lambda: window.gallery.model.rowCount() < 2_500, "the gallery to show the outliers")
    tour.settle()
    tour.shoot("outliers")
    if digits is not None:
        tour.open_source(digits.name)
