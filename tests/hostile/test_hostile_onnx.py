"""ONNX files from a stranger: what runs without end, asks for all memory, or reads other files is refused unrun."""

from __future__ import annotations

import re
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from explorer_testing.advice import has_advice
from explorer_testing.builders import write_bundle
from explorer_testing.programs import run_python
from explorer_testing.window import WindowDriver
from numpy.typing import NDArray
from onnx import FunctionProto, GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper
from pytestqt.qtbot import QtBot

from explorer.app import make_window
from explorer.document.open_requests import OpenRequest
from explorer.errors import ModelError
from explorer.inference.gate import MOST_AT_ONCE
from explorer.inference.gate.check import check_and_try, check_network
from explorer.inference.gate.structure import FUSED, MOST_CALLS, MOST_NODES
from explorer.inference.onnx_import import loading
from explorer.models.bundle import COMPILED, open_bundle, seal
from explorer.paths import pretrained_dir

SHAPE = (2,)
OPSETS = [helper.make_opsetid("", 17)]
CONTROL_FLOW = "it uses control flow"
HUGE = "more than 256 MB"
VALUES = "depends on values"


def node(
    kind: str, inputs: Sequence[str] = ("code",), outputs: Sequence[str] = ("image",), **options: Any
) -> NodeProto:
    return helper.make_node(kind, list(inputs), list(outputs), **options)


def value(name: str, kind: int = TensorProto.FLOAT, shape: Sequence[int | str] | None = ("n", 2)) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def ints(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def network(
    nodes: Sequence[NodeProto],
    functions: Sequence[FunctionProto] = (),
    domains: Sequence[str] = (),
    **constants: NDArray[np.generic],
) -> bytes:
    """Return a network from `code` to `image`; constants are by name."""
    weights = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(list(nodes), "network", [value("code")], [value("image", shape=None)], weights)
    opsets = [*OPSETS, *(helper.make_opsetid(domain, 1) for domain in domains)]
    model = helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=9)
    return bytes(model.SerializeToString())


def function(name: str, nodes: Sequence[NodeProto], domain: str = "own") -> FunctionProto:
    return helper.make_function(
        domain, name, ["code"], ["image"], list(nodes), [*OPSETS, helper.make_opsetid("own", 1)]
    )


def loop(count: str = "count", inputs: str = "code", output: str = "image") -> NodeProto:
    body = helper.make_graph(
        [node("Identity", ["keep"], ["go"]), node("Add", ["state", "state"], ["next"])],
        "body",
        [value("i", TensorProto.INT64, []), value("keep", TensorProto.BOOL, []), value("state", shape=None)],
        [value("go", TensorProto.BOOL, []), value("next", shape=None)],
    )
    return node("Loop", [count, "", inputs], [output], body=body)


def branch(inside: NodeProto) -> GraphProto:
    return helper.make_graph([inside], "branch", [], [value("image", shape=None)])


def if_within_scan() -> bytes:
    one = helper.make_graph([node("Identity", ["state"], ["out"])], "branch", [], [value("out", shape=None)])
    body = helper.make_graph(
        [node("If", ["yes"], ["next"], then_branch=one, else_branch=one), node("Identity", ["x"], ["y"])],
        "body",
        [value("state", shape=None), value("x", shape=None)],
        [value("next", shape=None), value("y", shape=None)],
    )
    scan = node("Scan", ["code", "code"], ["image", "rest"], body=body, num_scan_inputs=1)
    return network([scan], yes=np.array(True))


def nested(depth: int) -> bytes:
    """Return `If` within `If`."""
    inside = node("Identity")
    for _ in range(depth):
        inside = node("If", ["yes"], then_branch=branch(inside), else_branch=branch(node("Identity")))
    return network([inside], yes=np.array(True))


def field(number: int, content: bytes) -> bytes:
    """Return a field of a protobuf message, as the wire has it."""
    size, length = len(content), b""
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def nested_bytes(depth: int) -> bytes:
    """Return graphs within attributes within operators, deeper than any writer goes."""
    content = b""
    for _ in range(depth):
        content = field(1, field(5, field(6, content)))
    return PLAIN + field(7, content)


def renamed(content: bytes, change: Callable[[onnx.ModelProto], None]) -> bytes:
    model = onnx.load_model_from_string(content)
    change(model)
    return bytes(model.SerializeToString())


PLAIN = network([node("MatMul", ["code", "weights"])], weights=np.eye(2, dtype=np.float32))


def external(location: str) -> bytes:
    def change(model: onnx.ModelProto) -> None:
        weights = model.graph.initializer[0]
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        entry = weights.external_data.add()
        entry.key, entry.value = "location", location

    return renamed(PLAIN, change)


