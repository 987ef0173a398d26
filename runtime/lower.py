"""Lowering: a graph becomes an ``nn.Module`` by compiling the source that ``emit`` writes for it."""

import linecache
from collections.abc import Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from archsmith.graph.book import RuleBook
from archsmith.graph.graph import Graph
from archsmith.graph.text import digest
from archsmith.graph.types import ITEM_BYTES, TensorType
from archsmith.runtime.emit import network_class
from archsmith.runtime.modules import classes_of

DTYPES: Mapping[str, torch.dtype] = MappingProxyType({name: getattr(torch, name) for name in ITEM_BYTES})
"""PyTorch's dtypes by their names in a graph."""


def lower(graph: Graph, book: RuleBook) -> nn.Module:
    """A fresh module that computes the graph; its parameters are drawn from torch's global generator.

    The source of its methods can be read by ``inspect``, tracebacks and debuggers, as if it stood in a file.

    Modules of a user's own are imported or loaded for that, which runs their code.

    Raises:
        Infeasible: the book's rules do not accept a call of the graph.
        UserError: a module of a user's own is not where its operator's name says.
    """
    source = network_class(graph, book)
    filename = f"<archsmith {digest(graph)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    scope: dict[str, Any] = {"torch": torch, "nn": nn, "F": functional, "__name__": "archsmith.lowered"}
    _import(graph, scope)
    # `emit` writes the text from literals and from names that it has checked; nothing else of a user's is in it.
    exec(compile(source, filename, "exec"), scope)  # noqa: S102
    module = scope["Network"]()
    assert isinstance(module, nn.Module)
    return module


def _import(graph: Graph, scope: dict[str, Any]) -> None:
    """Put the graph's own classes where its source finds them, behind the names of their modules."""
    for where, cls in classes_of(graph).items():
        first, *rest = where.module.split(".")
        place = scope.setdefault(first, SimpleNamespace())
        for part in rest:
            if not hasattr(place, part):
                setattr(place, part, SimpleNamespace())
            place = getattr(place, part)
        setattr(place, where.class_name, cls)


def type_of(tensor: torch.Tensor) -> TensorType:
    """The type of a real tensor, in the graph's words."""
    return TensorType(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
