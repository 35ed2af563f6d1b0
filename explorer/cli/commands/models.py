"""``models``: list the installed models."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from explorer.cli.command import Command, Report
from explorer.cli.console import Console, figures_text, shape_text, table
from explorer.models.bundle import Bundle, find_bundles


def add_arguments(parser: ArgumentParser) -> None:
    """Declare no options."""


def run(options: Namespace, console: Console) -> Report:
    bundles: list[Bundle] = []
    for found in find_bundles(whole=True):
        if found.bundle is not None:
            bundles.append(found.bundle)
        else:
            console.warn(f"{found.path.name} was skipped: {found.error}")
    heading = ("name", "architecture", "image", "code", "data", "engine", "metrics")
    rows = [
        (
            bundle.path.name,
            bundle.card.architecture,
            shape_text(bundle.card.image_shape),
            shape_text(bundle.card.latent_shape),
            bundle.card.data.name,
            bundle.card.engine,
            figures_text(bundle.card.metrics),
        )
        for bundle in bundles
    ]
    lines = table([heading, *rows]) if rows else ["No models installed. Train one: latent-explorer train --help"]
    return Report([_record(bundle) for bundle in bundles], lines)


def _record(bundle: Bundle) -> dict[str, object]:
    card = bundle.card
    return {
        # Models are opened by the name of their folder, which may have been renamed.
        "name": bundle.path.name,
        "architecture": card.architecture,
        "image_shape": card.image_shape,
        "latent_shape": card.latent_shape,
        "data": card.data.name,
        "metrics": card.metrics,
        **({"channels": list(card.channel_metrics)} if card.channel_metrics else {}),
        "data_range": card.data_range,
        "range": card.preprocessing.reading.range,
        "path": bundle.path,
        "engine": card.engine,
    }


COMMAND = Command("models --json", add_arguments, run)
