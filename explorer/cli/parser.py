"""Options: a parser whose errors are ours, and the forms that values take."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from typing import NoReturn

from explorer.errors import UsageError

SPLITS = ("test", "train", "all")

MODEL_HELP = "a bundle's name or folder"
DATA_HELP = "a known name, or the path of a folder, an archive, a NumPy file, an IDX file, a font or a picture"
PICTURE_HELP = "a picture's file, or DATA:INDEX (index into the whole source)"
NOISE_HELP = (
    "corrupt the input: kind:strength, such as blur:1.5, gaussian:0.5@0.5 (mean) or gaussian:0.3:7 (seed), several "
    "joined by +; kinds are gaussian, salt_pepper, occlusion, blur, downsample and grey"
)


class Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of printing its usage and ending the process.

    Raises
    ------
    UsageError
        From `parse_args`, where the words are not of the declared form.
    """

    def __init__(self, prog: str, description: str, epilog: str = "", usage: str | None = None) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            usage=usage,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        # argparse itself takes -1e-3 for an option.
        self._negative_number_matcher = re.compile(r"-(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, "", f"See {self.prog} --help.")


def whole(least: int) -> Callable[[str], int]:
    """Return a form for whole numbers from `least` up."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"a whole number of {least} or more; received “{text}”")
        return value

    return read


def number(text: str) -> float:
    """Read a finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"a finite number; received “{text}”")
    return value


def size(text: str) -> tuple[int, int]:
    """Read a size as ``HxW``."""
    match = re.fullmatch(r"(\d+)[x×](\d+)", text.strip(), re.IGNORECASE | re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError(f"a size as HxW, such as 64x48; received “{text}”")
    return int(match[1]), int(match[2])


def add_model(parser: argparse.ArgumentParser) -> None:
    """Declare ``--model``."""
    parser.add_argument("--model", required=True, metavar="M", help=MODEL_HELP)


def add_data(parser: argparse.ArgumentParser) -> None:
    """Declare ``--data``."""
    parser.add_argument("--data", required=True, metavar="D", help=DATA_HELP)


def add_split(parser: argparse.ArgumentParser, default: str) -> None:
    """Declare ``--split``."""
    parser.add_argument("--split", choices=SPLITS, default=default, help=f"which pictures (default: {default})")


def add_out(
    parser: argparse.ArgumentParser, what: str, metavar: str = "PNG", *, replaced: str = "an existing file"
) -> None:
    """Declare ``--out``, and ``--force`` for `replaced`, which stays as it is otherwise."""
    parser.add_argument("--out", required=True, metavar=metavar, help=what)
    parser.add_argument("--force", action="store_true", help=f"replace {replaced}")


def add_range(parser: argparse.ArgumentParser, default: str) -> None:
    """Declare ``--range``."""
    parser.add_argument(
        "--range", nargs=2, type=number, metavar=("A", "B"), help=f"from A to B, both included (default: {default})"
    )


def add_steps(parser: argparse.ArgumentParser, default: int) -> None:
    """Declare ``--steps``."""
    parser.add_argument(
        "--steps", type=whole(1), default=default, metavar="N", help=f"values, both ends counted (default: {default})"
    )
