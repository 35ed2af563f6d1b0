"""A model is built with no more weights than its file brings: a description of 20 kB may ask for 20 GB."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any, Final

from explorer.engine.foreign.clean_copy import Sizes
from explorer.errors import ModelError

_SMALL: Final = 1 << 16
"""Numbers that any layer may have without the file's saying so: Keras adds some of its own, as seeds."""


@contextmanager
def weights_within(sizes: Sizes, base: Any, file: str) -> Iterator[None]:
    """Compare each array of weights, before it is made, with what the file holds.

    Shapes are what Keras makes of the description, so that all that leads to a large array is met, whatever the layer.

    Parameters
    ----------
    sizes
        What the file holds.
    base
        The class `Layer` of the Keras that builds; its `add_weight` is replaced for as long as the block lasts.
    file
        Name of the file, for the error.

    Raises
    ------
    ModelError
        If a layer asks for a larger array than the largest in the file, or all ask for more than twice as much.
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
        # Keras words some errors anew.
        raise (refused[0] if refused else error) from error
    finally:
        base.add_weight = original
    if refused:
        raise refused[0]


def _too_many(layer: str, count: int, sizes: Sizes, file: str) -> ModelError:
    return ModelError(
        f"layers as large as the weights in {file}, whose largest array holds {sizes.largest:,} numbers",
        f"the layer “{layer}”, which needs {count:,}",
        "Its description does not belong to its weights: save the model again where it was made.",
    )
