"""Size and cost of a training in words, or why it cannot start."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from explorer.messages import Message, message_text
from explorer.models.feasibility import Plan
from explorer.models.layer_labels import count_label
from explorer.models.machine import gigabytes
from explorer.ui.text import capitalized, filled
from explorer.ui.widgets.fields import label
from explorer.ui.widgets.layouts import vbox


class TrainFacts(QWidget):
    """Network size, MACs and memory of a training with warnings, or the problem."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facts = label("train_facts")
        self._warning = label("train_warning", look="notice")
        self._warning.hide()
        self.setLayout(vbox(self._facts, self._warning, spacing=4, margins=0))

    def show_problem(self, words: Message) -> None:
        self._say(message_text(words), problem=True)
        self._warn("")

    def show_plan(self, plan: Plan) -> None:
        self._say(" ".join(filter(None, (self._sizes(plan), self._work(plan), self._idle(plan)))), problem=False)
        self._warn(" ".join(filter(None, (self._tight(plan), self._unbounded(plan)))))

    def _say(self, words: str, *, problem: bool) -> None:
        self._facts.setText(capitalized(words))
        if problem != bool(self._facts.property("problem")):
            self._facts.setProperty("problem", problem)
            self._facts.style().polish(self._facts)

    def _warn(self, words: str) -> None:
        self._warning.setText(words)
        self._warning.setVisible(bool(words))

    def _sizes(self, plan: Plan) -> str:
        spec = plan.spec
        height, width, channels = spec.image_shape
        code = "×".join(f"{side:,}" for side in spec.latent_shape)
        weights = (f"{network.parameters:,}" for network in (spec.encoder, spec.decoder))
        words = self.tr("Input %1, latent dim. %2. Parameters: encoder %3, decoder %4.")
        return filled(words, f"{height}×{width}×{channels}", code, *weights)

    def _work(self, plan: Plan) -> str:
        memory = gigabytes(plan.need.total)
        if plan.solved:
            return filled(self.tr("Closed-form solution, no epochs. Memory: about %1."), memory)
        words = self.tr("Per epoch: %1 images, %2 steps, %3 MACs. Memory: about %4.")
        work = count_label(plan.epoch_operations)
        return filled(words, f"{plan.trained_on:,}", f"{plan.steps:,}", work, memory)

    def _idle(self, plan: Plan) -> str:
        if not plan.idle_augmentation:
            return ""
        return filled(self.tr("Augmentation has no effect: the dataset already has %1 images."), f"{plan.originals:,}")

    def _tight(self, plan: Plan) -> str:
        if not plan.tight or plan.machine is None:
            return ""
        words = self.tr(
            "Needs about %1 of memory; this machine has %2. Training may be slow or fail. "
            "Reduce batch size, latent dimension or input size."
        )
        return filled(words, gigabytes(plan.need.total), gigabytes(plan.machine))

    def _unbounded(self, plan: Plan) -> str:
        if not plan.unbounded:
            return ""
        return self.tr("BCE needs outputs in 0–1; the output of this network is linear. Use MSE.")
