"""Writing a graph as Python source that needs only torch, and the files of a user's own modules if it has any.

The same text serves everywhere: ``lower`` compiles it into a module, an exported architecture and a bug's
reproducer are files of it. What was trained is therefore what is exported, to the letter.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from keyword import iskeyword

from archsmith.graph.book import Application, RuleBook
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph, Node, Value
from archsmith.graph.own import Home, home, is_own, own_operators, short
from archsmith.graph.text import digest
from archsmith.graph.types import ITEM_BYTES
from archsmith.runtime.kernels import KERNELS
from archsmith.runtime.learned_calls import call_text, targets

HEADER = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"


def header(*graphs: Graph) -> str:
    """The imports that must stand above the classes of these graphs: torch's, and those of a user's own modules."""
    return HEADER + "".join(
        f"import {found.module}" + (f"  # {found.file!r}\n" if found.file else "\n") for found in homes(*graphs)
    )


def homes(*graphs: Graph) -> tuple[Home, ...]:
    """Where the graphs' operators of a user's own are found, one of each module, in order of the modules' names.

    Raises:
        UserError: two of them are in different files of one name.
    """
    found: dict[str, Home] = {}
    for one in map(home, own_operators(*graphs)):
        if found.setdefault(one.module, one).file != one.file:
            raise UserError(f"a source imports one module {one.module}; got {one.file} and {found[one.module].file}")
    return tuple(found[name] for name in sorted(found))


def network_class(graph: Graph, book: RuleBook, *, name: str = "Network") -> str:
    """The source of an ``nn.Module`` class without arguments whose ``forward`` takes the graph's inputs.

    It returns one tensor, or a tuple if the graph has several outputs. ``header(graph)`` must stand above it. Modules
    of a user's own are written as the graph has them: the book need not know them, and none of their code is run.

    Raises:
        Infeasible: the book's rules do not accept a call of the graph.
        UserError: an operator of the book has no kernel.
    """
    names = _names(graph)
    modules: list[str] = []
    statements: list[str] = []
    for position, node in graph.operators():
        inputs = [names[value] for value in node.inputs]
        results = [names[Value(position, k)] for k in range(len(node.types))]
        module = f"self.{short(node.operator)}_{position}"
        made, called = _written(graph, node, book, inputs, results, module)
        if made is not None:
            modules.append(f"{module} = {made}")
        statements.append(called)
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


def _written(
    graph: Graph, node: Node, book: RuleBook, inputs: Sequence[str], results: Sequence[str], module: str
) -> tuple[str | None, str]:
    """How the node's module is made, if it has one, and the statement that computes its outputs."""
    into = ", ".join(results)
    if is_own(node.operator):
        found = home(node.operator)
        settings = ", ".join(f"{_plain(name)}={value!r}" for name, value in node.attributes)
        return f"{found.module}.{found.class_name}({settings})", f"{into} = {module}({', '.join(inputs)})"
    kernel = KERNELS.get(node.operator)
    call = book.apply(node.operator, [graph.type_of(value) for value in node.inputs], dict(node.attributes))
    if kernel is None and call.rule.learned is not None:
        return None, f"{targets(call.rule.learned, results)} = {call_text(call, inputs)}"
    if kernel is None:
        raise UserError(f"operator {node.operator!r} has no kernel; add how PyTorch writes it to KERNELS")
    made = None if kernel.module is None else _filled(kernel.module, inputs, module, call)
    return made, f"{into} = {_filled(kernel.call, inputs, module, call)}"


def _plain(name: str) -> str:
    """A name that comes with the graph: it must not be code."""
    if not name.isidentifier() or iskeyword(name):
        raise UserError(f"an attribute's name must be a plain name of Python; got {name!r}")
    return name


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
