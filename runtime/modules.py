"""Any ``nn.Module`` of a user's own as an operator, its types taken by running it on torch's meta device.

::

    from my_layers import SqueezeExcite  # __init__(self, channels: int, reduction: int = 4)

    op(module(SqueezeExcite), channels=size(1), reduction=choose(4, 8))

The operator's attributes are the constructor's arguments that are numbers, booleans or words. Its name says where the
class is found, so a graph that uses it means the same in a worker process, in a file and on another day.
"""

import sys
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from inspect import Parameter, signature
from pathlib import Path
from types import UnionType
from typing import TypeGuard, Union, get_args, get_origin

from torch import nn

from archsmith.graph.book import Attribute, Operator, RuleBook
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.expr import Apply, Expr, Lit, Sym
from archsmith.graph.graph import Graph, Scalar
from archsmith.graph.loading import load_object
from archsmith.graph.ops import DECLARED
from archsmith.graph.own import Home, home, own_operators
from archsmith.graph.rules import Provenance, Rule, TensorPattern
from archsmith.graph.types import TensorType
from archsmith.runtime.inference import Inferred, inferred

MOST_DIMENSIONS = 8
"""Dimensions of a tensor that ``size`` can speak of."""

KINDS = (bool, int, float, str)


def size(dimension: int) -> str:
    """The size of the input along that dimension, as the value of a whole-number attribute; 0 is the batch."""
    if isinstance(dimension, bool) or not isinstance(dimension, int) or not 1 <= dimension < MOST_DIMENSIONS:
        raise UserError(f"size takes a dimension from 1 to {MOST_DIMENSIONS - 1}, 0 being the batch; got {dimension!r}")
    return f"size({dimension})"


_SIZES: tuple[tuple[str, Expr], ...] = tuple((size(d), Sym(size(d))) for d in range(1, MOST_DIMENSIONS))


def module(cls: type[nn.Module]) -> Operator:
    """The operator that constructs ``cls`` with its attributes and calls it on its inputs.

    Raises:
        UserError: ``cls`` is no class of modules, another process could not find it, or a demanded argument of its
            constructor is neither int, float, bool nor str.
    """
    if not _is_module(cls):
        raise UserError(f"module takes a class of torch.nn.Module, not made yet: module(MyLayer); got {cls!r}")
    plain: type = cls
    return _operator(plain, _name(cls))


@lru_cache(maxsize=1024)
def _operator(cls: Hashable, name: str) -> Operator:
    """One for each class, so that a rule book takes it for the same wherever it is used."""
    assert isinstance(cls, type)
    line = (cls.__doc__ or "").strip().partition("\n")[0] or "a module without a docstring"
    return Operator(name, line, tuple(_attributes(cls)), infer=partial(_rule, cls, name))


def class_of(operator: str) -> type[nn.Module]:
    """The class that an operator of one's own names: imported, or loaded from its file. It runs the user's code.

    Raises:
        UserError: there is no such file, module or class, or its code fails.
    """
    where = home(operator)
    for known in (f"archsmith_user_{where.module}", "__main__"):
        if where.file is not None and _file(known) == where.file:
            found = getattr(sys.modules[known], where.class_name, None)
            break
    else:
        found = load_object(operator, default=where.class_name)
    if not _is_module(found):
        raise UserError(f"{operator} must be a class of torch.nn.Module; got {found!r}")
    return found


def operator_of(name: str) -> Operator:
    """The operator of that name, made of its class. It runs the user's code, and raises what ``class_of`` does."""
    return module(class_of(name))


def classes_of(graph: Graph) -> dict[Home, type[nn.Module]]:
    """The classes of the graph's own operators, by where they were found (``UserError`` as ``class_of``)."""
    return {home(name): class_of(name) for name in own_operators(graph)}


def book_of(*graphs: Graph) -> RuleBook:
    """The declared operators and those of a user's own in the graphs, whose classes are imported or loaded.

    Raises:
        UserError: a class is not where its operator's name says, or its code fails.
    """
    return DECLARED.extended(map(operator_of, own_operators(*graphs)))


def _is_module(given: object) -> TypeGuard[type[nn.Module]]:
    return isinstance(given, type) and issubclass(given, nn.Module)


