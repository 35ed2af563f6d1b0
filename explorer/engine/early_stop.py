"""Early stopping: ends a training whose validation loss no longer improves, and restores the best weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from explorer.engine.step import Step


class BestWeights:
    """Keeps the weights with the best validation loss.

    Training stops after `patience` epochs without improvement; 0 for off. `waited` counts them. `weights` are those of
    encoder and decoder, empty before the first epoch.
    """

    def __init__(self, step: Step, patience: int) -> None:
        self._step = step
        self._patience = patience
        self.best = float("inf")
        self.waited = 0
        self.weights: list[NDArray[Any]] = []

    def should_stop(self, val_loss: float) -> bool:
        """Record the loss of an epoch, and return whether to stop."""
        if not self._patience:
            return False
        if val_loss < self.best:
            self.best, self.waited = val_loss, 0
            self.weights = [*self._step.encoder.get_weights(), *self._step.decoder.get_weights()]
        else:
            self.waited += 1
        return self.waited >= self._patience

    def recall(self, best: float, waited: int, weights: Sequence[NDArray[Any]]) -> None:
        """Restore the state of a checkpoint."""
        self.best, self.waited, self.weights = best, waited, list(weights)

    def restore(self) -> None:
        if self._patience and self.weights:
            encoder = len(self._step.encoder.get_weights())
            self._step.encoder.set_weights(self.weights[:encoder])
            self._step.decoder.set_weights(self.weights[encoder:])
