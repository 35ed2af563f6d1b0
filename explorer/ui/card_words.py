"""The facts of a model in the words of its cards: task, code size, quality, dataset."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from explorer.models.card import Card, Task
from explorer.ui.text import decibels, filled, range_words, unbroken


def task_title(task: Task) -> str:
    translate = QCoreApplication.translate
    titles = {
        "reconstruct": translate("cards", "Reconstruction"),
        "denoise": translate("cards", "Denoising"),
        "colorize": translate("cards", "Colorization"),
    }
    return titles[task]


def task_words(card: Card) -> str:
    """``Reconstruction``; for an imported model, whose task is unknown, ``Imported``."""
    return task_title(card.task) if card.imported is None else QCoreApplication.translate("cards", "Imported")


def code_words(card: Card) -> str:
    """``16-D``; ``7×7×1`` for a spatial code."""
    spatial = len(card.latent_shape) > 1
    return "×".join(map(str, card.latent_shape)) if spatial else f"{card.latent_dim:,}-D"


def quality_words(card: Card) -> str:
    """SSIM and PSNR on test images; empty if they were not measured."""
    metrics = card.metrics
    parts = [f"SSIM {metrics['ssim']:.2f}"] if "ssim" in metrics else []
    return unbroken(*parts, *([decibels(metrics["psnr"])] if "psnr" in metrics else []))


def channel_words(card: Card) -> list[str]:
    """Return the PSNR of each channel on test images, and the range of the values; empty for grayscale and color."""
    if not card.channel_metrics:
        return []
    figures = ", ".join(decibels(one["psnr"]).removesuffix(" dB") for one in card.channel_metrics)
    words = [QCoreApplication.translate("cards", "PSNR by channel %1 dB").replace("%1", figures)]
    return [*words, *range_of_values(card)]


def range_of_values(card: Card) -> list[str]:
    """Return which values in the files are 0 and 1 of the metrics; empty if they are 8 bits."""
    found = card.preprocessing.reading.range
    words = QCoreApplication.translate("cards", "values %1 of the files are 0–1")
    return [] if found is None else [filled(words, range_words(found))]


def data_words(card: Card) -> str:
    words = QCoreApplication.translate("cards", "trained on %1")
    if card.imported is not None:
        words = QCoreApplication.translate("cards", "evaluated on %1")
    return filled(words, card.data.title)
