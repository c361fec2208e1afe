"""A cell's equations in numpy → the same as nodes of a graph, a row for each text.

The equations are called with expressions in place of arrays, so every cell of `model.cells` works without
code of its own here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from nextword.export.graph import Graph
from nextword.model.cells import Cell

_OPERATORS: dict[Callable[..., Any], str] = {
    np.add: "Add",
    np.subtract: "Sub",
    np.multiply: "Mul",
    np.divide: "Div",
    np.negative: "Neg",
    np.exp: "Exp",
    np.tanh: "Tanh",
    np.maximum: "Max",
    np.matmul: "MatMul",
}


@dataclass(frozen=True, eq=False)
class Expression(NDArrayOperatorsMixin):
    """Something that equations compute.

    - `operator`: what computes it; `Name` and `Number` for inputs, `Part` for one part of a split.
    - `operands`: expressions, or the name, the number, the count or place of parts.
    """

    operator: str
    operands: tuple[Any, ...]

    def __array_ufunc__(self, function: Any, _method: str, *operands: Any) -> "Expression":
        """The result of a numpy function on expressions."""
        return Expression(_OPERATORS[function], tuple(map(_expression, operands)))

    def __array_function__(self, function: Any, _types: Any, operands: Any, _: Any) -> list["Expression"]:
        """The result of `np.split`, the only other function that cells use."""
        assert function is np.split
        split = Expression("Split", operands)
        return [Expression("Part", (split, place)) for place in range(operands[1])]


def trace(
    cell: Cell,
    graph: Graph,
    kind: type[np.floating],
    values: str,
    state: Mapping[str, str],
    weights: list[str],
) -> tuple[str, dict[str, str]]:
    """Adds the nodes of one time step of a cell.

    **Arguments:**

    - `kind`: the type of the numbers.
    - `values`: name of what the cell reads, shape `(rows, input)`.
    - `state`: the names of the parts of the state before; shape `(rows, hidden)`.
    - `weights`: their names, in the order of PyTorch's module.

    **Returns:** the names of the cell's output and of the parts of the state after, `(rows, hidden)`.
    """
    before = {part: Expression("Name", (name,)) for part, name in state.items()}
    matrices = [Expression("Name", (name,)) for name in weights]
    equations: Callable[..., Any] = cell.equations
    output, after = equations(Expression("Name", (values,)), before, *matrices)
    writer = _Writer(graph, kind)
    return writer.name(output), {part: writer.name(value) for part, value in after.items()}


def _expression(value: Any) -> Expression:
    return value if isinstance(value, Expression) else Expression("Number", (value,))


class _Writer:
    """Writes each expression as a node, once."""

    def __init__(self, graph: Graph, kind: type[np.floating]) -> None:
        self._graph, self._kind = graph, kind
        self._written: dict[int, Any] = {}

    def name(self, expression: Expression) -> str:
        """The name of an expression's value."""
        found: str = self._of(expression)
        return found

    def _of(self, expression: Expression) -> Any:
        """The name of a value, or those of all parts of a split."""
        if id(expression) not in self._written:
            self._written[id(expression)] = self._write(expression)
        return self._written[id(expression)]

    def _write(self, expression: Expression) -> Any:
        node, name = self._graph.node, self.name
        found: Any
        match expression:
            case Expression("Name", (found,)):
                pass
            case Expression("Number", (number,)):
                found = self._graph.constant(f"number_{number}", np.array(number, self._kind))
            case Expression("Split", (whole, count)):
                found = self._graph.nodes_out("Split", [name(whole)], count, axis=1, num_outputs=count)
            case Expression("Part", (split, place)):
                found = self._of(split)[place]
            # 1 / (1 + exp(−x)), whose gradient would be NaN where exp overflows.
            case Expression("Div", (one, Expression("Add", (also_one, Expression("Exp", (power,)))))) if (
                one.operands == also_one.operands == (1,) and power.operator == "Neg"
            ):
                found = node("Sigmoid", [name(power.operands[0])])
            # Rows times a transposed weight, and what is added to them, are one operator.
            case Expression("Add", (added, Expression("MatMul", (weight, rows)))) | Expression(
                "Add", (Expression("MatMul", (weight, rows)), added)
            ):
                found = node("Gemm", [name(rows), name(weight), name(added)], transB=1)
            case Expression("MatMul", (weight, rows)):
                found = node("Gemm", [name(rows), name(weight)], transB=1)
            case Expression(operator, operands):
                found = node(operator, [name(one) for one in operands])
        return found