def _name(cls: type[nn.Module]) -> str:
    """Where a class is found again: by its module, or by its file if that was loaded or started as a file."""
    place = sys.modules.get(cls.__module__)
    if getattr(place, cls.__qualname__, None) is not cls:
        raise UserError(
            f"{cls.__qualname__} must stand at the top of a module or file under its own name, where every process"
            f" can find it; module {cls.__module__} has it not"
        )
    file = None
    if cls.__module__ == "__main__" or cls.__module__.startswith("archsmith_user_"):
        file = _file(cls.__module__)
        if file is None:
            raise UserError(f"{cls.__qualname__} must be written in a file, from which every process can load it")
    name = f"{file or cls.__module__}:{cls.__qualname__}"
    home(name)
    return name


def _file(module_name: str) -> str | None:
    """The absolute path of the file that the module was loaded from, if it is loaded and has one."""
    file = getattr(sys.modules.get(module_name), "__file__", None)
    return str(Path(file).resolve()) if file else None


def _attributes(cls: type) -> Iterator[Attribute]:
    """The constructor's arguments of our kinds; others keep their defaults."""
    try:
        parameters = signature(cls, eval_str=True).parameters.values()
    except (NameError, AttributeError, SyntaxError, TypeError):  # an annotation that only a type checker can read
        parameters = signature(cls).parameters.values()
    for given in parameters:
        kind = _kind(given)
        named = given.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
        if kind is not None and named:
            default = None if given.default is given.empty else given.default
            yield Attribute(given.name, kind, default, named=_SIZES if kind is int else ())
        elif given.default is given.empty and given.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
            raise UserError(
                f"{cls.__qualname__} must say that {given.name} is an int, float, bool or str, as in"
                f" {given.name}: int, or give it a default; it says {given}"
            )


def _kind(given: Parameter) -> type | None:
    """int, float, bool or str, by the annotation or else by the default; None for anything else."""
    if given.default is None:
        return None
    said = given.annotation
    union = get_args(said) if get_origin(said) in (Union, UnionType) else ()
    words = tuple(kind for kind in KINDS if kind.__name__ == said)
    possible = (said, *union, *words, type(given.default))
    return next((kind for kind in possible if kind in KINDS), None)


def _rule(cls: Hashable, name: str, inputs: Sequence[TensorType], attributes: Mapping[str, Scalar]) -> Rule:
    """The rule of one call: true of these sizes and attributes, and silent about all others."""
    values = {key: _resolved(name, value, inputs) for key, value in attributes.items()}
    found = inferred(cls, name, tuple(inputs), tuple(values.items()))
    if isinstance(found, str):
        raise Infeasible(found)
    return _as_rule(name, inputs, attributes, found)


def _resolved(name: str, value: Scalar, inputs: Sequence[TensorType]) -> Scalar:
    dimension = next((d for d in range(1, MOST_DIMENSIONS) if value == size(d)), None)
    if dimension is None:
        return value
    if not inputs or inputs[0].rank <= dimension:
        raise Infeasible(f"{name} asks for {value}, which its input has not; got {', '.join(map(str, inputs))}")
    return inputs[0].shape[dimension]


def _as_rule(name: str, inputs: Sequence[TensorType], attributes: Mapping[str, Scalar], found: Inferred) -> Rule:
    taken, requires = [], []
    for place, given in enumerate(inputs):
        of = "" if place == 0 else f" of input {place}"
        dims = tuple(Sym(f"size({d}){of}") for d in range(given.rank))
        taken.append(TensorPattern(given.dtype, dims))
        requires += [Apply("==", (dim, Lit(n))) for dim, n in zip(dims, given.shape, strict=True)]
    return Rule(
        operator=name,
        inputs=tuple(taken),
        outputs=tuple(TensorPattern(t.dtype, tuple(map(Lit, t.shape))) for t in found.types),
        requires=tuple(requires),
        constants=tuple(sorted(attributes.items())),
        parameters=tuple((key, tuple(map(Lit, shape))) for key, shape in found.parameters),
        macs=Lit(found.macs),
        provenance=Provenance.LEARNED,
        support=1,
    )
