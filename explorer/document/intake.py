"""What is dropped or pasted onto the window: files of any kind, and pictures that are no files.

Asked for by the window, served by `explorer.workers.receiver.Receiver`. Belongs to the main thread.
"""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal

SESSION_SUFFIX = ".latent"
"""Ending of a saved session."""


class Intake:
    """What came in.

    Signals
    -------
    files_given
        Files and folders, a list of paths: each is to be opened as what it is.
    picture_given
        The contents of a picture file that lies nowhere, and what to call it.
    other_given
        A file that is no exported morph: its path.
    negative_found
        The picture that came in is dark on light, and the open model learned light on dark.
    """

    files_given = Signal(list)
    picture_given = Signal(bytes, str)
    other_given = Signal(Path)
    negative_found = Signal()
