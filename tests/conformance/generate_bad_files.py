"""Writes `bad_files.json`: model files that all languages must reject with the same message.

    PYTHONPATH=src:tests python tests/conformance/generate_bad_files.py

To keep the table small, a file is described by its differences from one of the models next to this script:
in `base`, each of `splices`, `[start, end, base64]`, replaces the bytes from `start` up to but not including
`end`. Positions are those in `base`; splices are in order and do not overlap. `error` names the class of the
error, and `message` is part of its message: the beginning after the name of the file, or all of it.
"""

import base64
import difflib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
BASE = "quibble.onnx"

DAMAGED = "is not an ONNX model: damaged, cut short, or another kind of file; copy or export it again"
FOREIGN = "has parts that this version cannot read; export it again, or install a newer nextword"
ELSEWHERE = "keeps weights in another file, which is not supported; export it as one file"
UNFIT = "has a graph that does not match its metadata; export it again"
LARGE = "creates tensors larger than any model needs; export it again"
NOT_FINITE = "has weights that are not finite numbers; train and export it again"
NO_NEXTWORD = "is not a nextword model"
UNLOADABLE = "cannot be loaded by onnxruntime"
NEWER = "has a newer version of ONNX than onnxruntime"
UNRUNNABLE = "cannot be run by onnxruntime"

Change = Callable[[ModelProto], object]
Case = tuple[str, str, Change | bytes, str]  # name, base, change, message


def operator(name: str) -> str:
    return f"needs the operator {name}, which this version does not support"


def metadata(message: str) -> str:
    return f"has damaged metadata ({message}); export it again"


# ── changes ─────────────────────────────────────────────────────────────────────────────────────


def prop(key: str, value: str) -> Change:
    """Sets a value of the metadata."""

    def change(model: ModelProto) -> None:
        next(one for one in model.metadata_props if one.key == key).value = value

    return change


def without(key: str) -> Change:
    def change(model: ModelProto) -> None:
        kept = [one for one in model.metadata_props if one.key != key]
        del model.metadata_props[:]
        model.metadata_props.extend(kept)

    return change


def twice(model: ModelProto) -> None:
    model.metadata_props.add(key="context", value="3")


def value(model: ModelProto, name: str) -> onnx.TypeProto.Tensor:
    """The type of an input or output."""
    puts = (*model.graph.input, *model.graph.output)
    found: onnx.TypeProto.Tensor = next(one for one in puts if one.name == name).type.tensor_type
    return found


def typed(name: str, kind: int) -> Change:
    def change(model: ModelProto) -> None:
        value(model, name).elem_type = kind

    return change


def shaped(name: str, *sizes: int | str) -> Change:
    def change(model: ModelProto) -> None:
        tensor = helper.make_tensor_value_info("", 1, sizes).type.tensor_type
        value(model, name).shape.CopyFrom(tensor.shape)

    return change


def stored(model: ModelProto, name: str) -> TensorProto:
    found: TensorProto = next(one for one in model.graph.initializer if one.name == name)
    return found


def weight(name: str, number: float) -> Change:
    """Sets the first number of a stored tensor."""

    def change(model: ModelProto) -> None:
        tensor = stored(model, name)
        values = numpy_helper.to_array(tensor).copy()
        values.reshape(-1)[0] = number
        tensor.raw_data = values.tobytes()

    return change


def external(model: ModelProto) -> None:
    tensor = stored(model, "matrix")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../../etc/passwd")


def external_constant(model: ModelProto) -> None:
    tensor = TensorProto(name="c", data_type=1, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/dev/zero")
    first(model, helper.make_node("Constant", [], ["c"], value=tensor))


def first(model: ModelProto, *nodes: NodeProto) -> None:
    """Puts nodes before all others."""
    rest = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *rest])


def added(operator: str, domain: str = "") -> Change:
    return lambda model: first(model, helper.make_node(operator, ["ids"], ["more"], domain=domain))


def body() -> onnx.GraphProto:
    """A graph that does nothing."""
    true = helper.make_tensor_value_info("on", TensorProto.BOOL, [])
    number = helper.make_tensor_value_info("number", TensorProto.INT64, [])
    node = helper.make_node("Identity", ["going"], ["on"])
    going = helper.make_tensor_value_info("going", TensorProto.BOOL, [])
    return helper.make_graph([node], "body", [number, going], [true])


