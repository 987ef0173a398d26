"""The searchers by the names that studies know them by."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from types import MappingProxyType
from typing import Any

from archsmith.graph.errors import UserError
from archsmith.search.options import check_known
from archsmith.search.searcher import Searcher

DEFAULT = "smbo"
"""What a study is searched with if nobody says otherwise: the best on the tables of docs/benchmarks.md."""


@dataclass(frozen=True, slots=True)
class Named:
    """A class of searchers, imported when it is first called: a model needs libraries that take a while to load."""

    module: str
    name: str

    def kind(self) -> type[Searcher]:
        """The class; its keyword arguments are the searcher's options."""
        found: type[Searcher] = getattr(import_module(f"archsmith.search.{self.module}"), self.name)
        return found

    def __call__(self, **options: Any) -> Searcher:
        return self.kind()(**options)


SEARCHERS: Mapping[str, Named] = MappingProxyType(
    {
        "random": Named("random", "RandomSearch"),
        "exhaustive": Named("exhaustive", "ExhaustiveSearch"),
        "mcts": Named("mcts", "MCTS"),
        "smbo": Named("smbo", "SMBO"),
        "evolution": Named("evolution", "RegularizedEvolution"),
        "mu-plus-lambda": Named("population", "MuPlusLambda"),
        "local": Named("local", "LocalSearch"),
        "nsga2": Named("nsga2", "NSGA2"),
        "optuna": Named("from_optuna", "OptunaSearcher"),
    }
)
"""What makes each searcher."""

MULTI_OBJECTIVE = frozenset({"random", "exhaustive", "evolution", "nsga2", "optuna"})
"""Those that take several objectives; the others look at the first alone."""


def make_searcher(name: str, options: Mapping[str, Any]) -> Searcher:
    """A new searcher that was told nothing yet.

    Raises:
        UserError: no searcher or no option has that name, or the option does not take that value.
    """
    make = SEARCHERS.get(name)
    if make is None:
        raise UserError(f"a searcher must be one of {', '.join(sorted(SEARCHERS))}; got {name!r}")
    check_known(f"searcher {name}", signature(make.kind()).parameters, options)
    return make(**options)
