"""The child process of `explorer.bench.harness.run_child`."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

Tell: TypeAlias = Callable[[object], None]
"""Sends one JSON value to the parent immediately."""


def main(words: Sequence[str]) -> None:
    """Call the function that the parent requested.

    Standard output is reserved for results; other output of Python code and native libraries goes to standard error.
    """
    function, arguments = words
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(value: object) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    module, name = function.split(":")
    called: Callable[[dict[str, Any], Tell], None] = getattr(importlib.import_module(f"explorer.bench.{module}"), name)
    called(json.loads(arguments), tell)
