"""Write small networks as PyTorch saves them, and what it computes with them, to tests/fixtures/torch.

It needs the extra:

    pip install '.[torch]' -c constraints.txt
    PYTHONPATH=. python scripts/torch_fixtures.py

Each network is written as exported program (``.pt2``), as TorchScript (``.pt``), and as ONNX by both exporters of
PyTorch; ``values.npz`` has inputs, and outputs that PyTorch computed, of each. Places in source files are left out.
"""

from __future__ import annotations

import argparse
import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "fixtures" / "torch"
COUNT = 2
"""Number of images or codes whose outputs are kept."""


def conv_encoder(size: int, *end: nn.Module) -> nn.Sequential:
    """Return an encoder of gray 16×16 images to `size` channels of 4×4, and what follows."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, size, 3, stride=2, padding=1), *end
    )


def conv_decoder(size: int, *start: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        *start, nn.ConvTranspose2d(size, 4, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(4, 1, 4, 2, 1), nn.Sigmoid()
    )


class Whole(nn.Module):
    """A convolutional autoencoder with a code of six numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = conv_encoder(4, nn.ReLU(), nn.Flatten(), nn.Linear(64, 6))
        self.decoder = conv_decoder(4, nn.Linear(6, 64), nn.ReLU(), nn.Unflatten(1, (4, 4, 4)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.decoder(self.encoder(x))
        return result


class Spatial(nn.Module):
    """A fully convolutional autoencoder with a code of 2×4×4."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = conv_encoder(2), conv_decoder(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.decoder(self.encoder(x))
        return result


class Encoder(nn.Module):
    """The encoder of a VAE: mean and log-variance."""

    def __init__(self) -> None:
        super().__init__()
        self.features = conv_encoder(4, nn.ReLU(), nn.Flatten())
        self.mean, self.log_variance = nn.Linear(64, 3), nn.Linear(64, 3)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.features(x)
        return self.mean(hidden), self.log_variance(hidden)


class Vae(nn.Module):
    """A whole VAE, which draws its code at random."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = conv_decoder(4, nn.Linear(3, 64), nn.ReLU(), nn.Unflatten(1, (4, 4, 4)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean, log_variance = self.encoder(x)
        code = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        result: torch.Tensor = self.decoder(code)
        return result


class Conditional(nn.Module):
    """A decoder that takes a code and one of ten classes."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(10, 4)
        self.decoder = conv_decoder(4, nn.Linear(7, 64), nn.ReLU(), nn.Unflatten(1, (4, 4, 4)))

    def forward(self, z: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.decoder(torch.cat([z, self.table(label)], 1))
        return result


def networks() -> dict[str, tuple[nn.Module, tuple[torch.Tensor, ...]]]:
    """Return each network by name, with inputs."""
    torch.manual_seed(1)
    images, codes = torch.rand(COUNT, 1, 16, 16), torch.randn(COUNT, 3)
    vae = Vae()
    return {
        "whole": (Whole(), (images,)),
        "spatial": (Spatial(), (images,)),
        "vae": (vae, (images,)),
        "vae_encoder": (vae.encoder, (images,)),
        "vae_decoder": (vae.decoder, (codes,)),
        "conditional_decoder": (Conditional(), (codes, torch.arange(COUNT))),
    }


def scripted(network: nn.Module, values: tuple[torch.Tensor, ...]) -> torch.jit.ScriptModule:
    # Both kinds occur: a traced network is what one run computed, a scripted one has the code.
    if isinstance(network, Vae | Conditional):
        return torch.jit.script(network)
    return torch.jit.trace(network, values)


def save_script(script: torch.jit.ScriptModule, path: Path) -> None:
    stream = io.BytesIO()
    torch.jit.save(script, stream)
    with zipfile.ZipFile(stream) as full, zipfile.ZipFile(path, "w") as kept:
        for member in full.namelist():
            if not member.endswith(".debug_pkl"):
                kept.writestr(zipfile.ZipInfo(member), full.read(member))


def write(name: str, network: nn.Module, values: tuple[torch.Tensor, ...], folder: Path) -> dict[str, Any]:
    """Write a network in all formats, and return its inputs and outputs."""
    network.eval()
    batch = torch.export.Dim("batch")
    shapes: Any = tuple({0: batch} for _ in values) if name != "spatial" else None
    given = values if shapes is not None else tuple(value[:1] for value in values)
    program = torch.export.export(network, given, dynamic_shapes=shapes)
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    torch.export.save(program, folder / f"{name}.pt2")
    exported = torch.onnx.export(program, dynamo=True)
    assert exported is not None
    exported.save(folder / f"{name}.onnx", external_data=False)
    script = scripted(network, given)
    save_script(script, folder / f"{name}.pt")
    axes = {f"in{place}": {0: "batch"} for place in range(len(values))}
    stream = io.BytesIO()
    torch.onnx.export(script, given, stream, dynamo=False, input_names=list(axes), dynamic_axes=axes)
    (folder / f"{name}.script.onnx").write_bytes(stream.getvalue())
    with torch.no_grad():
        made = network(*values)
    outputs = made if isinstance(made, tuple) else (made,)
    kept = {f"{name}.in{place}": value.numpy() for place, value in enumerate(values)}
    return kept | {f"{name}.out{place}": value.numpy() for place, value in enumerate(outputs)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    values: dict[str, Any] = {}
    for name, (network, given) in networks().items():
        values |= write(name, network, given, folder)
    np.savez_compressed(folder / "values.npz", **values)
    print(f"The networks are in {folder}")


if __name__ == "__main__":
    main()
