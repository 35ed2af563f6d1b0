"""Whether a configuration describes a network, or brings code with it.

This comes before any loader: Keras 3 refuses a ``Lambda`` by itself, but the loader of Keras 2 does not where the file
is HDF5 (CVE-2024-3660).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from explorer.errors import ModelError
from explorer.models.foreign import builtin
from explorer.models.foreign.reading import Config, ForeignFile
from explorer.reading import reading

Danger: TypeAlias = Literal["code", "tensorflow", "unknown", "external", "program"]

_REMEDIES: dict[Danger, str] = {
    "code": "Replace it by a built-in layer and save again, or trust the file if you know who made it",
    "tensorflow": "Replace it by Keras layers and save again, or trust the file if you know who made it",
    "program": "Import the .keras file that it was made from, or trust the folder if you know who made it",
    "unknown": (
        "Its code is not in the file; replace it by built-in layers, or save encoder and decoder as models of their own"
    ),
    "external": "A model must bring all it needs with it; save it without that",
}


@dataclass(frozen=True)
class Finding:
    """One thing in a model file that is more than a description.

    Attributes
    ----------
    danger
        ``code``: Python in the file; ``tensorflow``: a TensorFlow function called by name; ``program``: a SavedModel;
        ``unknown``: a class that Keras does not have; ``external``: something outside the file.
    where
        Name of the layer or part.
    what
        Its class, function or file.
    """

    danger: Danger
    where: str
    what: str

    @property
    def can_be_trusted(self) -> bool:
        """Whether it could be run at all; what is not in the file cannot."""
        return self.danger in {"code", "tensorflow", "program"}

    def __str__(self) -> str:
        words = {
            "code": "runs Python code of its own",
            "tensorflow": "calls a TensorFlow function by name",
            "program": "is a program for TensorFlow",
            "unknown": "is of a class that Keras does not have",
            "external": "needs something outside the file",
        }[self.danger]
        what = f" ({self.what})" if self.what else ""
        return f"“{self.where}”{what} {words}"


def findings(file: ForeignFile) -> tuple[Finding, ...]:
    """Return everything in a file that is more than a description of a network, in its order."""
    if file.kind == "saved_model":
        return (Finding("program", file.name, "SavedModel"),)
    found = [Finding("external", place, "a link to another file") for place in file.links]
    with reading("the configuration of a Keras model", file.name, ModelError):
        found += _inspect(file.config, "the model")
    return tuple(dict.fromkeys(found))


def check(found: tuple[Finding, ...], *, trust: bool) -> None:
    """Let pass what is harmless, and what the user trusts.

    Raises
    ------
    ModelError
        If something would run that is not trusted, or could not be run even so. It names what, and says what to do.
    """
    stopping = [finding for finding in found if not (trust and finding.can_be_trusted)]
    if not stopping:
        return
    # What trust does not help with is said first: otherwise the user would trust, and fail all the same.
    first = min(stopping, key=lambda finding: finding.can_be_trusted)
    more = len(stopping) - 1
    others = f", and {more} more" if more else ""
    remedy = _REMEDIES[first.danger]
    hint = " (--trust)" if first.can_be_trusted else ""
    raise ModelError("a model that is a description and runs nothing", f"one where {first}{others}", f"{remedy}{hint}.")


def _inspect(value: Any, where: str) -> Iterator[Finding]:
    if isinstance(value, list):
        for child in value:
            yield from _inspect(child, where)
        return
    if not isinstance(value, dict):
        return
    here = _name_of(value) or where
    if isinstance(value.get("class_name"), str):
        finding = _judge(value, here)
        if finding is not None:
            yield finding
            # The parts of a class that is refused are of no interest: they would be built by its code.
            return
    for key, child in value.items():
        yield from _inspect_field(key, child, here)


def _inspect_field(key: str, value: Any, where: str) -> Iterator[Finding]:
    if key.endswith("activation") and isinstance(value, str) and value not in builtin.ACTIVATIONS:
        yield Finding("unknown", where, value)
    else:
        yield from _inspect(value, where)


def _name_of(value: Config) -> str:
    inner = value.get("config")
    name = value.get("name") or (inner.get("name") if isinstance(inner, dict) else None)
    return name if isinstance(name, str) else ""


def _judge(value: Config, where: str) -> Finding | None:
    """Return what is wrong with one object of a configuration, or None."""
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
    return None if _is_known(value) else Finding("unknown", where, name)


def _is_known(value: Config) -> bool:
    """Tell whether an object is of a class that Keras itself has, and that builds nothing but arithmetic."""
    name, module, registered = value["class_name"], value.get("module"), value.get("registered_name")
    if not _of_keras(module):
        return False
    if name == builtin.SAMPLING or (isinstance(module, str) and module.startswith(builtin.OPERATIONS)):
        return True
    known = name in builtin.LAYERS or name in builtin.MODELS or name in builtin.OTHERS
    # A registered name is looked up before the class is: one that differs means another class.
    return known and registered in {None, "", name}


def _of_keras(module: object) -> bool:
    if module is None or module == "":
        return True
    return isinstance(module, str) and any(
        module == package or module.startswith(f"{package}.") for package in builtin.PACKAGES
    )
