"""Loads PyTorch and its exporters in the reader process, before its limits are set."""

from __future__ import annotations

import io
import logging
import os
import pkgutil
import warnings
from contextlib import suppress
from importlib import import_module
from typing import Final

_LAZY: Final = (
    *("sympy.functions", "sympy.functions.elementary", "sympy.functions.special", "sympy.logic", "sympy.sets"),
    *("torch._decomp", "torch._export.passes", "torch.fx.experimental", "torch.fx.passes", "torch.utils._sympy"),
)
"""Packages whose modules the exporters import when a network needs them."""


def warm() -> None:
    """Convert a small network once, since both exporters import modules and look for processors when they are used."""
    # Pickled objects other than tensors are refused, also where PyTorch would load them.
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    import torch

    from explorer.inference.torch_import.converting import (
        exported_to_onnx,
        load_exported,
        load_script,
        script_to_onnx,
        traced_again,
    )

    torch.set_num_threads(1)
    for package in _LAZY:
        for found in pkgutil.iter_modules(import_module(package).__path__):
            with suppress(Exception):
                import_module(f"{package}.{found.name}")
    network = torch.nn.Sequential(
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
    images = (torch.zeros(2, 1, 8, 8),)
    batch = torch.export.Dim("batch")
    stream = io.BytesIO()
    torch.export.save(torch.export.export(network, images, dynamic_shapes=({0: batch},)), stream)
    exported_to_onnx(load_exported(stream.getvalue()))
    stream = io.BytesIO()
    torch.jit.save(torch.jit.trace(network, images), stream)
    script_to_onnx(load_script(stream.getvalue()), images, ["images"])
    traced_again(load_script(stream.getvalue()), images)
