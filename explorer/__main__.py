"""The program: ``latent-explorer``, or ``python -m explorer``.

The model process imports this module again when it is spawned; so nothing is imported at its top.
"""

from __future__ import annotations

INTERRUPTED = 130


def main() -> int:
    """Run the command line, or open the window; return the exit code."""
    import multiprocessing

    multiprocessing.freeze_support()
    try:
        from explorer.cli.main import program

        return program()
    except KeyboardInterrupt:  # while the libraries were still being imported
        return INTERRUPTED


if __name__ == "__main__":
    import sys

    sys.exit(main())
