"""The reader of PyTorch programs: loads them, converts them to ONNX, and compares both; in the reader process only."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from explorer.errors import ExplorerError, ModelError
from explorer.inference.onnx_import.limits import MOST_BYTES
from explorer.inference.torch_import.comparing import difference
from explorer.inference.torch_import.reading import Converted
from explorer.inference.torch_import.shapes import Shape, Tensors, exported_inputs, script_inputs, with_one_more
from explorer.models.third_party.no_network import format_of_zip
from explorer.reader import Handed
from explorer.reading import reason_of
from explorer.types import Progress


def convert(files: Sequence[Handed], roles: Sequence[str]) -> Iterator[Converted | Progress]:
    """Convert files to ONNX; `roles` are ``whole``, ``encoder`` and ``decoder``, an encoder before its decoder.

    The code in the files runs. ModelError if one cannot be loaded or converted, or ONNX Runtime computes something else
    with the result.
    """
    codes: list[Shape] = []
    for place, (handed, role) in enumerate(zip(files, roles, strict=True)):
        yield Progress(place, len(files))
        content = _content(handed)
        if format_of_zip(io.BytesIO(content)) == "pt2":
            with _loading(handed.name):
                program = load_exported(content)
                values, module = exported_inputs(program)
            yield Progress(place, len(files))
            with _converting(handed.name):
                made = exported_to_onnx(program)
                # With another number of images than in its example, if it takes any.
                others = with_one_more(module, values) or values
        else:
            with _loading(handed.name):
                module = load_script(content)
            with _converting(handed.name):
                values, names = script_inputs(module, handed.name, role, codes)
            yield Progress(place, len(files))
            with _converting(handed.name):
                made, others = script_to_onnx(module, values, names)
        if len(made) > MOST_BYTES:
            raise _too_large(handed)
        yield Progress(place, len(files))
        with _converting(handed.name):
            compared, shapes = difference(module, others, made, handed.name)
        if role == "encoder":
            codes = shapes
        yield Converted(place, np.frombuffer(made, np.uint8), compared)


def load_exported(content: bytes) -> Any:
    import torch

    return torch.export.load(io.BytesIO(content))


def load_script(content: bytes) -> Any:
    import torch

    # With the shapes of the inputs that it was traced with.
    return torch.jit.load(io.BytesIO(content), map_location="cpu", _restore_shapes=True).eval()


def exported_to_onnx(program: Any, names: Sequence[str] | None = None) -> bytes:
    """Return the ONNX file of an exported program; `names` are new ones of its inputs."""
    import torch

    exported = torch.onnx.export(program, dynamo=True, verbose=False, input_names=names)
    assert exported is not None
    content: bytes = exported.model_proto.SerializeToString()
    return content


def script_to_onnx(script: Any, values: Tensors, names: Sequence[str]) -> tuple[bytes, Tensors]:
    """Return the ONNX file of a TorchScript module with its inputs, and other inputs that it takes.

    For any number of images if possible. The exporter of TorchScript does not have all operators, so the module is
    traced for the other one where it fails.
    """
    import torch

    more = with_one_more(script, values)
    axes = {name: {0: "batch"} for name in names} if more is not None else None
    stream = io.BytesIO()
    try:
        torch.onnx.export(script, values, stream, dynamo=False, input_names=list(names), dynamic_axes=axes)
    except Exception:
        one = tuple(value[:1] for value in values)
        program = traced_again(script, one)
        if program is None:
            raise
        return exported_to_onnx(program, names), tuple(1 - value for value in one)
    return stream.getvalue(), more or values


def traced_again(script: Any, values: Tensors) -> Any:
    """Return a TorchScript module as an exported program; None if it cannot be, or what it does depends on values."""
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    try:
        # With gradients, since without PyTorch uses fused operators, which the exporter does not have.
        graph = make_fx(script)(*values)
        if any("_local_scalar_dense" in str(node.target) for node in graph.graph.nodes):
            return None
        return torch.export.export(graph, values)
    except MemoryError:
        raise
    except Exception:
        return None


@contextmanager
def _loading(file: str) -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise ModelError(
            "PyTorch {version} cannot load {file}: {reason}. "
            "Export it to ONNX with the version of PyTorch that wrote it, and import that.",
            version=_version(),
            file=file,
            reason=reason_of(error),
        ) from error


@contextmanager
def _converting(file: str) -> Iterator[None]:
    try:
        yield
    except (ExplorerError, MemoryError):
        raise
    except Exception as error:
        # The exporter's own text is a page of advice for developers of PyTorch.
        raise ModelError(
            "PyTorch {version} cannot convert {file} to ONNX: {reason}. "
            "Export encoder and decoder to ONNX where the model was made, and import these.",
            version=_version(),
            file=file,
            reason=reason_of(error.__cause__ or error),
        ) from error


def _version() -> str:
    import torch

    return str(torch.__version__)


def _content(handed: Handed) -> bytes:
    if handed.size > MOST_BYTES:
        raise _too_large(handed)
    return handed.file.read()


def _too_large(handed: Handed) -> ModelError:
    return ModelError(
        "{file} is too large: it has more than {most:,} MB. Import a smaller model.",
        file=handed.name,
        most=MOST_BYTES >> 20,
    )
