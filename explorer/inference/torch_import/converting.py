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
            more = with_one_more(module, values)
            yield Progress(place, len(files))
            with _converting(handed.name):
                made = exported_to_onnx(program)
        else:
            with _loading(handed.name):
                module = load_script(content)
            values, names = script_inputs(module, handed.name, role, codes)
            more = with_one_more(module, values)
            yield Progress(place, len(files))
            with _converting(handed.name):
                made = script_to_onnx(module, values, names, free=more is not None)
        if len(made) > MOST_BYTES:
            raise _too_large(handed)
        yield Progress(place, len(files))
        # With another number of images than it was converted with, if it takes any.
        compared, shapes = difference(module, more or values, made, handed.name)
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


def exported_to_onnx(program: Any) -> bytes:
    import torch

    exported = torch.onnx.export(program, dynamo=True, verbose=False)
    assert exported is not None
    content: bytes = exported.model_proto.SerializeToString()
    return content


def script_to_onnx(script: Any, values: Tensors, names: Sequence[str], *, free: bool) -> bytes:
    """Return the ONNX file of a TorchScript module with its inputs; with `free` for any number of images."""
    import torch

    stream = io.BytesIO()
    axes = {name: {0: "batch"} for name in names} if free else None
    torch.onnx.export(script, values, stream, dynamo=False, input_names=list(names), dynamic_axes=axes)
    return stream.getvalue()


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
