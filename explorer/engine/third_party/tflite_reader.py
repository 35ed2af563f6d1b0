"""Converts TensorFlow Lite files to ONNX, and compares both; imported by the reader process only.

A file is checked for operators that ONNX does not have, loaded by the interpreter of TensorFlow, which verifies it and
gives the shapes of its tensors, and converted by tf2onnx.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
import tf2onnx.tflite
from onnx import ModelProto, TensorProto, helper, numpy_helper
from tensorflow.lite.python.interpreter import Interpreter, OpResolverType
from tf2onnx.graph import Graph
from tf2onnx.optimizer import optimize_graph
from tf2onnx.tflite.BuiltinOperator import BuiltinOperator
from tf2onnx.tflite.Model import Model
from tf2onnx.tflite_utils import parse_tflite_graph
from tf2onnx.tfonnx import process_graphs

from explorer.engine.third_party.tflite import Converted
from explorer.errors import ModelError
from explorer.inference.gate.structure import MOST_NODES
from explorer.inference.onnx_import.limits import MOST_BYTES
from explorer.inference.sessions import open_session
from explorer.messages import Value, message
from explorer.reading import reading, reason_of
from explorer.types import Floats, Progress

if TYPE_CHECKING:
    from explorer.reader.handed import Handed

for _found in pkgutil.iter_modules(tf2onnx.tflite.__path__):
    # tf2onnx imports the options of an operator when it finds one, when no file can be opened anymore.
    import_module(f"{tf2onnx.tflite.__name__}.{_found.name}")

_NAMES: Final = {number: name for name, number in vars(BuiltinOperator).items() if isinstance(number, int)}
_CONTROL_FLOW: Final = frozenset({"IF", "WHILE", "CALL", "CALL_ONCE"})
_MARK: Final = b"TFL3"
_OPSET: Final = 17
_SAMPLES: Final = 8
_TOLERANCE: Final = 1e-4
_TOLERANCE_16_BITS: Final = 1e-3
"""Several layers of TensorFlow Lite round, and it looks up a sigmoid of 16 bits in a table."""

_LEVELS: Final = 255

Detail = dict[str, Any]
Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class _Compared:
    """Differences between the interpreter and ONNX Runtime: the largest, their average, and the quantization step."""

    largest: float
    average: float
    step: float


def read_tflite(files: tuple[Handed, ...]) -> Iterator[Converted | Progress]:
    """Convert TensorFlow Lite files to ONNX.

    ModelError if one is damaged, has operators that ONNX does not have, or gives other results after its conversion.
    """
    for place, handed in enumerate(files):
        yield Progress(place, len(files))
        content = handed.file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ModelError(
                "{file} is too large: it has more than {most:,} MB. Import a smaller model.",
                file=handed.name,
                most=MOST_BYTES >> 20,
            )
        yield _converted(content, place, handed.name)


def _converted(content: bytes, place: int, file: str) -> Converted:
    with reading(message("a TensorFlow Lite model"), file, ModelError):
        model = Model.GetRootAsModel(content, 0)
        if content[4:8] != _MARK:
            raise ValueError("it has no valid header")
        operators = _operators(model, file)
        interpreter = Interpreter(
            model_content=content,
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
    try:
        network = _network(model, operators, interpreter)
        _check_operators(network, file)
        quantized = _compute_in_floats(network.graph) | _widen(network.graph)
        names = _open_ends(network.graph, model, interpreter)
        written = network.SerializeToString()
        if any(node.op_type.startswith("Random") for node in network.graph.node):
            return Converted(place, np.frombuffer(written, np.uint8), None, ())
        compared = _compared(written, interpreter, names, file, quantized=quantized)
    except (ModelError, MemoryError):
        raise
    except Exception as error:
        raise _not_converted(file, reason_of(error)) from error
    return Converted(place, np.frombuffer(written, np.uint8), compared.largest, _notes(compared))


# -- structure ---------------------------------------------------------------------------------------------------------


def _operators(model: Any, file: str) -> dict[int, str]:
    """Return the names of the operators of a model by number; ModelError if it has some that cannot be converted."""
    if model.SubgraphsLength() < 1:
        raise ValueError("it has no network")
    counts = [model.OperatorCodesLength(), model.BuffersLength()]
    for at in range(min(model.SubgraphsLength(), MOST_NODES)):
        counts += [model.Subgraphs(at).OperatorsLength(), model.Subgraphs(at).TensorsLength()]
    if max(counts) > MOST_NODES or model.SubgraphsLength() > MOST_NODES:
        raise ModelError(
            "{file} is too large: it has more than {most:,} operators or tensors. Import a smaller model.",
            file=file,
            most=MOST_NODES,
        )
    names: dict[int, str] = {}
    for at in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(at)
        names[at] = _NAMES[max(code.DeprecatedBuiltinCode(), code.BuiltinCode())]
        if names[at] == "CUSTOM":
            raise _custom(file, (code.CustomCode() or b"?").decode())
        if names[at] in _CONTROL_FLOW:
            raise ModelError(
                "{file} uses control flow (the operator {operator}), which cannot be imported. "
                "Convert encoder and decoder without loops and branches, each to a file.",
                file=file,
                operator=names[at],
            )
    if model.SubgraphsLength() > 1:
        raise ModelError(
            "{file} has {count} networks (signatures). Convert encoder and decoder each to a file, and import both.",
            file=file,
            count=model.SubgraphsLength(),
        )
    return names


def _custom(file: str, name: str) -> ModelError:
    kind = message("an operator of TensorFlow") if name.startswith("Flex") else message("a custom operator")
    return ModelError(
        "{file} uses {kind}, {operator}, which no other program has. "
        "Convert the model without it, or import the original model.",
        file=file,
        kind=kind,
        operator=name.removeprefix("Flex")[:60],
    )


def _not_converted(file: str, reason: Value) -> ModelError:
    return ModelError(
        "{file} cannot be converted to ONNX: {reason}. Import the original model, or its export to ONNX.",
        file=file,
        reason=reason,
    )


def _check_operators(network: ModelProto, file: str) -> None:
    for node in network.graph.node:
        if node.domain not in {"", "ai.onnx"} or not onnx.defs.has(node.op_type):
            raise _not_converted(file, message("it has no operator {operator}", operator=node.op_type))


# -- conversion --------------------------------------------------------------------------------------------------------


def _network(model: Any, operators: dict[int, str], interpreter: Any) -> ModelProto:
    """Convert the only network of a model; any exception if it fails."""
    # The shapes in the file are not reliable.
    shapes = {detail["name"]: detail["shape_signature"].tolist() for detail in interpreter.get_tensor_details()}
    nodes, _, _, shapes, kinds, inputs, outputs, _ = parse_tflite_graph(
        model.Subgraphs(0), operators, model, "", shapes
    )
    graph = Graph(nodes, shapes, kinds, input_names=inputs, output_names=outputs, is_subgraph=False)
    graph.set_config(None, _OPSET, None)
    graph = process_graphs(graph, [], None, [], [], False, None, None, None, is_tflite=True)
    network: ModelProto = optimize_graph(graph).make_model("TensorFlow Lite")
    return network


def _compute_in_floats(graph: onnx.GraphProto) -> bool:
    """Leave out the rounding of values whose range is that of all images together; return whether there is any.

    TensorFlow Lite rounds them for each image: an approximation for speed, which depends on the other images here.
    """
    rounded = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "DynamicQuantizeLinear"}
    plain = {
        node.output[0]: rounded[node.input[0]]
        for node in graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in rounded
    }
    kept = [
        node for node in graph.node if node.op_type != "DynamicQuantizeLinear" and not plain.keys() & set(node.output)
    ]
    for node in kept:
        node.input[:] = [plain.get(name, name) for name in node.input]
    del graph.node[:]
    graph.node.extend(kept)
    return bool(rounded)


def _widen(graph: onnx.GraphProto) -> bool:
    """Compute in floats, also with constants, where values are quantized to 16 bits; return whether any are.

    ONNX Runtime has few operators for them. The steps are so small that only the limits matter, to which they clip.
    """
    constants = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}
    quantizing = [node for node in graph.node if node.op_type in {"QuantizeLinear", "DequantizeLinear"}]
    if not any(constants[node.input[2]].dtype == np.int16 for node in quantizing):
        return False
    for node in quantizing:
        (source, scale, zero), (made,) = node.input, node.output
        step = constants[scale]
        if source in constants:
            axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
            sides = [-1 if at == axis and step.ndim else 1 for at in range(constants[source].ndim)]
            shifted = constants[source].astype(np.float32) - constants[zero].reshape(sides)
            value = numpy_helper.from_array((shifted * step.reshape(sides)).astype(np.float32))
            node.CopyFrom(helper.make_node("Constant", [], [made], value=value))
        elif constants[zero].dtype == np.int16 and node.op_type == "DequantizeLinear":
            node.CopyFrom(helper.make_node("Identity", [source], [made]))
        elif constants[zero].dtype == np.int16:
            names = [f"{made}_least", f"{made}_most"]
            limits = (np.float32(limit) * step for limit in (-(1 << 15), (1 << 15) - 1))
            graph.initializer.extend(map(numpy_helper.from_array, limits, names))
            node.CopyFrom(helper.make_node("Clip", [source, *names], [made]))
    del graph.value_info[:]  # with the types from before
    return True


def _open_ends(graph: onnx.GraphProto, model: Any, interpreter: Any) -> dict[str, str]:
    """Give inputs and outputs the names of the signature, and real values instead of quantized ones.

    Return the new names by those of the tensors in the file.
    """
    names = _signature(model)
    details = {detail["name"]: detail for detail in interpreter.get_input_details() + interpreter.get_output_details()}
    taken = {name for node in graph.node for name in (*node.input, *node.output)}
    new: dict[str, str] = {}
    first: list[onnx.NodeProto] = []
    last: list[onnx.NodeProto] = []
    for value, added in [(value, first) for value in graph.input] + [(value, last) for value in graph.output]:
        inside = value.name
        name = names.get(inside, inside)
        quantized = bool(details[inside]["quantization"][0])
        narrow = quantized and details[inside]["dtype"] is not np.int16  # see `_widen`
        while name in taken and (narrow or name != inside):
            name = f"{name}_"
        taken.add(name)
        value.name = new[inside] = name
        if quantized:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
        if narrow:
            added.append(_quantization(graph, inside, name, details[inside], gives=added is last))
        elif name != inside:
            for node in graph.node:
                node.input[:] = [name if one == inside else one for one in node.input]
                node.output[:] = [name if one == inside else one for one in node.output]
    kept = [*first, *graph.node, *last]
    del graph.node[:]
    graph.node.extend(kept)
    return new


def _quantization(graph: onnx.GraphProto, inside: str, name: str, detail: Detail, *, gives: bool) -> onnx.NodeProto:
    """Return the operator between a quantized input or output (`gives`) and its real values."""
    scale, zero = detail["quantization"]
    step = numpy_helper.from_array(np.array(scale, np.float32), f"{name}_scale")
    origin = numpy_helper.from_array(np.array(zero, detail["dtype"]), f"{name}_zero")
    graph.initializer.extend([step, origin])
    if gives:
        return helper.make_node("DequantizeLinear", [inside, step.name, origin.name], [name])
    return helper.make_node("QuantizeLinear", [name, step.name, origin.name], [inside])


def _signature(model: Any) -> dict[str, str]:
    """Return the names of inputs and outputs in the signature of a model, by those of their tensors."""
    if model.SignatureDefsLength() != 1:
        return {}
    signature, graph = model.SignatureDefs(0), model.Subgraphs(0)
    maps = [signature.Inputs(at) for at in range(min(signature.InputsLength(), MOST_NODES))]
    maps += [signature.Outputs(at) for at in range(min(signature.OutputsLength(), MOST_NODES))]
    return {graph.Tensors(one.TensorIndex()).Name().decode(): one.Name().decode() for one in maps}


# -- comparison --------------------------------------------------------------------------------------------------------


def _compared(content: bytes, interpreter: Any, names: dict[str, str], file: str, *, quantized: bool) -> _Compared:
    """Compare ONNX Runtime with the interpreter on random input; ModelError if the difference is large."""
    session = open_session(content, threads=1)
    made = interpreter.get_output_details()
    rng = np.random.default_rng(1)
    pairs: list[tuple[list[Floats], list[Floats]]] = [([], []) for _ in made]
    for _ in range(_SAMPLES):
        given = {}
        for detail in interpreter.get_input_details():
            values = _sample(detail, rng)
            interpreter.set_tensor(detail["index"], values)
            if detail["name"] in names:
                given[names[detail["name"]]] = _real(values, detail)
        interpreter.invoke()
        received = session.run([names[detail["name"]] for detail in made], given)
        for pair, detail, values in zip(pairs, made, received, strict=True):
            pair[0].append(np.asarray(_real(interpreter.get_tensor(detail["index"]), detail), np.float32))
            pair[1].append(np.asarray(values, np.float32))
    details = interpreter.get_tensor_details()
    quantized = quantized or any(detail["quantization"][0] for detail in details)
    tolerance = _TOLERANCE_16_BITS if any(detail["dtype"] is np.int16 for detail in details) else _TOLERANCE
    worst = _Compared(0.0, 0.0, 0.0)
    for (expected, found), detail in zip(pairs, made, strict=True):
        one = _difference(np.stack(expected), np.stack(found), detail["quantization"][0])
        # Rounding one value differently changes the values behind it by more than a step, but few of them.
        if not (one.largest <= tolerance or (quantized and one.average <= one.step)):
            raise ModelError(
                "{file} gives other results after its conversion to ONNX (difference {difference:.2g}). "
                "Import the original model, or its export to ONNX.",
                file=file,
                difference=one.largest,
            )
        worst = max(worst, one, key=lambda compared: compared.largest)
    return worst


def _difference(expected: Floats, found: Floats, step: float) -> _Compared:
    difference = np.abs(expected - found.reshape(expected.shape))
    scale = max(1.0, float(np.abs(expected).max()))
    return _Compared(
        float(difference.max() / scale), float(difference.mean()), step or float(np.ptp(expected)) / _LEVELS
    )


def _sample(detail: Detail, rng: np.random.Generator) -> Values:
    """Return random values for an input: images in [0, 1], codes, any quantized ones, or the first class."""
    shape, kind = tuple(detail["shape"].tolist()), detail["dtype"]
    values: Values
    if detail["quantization"][0]:
        limits = np.iinfo(kind)
        values = rng.integers(limits.min, limits.max, shape, endpoint=True)
    elif np.issubdtype(kind, np.floating):
        values = rng.uniform(0, 1, shape) if len(shape) > 2 else rng.standard_normal(shape)
    else:
        values = np.zeros(shape)
    return values.astype(kind)


def _real(values: Values, detail: Detail) -> Values:
    scale, zero = detail["quantization"]
    if scale:
        values = (values.astype(np.float32) - np.float32(zero)) * np.float32(scale)
    return values


def _notes(compared: _Compared) -> tuple[str, ...]:
    if compared.largest <= _TOLERANCE:
        return ()
    note = message(
        "The model is quantized: values differ from TensorFlow Lite by rounding, {average:.1g} on average and "
        "{largest:.1g} at most; its step is {step:.1g}",
        average=compared.average,
        largest=compared.largest,
        step=compared.step,
    )
    return (str(note),)
