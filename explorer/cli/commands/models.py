"""``models``: the bundles that are found."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from explorer.cli.command import Command, Report
from explorer.cli.console import Console, figures_text, shape_text, table
from explorer.models.bundle import Bundle, find_bundles


def add_arguments(parser: ArgumentParser) -> None:
    """There are none."""


def run(options: Namespace, console: Console) -> Report:
    """List whole bundles; warn of each that is not."""
    bundles: list[Bundle] = []
    for found in find_bundles(whole=True):
        if found.bundle is not None:
            bundles.append(found.bundle)
        else:
            console.warn(f"{found.path.name} is left out: {found.error}")
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
    lines = table([heading, *rows]) if rows else ["No model is installed. Train one: latent-explorer train --help"]
    return Report([_record(bundle) for bundle in bundles], lines)


def _record(bundle: Bundle) -> dict[str, object]:
    card = bundle.card
    return {
        # The folder's name opens it, also where the folder was renamed since.
        "name": bundle.path.name,
        "architecture": card.architecture,
        "image_shape": card.image_shape,
        "latent_shape": card.latent_shape,
        "data": card.data.name,
        "metrics": card.metrics,
        "path": bundle.path,
        "engine": card.engine,
    }


COMMAND = Command("models --json", add_arguments, run)