def loop(model: ModelProto) -> None:
    count = numpy_helper.from_array(np.array(2**62), "count")
    model.graph.initializer.append(count)
    first(model, helper.make_node("Loop", ["count", ""], [], body=body()))


def graph_in_an_attribute(model: ModelProto) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute("body", body()))


def growing(operator: str, inputs: list[str], *sizes: int) -> Change:
    """Adds an operator whose output size is given by stored numbers."""

    def change(model: ModelProto) -> None:
        numbers = np.array(sizes if len(sizes) > 1 or operator != "OneHot" else sizes[0])
        model.graph.initializer.append(numpy_helper.from_array(numbers, "sizes"))
        first(model, helper.make_node(operator, inputs, ["more"]))

    return change


def computed(operator: str, *inputs: str) -> Change:
    """Adds an operator whose output size is the product of two numbers."""
    product = helper.make_node("Mul", ["depth", "depth"], ["sizes"])
    return lambda model: first(model, product, helper.make_node(operator, list(inputs), ["more"]))


def initial_input(model: ModelProto) -> None:
    state = np.zeros((2, 3, 1), np.int64)
    model.graph.initializer.append(numpy_helper.from_array(state, "clock"))


def function(model: ModelProto) -> None:
    opsets = [helper.make_opsetid("", 20)]
    node = helper.make_node("Identity", ["x"], ["y"])
    model.functions.append(helper.make_function("local", "F", ["x"], ["y"], [node], opsets))
    model.opset_import.append(helper.make_opsetid("local", 1))


def sparse(model: ModelProto) -> None:
    values = numpy_helper.from_array(np.ones(1, np.float32), "sparse")
    indices = numpy_helper.from_array(np.zeros(1, np.int64), "indices")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [2**40]))


def numbers_one_by_one(model: ModelProto) -> None:
    tensor = stored(model, "matrix")
    tensor.float_data.extend(numpy_helper.to_array(tensor).reshape(-1).tolist())
    tensor.ClearField("raw_data")


def strings(model: ModelProto) -> None:
    model.graph.initializer.append(
        TensorProto(name="s", data_type=TensorProto.STRING, dims=[1], string_data=[b"x"])
    )


def resized(name: str, *sizes: int) -> Change:
    def change(model: ModelProto) -> None:
        stored(model, name).dims[:] = sizes

    return change


def renamed(old: str, new: str) -> Change:
    def change(model: ModelProto) -> None:
        next(one for one in (*model.graph.input, *model.graph.output) if one.name == old).name = new

    return change


def newer_format(model: ModelProto) -> None:
    model.ir_version = 99


def newer_operators(model: ModelProto) -> None:
    model.opset_import[0].version = 99


def undefined_input(model: ModelProto) -> None:
    model.graph.node[-1].input[0] = "nothing"


def another_shape_than_said(model: ModelProto) -> None:
    """Returns the clock with one row, though the graph declares two."""
    node = next(one for one in model.graph.node if one.output[0] == "next_clock")
    node.output[0] = "both"
    model.graph.initializer.append(numpy_helper.from_array(np.array([0]), "row"))
    model.graph.node.append(helper.make_node("Gather", ["both", "row"], ["next_clock"], axis=0))


def fails_when_run(model: ModelProto) -> None:
    """Reads the hundredth word of a text, even if it is shorter."""
    model.graph.initializer.append(numpy_helper.from_array(np.array([99]), "far"))
    node = next(one for one in model.graph.node if "ids" in one.input and one.op_type == "OneHot")
    node.input[0] = "picked"
    first(model, helper.make_node("Gather", ["ids", "far"], ["picked"], axis=1))


def split_otherwise(model: ModelProto) -> None:
    """Declares another number of outputs of a Split than it has."""
    node = next(one for one in model.graph.node if one.op_type == "Split")
    next(one for one in node.attribute if one.name == "num_outputs").i = 1


def infinite_logits(model: ModelProto) -> None:
    """Sets finite weights whose product overflows a float32."""
    tensor = stored(model, "matrix")
    shape = numpy_helper.to_array(tensor).shape
    tensor.raw_data = np.full(shape, 3e38, np.float32).tobytes()
    tilt = stored(model, "tilt")
    tilt.raw_data = np.full((1, shape[1]), 3e38, np.float32).tobytes()


def many_axes(model: ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.zeros([1] * 9, np.float32), "axes"))


# ── cases ───────────────────────────────────────────────────────────────────────────────────────


