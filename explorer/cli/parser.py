"""The argument parser, the types of values, and the options that commands share."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, NoReturn, get_args
from urllib.parse import quote

from explorer.data.choices import Layout, join, split
from explorer.errors import DataError, UsageError
from explorer.models.third_party.request import parse_condition

SPLITS = ("test", "train", "val", "all")

MODEL_HELP = "name or folder of a model"
IMAGE_HELP = "an image file, or DATA:INDEX (index into the whole dataset)"

_CHOICE: Final = "choice_"
"""Before the name of one of the `Choices` among the options."""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises an UsageError instead of printing the usage and exiting."""

    def __init__(self, prog: str, description: str, epilog: str = "", usage: str | None = None) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            usage=usage,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        # argparse would parse -1e-3 as an option.
        self._negative_number_matcher = re.compile(r"-(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")

    def error(self, message: str) -> NoReturn:
        raise UsageError("{problem}. See {program} --help.", problem=message.rstrip("."), program=self.prog)


def whole(least: int) -> Callable[[str], int]:
    """Return a type for integers ≥ `least`."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"“{text}” is not an integer ≥ {least}")
        return value

    return read


def number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"“{text}” is not a finite number")
    return value


def size(text: str, order: str = "HxW") -> tuple[int, int]:
    """Read two sides, whose `order` is for the message."""
    match = re.fullmatch(r"(\d+)[x×](\d+)", text.strip(), re.IGNORECASE | re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError(f"“{text}” is not a size {order}, such as 64x48")
    return int(match[1]), int(match[2])


def condition(text: str) -> tuple[float, ...]:
    """Read a condition: a class, or several numbers with commas."""
    values = parse_condition(text)
    if values is None:
        raise argparse.ArgumentTypeError(f"“{text}” is neither a class, such as 3, nor numbers, such as 0,0.5,1")
    return values


def add_model(parser: argparse.ArgumentParser, *, conditional: bool = False) -> None:
    """Declare ``--model``, and ``--condition`` for what decodes under a condition."""
    parser.add_argument("--model", required=True, metavar="M", help=MODEL_HELP)
    if conditional:
        parser.add_argument(
            "--condition",
            type=condition,
            metavar="LABEL",
            help="class, or values V,V,…, of the condition inputs of a conditional model (default: that of each code)",
        )


def data_help() -> str:
    """Return the help of an option that names a dataset."""
    # Imported here, since the help of the program lists no datasets.
    from explorer.data.sources import KNOWN, SOURCES

    names, kinds = (known.name for known in KNOWN), (str(kind.title) for kind in SOURCES)
    return f"name of a known dataset ({', '.join(names)}), or path of {', '.join(kinds)}"


def add_data(parser: argparse.ArgumentParser) -> None:
    """Declare ``--data`` and how to read it."""
    parser.add_argument("--data", required=True, metavar="D", help=data_help())
    add_choices(parser)


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Declare how a dataset is read; `put_choices` adds what was chosen to its spec."""
    group = parser.add_argument_group("how the dataset is read, where its files leave it open")
    for option, field, metavar, what in (
        ("data-range", "range", "auto|A,B", "values that become 0 and 1, such as 0,4095 (default: auto, as found)"),
        ("frames", "frames", "all|first|N", "frames or pages of each file: all, the first, or one, counted from 0"),
        ("array", "array", "NAME", "array with the images, in a file of several arrays"),
        ("layout", "layout", "|".join(filter(None, get_args(Layout))), "order of the axes of an array"),
        ("data-channels", "channels", "N,N,…", "channels to use, counted from 0, such as 0,2 (default: all)"),
    ):
        group.add_argument(
            f"--{option}",
            dest=f"{_CHOICE}{field}",
            type=partial(_choice, field),
            default=argparse.SUPPRESS,
            metavar=metavar,
            help=what,
        )


def _choice(field: str, text: str) -> object:
    """Return the value of one of the `Choices`."""
    if (field, text) == ("range", "auto"):
        return None
    try:
        return getattr(split(f"?{field}={quote(text)}")[1], field)
    except DataError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def put_choices(options: argparse.Namespace) -> None:
    """Add how to read the dataset to its spec, ``options.data``, which may have other choices already.

    UsageError if there is no dataset to read.
    """
    chosen = {name: options.__dict__.pop(name) for name in list(vars(options)) if name.startswith(_CHOICE)}
    if chosen and options.data is None:
        raise UsageError("There is nothing to read in this way. Name a dataset, too.")
    if chosen:
        place, choices = split(options.data)
        values = {name.removeprefix(_CHOICE): value for name, value in chosen.items()}
        options.data = join(place, replace(choices, **values))


def add_noise(parser: argparse.ArgumentParser, default: str = "") -> None:
    from explorer.data.corruption import CORRUPTIONS

    parser.add_argument(
        "--noise",
        default=default,
        metavar="N",
        help="corrupt the input: kind:strength, such as blur:1.5, gaussian:0.5@0.5 (mean 0.5) or gaussian:0.3:7 (seed "
        f"7); join several with +; kinds: {', '.join(CORRUPTIONS)}",
    )


def add_split(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--split", choices=SPLITS, default=default, help=f"split of the dataset (default: {default})")


def add_out(
    parser: argparse.ArgumentParser, what: str, metavar: str = "PNG", *, replaced: str = "an existing file"
) -> None:
    """Declare ``--out`` and ``--force``, which allows to replace `replaced`."""
    parser.add_argument("--out", required=True, metavar=metavar, help=what)
    parser.add_argument("--force", action="store_true", help=f"replace {replaced}")


def add_range(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--range", nargs=2, type=number, metavar=("A", "B"), help=f"from A to B, inclusive (default: {default})"
    )


def add_steps(parser: argparse.ArgumentParser, default: int) -> None:
    parser.add_argument(
        "--steps",
        type=whole(1),
        default=default,
        metavar="N",
        help=f"number of values, including both ends (default: {default})",
    )
