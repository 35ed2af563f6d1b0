"""Requests to open what is dropped or pasted: files of any kind, and images without a file.

Sent by the window, served by `explorer.workers.opener.Opener`. Main thread only.
"""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal

SESSION_SUFFIX = ".latent"
"""Extension of a saved session."""


class OpenRequests:
    """Requests to open files and images.

    Signals
    -------
    files_given
        Files and folders to open by their type, a list of paths.
    image_given
        The content of an image without a file, and its name.
    other_given
        A file that is not an exported animation: its path.
    negative_found
        The imported image is black-on-white, but the open model was trained white-on-black.
    """

    files_given = Signal(list)
    image_given = Signal(bytes, str)
    other_given = Signal(Path)
    negative_found = Signal()
