"""``data``: list the known datasets, or describe one."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from explorer.cli import places
from explorer.cli.command import Command, Report
from explorer.cli.console import Console, shape_text, table
from explorer.cli.parser import add_choices, data_help
from explorer.data.sources import SourceEntry, describe, known_name, known_sources, opening

_LISTED = ("name", "count", "train", "test", "image_shape", "labels", "status", "how")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("data", nargs="?", metavar="DATA", help=data_help())
    add_choices(parser)


def run(options: Namespace, console: Console) -> Report:
    entries = known_sources()
    if options.data is None:
        return _listing(entries)
    name = known_name(options.data)
    missing = [entry for entry in entries if entry.name == name and entry.status == "missing"]
    if missing:
        facts = dict(vars(missing[0]))
    else:
        *_, source = console.items(opening(options.data))
        facts = describe(source)
    skipped = facts.get("skipped", [])
    shown = {key: value for key, value in facts.items() if value not in ("", None) and key != "skipped"}
    shown["image_shape"] = shape_text(facts["image_shape"])
    for key in ("labels", "arrays", "attributes"):
        if isinstance(shown.get(key), list):
            shown[key] = ", ".join(shown[key])
    if "range" in shown:
        shown["range"] = "{:g} (black) to {:g} (white)".format(*shown["range"])
    if "alpha" in shown:
        shown["alpha"] = f"channel {facts['channels'] - 1}, composited over white (keep it: --data-channels)"
    width = max(map(len, shown))
    lines = [f"{key.replace('_', ' '):{width}}  {value}" for key, value in shown.items()]
    return Report(facts, lines + [f"skipped {entry['file']}: {entry['reason']}" for entry in skipped])


def _listing(entries: list[SourceEntry]) -> Report:
    heading = ("name", "images", "train", "test", "shape", "labels", "status", "how to get it")
    rows = [
        (
            *(entry.name, f"{entry.count:,}", f"{entry.train:,}", f"{entry.test:,}"),
            *(shape_text(entry.image_shape), str(entry.labels), entry.status, str(entry.how)),
        )
        for entry in entries
    ]
    return Report([{key: getattr(entry, key) for key in _LISTED} for entry in entries], table([heading, *rows]))


COMMAND = Command("data digits", add_arguments, run, reads={"data": places.data})