def metadata_cases() -> list[Case]:
    not_json = {
        "half": '["the"',
        "an infinity": "Infinity",
        "NaN among them": '{"model": NaN}',
        "beyond a float": '{"model": 1e999}',
    }
    wrong = [
        ("dictionary", "[]"),
        ("dictionary", '["a", "a"]'),
        ("dictionary", '["a", ""]'),
        ("dictionary", '{"a": 0}'),
        ("dictionary", '["\\ud800"]'),
        ("lowercase", "1"),
        ("line_ends", "null"),
        ("context", "0"),
        ("context", "true"),
        ("context", "1.5"),
        ("context", "4294967296"),
        ("layers", "0"),
        ("hidden", '"8"'),
        ("cell", ""),
        ("unknown", "true"),
        ("unknown", "20"),
        ("dictionary", "3"),
        ("unknown", "-1"),
        ("params", "[]"),
        ("metrics", "3"),
        ("metrics", '{"a": ' + "[" * 100 + "]" * 100 + "}"),
    ]
    return [
        *(
            (
                f"metadata that are not JSON: {name}",
                BASE,
                prop("metrics", text),
                metadata("metrics is not JSON"),
            )
            for name, text in not_json.items()
        ),
        *(
            (f"{key} that is {text[:20]}", BASE, prop(key, text), metadata(f"{key} cannot be {text[:40]}"))
            for key, text in wrong
        ),
        ("a dictionary that is missing", BASE, without("dictionary"), metadata("dictionary is missing")),
        ("a key that comes twice", BASE, twice, metadata("context occurs twice")),
        ("no format", BASE, without("format"), NO_NEXTWORD),
        ("a format of tomorrow", BASE, prop("format", "nextword/3"), "has nextword/3, which this version"),
        ("a way to split of tomorrow", BASE, prop("split_by", "leaves"), "has split_by leaves, which this"),
        ("weights of tomorrow", BASE, prop("weights", "int4"), "has weights int4, which this version"),
    ]


def graph_cases() -> list[Case]:
    expanded = ["half", "sizes"]
    return [
        ("a loop of 2^62 rounds", BASE, loop, operator("Loop")),
        *(
            (f"an operator that is not run: {name}", BASE, added(name), operator(name))
            for name in ("If", "Scan", "SequenceMap", "NonZero", "Conv", "Resize", "RandomNormal", "Einsum")
        ),
        ("an operator of another domain", BASE, added("BeamSearch", "com.microsoft"), operator("BeamSearch")),
        ("a foreign operator by a known name", BASE, added("Add", "com.example"), operator("Add")),
        ("a graph in an attribute", BASE, graph_in_an_attribute, FOREIGN),
        ("a function", BASE, function, FOREIGN),
        ("a sparse tensor", BASE, sparse, FOREIGN),
        ("strings", BASE, strings, FOREIGN),
        ("numbers stored one by one", BASE, numbers_one_by_one, FOREIGN),
        ("weights in another file", BASE, external, ELSEWHERE),
        ("a constant in another file", BASE, external_constant, ELSEWHERE),
        ("an Expand to a gigabyte", BASE, growing("Expand", expanded, 1024, 1024, 256), LARGE),
        ("an Expand to a computed size", BASE, computed("Expand", "half", "sizes"), LARGE),
        ("a ConstantOfShape of a gigabyte", BASE, growing("ConstantOfShape", ["sizes"], 2**28), LARGE),
        ("a Tile to a gigabyte", BASE, growing("Tile", ["matrix", "sizes"], 2**14, 2**14), LARGE),
        ("a Pad to a gigabyte", BASE, growing("Pad", ["matrix", "sizes"], 0, 0, 2**14, 2**14), LARGE),
        ("a OneHot of a gigabyte", BASE, growing("OneHot", ["ids", "sizes", "values"], 2**28), LARGE),
        ("a Range of a gigabyte", BASE, growing("Range", ["zero", "sizes", "one"], 2**28), LARGE),
        ("a Range to a computed end", BASE, computed("Range", "zero", "sizes", "one"), LARGE),
        ("a weight that is not a number", BASE, weight("matrix", float("nan")), NOT_FINITE),
        ("a weight that is infinite", BASE, weight("tilt", float("-inf")), NOT_FINITE),
        ("a float16 weight that is infinite", "gru.onnx", weight("R_1_float16", float("inf")), NOT_FINITE),
        ("a tensor larger than its numbers", BASE, resized("matrix", 2**40, 2**20), DAMAGED),
        ("a tensor of negative size", BASE, resized("matrix", -20, -20), DAMAGED),
        ("a tensor of nine axes", BASE, many_axes, DAMAGED),
        ("ids of another type", BASE, typed("ids", TensorProto.INT32), UNFIT),
        ("ids of another rank", BASE, shaped("ids", "time"), UNFIT),
        ("ids of a fixed size", BASE, shaped("ids", 1, 1), UNFIT),
        ("logits of another type", BASE, typed("logits", TensorProto.DOUBLE), UNFIT),
        ("logits of another dictionary", BASE, shaped("logits", "batch", 21), UNFIT),
        ("features of another type", BASE, typed("features", TensorProto.INT64), UNFIT),
        ("a state of strings", BASE, typed("clock", TensorProto.STRING), UNFIT),
        ("a state of two open axes", BASE, shaped("trace", "batch", "more", 1), UNFIT),
        ("a state of no open axis", BASE, shaped("trace", 1, 20, 1), UNFIT),
        ("a state of a terabyte", BASE, shaped("trace", "batch", 2**20, 2**18), UNFIT),
        ("a state that does not come back", BASE, renamed("next_clock", "clock_after"), UNFIT),
        ("a state that is stored too", BASE, initial_input, UNFIT),
        ("a Split into fewer than it gives", "fixed.onnx", split_otherwise, DAMAGED),
        ("a format of ONNX of tomorrow", BASE, newer_format, NEWER),
        ("operators of tomorrow", BASE, newer_operators, NEWER),
        ("a value that nothing makes", BASE, undefined_input, UNLOADABLE),
        (
            "a state of another shape than said",
            BASE,
            another_shape_than_said,
            "outputs clock in a shape other than declared",
        ),
        ("a graph that fails when it is run", BASE, fails_when_run, UNRUNNABLE),
        ("logits that are not finite", BASE, infinite_logits, "outputs logits that are not finite numbers"),
    ]


