"""Finds executable code in configurations, before Keras loads them.

Keras 3 rejects a ``Lambda`` by itself, but Keras 2 does not for HDF5 files (CVE-2024-3660).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from explorer.errors import ModelError
from explorer.messages import Message, message
from explorer.models.third_party import builtin
from explorer.models.third_party.reading import Config, ThirdPartyFile
from explorer.reading import reading

Danger: TypeAlias = Literal["code", "tensorflow", "unknown", "external", "program", "pytorch"]

_OWN: Final = frozenset({builtin.SAMPLING})
"""Classes of the engine that a rewritten configuration may name."""

_REMEDIES: dict[Danger, Message] = {
    "code": message("Replace it with a built-in layer and save again, or use --trust if you trust the author."),
    "tensorflow": message("Replace it with Keras layers and save again, or use --trust if you trust the author."),
    "program": message("Import the .keras file it was made from, or use --trust if you trust the author."),
    "pytorch": message("Export it to ONNX and import that, or use --trust if you trust the author."),
    "unknown": message(
        "Its code is not in the file. Replace it with built-in layers, or save encoder and decoder as separate models."
    ),
    "external": message("A model must contain all it needs. Save it without that part."),
}
_DANGERS: dict[Danger, Message] = {
    "code": message("runs Python code"),
    "tensorflow": message("calls a TensorFlow function by name"),
    "program": message("is a TensorFlow program"),
    "pytorch": message("is a PyTorch program"),
    "unknown": message("is of a class that Keras does not have"),
    "external": message("needs code or files outside the model file"),
}


@dataclass(frozen=True)
class Finding:
    """A part of a model file that is not a plain description.

    `danger` is ``code``: Python in the file; ``tensorflow``: a TensorFlow function called by name; ``program``: a
    SavedModel; ``pytorch``: a program of PyTorch; ``unknown``: a class that Keras does not have; or ``external``:
    something outside the file. `where` is the name of the layer or part, or of the file; `what` its class, function or
    file, empty for a link to another file.
    """

    danger: Danger
    where: str
    what: str

    @property
    def can_be_trusted(self) -> bool:
        """Whether it can run if the user trusts the file; code outside the file cannot."""
        return self.danger in {"code", "tensorflow", "program", "pytorch"}

    @property
    def message(self) -> Message:
        danger = _DANGERS[self.danger]
        if not self.what:
            return message("“{where}” {danger}", where=self.where, danger=danger)
        return message("“{where}” ({what}) {danger}", where=self.where, what=self.what, danger=danger)

    def __str__(self) -> str:
        return str(self.message)


def findings(file: ThirdPartyFile, *, stand_ins: bool = False) -> tuple[Finding, ...]:
    """Return all parts of a file that are not plain descriptions, in order.

    With `stand_ins` those that `explorer.models.third_party.rewriting.rewrite` puts in the place of code are none.
    """
    if file.kind == "saved_model":
        return (Finding("program", file.name, "SavedModel"),)
    found = [Finding("external", place, "") for place in file.links]
    with reading(message("a Keras model"), file.name, ModelError):
        found += _inspect(file.config, file.name, _OWN | {builtin.STAND_IN} if stand_ins else _OWN)
    return tuple(dict.fromkeys(found))


def check(found: tuple[Finding, ...], *, trust: bool) -> None:
    """Check that a model has no executable code that the user does not trust.

    ModelError if something would run that is not trusted, or could not run even if trusted.
    """
    stopping = [finding for finding in found if not (trust and finding.can_be_trusted)]
    if not stopping:
        return
    # Findings that trust cannot resolve come first; otherwise the user would trust the file in vain.
    first = min(stopping, key=lambda finding: finding.can_be_trusted)
    remedy, more = _REMEDIES[first.danger], len(stopping) - 1
    if not more:
        raise ModelError("The model is not safe to load: {finding}. {remedy}", finding=first.message, remedy=remedy)
    raise ModelError(
        "The model is not safe to load: {finding}, and {more:# more part|# more parts}. {remedy}",
        finding=first.message,
        more=more,
        remedy=remedy,
    )


def _inspect(value: Any, where: str, own: frozenset[str]) -> Iterator[Finding]:
    if isinstance(value, list):
        for child in value:
            yield from _inspect(child, where, own)
        return
    if not isinstance(value, dict):
        return
    here = _name_of(value) or where
    if isinstance(value.get("class_name"), str):
        finding = _judge(value, here, own)
        if finding is not None:
            yield finding
            # Parts of a rejected class need no check.
            return
    for key, child in value.items():
        yield from _inspect_field(key, child, here, own)


def _inspect_field(key: str, value: Any, where: str, own: frozenset[str]) -> Iterator[Finding]:
    if key.endswith("activation") and isinstance(value, str) and value not in builtin.ACTIVATIONS:
        yield Finding("unknown", where, value)
    else:
        yield from _inspect(value, where, own)


def _name_of(value: Config) -> str:
    inner = value.get("config")
    name = value.get("name") or (inner.get("name") if isinstance(inner, dict) else None)
    return name if isinstance(name, str) else ""


def _judge(value: Config, where: str, own: frozenset[str]) -> Finding | None:
    name = value["class_name"]
    inner = value.get("config")
    if name in builtin.CODE:
        return Finding("code", where, "Lambda")
    if name in builtin.TENSORFLOW:
        function = inner.get("function") if isinstance(inner, dict) else None
        return Finding("tensorflow", where, function if isinstance(function, str) else name)
    if name in builtin.EXTERNAL:
        return Finding("external", where, name)
    if name == "function":
        known = isinstance(inner, str) and inner in builtin.ACTIVATIONS and _of_keras(value.get("module"))
        return None if known else Finding("unknown", where, str(inner)[:60])
    return None if _is_known(value, own) else Finding("unknown", where, name)


def _is_known(value: Config, own: frozenset[str]) -> bool:
    """Return whether an object is of a built-in class that only computes, or of a class in `own` of the engine."""
    name, module, registered = value["class_name"], value.get("module"), value.get("registered_name")
    if not _of_keras(module):
        return False
    if isinstance(module, str) and module.startswith(builtin.OPERATIONS):
        return True
    known = name in builtin.LAYERS or name in builtin.MODELS or name in builtin.OTHERS or name in own
    # Keras looks up the registered name first, so a different one means another class.
    return known and registered in {None, "", name}


def _of_keras(module: object) -> bool:
    if module is None or module == "":
        return True
    return isinstance(module, str) and any(
        module == package or module.startswith(f"{package}.") for package in builtin.PACKAGES
    )
