"""The errors that are shown to users.

Every message says what failed, why, and what to do, in one line: the command line prints it after ``error:``, the
window shows it unchanged.
"""

from __future__ import annotations

from explorer.messages import Message, message, message_text

INTERRUPTED = 130
"""Exit code after Ctrl+C, as in shells."""

_LONGEST_TEXT = 300


class ExplorerError(Exception):
    """Base of all errors that are shown to users.

    The template says what failed, why, and what to do, with ``{placeholders}`` for the values (see
    `explorer.messages`); or it is a whole message.
    """

    def __init__(self, template: str | Message, /, **values: object) -> None:
        self.message = template if isinstance(template, Message) else message(template, **values)
        super().__init__(self.message)

    def __str__(self) -> str:
        return message_text(self.message)


class DataError(ExplorerError):
    """An image, a dataset or an array cannot be read or used."""


class ModelError(ExplorerError):
    """A model or an architecture is invalid."""


class TrainingError(ExplorerError):
    """A training cannot start or continue."""


class EngineError(ExplorerError):
    """The model process did not answer, or ended."""


class IpcError(EngineError):
    """A message between two processes of this program cannot be sent, or is invalid."""


class SessionError(ExplorerError):
    """A session file is invalid."""


class ExportError(ExplorerError):
    """A file cannot be written."""


class UsageError(ExplorerError):
    """A command or a setting has an invalid value."""


def exception_message(error: BaseException) -> Message:
    """Return the message of any exception: our own one, or its class and text."""
    if isinstance(error, ExplorerError):
        return error.message
    text = " ".join(str(error).split())[:_LONGEST_TEXT].rstrip(". ")
    kind = type(error).__name__
    return message("{kind}: {text}", kind=kind, text=text) if text else message("{kind}", kind=kind)
