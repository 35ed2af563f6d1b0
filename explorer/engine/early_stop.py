"""Early stopping: ends a training that no longer gets better on held-out pictures, and keeps its best weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from explorer.engine.step import Step


class BestKeeper:
    """Remembers the weights of the best validation loss.

    Parameters
    ----------
    step
        The networks.
    patience
        Epochs without a better loss until it is time to stop; 0 for never, and then nothing is kept.

    Attributes
    ----------
    best, waited
        The best validation loss; epochs since.
    weights
        Of the encoder, then of the decoder, as they were then; empty before the first epoch.
    """

    def __init__(self, step: Step, patience: int) -> None:
        self._step = step
        self._patience = patience
        self.best = float("inf")
        self.waited = 0
        self.weights: list[NDArray[Any]] = []

    def should_stop(self, val_loss: float) -> bool:
        """Take an epoch's loss in, and say whether it was the last."""
        if not self._patience:
            return False
        if val_loss < self.best:
            self.best, self.waited = val_loss, 0
            self.weights = [*self._step.encoder.get_weights(), *self._step.decoder.get_weights()]
        else:
            self.waited += 1
        return self.waited >= self._patience

    def recall(self, best: float, waited: int, weights: Sequence[NDArray[Any]]) -> None:
        """Go on from what a checkpoint holds."""
        self.best, self.waited, self.weights = best, waited, list(weights)

    def restore(self) -> None:
        """Give the networks their best weights back."""
        if self._patience and self.weights:
            encoder = len(self._step.encoder.get_weights())
            self._step.encoder.set_weights(self.weights[:encoder])
            self._step.decoder.set_weights(self.weights[encoder:])
