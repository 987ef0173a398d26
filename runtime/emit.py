"""Writing a graph as Python source that needs only torch.

The same text serves everywhere: ``lower`` compiles it into a module, an exported architecture and a bug's reproducer
are files of it. What was trained is therefore what is exported, to the letter.
"""

from collections.abc import Iterator

from archsmith.graph.book import Application, RuleBook
from archsmith.graph.cost import applications
from archsmith.graph.graph import Graph, Node, Value
from archsmith.graph.text import digest
from archsmith.runtime.kernels import KERNELS

HEADER = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"


def network_class(graph: Graph, book: RuleBook, *, name: str = "Network") -> str:
    """The source of an ``nn.Module`` class without arguments whose ``forward`` takes the graph's inputs.

    It returns one tensor, or a tuple if the graph has several outputs. ``HEADER`` must stand above it.

    Raises:
        Infeasible: the book's rules do not accept a call of the graph.
    """
    calls = dict(applications(graph, book))
    modules = [
        f"        self.{_module(position, graph.nodes[position])} = {_filled(template, graph, position, call)}"
        for position, call in calls.items()
        if (template := KERNELS[call.rule.operator].module) is not None
    ]
    arguments = ", ".join(["self", *(_variable(graph, Value(i)) for i in graph.inputs)])
    returned = ", ".join(_variable(graph, value) for value in graph.outputs)
    lines = [
        f"class {name}(nn.Module):",
        f'    """Architecture {digest(graph)}."""',
        "",
        *(["    def __init__(self) -> None:", "        super().__init__()", *modules, ""] if modules else []),
        f"    def forward({arguments}):",
        *(f"        {line}" for line in _statements(graph, calls)),
        f"        return {returned}",
    ]
    return "\n".join(lines) + "\n"


def _statements(graph: Graph, calls: dict[int, Application]) -> Iterator[str]:
    for position, call in calls.items():
        results = [_variable(graph, Value(position, k)) for k in range(len(call.types))]
        kernel = KERNELS[call.rule.operator]
        yield f"{', '.join(results)} = {_filled(kernel.call, graph, position, call)}"


def _filled(template: str, graph: Graph, position: int, call: Application) -> str:
    node = graph.nodes[position]
    inputs = [_variable(graph, value) for value in node.inputs]
    numbers = dict(call.bound) | dict(call.attributes)
    words = {name: value if name == "dtype" else repr(value) for name, value in numbers.items()}
    return template.format(*inputs, all=", ".join(inputs), module=f"self.{_module(position, node)}", **words)


def _module(position: int, node: Node) -> str:
    return f"{node.operator}_{position}"


def _variable(graph: Graph, value: Value) -> str:
    """``x0`` for an input, ``v3`` for a node's only output, ``v3_1`` for one of several."""
    if value.node in (inputs := graph.inputs):
        return f"x{inputs.index(value.node)}"
    several = len(graph.nodes[value.node].types) > 1
    return f"v{value.node}_{value.output}" if several else f"v{value.node}"
