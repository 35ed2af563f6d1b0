"""Programs of PyTorch that tests write, in a process that has PyTorch."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn


class Dense(nn.Module):
    """A whole autoencoder that flattens its 28×28 images."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.ReLU(), nn.Linear(16, 5))
        self.decoder = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 784), nn.Sigmoid())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.decoder(self.encoder(x)).view(-1, 1, 28, 28)
        return result


class Layers(nn.Module):
    """A whole autoencoder of 16×16 images in color with many kinds of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(3, 8, 4, 4), nn.BatchNorm2d(8), nn.SiLU(), nn.Conv2d(8, 8, 1, groups=4), nn.GroupNorm(2, 8)
        )
        self.norm = nn.LayerNorm(8)
        self.narrow = nn.Linear(128, 6)
        self.grow = nn.Sequential(nn.Linear(6, 128), nn.GELU(), nn.Dropout(0.5), nn.Unflatten(1, (8, 4, 4)))
        self.up = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear"), nn.PReLU(), nn.Conv2d(8, 12, 3, padding=1), nn.PixelShuffle(2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = self.norm(self.down(x).flatten(2).transpose(1, 2))
        result: torch.Tensor = torch.tanh(self.up(self.grow(self.narrow(rows.flatten(1)))))
        return result


class Attention(nn.Module):
    """A whole autoencoder of 8×8 images whose rows attend to each other."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.encoder, self.decoder = nn.Linear(64, 3), nn.Linear(3, 64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.flatten(1, 2)
        rows = rows + self.attention(rows, rows, rows, need_weights=False)[0]
        result: torch.Tensor = self.decoder(self.encoder(rows.flatten(1))).unflatten(1, (1, 8, 8))
        return result


class Labeled(nn.Module):
    """A decoder that takes a code of 4 numbers and 3 classes as one-hot values."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(7, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8)))

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.layers(torch.cat([z, y], 1))
        return result


class Flagged(nn.Module):
    """An encoder with an option."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 4)

    def forward(self, x: torch.Tensor, sample: bool) -> torch.Tensor:
        result: torch.Tensor = self.layer(x.flatten(1))
        return result


class Branching(nn.Module):
    """An autoencoder that computes something else for dark images."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if float(x.sum()) > 10.0:
            x = self.one(x)
        result: torch.Tensor = self.two(x)
        return result


class Reading(nn.Module):
    """An autoencoder that looks for a file of the user."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.layer, self.path = nn.Conv2d(1, 1, 3, padding=1), path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        secret = torch.from_file(self.path, shared=False, size=8, dtype=torch.uint8)
        result: torch.Tensor = self.layer(x) + secret.sum()
        return result


class Half(nn.Module):
    """An autoencoder whose images are bfloat16, which NumPy does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.layer(x).to(torch.bfloat16)
        return result


class Scaled(nn.Module):
    """An autoencoder that takes a number before the images."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
        self.decoder = nn.Sequential(nn.Linear(3, 64), nn.Unflatten(1, (1, 8, 8)))

    def forward(self, scale: float, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.decoder(self.encoder(x * scale))
        return result


def main(folder: Path) -> None:
    """Write all of them; the file ``secret`` in the folder must exist."""
    warnings.simplefilter("ignore")
    torch.manual_seed(1)
    scripts: dict[str, nn.Module] = {
        "dense": Dense(),
        "layers": Layers(),
        "attention": Attention(),
        "labeled_encoder": nn.Sequential(nn.Flatten(), nn.Linear(64, 4)),
        "labeled_decoder": Labeled(),
        "spatial_encoder": nn.Sequential(nn.Conv2d(3, 2, 4, stride=4)),
        "spatial_decoder": nn.Sequential(nn.ConvTranspose2d(2, 3, 4, stride=4)),
        "flagged": Flagged(),
        "branching": Branching(),
        "half": Half(),
        "reading": Reading(str(folder / "secret")),
    }
    for name, network in scripts.items():
        torch.jit.save(torch.jit.script(network.eval()), folder / f"{name}.pt")
    torch.jit.save(torch.jit.freeze(torch.jit.script(Dense().eval())), folder / "frozen.pt")
    images = torch.rand(1, 3, 16, 16)
    torch.jit.save(torch.jit.trace(scripts["layers"], images), folder / "traced.pt")
    torch.export.save(torch.export.export(scripts["layers"], (images,)), folder / "layers.pt2")
    torch.export.save(torch.export.export(scripts["attention"], (images[:, :1, :8, :8],)), folder / "attention.pt2")
    torch.export.save(torch.export.export(Scaled().eval(), (0.5, images[:, :1, :8, :8])), folder / "scaled.pt2")
    size = {2: torch.export.Dim("height", min=8, max=256), 3: torch.export.Dim("width", min=8, max=256)}
    free = torch.export.export(scripts["spatial_encoder"], (torch.rand(1, 3, 64, 64),), dynamic_shapes=(size,))
    torch.export.save(free, folder / "free_encoder.pt2")