def byte_cases() -> list[Case]:
    whole = (HERE / BASE).read_bytes()
    params = b'{"train": {"seed": 0}}'
    return [
        ("nothing", BASE, b"", "is empty; copy or export it again"),
        ("a text", BASE, b"Long ago, the mice had a general council.\n", DAMAGED),
        ("half a file", BASE, whole[: len(whole) // 2], DAMAGED),
        ("a file with something after it", BASE, whole + b"\0", DAMAGED),
        ("two graphs", BASE, whole + b"\x3a\x00", DAMAGED),
        ("a number that is too long", BASE, b"\x08" + b"\xff" * 10 + b"\x01" + whole, DAMAGED),
        ("a file of onnxruntime's own format", BASE, b"\x12\x06aaORTM" + whole, DAMAGED),
        ("a name that is not UTF-8", BASE, whole.replace(b"next_clock", b"next_\xfflock"), DAMAGED),
        (
            "metadata that are not UTF-8",
            BASE,
            whole.replace(params, b"\xff" * len(params)),
            metadata("params is not UTF-8"),
        ),
        (
            "a text graph",
            "fixed.text.onnx",
            (HERE / "fixed.text.onnx").read_bytes(),
            "is a text graph, which onnxruntime runs by itself; load the step graph",
        ),
    ]


def changed(whole: bytes, change: Change | bytes) -> bytes:
    """The bytes of a file after a change."""
    if isinstance(change, bytes):
        return change
    model = onnx.load_from_string(whole)
    change(model)
    data: bytes = model.SerializeToString()
    return data


def splices(base: bytes, other: bytes) -> list[list[int | str]]:
    """The splices that turn one file into the other."""
    matcher = difflib.SequenceMatcher(None, base, other, autojunk=False)
    return [
        [start, end, base64.b64encode(other[low:high]).decode()]
        for kind, start, end, low, high in matcher.get_opcodes()
        if kind != "equal"
    ]


def main() -> None:
    """Writes the table."""
    table = []
    for name, base, change, message in [*byte_cases(), *metadata_cases(), *graph_cases()]:
        whole = (HERE / base).read_bytes()
        parts = splices(whole, changed(whole, change))
        table.append(
            {"name": name, "base": base, "splices": parts, "error": "ModelFileError", "message": message}
        )
    lines = ",\n".join(json.dumps(case, ensure_ascii=True) for case in table)
    (HERE / "bad_files.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
