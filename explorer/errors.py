"""The one tree of errors that reach a person.

Every message says what was expected, what was received and what to do, so that the command line can print it as its
single ``error: …`` line and the window can show it as it stands.
"""

from __future__ import annotations


class ExplorerError(Exception):
    """Base of all errors that a user can cause or must be told about.

    Parameters
    ----------
    expected
        What the program needed, as it reads behind “expected”; where nothing was received, the whole message.
    received
        What it found instead. Left out of the message where empty.
    remedy
        What the user can do, as a sentence. Left out of the message where empty.
    """

    def __init__(self, expected: str, received: str = "", remedy: str = "") -> None:
        self.expected = expected
        self.received = received
        self.remedy = remedy
        super().__init__(expected, received, remedy)

    def __str__(self) -> str:
        text = f"expected {self.expected}; received {self.received}" if self.received else self.expected
        text = " ".join(text.split())
        if self.remedy:
            text = f"{text.rstrip('.')}. {' '.join(self.remedy.split())}"
        return text


class DataError(ExplorerError):
    """A picture, a folder of pictures or an array cannot be read as designed."""


class ModelError(ExplorerError):
    """A bundle or an architecture is not what it should be."""


class TrainingError(ExplorerError):
    """A training cannot start or cannot go on."""


class EngineError(ExplorerError):
    """The model process did not answer, or ended."""


class IpcError(EngineError):
    """A message between two processes of this program cannot be sent, or is not what it should be."""


class SessionError(ExplorerError):
    """A session file is not what it should be."""


class ExportError(ExplorerError):
    """A file cannot be written."""


class UsageError(ExplorerError):
    """A command or a setting has a value that cannot be meant."""
