"""Finds out what inputs programs of PyTorch take, in the reader process only.

An exported program says it, and so does traced TorchScript. Of scripted TorchScript it is found out from the weights of
the first layers, and by trying.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import isqrt
from typing import Any, Final, Literal

from explorer.errors import ModelError
from explorer.inference.onnx_import.understanding import FREE_SIDES, SIDES, half, stacking

Shape = tuple[int, ...]
"""Of one image or code."""

Tensors = tuple[Any, ...]
Module = Callable[..., Any]
_SIDES: Final = tuple(
    dict.fromkeys(
        [*FREE_SIDES, *(side for step in (16, 8, 4, 2, 1) for side in range(max(step, SIDES[0]), 257, step)), 384, 512]
    )
)
"""Sides of images in the order in which they are tried: of those that give the same code, usual and even ones first."""

_NEAR: Final = 16
"""Sides of images that give the same code differ by less."""

_CODE_SIDES: Final = (8, 4, 7, 16, 2, 1, 14, 28, 32)
_MOST_COLORS, _MOST_TRIALS = 4, 5_000


@dataclass(frozen=True)
class _Layer:
    """The first layer that an input goes to: its channels, values, or number of classes.

    `joined` is whether the input is put together with others before.
    """

    kind: Literal["conv", "dense", "label"]
    size: int
    joined: bool


def exported_inputs(program: Any) -> tuple[Tensors, Module]:
    """Return inputs of an exported program, random ones of the shapes of its example, and a function that takes them.

    Other inputs than tensors are those of the example.
    """
    import torch
    from torch.utils._pytree import tree_leaves, tree_unflatten

    module, structure = program.module(), program.call_spec.in_spec

    def run(*values: Any) -> Any:
        arguments, options = tree_unflatten(list(values), structure)
        return module(*arguments, **options)

    wanted = set(program.graph_signature.user_inputs)
    declared = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in wanted]
    example = declared if program.example_inputs is None else tree_leaves(program.example_inputs)
    return tuple(
        _random(tuple(int(side) for side in one.shape), one.dtype) if isinstance(one, torch.Tensor) else one
        for one in example
    ), run


def script_inputs(script: Any, file: str, role: str, codes: Sequence[Shape]) -> tuple[Tensors, list[str]]:
    """Return inputs with which a TorchScript module runs, and their names; ModelError if none are found.

    `role` is ``whole``, ``encoder`` or ``decoder``; `codes` are the shapes of the outputs of its encoder, if known.
    """
    import torch

    traced = [port.type() for port in script.graph.inputs()][1:]
    ports = list(script.inlined_graph.inputs())[1:]
    other = next((port for port in ports if port.type().kind() != "TensorType"), None)
    if other is not None or not ports:
        raise ModelError(
            "{file} takes {inputs}, not only images or codes. Save a network whose inputs are tensors.",
            file=file,
            inputs=[f"{_name(port)} ({port.type()})" for port in ports] or "nothing",
        )
    names = [_name(port) for port in ports]
    if all(kind.kind() == "TensorType" and kind.sizes() for kind in traced):
        return tuple(_random(tuple(kind.sizes()), kind.dtype()) for kind in traced), names
    layers = [_first_layer(port, script) for port in ports]
    with torch.jit.optimized_execution(False):
        for batch in (2, 1):
            found = _tried(script, layers, _candidates(layers, role, codes), batch)
            if found is not None:
                return found, names
    raise ModelError(
        "Cannot find out the shape of the images or codes that {file} takes, since scripted TorchScript does not say "
        "it. Save it with torch.export.save(torch.export.export(…)) as .pt2, which does.",
        file=file,
    )


def with_one_more(module: Module, values: Tensors) -> Tensors | None:
    """Return inputs of a network with one more image or code than `values`; None if it does not take these."""
    import torch

    more = tuple(torch.cat([one, one[:1]]) if isinstance(one, torch.Tensor) and one.ndim else one for one in values)
    first = next((one for one in more if isinstance(one, torch.Tensor) and one.ndim), None)
    return more if first is not None and _outputs_are(_run(module, more), len(first)) else None


def outputs_of(made: Any) -> Tensors:
    """Return the tensors of a result, which may be in tuples, lists and dicts."""
    import torch
    from torch.utils._pytree import tree_leaves

    return tuple(value for value in tree_leaves(made) if isinstance(value, torch.Tensor))


def _tried(
    script: Any, layers: list[_Layer | None], candidates: Iterator[tuple[Shape, ...]], batch: int
) -> Tensors | None:
    """Return the first inputs that a network takes, those that it gives back in the same size before others."""
    import torch

    first: Tensors | None = None
    for shapes in candidates:
        if first is not None and abs(shapes[0][-1] - first[0].shape[-1]) > _NEAR:
            continue
        kinds = [torch.int64 if layer is not None and layer.kind == "label" else torch.float32 for layer in layers]
        values = tuple(_random((batch, *shape), kind) for shape, kind in zip(shapes, kinds, strict=True))
        outputs = _run(script, values)
        if outputs is None or not _outputs_are(outputs, batch):
            continue
        first = first or values
        if any(output.shape == values[0].shape for output in outputs):
            return values
        if len(shapes[0]) < 3 or not any(output.ndim == values[0].ndim for output in outputs):
            break
    return first


def _outputs_are(outputs: Tensors | None, batch: int) -> bool:
    return outputs is not None and all(output.ndim > 0 and len(output) == batch for output in outputs)


def _run(module: Module, values: Tensors) -> Tensors | None:
    """Return the outputs of a network, None if it does not take the inputs."""
    import torch

    try:
        with torch.no_grad():
            return outputs_of(module(*values))
    except MemoryError:
        raise
    except Exception:
        return None


def _candidates(layers: list[_Layer | None], role: str, codes: Sequence[Shape]) -> Iterator[tuple[Shape, ...]]:
    """Return shapes of all inputs to try, the likeliest first."""
    choices = [_shapes(layer, role) for layer in layers]
    open_ends = [layer for layer in layers if layer is None or (layer.joined and layer.kind != "label")]
    if role == "decoder" and codes:
        choices[0] = [*codes, *(half(code, axis) for code in codes for axis in stacking(code))]
    elif len(open_ends) > 1:
        return iter(())  # any division into code and condition would fit
    return islice(product(*choices), _MOST_TRIALS)


def _shapes(layer: _Layer | None, role: str) -> list[Shape]:
    if layer is None:
        return []
    size = layer.size
    if layer.kind == "label":
        return [()]
    if layer.kind == "conv":
        sides = _SIDES if role != "decoder" and size <= _MOST_COLORS else _CODE_SIDES
        return [(size, side, side) for side in sides]
    images = [
        (depth, side, side)
        for depth in (1, 3)
        if role != "decoder" and depth * (side := isqrt(size // depth)) ** 2 == size and side >= SIDES[0]
    ]
    return [*images, (size,), *(((part,) for part in range(size - 1, 0, -1)) if layer.joined else ())]


def _first_layer(port: Any, script: Any) -> _Layer | None:
    """Return the first layer with weights that an input goes to; None if there is none."""
    waiting, seen = [(port, False)], {port.debugName()}
    while waiting:
        value, joined = waiting.pop(0)
        for use in value.uses():
            found = _layer_at(use.user, use.offset, joined, script)
            if found is not None:
                return found
            here = joined or use.user.kind() == "aten::cat"
            for output in use.user.outputs():
                if output.debugName() not in seen:
                    seen.add(output.debugName())
                    waiting.append((output, here))
    return None


def _layer_at(node: Any, offset: int, joined: bool, script: Any) -> _Layer | None:
    """Return the layer of an operator whose input `offset` is a value; None if it is no layer."""
    kind, sources = node.kind().removeprefix("aten::"), list(node.inputs())
    if kind == "one_hot" and offset == 0:
        return _Layer("label", _constant(sources[1], script) or 0, joined)
    if kind == "embedding" and offset == 1:
        return _Layer("label", len(_constant(sources[0], script)), joined)
    if offset != 0 or not kind.startswith(("conv", "_convolution", "linear")):
        return None
    weights = _constant(sources[1], script)
    if kind == "linear":
        return _Layer("dense", weights.shape[1], joined)
    general = kind == "_convolution"
    if kind.startswith("conv_transpose") or (general and _constant(sources[6], script)):
        return _Layer("conv", weights.shape[0], joined)
    return _Layer("conv", weights.shape[1] * (_constant(sources[8 if general else 6], script) or 1), joined)


def _constant(value: Any, script: Any) -> Any:
    """Return what a value of a graph is: an attribute of the module or of one in it, or a constant."""
    node = value.node()
    if node.kind() == "prim::GetAttr":
        return getattr(_constant(next(node.inputs()), script), node.s("name"))
    if node.kind() == "prim::unchecked_cast":
        return _constant(next(node.inputs()), script)
    return value.toIValue() if node.kind() == "prim::Constant" else script


def _name(port: Any) -> str:
    return str(port.debugName()).rsplit(".", 1)[0]


def _random(shape: Shape, kind: Any) -> Any:
    """Return values in [0, 1], all numbers up to 255 for bytes, and the classes 0 and 1 for other integers."""
    import torch

    if kind in {torch.float16, torch.float32, torch.float64, torch.bfloat16}:
        return torch.rand(shape).to(kind)
    return torch.randint(0, 256 if kind == torch.uint8 else 2, shape).to(kind)
