"""Loads PyTorch and its exporters in the reader process, before its limits are set."""

from __future__ import annotations

import io
import logging
import os
import pkgutil
import warnings
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

_LAZY: Final = (
    *("sympy.functions", "sympy.functions.elementary", "sympy.functions.special", "sympy.logic", "sympy.sets"),
    *("torch._decomp", "torch._export.passes", "torch.fx.experimental", "torch.fx.passes", "torch.utils._sympy"),
)
"""Packages whose modules the exporters import when a network needs them."""


def warm_script() -> None:
    """Convert a small TorchScript module once, since PyTorch imports modules and looks for processors when used."""
    _prepare()
    from explorer.inference.torch_import.comparing import difference
    from explorer.inference.torch_import.converting import load_script, script_to_onnx
    from explorer.inference.torch_import.shapes import script_inputs

    script = load_script(_script())
    content, values = script_to_onnx(script, *script_inputs(script, "", "whole", []))
    difference(script, values, content, "")


def warm() -> None:
    """Do the same, and with an exported program, whose exporter takes three times as long to load."""
    warm_script()
    import torch

    from explorer.inference.torch_import.converting import exported_to_onnx, load_exported, load_script, traced_again

    for package in _LAZY:
        for found in pkgutil.iter_modules(import_module(package).__path__):
            with suppress(Exception):
                import_module(f"{package}.{found.name}")
    batch = torch.export.Dim("batch")
    stream = io.BytesIO()
    torch.export.save(torch.export.export(_network(), _images(), dynamic_shapes=({0: batch},)), stream)
    exported_to_onnx(load_exported(stream.getvalue()))
    traced_again(load_script(_script()), _images())


def _prepare() -> None:
    # Pickled objects other than tensors are refused, also where PyTorch would load them.
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    import torch

    torch.set_num_threads(1)


def _images() -> tuple[Any, ...]:
    import torch

    return (torch.zeros(2, 1, 8, 8),)


def _script() -> bytes:
    import torch

    stream = io.BytesIO()
    torch.jit.save(torch.jit.trace(_network(), _images()), stream)
    return stream.getvalue()


def _network() -> Any:
    import torch

    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3, stride=2, padding=1),
        torch.nn.BatchNorm2d(2),
        torch.nn.SiLU(),
        torch.nn.Upsample(scale_factor=2),
        torch.nn.ConvTranspose2d(2, 1, 2, stride=2),
        torch.nn.AdaptiveAvgPool2d(4),
        torch.nn.Flatten(),
        torch.nn.LayerNorm(16),
        torch.nn.Linear(16, 4),
        torch.nn.GELU(),
    ).eval()
