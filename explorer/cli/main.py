"""From words to an exit code: finds the command, runs it, and turns every error into one line."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import explorer
from explorer.cli.command import INTERRUPTED, Command, Report
from explorer.cli.commands import COMMANDS, module_of
from explorer.cli.console import Console, one_line
from explorer.cli.log import write_log
from explorer.cli.parser import Parser
from explorer.cli.places import check_outputs
from explorer.errors import ExplorerError, UsageError

PROGRAM = "latent-explorer"
FAILED = 2


def program() -> int:
    """Run the command line of this process; return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")
    if not sys.warnoptions:
        # Standard error belongs to our own one line.
        warnings.simplefilter("ignore")
    return main()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, or open the window.

    Parameters
    ----------
    argv
        Words after the program's name; this process' own where left out.

    Returns
    -------
    int
        0, or 2 after exactly one line ``error: …`` on standard error, or 130 where Ctrl+C ended it.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run_command(words[0], words[1:]) if words and words[0] in COMMANDS else _open_window(words)
        if sys.stdout is not None:
            sys.stdout.flush()
    except SystemExit as ended:  # --help and --version
        return _fail(ended.code) if isinstance(ended.code, str) else int(ended.code or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return 0
    except ExplorerError as error:
        return _fail(str(error))
    except ImportError as error:  # of Qt, on a system that lacks its libraries
        from explorer.system_libraries import window_libraries_error

        return _fail(str(window_libraries_error(["offscreen"]) or _unexpected(error)))
    except Exception as error:  # whatever it is, a person gets one line, and the log the rest
        return _fail(_unexpected(error))
    return code


def build_parser(name: str, command: Command) -> Parser:
    """Return the parser of one command."""
    prog = f"{PROGRAM} {name}"
    notes = f"{command.notes.strip()}\n\n" if command.notes else ""
    summary = COMMANDS[name]
    parser = Parser(
        prog,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"{notes}example:\n  {PROGRAM} {command.example}",
    )
    command.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    return parser


def load_command(name: str) -> Command:
    """Import one command; the others stay unread, so that a call starts fast."""
    module = importlib.import_module(module_of(name))
    command = module.COMMAND
    assert isinstance(command, Command)
    return command


def _run_command(name: str, words: Sequence[str]) -> int:
    command = load_command(name)
    options = build_parser(name, command).parse_args(words)
    console = Console(as_json=options.json)
    try:
        check_outputs(command, options)
        outcome = command.run(options, console)
    except ExplorerError as error:
        if command.tells_failure:
            console.event({"event": "failed", "message": str(error)})
        raise
    finally:
        console.clear()
    if isinstance(outcome, Report):
        console.show(outcome.document, outcome.lines)
        return 0
    return outcome


def _open_window(words: Sequence[str]) -> int:
    width = max(map(len, COMMANDS))
    listing = "\n".join(f"  {name:{width}}  {summary}" for name, summary in COMMANDS.items())
    parser = Parser(
        PROGRAM,
        description=f"{explorer.__doc__}\n\nWithout a command, opens the window.",
        epilog=f"commands ({PROGRAM} COMMAND --help tells more):\n{listing}\n\nexample:\n  {PROGRAM} digits-vae-2d",
        usage=f"{PROGRAM} [OPEN_ME]\n       {PROGRAM} COMMAND [options]",
    )
    parser.add_argument(
        "open_me",
        nargs="?",
        metavar="OPEN_ME",
        help="a bundle, a picture, a folder of pictures, an exported morph, a session or a Keras model",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {explorer.__version__}")
    options = parser.parse_args(words)
    open_me = _openable(options.open_me) if options.open_me is not None else None
    from explorer.app import main as open_window

    return open_window(open_me)


def _openable(text: str) -> str:
    """Return an absolute path to open: that of a file or folder, or of the bundle of that name."""
    path = Path(text).expanduser()
    with suppress(OSError, ValueError):  # a name that is too long, or holds a null
        if path.exists():
            return str(path.absolute())
    from explorer.models.bundle import find_bundles

    for found in find_bundles():
        if text in {found.path.name, found.bundle.name if found.bundle else None}:
            return str(found.path)
    close = difflib.get_close_matches(text, COMMANDS, n=1)
    raise UsageError(
        "a command, or a file, folder or model to open",
        f"“{text}”, which is none of these",
        f"Did you mean “{close[0]}”?" if close else f"See {PROGRAM} --help.",
    )


def _fail(message: str) -> int:
    with suppress(OSError):
        print(f"error: {one_line(message)}", file=sys.stderr, flush=True)
    return FAILED


def _unexpected(error: Exception) -> str:
    """Put the traceback into the log, and return what to tell."""
    told = f"the command to run to its end; received {type(error).__name__}: {error}".rstrip(": ")
    path = write_log("".join(traceback.format_exception(error)))
    return f"{told}. {f'Details are in {path}' if path else 'Please report it'}"


def _drop_output() -> None:
    """Whoever read standard output has gone; keep the interpreter from writing to it once more at its end."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
