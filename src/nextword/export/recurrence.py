"""A layer of the network in a training graph: along time by `Scan`, and back through time.

What a cell computes from the words alone is done for all steps at once, a row for each word. What needs the
state is the body of a `Scan`. Gradients go back through another `Scan`, which outputs the gradient at each
place where a weight is used; a weight's own gradient is then one product over all rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, helper

from nextword.export.backward import Backward, OwnRule
from nextword.export.equations import trace
from nextword.export.graph import Graph
from nextword.model.cells import Cell


@dataclass(frozen=True)
class Layer:
    """What must be known about a layer.

    - `prefix`: begins the names of its values.
    - `cell`: what it computes.
    - `kind`: the type of its numbers.
    - `weights`: their names, in the order of PyTorch's module.
    - `vectors`: the names of those with one axis.
    - `learnt`: the names of those that learn.
    """

    prefix: str
    cell: Cell
    kind: type[np.floating]
    weights: list[str]
    vectors: set[str]
    learnt: set[str]


def add_layer(
    graph: Graph, own: dict[str, OwnRule], layer: Layer, values: str, state: Mapping[str, str], by_step: str
) -> tuple[str, dict[str, str]]:
    """Adds a layer that runs along time.

    **Arguments:**

    - `own`: receives the gradient rule of its `Scan`.
    - `values`: name of what it reads, `(time · batch, input)`.
    - `state`: the names of the parts of the state before the first word, each `(batch, hidden)`.
    - `by_step`: name of the shape (time, batch, −1).

    **Returns:** the names of its output, `(time · batch, hidden)`, and of the parts of the state after the
    last word, `(batch, hidden)`.
    """
    traced = graph.within(layer.prefix)
    before = {part: f"{layer.prefix}{part}" for part in state}
    output, after = trace(layer.cell, traced, layer.kind, values, before, layer.weights)
    of_state = set(before.values())
    steps = []
    for node in traced.nodes:
        if of_state.isdisjoint(node.input):
            graph.nodes.append(node)
        else:
            steps.append(node)
            of_state.update(node.output)
    if not steps:
        return output, {}
    return _Recurrence(graph, layer, steps, before, after, output).add(own, state, by_step)


class _Recurrence:
    """The part of a layer that needs the state.

    **Arguments:**

    - `nodes`: of one step.
    - `before`, `after`: the names of the parts of the state before and after it.
    - `output`: the name of its output.
    """

    def __init__(
        self,
        graph: Graph,
        layer: Layer,
        nodes: list[NodeProto],
        before: Mapping[str, str],
        after: Mapping[str, str],
        output: str,
    ) -> None:
        self._graph, self._layer, self._before, self._after = graph, layer, before, after
        self._output = output
        known = {name for node in nodes for name in node.output} | {*before.values(), *layer.weights}
        known.update(tensor.name for tensor in graph.initializers)
        # What was computed for all rows, and its name in a step.
        self._rows = {name: f"{name}_here" for name in _inputs(nodes) if name not in known}
        self._nodes = _renamed(nodes, self._rows)

    def add(
        self, own: dict[str, OwnRule], state: Mapping[str, str], by_step: str
    ) -> tuple[str, dict[str, str]]:
        """Adds both `Scan`s, the second one when gradients are requested; as `add_layer`."""
        graph, prefix, kind = self._graph, self._layer.prefix, self._layer.kind
        back, found, ends = self._back()
        sums, of_weights = self._sums(found)
        # What is needed from each step later: from its nodes, and from its gradients.
        values = {*self._before.values(), *(name for node in self._nodes for name in node.output)}
        later = [*_inputs(back.nodes), *_inputs(sums.nodes)]
        kept = _each_once(name for name in later if name in values)
        scanned = {here: graph.node("Reshape", [rows, by_step]) for rows, here in self._rows.items()}
        stacks = {name: f"{name}_steps" for name in kept} | scanned
        last = {part: f"{prefix}last_{part}" for part in state}
        given = f"{prefix}output_steps"
        _scan(
            graph,
            _body(
                self._nodes,
                [*self._before.values(), *self._rows.values()],
                [*self._after.values(), self._output, *kept],
                kind,
            ),
            [*state.values(), *scanned.values()],
            [*last.values(), given, *(stacks[name] for name in kept)],
            len(scanned),
            f"{prefix}scan",
        )

        def rule(backward: Backward, of_outputs: list[str]) -> dict[str, str]:
            read = _each_once(name for name in _inputs(back.nodes) if name in stacks)
            of_output = graph.node("Reshape", [of_outputs[len(last)], by_step])
            asked = [found[here] for here in self._rows.values()]
            wanted = _each_once(
                [*asked, *(name for name in _inputs(sums.nodes) if name in {*found.values()})]
            )
            steps = {name: f"{name}_steps" for name in wanted}
            _scan(
                graph,
                _body(
                    back.nodes,
                    [*ends.values(), f"{prefix}back_output", *read],
                    [*(found[name] for name in self._before.values()), *wanted],
                    kind,
                ),
                [
                    *(backward.zeros_like(name) for name in last.values()),
                    of_output,
                    *(stacks[name] for name in read),
                ],
                [*(f"{prefix}first_{part}" for part in ends), *steps.values()],
                1 + len(read),
                f"{prefix}back",
                is_back=True,
            )
            used = _each_once(name for name in _inputs(sums.nodes) if name in stacks | steps)
            rows = {
                name: graph.node("Flatten", [(stacks | steps)[name]], axis=2)
                for name in _each_once([*used, *asked])
            }
            graph.nodes += _renamed(sums.nodes, rows)
            of_rows = {name: rows[found[here]] for name, here in self._rows.items()}
            return of_rows | {name: rows.get(gradient, gradient) for name, gradient in of_weights.items()}

        own[f"{prefix}scan"] = rule
        return graph.node("Flatten", [given], axis=2), last

    def _back(self) -> tuple[Graph, dict[str, str], dict[str, str]]:
        """A step back: its nodes, the names of the gradients, and of those it starts from, by part."""
        back = self._graph.within(f"{self._layer.prefix}back_")
        ends = {part: f"{self._layer.prefix}back_{part}" for part in self._after}
        seeds = {name: ends[part] for part, name in self._after.items()}
        of_output = f"{self._layer.prefix}back_output"
        before = seeds.get(self._output)
        seeds[self._output] = back.node("Add", [before, of_output]) if before else of_output
        asked = [*self._before.values(), *self._rows.values()]
        backward = Backward(back, self._layer.kind, self._layer.vectors)
        return back, backward.gradients(self._nodes, seeds, asked), ends

    def _sums(self, found: Mapping[str, str]) -> tuple[Graph, dict[str, str]]:
        """The gradients of weights from those in all steps: nodes, and the names of the gradients."""
        sums = self._graph.within(f"{self._layer.prefix}sum_")
        backward = Backward(sums, self._layer.kind, self._layer.vectors)
        gradients: dict[str, str] = {}
        for node in self._nodes:
            for place, name in enumerate(node.input):
                if name in self._layer.learnt:
                    gradient = backward.of_input(node, [found[one] for one in node.output], place)
                    before = gradients.get(name)
                    gradients[name] = sums.node("Add", [before, gradient]) if before else gradient
        return sums, gradients


def _scan(
    graph: Graph,
    body: onnx.GraphProto,
    inputs: list[str],
    outputs: list[str],
    scanned: int,
    name: str,
    *,
    is_back: bool = False,
) -> None:
    """Adds a `Scan`, from the last step to the first if `is_back`."""
    carried = len(inputs) - scanned
    directions: dict[str, Any] = {
        "scan_input_directions": [1] * scanned,
        "scan_output_directions": [1] * (len(outputs) - carried),
    }
    graph.nodes.append(
        helper.make_node(
            "Scan",
            inputs,
            outputs,
            name=name,
            body=body,
            num_scan_inputs=scanned,
            **(directions if is_back else {}),
        )
    )


def _body(
    nodes: list[NodeProto], inputs: list[str], outputs: list[str], kind: type[np.floating]
) -> onnx.GraphProto:
    """A graph of one step. Each output gets a name of its own, never that of an input."""
    nodes, taken, names = list(nodes), {*inputs}, []
    for output in outputs:
        name = output
        if output in taken:
            name = f"{output}_again_{len(nodes)}"
            nodes.append(helper.make_node("Identity", [output], [name]))
        taken.add(name)
        names.append(name)
    type_ = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    inputs_, outputs_ = (
        [helper.make_tensor_value_info(name, type_, None) for name in some] for some in (inputs, names)
    )
    return helper.make_graph(nodes, "step", inputs_, outputs_)


def _inputs(nodes: Iterable[NodeProto]) -> list[str]:
    return _each_once(name for node in nodes for name in node.input if name)


def _each_once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _renamed(nodes: Iterable[NodeProto], names: Mapping[str, str]) -> list[NodeProto]:
    """Nodes that read other values instead."""
    found = []
    for node in nodes:
        copied = NodeProto()
        copied.CopyFrom(node)
        copied.input[:] = [names.get(name, name) for name in node.input]
        found.append(copied)
    return found
