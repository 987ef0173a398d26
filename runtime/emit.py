"""Writing a graph as Python source that needs only torch.

The same text serves everywhere: ``lower`` compiles it into a module, an exported architecture and a bug's
reproducer are files of it. What was trained is therefore what is exported, to the letter.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from archsmith.graph.book import Application, RuleBook
from archsmith.graph.cost import applications
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph, Value
from archsmith.graph.text import digest
from archsmith.graph.types import ITEM_BYTES
from archsmith.runtime.kernels import KERNELS, Kernel

HEADER = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"


def network_class(graph: Graph, book: RuleBook, *, name: str = "Network") -> str:
    """The source of an ``nn.Module`` class without arguments whose ``forward`` takes the graph's inputs.

    It returns one tensor, or a tuple if the graph has several outputs. ``HEADER`` must stand above it.

    Raises:
        Infeasible: the book's rules do not accept a call of the graph.
        UserError: an operator of the book has no kernel.
    """
    calls = dict(applications(graph, book))
    names = _names(graph)
    modules: list[str] = []
    statements: list[str] = []
    for position, call in calls.items():
        kernel = _kernel(call.rule.operator)
        inputs = [names[value] for value in graph.nodes[position].inputs]
        module = f"self.{call.rule.operator}_{position}"
        if kernel.module is not None:
            modules.append(f"{module} = {_filled(kernel.module, inputs, module, call)}")
        results = ", ".join(names[Value(position, k)] for k in range(len(call.types)))
        statements.append(f"{results} = {_filled(kernel.call, inputs, module, call)}")
    statements.append(f"return {', '.join(names[value] for value in graph.outputs)}")
    arguments = ", ".join(["self", *(names[Value(i)] for i in graph.inputs)])
    lines = [
        f"class {name}(nn.Module):",
        f'    """Architecture {digest(graph)}."""',
        "",
        *(_method("__init__(self) -> None", ["super().__init__()", *modules]) if modules else ()),
        *_method(f"forward({arguments})", statements),
    ]
    return "\n".join(lines)


def _method(signature: str, statements: Iterable[str]) -> Iterator[str]:
    yield f"    def {signature}:"
    yield from (f"        {statement}" for statement in statements)
    yield ""


def _kernel(operator: str) -> Kernel:
    kernel = KERNELS.get(operator)
    if kernel is None:
        raise UserError(f"operator {operator!r} has no kernel; add how PyTorch writes it to KERNELS")
    return kernel


def _filled(template: str, inputs: Sequence[str], module: str, call: Application) -> str:
    numbers = dict(call.bound) | dict(call.attributes)
    # A dtype stands bare, behind `torch.`; any other word is a literal, so that none can be code.
    words = {name: value if value in ITEM_BYTES else repr(value) for name, value in numbers.items()}
    return template.format(*inputs, all=", ".join(inputs), module=module, **words)


def _names(graph: Graph) -> Mapping[Value, str]:
    """``x0`` for an input, ``v3`` for a node's only output, ``v3_1`` for one of several."""
    names = {Value(node): f"x{place}" for place, node in enumerate(graph.inputs)}
    for position, node in graph.operators():
        several = len(node.types) > 1
        for k in range(len(node.types)):
            names[Value(position, k)] = f"v{position}_{k}" if several else f"v{position}"
    return names
