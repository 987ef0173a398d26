"""What a case is run with: the same parameters and inputs whenever and wherever it is run."""

import torch
from torch import nn

from archsmith.fuzz.case import Case
from archsmith.fuzz.draw import draw
from archsmith.graph.book import RuleBook
from archsmith.runtime.lower import DTYPES, lower


def network(case: Case, book: RuleBook) -> nn.Module:
    """A fresh module in evaluation mode, its parameters drawn from the case's seed.

    Raises:
        Infeasible: the book's rules do not accept a call of the graph.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(case.seed)
        return lower(case.graph, book).eval()


def inputs(case: Case) -> tuple[torch.Tensor, ...]:
    """One fresh tensor per input of the graph; input i is drawn from the case's seed plus i."""
    types = case.graph.input_types
    return tuple(draw(given.shape, DTYPES[given.dtype], case.seed + i) for i, given in enumerate(types))
