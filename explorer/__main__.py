"""The program: ``latent-explorer``, or ``python -m explorer``.

Spawned processes import this module again, so it imports nothing at the top.
"""

from __future__ import annotations


def main() -> int:
    """Run the command line, or open the window; return the exit code."""
    import multiprocessing

    multiprocessing.freeze_support()
    try:
        from explorer.cli.main import program

        return program()
    except KeyboardInterrupt:  # during the imports
        from explorer.errors import INTERRUPTED

        return INTERRUPTED


if __name__ == "__main__":
    import sys

    sys.exit(main())
