"""The one tree of errors that reach a person.

Every message says what was expected, what was received and what to do, so that the command line can print it as its
single ``error: …`` line and the window can show it as it stands.
"""

from __future__ import annotations

from explorer.messages import Message, message, message_text


class ExplorerError(Exception):
    """Base of all errors that a user can cause or must be told about.

    Parameters
    ----------
    template
        What failed, why, and what to do, with ``{placeholders}`` (see `explorer.messages`).
    values
        What they stand for.

    Attributes
    ----------
    message
        The template with its values; ``str()`` gives it as text.
    """

    def __init__(self, template: str | Message, received: str = "", remedy: str = "", /, **values: object) -> None:
        if isinstance(template, Message):
            self.message = template
        elif received or remedy:  # the form that is being replaced
            said = f"expected {template}; received {received}" if received else template
            said = " ".join(said.split())
            self.message = message("{said}", said=f"{said.rstrip('.')}. {remedy}" if remedy else said)
        else:
            self.message = message(template, **values)
        self.expected, self.received, self.remedy = str(template), received, remedy
        super().__init__(self.message)

    def __str__(self) -> str:
        return message_text(self.message)


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
