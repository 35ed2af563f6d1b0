"""``bench``: measure speed as ratios within one run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from explorer.cli.command import Command, Report
from explorer.cli.console import Console, table

_COLUMNS = (
    "name",
    "case",
    "unit",
    "ours",
    "peer",
    "peer_name",
    "ratio_to_peer",
    "limit",
    "limit_name",
    "ratio_to_limit",
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--only", metavar="NAME", help="run only this benchmark, such as decode-one")


def run(options: Namespace, console: Console) -> Report:
    from explorer.bench import run as measure

    lines = measure(options.quick, options.only)
    heading = tuple(column.replace("_", " ") for column in _COLUMNS)
    rows = [tuple(_cell(line.get(column)) for column in _COLUMNS) for line in lines]
    reasons = [f"{line['name']} ({line['case']}): {line['why']}" for line in lines if line.get("why")]
    return Report(lines, [*table([heading, *rows]), *reasons])


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


COMMAND = Command("bench --quick --only decode-one", add_arguments, run)