def declared(dims: Sequence[int], kind: int = TensorProto.FLOAT) -> bytes:
    def change(model: onnx.ModelProto) -> None:
        weights = model.graph.initializer[0]
        del weights.dims[:]
        weights.dims.extend(dims)
        weights.data_type = kind

    return renamed(PLAIN, change)


def claimed(content: bytes, name: str) -> bytes:
    """Have a network say of one of its tensors that it is small."""
    return renamed(content, lambda model: model.graph.value_info.append(value(name, shape=[1])))


STRUCTURE = {
    "a loop": (network([loop()], count=np.array(2**62)), CONTROL_FLOW),
    "a loop in a function": (
        network(
            [node("F", domain="own")],
            [
                function(
                    "F",
                    [
                        node("Constant", [], ["count"], value=numpy_helper.from_array(np.array(2**62))),
                        loop(),
                    ],
                )
            ],
            ["own"],
        ),
        CONTROL_FLOW,
    ),
    "a loop in a function that nothing calls": (
        network([node("Identity")], [function("F", [loop("code")])], ["own"]),
        CONTROL_FLOW,
    ),
    "an if in a scan": (if_within_scan(), CONTROL_FLOW),
    "an if": (nested(1), CONTROL_FLOW),
    "deep ifs": (nested(20), CONTROL_FLOW),
    "a graph in another operator": (network([node("Identity", extra=branch(node("Identity")))]), CONTROL_FLOW),
    "a sequence": (
        network([node("SequenceConstruct", outputs=["all"]), node("ConcatFromSequence", ["all"], axis=0)]),
        "sequences",
    ),
    "an empty sequence": (network([node("SequenceEmpty", []), node("Identity")]), "sequences"),
    "an optional": (network([node("Optional", outputs=["o"]), node("OptionalGetElement", ["o"])]), "sequences"),
    "a string operator": (network([node("StringNormalizer")]), "strings"),
    "a cast to strings": (network([node("Cast", to=TensorProto.STRING)]), "casts to a type that is not numeric"),
    "a constant of strings": (network([node("Constant", [], value_strings=["a"])]), "a constant of strings"),
    "weights of strings": (network([node("Identity")], words=np.array(["a"], object)), "a type that is not numeric"),
    "machine learning": (
        network([node("Normalizer", domain="ai.onnx.ml")], domains=["ai.onnx.ml"]),
        "custom operator",
    ),
    "another domain": (network([node("Evil", domain="evil")], domains=["evil"]), "custom operator"),
    "com.microsoft's other operators": (
        network([node("ImageScaler", domain="com.microsoft")], domains=["com.microsoft"]),
        "custom operator",
    ),
    "external data": (external("weights.bin"), "external data"),
    "external data above": (external("../../etc/passwd"), "external data"),
    "external data anywhere": (external("/etc/passwd"), "external data"),
    "2**40 elements without data": (declared([2**40]), "but its shape needs"),
    "an overflow": (declared([2**33, 2**33]), "but its shape needs"),
    "a negative size": (declared([-2, -2]), "has a negative size"),
    "many dimensions": (declared([1] * 65), "dimensions"),
    "complex numbers": (declared([2, 1], TensorProto.COMPLEX64), "a type that is not numeric"),
    "an unknown element type": (declared([2, 2], 99), "a type that is not numeric"),
    "no network": (b"no network", "not an ONNX file"),
    "nothing": (b"", "exactly one input"),
    "half a file": (PLAIN[: len(PLAIN) // 2], "not an ONNX file"),
    "graphs deeper than protobuf follows": (nested_bytes(5_000), "not an ONNX file"),
    "a name that is no UTF-8": (network([node("Odd")]).replace(b"Odd", b"\xff\xfe\xfd"), "the file is damaged"),
    "a million operators": (
        network([node("Identity")]) + field(7, field(1, b"") * 1_000_000),
        f"operators, more than {MOST_NODES:,}",
    ),
    "a function that calls itself": (
        network([node("F", domain="own")], [function("F", [node("F", domain="own")])], ["own"]),
        "calls itself",
    ),
    "functions that call each other": (
        network(
            [node("F", domain="own")],
            [function("F", [node("G", domain="own")]), function("G", [node("F", domain="own")])],
            ["own"],
        ),
        "calls itself",
    ),
    "functions that double": (
        network(
            [node("F0", domain="own")],
            [
                function(
                    f"F{n}", [node(f"F{n + 1}", ["code"], ["m"], domain="own"), node(f"F{n + 1}", ["m"], domain="own")]
                )
                for n in range(MOST_CALLS - 1)
            ]
            + [function(f"F{MOST_CALLS - 1}", [node("Identity")])],
            ["own"],
        ),
        "operators",
    ),
    "a long chain of functions": (
        network(
            [node("F0", domain="own")],
            [function(f"F{n}", [node(f"F{n + 1}", domain="own")]) for n in range(5_000)]
            + [function("F5000", [node("Neg")])],
            ["own"],
        ),
        "deep",
    ),
    "a name twice": (network([node("Identity"), node("Neg")]), "a name is duplicate"),
    "an operator before its input": (
        network([node("Neg", ["later"]), node("Identity", outputs=["later"])]),
        "is out of order",
    ),
    "two inputs": (renamed(PLAIN, lambda model: model.graph.input.append(value("more"))), "exactly one input"),
}


@pytest.mark.parametrize("name", STRUCTURE)
def test_what_no_image_network_needs_is_refused(name: str) -> None:
    content, words = STRUCTURE[name]
    with pytest.raises(ModelError, match=words) as caught:
        check_network(content, SHAPE)
    assert has_advice(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


SIZES = {
    "ConstantOfShape": network(
        [
            node("ConstantOfShape", ["shape"], ["huge"]),
            node("ReduceSum", ["huge"], ["sum"], keepdims=0),
            node("Add", ["code", "sum"]),
        ],
        shape=ints(30_000, 30_000),
    ),
    "ConstantOfShape, overflowing": network(
        [
            node("ConstantOfShape", ["shape"], ["huge"]),
            node("ReduceSum", ["huge"], ["sum"]),
            node("Add", ["code", "sum"]),
        ],
        shape=ints(2**31, 2**31, 4),
    ),
    "Expand": network([node("Expand", ["code", "shape"])], shape=ints(100_000, 1_000, 2)),
    "Tile": network([node("Tile", ["code", "often"])], often=ints(10_000, 10_000)),
    "Resize": network(
        [node("Unsqueeze", ["code", "axes"], ["flat"]), node("Resize", ["flat", "", "scales"])],
        axes=ints(1, 2),
        scales=np.array([1, 1, 20_000, 20_000], np.float32),
    ),
    "Pad": network([node("Pad", ["code", "pads"])], pads=ints(0, 0, 0, 10**9)),
    "ConvTranspose": network(
        [node("Unsqueeze", ["code", "axes"], ["flat"]), node("ConvTranspose", ["flat", "kernel"], strides=[1, 10**8])],
        axes=ints(1, 2),
        kernel=np.ones((1, 1, 1, 1), np.float32),
    ),
    "MatMul": network(
        [node("Tile", ["code", "often"], ["long"]), node("Transpose", ["long"], ["t"]), node("MatMul", ["t", "long"])],
        often=ints(1, 10_000),
    ),
    "a size from the shape of the input": network(
        [
            node("Shape", outputs=["shape"]),
            node("Mul", ["shape", "factor"], ["large"]),
            node("Expand", ["one", "large"]),
        ],
        factor=ints(10**5, 10**5),
        one=np.ones((1, 1), np.float32),
    ),
    "within a function": network(
        [node("F", domain="own")],
        [
            function(
                "F",
                [
                    node("Constant", [], ["shape"], value_ints=[100_000, 1_000, 2]),
                    node("Expand", ["code", "shape"]),
                ],
            )
        ],
        ["own"],
    ),
    "a size that is declared otherwise": claimed(
        network([node("Expand", ["code", "shape"], ["huge"]), node("Identity", ["huge"])], shape=ints(10**5, 10**3, 2)),
        "huge",
    ),
    "EyeLike": network([node("Expand", ["code", "shape"], ["m"]), node("EyeLike", ["m"])], shape=ints(10**4, 10**4, 2)),
    "RandomNormal": network([node("RandomNormal", [], shape=[30_000, 30_000]), node("Neg", outputs=["rest"])]),
}


@pytest.mark.parametrize("name", SIZES)
def test_a_tensor_that_is_too_large_is_refused_before_it_is_made(name: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ModelError, match=HUGE) as caught:
            check_network(SIZES[name], SHAPE)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
    assert has_advice(caught.value)


def test_many_tensors_that_are_large_together_are_refused() -> None:
    fill = [node("Expand", ["code", "shape"], [f"part{number}"]) for number in range(20)]
    content = network([*fill, node("Sum", [f"part{number}" for number in range(20)])], shape=ints(10**5, 300, 2))
    with pytest.raises(ModelError, match=r"its tensors take [0-9,]+ MB at a time"):
        check_network(content, SHAPE)


def test_many_large_tensors_one_after_the_other_pass() -> None:
    """What is used up is free again."""
    steps = [node("Neg", [f"part{number}"], [f"part{number + 1}"]) for number in range(20)]
    content = network(
        [node("Expand", ["code", "shape"], ["part0"]), *steps, node("ReduceMean", ["part20"], axes=[0])],
        shape=ints(3 * 10**7, 1, 2),
    )
    assert check_network(content, SHAPE) == 1


def test_large_constants_are_counted_all_at_once() -> None:
    """They are computed when the file is loaded, whatever stands between them."""
    fill = [
        part
        for number in range(20)
        for part in (
            node("ConstantOfShape", ["shape"], [f"huge{number}"]),
            node("ReduceMean", [f"huge{number}"], [f"mean{number}"], keepdims=0),
        )
    ]
    content = network(
        [*fill, node("Sum", ["code", *(f"mean{number}" for number in range(20))])], shape=ints(7_000, 7_000)
    )
    with pytest.raises(ModelError, match=r"its tensors take [0-9,]+ MB at a time"):
        check_network(content, SHAPE)


DEPENDS = {
    "Range": network(
        [
            node("ReduceMax", outputs=["most"], keepdims=0),
            node("Range", ["zero", "most", "one"], ["all"]),
            node("ReduceSum", ["all"], ["sum"]),
            node("Add", ["code", "sum"]),
        ],
        zero=np.array(0, np.float32),
        one=np.array(1e-9, np.float32),
    ),
    "Expand": network([node("Cast", outputs=["shape"], to=TensorProto.INT64), node("Expand", ["code", "shape"])]),
    "NonZero": network([node("NonZero", outputs=["where"]), node("Cast", ["where"], to=TensorProto.FLOAT)]),
    "Tile by a random number": network(
        [
            node("RandomUniform", [], ["number"], shape=[2], high=1e9),
            node("Cast", ["number"], ["often"], to=TensorProto.INT64),
            node("Tile", ["code", "often"]),
        ]
    ),
    "Resize": network(
        [
            node("Reshape", ["code", "flat"], ["scales"]),
            node("Unsqueeze", ["code", "axes"], ["deep"]),
            node("Resize", ["deep", "", "scales"]),
        ],
        axes=ints(1, 2),
        flat=ints(-1),
    ),
}


@pytest.mark.parametrize("name", DEPENDS)
def test_a_size_that_depends_on_values_is_refused(name: str) -> None:
    """No trial could tell how large it becomes: on zeros all of these are small."""
    with pytest.raises(ModelError, match=VALUES):
        check_network(DEPENDS[name], SHAPE)


@pytest.mark.parametrize("name", [*SIZES, *DEPENDS])
def test_an_import_refuses_such_a_size_before_its_first_run(name: str) -> None:
    """No limit of a process is needed: this one has none."""
    given = loading.load(SIZES.get(name) or DEPENDS[name], "hostile.onnx", {})
    with pytest.raises(ModelError, match=rf"^hostile\.onnx: .*({HUGE}|{VALUES})") as caught:
        given.run({"code": np.zeros((1, 2), np.float32)})
    assert has_advice(caught.value)


def test_an_import_bounds_each_number_of_images() -> None:
    content = network([node("Tile", ["code", "often"])], often=ints(1, 20_000_000))
    given = loading.load(content, "hostile.onnx", {})
    assert given.run({"code": np.zeros((1, 2), np.float32)})[0].nbytes == 160_000_000
    with pytest.raises(ModelError, match=r"a tensor takes 305 MB in a run on 2×2, more than 256 MB"):
        given.run({"code": np.zeros((2, 2), np.float32)})


def test_a_size_that_grows_faster_than_the_batch_bounds_the_batch() -> None:
    content = network(
        [
            node("Tile", ["code", "often"], ["long"]),
            node("Transpose", ["long"], ["t"]),
            node("MatMul", ["long", "t"], ["m"]),
            node("Expand", ["m", "shape"]),
        ],
        often=ints(1, 10),
        shape=ints(10_000, 1, 1),
    )
    assert check_network(content, SHAPE) == 64  # 64 · 64 · 10,000 · 4 bytes; 128 would take 655 MB


def test_a_size_that_explodes_between_two_batches_is_found() -> None:
    """Nothing for 1 and 2; 4 · 3 · 2 · 10^8 for 4. Only batches that were checked are ever run."""
    shape = [
        node("Shape", outputs=["shape"]),
        node("Slice", ["shape", "zero", "one"], ["n"]),
        node("Sub", ["n", "one"], ["less"]),
        node("Sub", ["n", "two"], ["least"]),
        node("Mul", ["less", "least"], ["product"]),
        node("Mul", ["product", "factor"], ["size"]),
        node("ConstantOfShape", ["size"], ["huge"]),
        node("ReduceSum", ["huge"], ["sum"]),
        node("Add", ["code", "sum"]),
    ]
    content = network(shape, zero=ints(0), one=ints(1), two=ints(2), factor=ints(10**8))
    assert check_network(content, SHAPE) == 2


# -- In a bundle, with its checksum in the card ------------------------------------------------------------------------


@pytest.fixture(params=["a loop", "ConstantOfShape", "external data above"])
def bundle(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / "hostile"
    write_bundle(folder)
    (folder / COMPILED[1]).write_bytes(STRUCTURE.get(request.param, (SIZES.get(request.param, b""), ""))[0])
    seal(folder, open_bundle(folder, whole=False).card)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="resource is for POSIX")
def test_such_a_bundle_is_refused_in_one_sentence_and_little_memory(bundle: Path) -> None:
    program = """
import json, resource, sys
from pathlib import Path
from explorer.errors import ModelError
from explorer.workers.loading import open_model
try:
    open_model(Path(json.loads(sys.argv[1])))
except ModelError as error:
    # What the kernel counts for a process begins with that of whoever started it; the peak of its own memory does not.
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    most = [int(peak.split()[1]), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]
    print(json.dumps([str(error), max(most) // 1024]))
"""
    said, megabytes = run_python(program, str(bundle))
    assert re.match(
        r"Cannot open the model .*hostile\. decoder\.onnx: .* cannot be run safely: .*\. Only open models", said
    )
    assert megabytes < 500


def test_the_window_says_so_and_stays_alive(bundle: Path, qapp: object, qtbot: QtBot) -> None:
    driver = WindowDriver(make_window(), qtbot)
    try:
        driver.document.open_requested.emit(OpenRequest((bundle,), "model"))
        driver.until(lambda: bool(driver.problems))
        assert "decoder.onnx: The network cannot be run safely" in str(driver.problems[0].message)
        assert driver.document.model is None
        driver.open()
    finally:
        driver.close()


# -- What passes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", sorted(pretrained_dir().glob("*/*coder.onnx")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_every_network_that_ships_passes(path: Path) -> None:
    (given,) = onnx.load(path).graph.input
    shape = tuple(dim.dim_value for dim in given.type.tensor_type.shape.dim)[1:]
    assert check_network(path.read_bytes(), shape) >= 32


def test_functions_of_the_file_are_followed() -> None:
    content = network(
        [node("F", ["code"], ["m"], domain="own"), node("F", ["m"], domain="own")],
        [function("F", [node("G", domain="own")]), function("G", [node("Neg")])],
        ["own"],
    )
    assert list(check_and_try(content, SHAPE)) == [MOST_AT_ONCE] * 3


def test_an_operator_that_inference_does_not_know_is_tried() -> None:
    assert "Gelu" in FUSED
    content = network([node("Gelu", domain="com.microsoft")], domains=["com.microsoft"])
    # As the file is for 1 and 2, and with what is unknown as an output in larger batches, which are fast.
    assert list(check_and_try(content, SHAPE)) == [2, 2, 2, *(1 << power for power in range(9))]


def test_a_size_that_only_runs_tell_bounds_the_batch() -> None:
    content = network(
        [
            node("Gelu", outputs=["m"], domain="com.microsoft"),
            node("Tile", ["m", "often"], ["t"]),
            node("ReduceMax", ["t"]),
        ],
        domains=["com.microsoft"],
        often=ints(1, 10_000_000),
    )
    assert list(check_and_try(content, SHAPE))[-1] == 2  # 160 MB, and 320 MB for 4


def test_what_does_not_run_is_refused() -> None:
    content = network([node("MatMul", ["code", "weights"])], weights=np.eye(3, dtype=np.float32))
    with pytest.raises(ModelError, match="a trial run failed"):
        list(check_and_try(content, SHAPE))


def test_a_size_that_only_a_run_tells_is_measured() -> None:
    content = network(
        [
            node("Gelu", outputs=["m"], domain="com.microsoft"),
            node("Tile", ["m", "often"], ["t"]),
            node("ReduceMax", ["t"]),
        ],
        domains=["com.microsoft"],
        often=ints(10_000, 4_000),
    )
    with pytest.raises(ModelError, match=r"a tensor takes 305 MB .*more than 256 MB"):
        list(check_and_try(content, SHAPE))
