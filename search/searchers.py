"""The searchers by the names that studies know them by."""

from collections.abc import Callable, Mapping
from inspect import signature
from types import MappingProxyType
from typing import Any

from archsmith.graph.errors import UserError
from archsmith.search.evolution import RegularizedEvolution
from archsmith.search.random import RandomSearch
from archsmith.search.searcher import Searcher

SEARCHERS: Mapping[str, Callable[..., Searcher]] = MappingProxyType(
    {
        "random": RandomSearch,
        "evolution": RegularizedEvolution,
    }
)
"""What makes each searcher; its keyword arguments are the searcher's options."""


def make_searcher(name: str, options: Mapping[str, Any]) -> Searcher:
    """A new searcher that was told nothing yet.

    Raises:
        UserError: no searcher or no option has that name, or the option does not take that value.
    """
    make = SEARCHERS.get(name)
    if make is None:
        raise UserError(f"a searcher must be one of {', '.join(sorted(SEARCHERS))}; got {name!r}")
    takes = tuple(signature(make).parameters)
    unknown = sorted(set(options) - set(takes))
    if unknown:
        raise UserError(f"searcher {name} takes {_listed(takes)}; got {', '.join(unknown)}")
    return make(**options)


def _listed(options: tuple[str, ...]) -> str:
    return f"the options {', '.join(options)}" if options else "no options"
