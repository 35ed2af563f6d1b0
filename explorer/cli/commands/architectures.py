"""``architectures``: list the architectures that can be trained."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from explorer.cli.command import Command, Report
from explorer.cli.console import Console, shape_text, table
from explorer.models.architectures import ARCHITECTURES
from explorer.models.spec import Architecture


def add_arguments(parser: ArgumentParser) -> None:
    """Declare no options."""


def run(options: Namespace, console: Console) -> Report:
    records = [_record(architecture) for architecture in ARCHITECTURES.values()]
    heading = ("name", "title", "image", "code", "encoder", "decoder", "source")
    rows = [
        (
            architecture.name,
            str(architecture.title),
            shape_text(architecture.default_image_shape),
            shape_text(architecture.build(architecture.default_image_shape).latent_shape),
            f"{record['encoder_params']:,}",
            f"{record['decoder_params']:,}",
            architecture.source,
        )
        for architecture, record in zip(ARCHITECTURES.values(), records, strict=True)
    ]
    return Report(records, table([heading, *rows]))


def _record(architecture: Architecture) -> dict[str, object]:
    spec = architecture.build(architecture.default_image_shape)
    return {
        "name": architecture.name,
        "title": str(architecture.title),
        "variational": architecture.variational,
        "default_image_shape": architecture.default_image_shape,
        "default_latent": architecture.default_latent,
        "encoder_params": spec.encoder.parameters,
        "decoder_params": spec.decoder.parameters,
        "source": architecture.source,
    }


COMMAND = Command("architectures", add_arguments, run)
