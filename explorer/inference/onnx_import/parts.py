"""A network as it is run: its input, and the shapes of images or codes there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from explorer.inference.onnx_import.loading import Arrays, Network, Port
from explorer.models.import_record import Control


@dataclass
class Part:
    """A network, its input, and how one image or code is shaped there.

    Attributes
    ----------
    row
        Shape of one image or code.
    fixed
        The only number of images or codes, None for any.
    rows
        Values of conditions, by name.
    shapes
        Shapes of the outputs, without the batch.
    batched
        Whether the input has an axis for the batch.
    controls, fed
        Conditions that are at the end of the code, instead of being fixed; and those that this network takes: names of
        its inputs with their number among `controls`.
    """

    network: Network
    port: Port
    row: tuple[int, ...]
    fixed: int | None
    rows: Arrays
    shapes: list[tuple[int, ...]]
    batched: bool = True
    controls: tuple[Control, ...] = ()
    fed: dict[str, int] = field(default_factory=dict)

    def shape(self, count: int) -> tuple[int, ...]:
        """Return the shape of its input for a number of images or codes: 1 if it has no axis for the batch."""
        return (count, *self.row) if self.batched else self.row

    @property
    def baked(self) -> list[Port]:
        """The conditions that are fixed."""
        return [port for port in self.network.given if port.name != self.port.name and port.name not in self.fed]


@dataclass(frozen=True)
class Output:
    """An output of an encoder: its name in the file, and its new name.

    `half` is 0 or 1 for the first or second half along `axis`, without the batch; None for all.
    """

    name: str
    new: Literal["mean", "log_variance"]
    half: int | None = None
    axis: int = 0

    def shape_in_file(self, code: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the output for one code of a shape."""
        if self.half is None:
            return code
        return *code[: self.axis], 2 * code[self.axis], *code[self.axis + 1 :]
