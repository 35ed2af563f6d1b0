"""``evaluate``: compute metrics over a split."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console, channel_lines, figures_text, images_text
from explorer.cli.inputs import open_model, select, warn_of_range, warn_of_skipped
from explorer.cli.parser import add_data, add_model, add_noise, add_split
from explorer.data.corruption import parse_noise
from explorer.data.metrics import DATA_RANGE
from explorer.data.source import Source
from explorer.data.sources import open_source
from explorer.models.card import Card
from explorer.models.evaluation import evaluate


def add_arguments(parser: ArgumentParser) -> None:
    add_model(parser)
    add_data(parser)
    add_split(parser, "test")
    add_noise(parser)


def run(options: Namespace, console: Console) -> Report:
    noises = parse_noise(options.noise)
    model = open_model(options.model)
    source = open_source(options.data)
    warn_of_range(console, model, source)
    indices = select(source, options.split)
    seen = seen_in_training(model.card, source, options.split)
    if seen:
        console.warn(f"{model.bundle.name} was trained on images of this split; its metrics are optimistic")
    result = console.result(evaluate(model.codec, source, indices, model.preprocessing, noises))
    skipped = warn_of_skipped(console, source)
    document: dict[str, object] = {
        "mse": result.mse,
        "bce": result.bce,
        "psnr": result.psnr,
        "ssim": result.ssim,
        "count": result.count,
        "split": options.split,
        "seen_in_training": seen,
        "data_range": DATA_RANGE,
        "range": source.found.range,
        "skipped": skipped,
    }
    lines = [f"{images_text(result.count)} ({options.split} split of {source.name}): {figures_text(result.metrics())}"]
    lines += channel_lines(result.channels, source.found.range)
    if result.channels:
        document["channels"] = list(result.channels)
    if result.kl_per_dim is not None:
        document |= {
            "kl": result.kl,
            "loss": result.loss,
            "active_dims": result.active_dims,
            "kl_per_dim": result.kl_per_dim,
        }
        lines.append(f"{result.active_dims} of {len(result.kl_per_dim)} latent dimensions are active")
    return Report(document, lines)


def seen_in_training(card: Card, source: Source, split: str) -> bool:
    trained = split in card.data.trained_on or (split == "all" and bool(card.data.trained_on))
    # Hashing reads every image; the count is compared first.
    return trained and source.count == card.data.count and source.content_hash() == card.data.content_hash


COMMAND = Command(
    "evaluate --model digits-vae-2d --data digits --split all",
    add_arguments,
    run,
    reads={"model": places.model, "data": places.data},
)
