"""Eager against compiled: one network, run as it stands and through ``torch.compile``."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from unittest.mock import patch

import torch
import torch._dynamo
import torch._dynamo.guards
import torch._functorch.config
import torch._inductor.config
from torch import nn

from archsmith.fuzz.attempt import Values, attempt, described, place, root
from archsmith.fuzz.case import Case
from archsmith.fuzz.inputs import inputs, network
from archsmith.fuzz.locate import ancestry, leading_to
from archsmith.fuzz.oracles.disagreement import compare
from archsmith.fuzz.oracles.protocol import Failure, Note
from archsmith.fuzz.oracles.rounding import Evidence, evidence
from archsmith.graph.book import RuleBook
from archsmith.graph.graph import Graph

Backend = str | Callable[..., Callable[..., object]]
"""The name of a backend of ``torch.compile``, or one: a function of an fx graph module and example inputs."""


@dataclass(frozen=True, slots=True)
class Differential:
    """The oracle of that name: what eager and the compiled network return, or raise, has to be the same.

    Every check compiles anew, without caches of compiled graphs. ``note`` hears the name of every filter that
    explains a difference by rounding.
    """

    name: str
    backend: Backend
    book: RuleBook
    note: Note

    def check(self, case: Case) -> Failure | None:
        expected = attempt(network(case, self.book), inputs(case))
        actual = self._compiled(network(case, self.book), inputs(case))
        if isinstance(expected, Exception) or isinstance(actual, Exception):
            return unequal_exceptions(self.name, expected, actual)

        @cache
        def witnesses() -> Evidence:
            with torch.no_grad(), warnings.catch_warnings(action="ignore"):
                return evidence(network(case, self.book), inputs(case), seed=case.seed)

        found = compare(
            expected,
            actual,
            precisions=[_precision(case.graph, output) for output in range(len(expected))],
            witnesses=witnesses,
            note=self.note,
        )
        if found is None:
            return None
        where = "the number of outputs" if found.output is None else leading_to(case.graph, found.output)
        return Failure(self.name, found.kind, where, found.message, found.output, found.element, found.allowed)

    def _compiled(self, module: nn.Module, given: Values) -> Values | Exception:
        torch._dynamo.reset()
        compiled = torch.compile(module, backend=self.backend, fullgraph=True, dynamic=False)
        with (
            torch._inductor.config.patch(compile_threads=1, fx_graph_cache=False),
            torch._functorch.config.patch(enable_autograd_cache=False),
            # Dynamo flushes all caches to log how fast its guards are: 50 ms, half of what a cheap check takes
            patch.object(torch._dynamo.guards, "profile_guard_manager", lambda *details: 0.0),
        ):
            return attempt(compiled, given)


def unequal_exceptions(oracle: str, expected: Values | Exception, actual: Values | Exception) -> Failure | None:
    """The failure that one side raises, or the two not the same; exceptions that agree are none."""
    match expected, actual:
        case Exception(), Exception():
            if _agree(expected, actual):
                return None
            text = f"eager raises {described(expected)}\nthe compiled network raises {described(actual)}"
            return Failure(oracle, "different exception", place(actual), text)
        case Exception(), _:
            return Failure(oracle, "exception only in eager", place(expected), described(expected))
        case _, Exception():
            return Failure(oracle, "exception only in compiled", place(actual), described(actual))
    return None


def _agree(expected: Exception, actual: Exception) -> bool:
    """Whether the compiled network raises what eager raises, be it wrapped by the compiler."""
    return type(root(actual)) is type(expected) or type(expected).__name__ in str(actual)


def _precision(graph: Graph, output: int) -> torch.dtype:
    """The least precise floating-point dtype on the way to the output."""
    dtypes = {given.dtype for position in ancestry(graph, output) for given in graph.nodes[position].types}
    return torch.float32 if "float32" in dtypes else torch.float64
