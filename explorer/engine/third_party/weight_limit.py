"""Limits the weights of a model to the size of its file: a configuration of 20 kB may declare 20 GB."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any, Final

from explorer.engine.third_party.clean_copy import Sizes
from explorer.errors import ModelError

_SMALL: Final = 1 << 16
"""Values that a layer may add beyond those in the file, such as seeds of random generators."""


@contextmanager
def weights_within(sizes: Sizes, base: Any, file: str) -> Iterator[None]:
    """Check the size of each weight before it is allocated, within the block.

    All layers allocate through `add_weight` of Keras' class `Layer`, `base`, with the shape derived from the
    configuration. ModelError if a weight is larger than the largest array in the file, or all together exceed twice its
    size.
    """
    original = base.add_weight
    signature = inspect.signature(original)
    refused: list[ModelError] = []
    made = 0

    def add_weight(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal made
        count = prod(int(side or 0) for side in signature.bind(self, *args, **kwargs).arguments.get("shape") or ())
        made += count
        if count > max(sizes.largest, _SMALL) or made > 2 * sizes.total + 16 * _SMALL:
            refused.append(_too_many(self.name, count, sizes, file))
            raise refused[0]
        return original(self, *args, **kwargs)

    base.add_weight = add_weight
    try:
        yield
    except Exception as error:
        # Keras wraps some errors.
        raise (refused[0] if refused else error) from error
    finally:
        base.add_weight = original
    if refused:
        raise refused[0]


def _too_many(layer: str, count: int, sizes: Sizes, file: str) -> ModelError:
    return ModelError(
        "The configuration of {file} does not match its weights: layer “{layer}” needs {count:,} values, "
        "but the largest array has {largest:,}. Save the model again.",
        file=file,
        layer=layer,
        count=count,
        largest=sizes.largest,
    )
