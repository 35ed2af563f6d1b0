"""The main function: finds the command, runs it, and prints every error as one line."""

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
from explorer.cli.command import Command, Report
from explorer.cli.commands import COMMANDS, module_of
from explorer.cli.console import Console, one_line
from explorer.cli.log import write_log
from explorer.cli.parser import Parser, put_choices
from explorer.cli.places import check_outputs
from explorer.errors import INTERRUPTED, ExplorerError, UsageError, exception_message
from explorer.messages import message

PROGRAM = "latent-explorer"
FAILED = 2


def program() -> int:
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")
    if not sys.warnoptions:
        # Standard error is reserved for our own single line.
        warnings.simplefilter("ignore")
    return main()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, or open the window, with the arguments of this process by default.

    Returns 0, 2 after exactly one line ``error: …`` on standard error, or 130 after Ctrl+C.
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
    except ImportError as error:  # of Qt, if its system libraries are missing
        from explorer.system_libraries import window_libraries_error

        return _fail(str(window_libraries_error(["offscreen"]) or _unexpected(error)))
    except Exception as error:  # one line for the user, the traceback for the log
        return _fail(_unexpected(error))
    return code


def build_parser(name: str, command: Command) -> Parser:
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
    """Import one command only, so that a call starts fast."""
    module = importlib.import_module(module_of(name))
    command = module.COMMAND
    assert isinstance(command, Command)
    return command


def _run_command(name: str, words: Sequence[str]) -> int:
    command = load_command(name)
    options = build_parser(name, command).parse_args(words)
    console = Console(as_json=options.json)
    try:
        put_choices(options)
        check_outputs(command, options)
        outcome = command.run(options, console)
    except ExplorerError as error:
        if command.reports_failure:
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
        epilog=f"commands (details: {PROGRAM} COMMAND --help):\n{listing}\n\nexample:\n  {PROGRAM} digits-vae-2d",
        usage=f"{PROGRAM} [OPEN_ME]\n       {PROGRAM} COMMAND [options]",
    )
    parser.add_argument(
        "open_me",
        nargs="?",
        metavar="OPEN_ME",
        help="a model, an image, a folder of images, an exported animation, a session, a model of another program",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {explorer.__version__}")
    options = parser.parse_args(words)
    open_me = _openable(options.open_me) if options.open_me is not None else None
    from explorer.app import main as open_window

    return open_window(open_me)


def _openable(text: str) -> str:
    """Return the absolute path of a file, a folder, or the bundle of that name."""
    path = Path(text).expanduser()
    with suppress(OSError, ValueError):  # the name is too long, or contains a null
        if path.exists():
            return str(path.absolute())
    from explorer.models.bundle import bundle_named, find_bundles

    found = bundle_named(text, find_bundles())
    if found is not None:
        return str(found.path)
    close = difflib.get_close_matches(text, COMMANDS, n=1)
    if close:
        raise UsageError(
            "“{text}” is neither a command nor a file, folder or model. Did you mean “{command}”?",
            text=text,
            command=close[0],
        )
    raise UsageError(
        "“{text}” is neither a command nor a file, folder or model. See {program} --help.", text=text, program=PROGRAM
    )


def _fail(message: str) -> int:
    with suppress(OSError):
        print(f"error: {one_line(message)}", file=sys.stderr, flush=True)
    return FAILED


def _unexpected(error: Exception) -> str:
    """Write the traceback to the log, and return the message for the user."""
    problem = exception_message(error)
    path = write_log("".join(traceback.format_exception(error)))
    if path is None:
        return str(message("The command failed unexpectedly: {problem}. Please report it.", problem=problem))
    return str(message("The command failed unexpectedly: {problem}. Details: {path}", problem=problem, path=path))


def _drop_output() -> None:
    """Redirect standard output after its reader has gone, because the interpreter flushes it once more at exit."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
