"""Making cases: the graph-growing walk, answered with a taste for deep chains.

Case n depends on the campaign's seed and n alone, so a campaign can be resumed, split and replayed.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from difflib import get_close_matches
from random import Random
from types import MappingProxyType
from typing import Any

from archsmith.fuzz.case import Case
from archsmith.graph.book import RuleBook
from archsmith.graph.errors import UserError
from archsmith.graph.ops import DECLARED
from archsmith.graph.rules import DTYPE_CLASSES
from archsmith.graph.types import ITEM_BYTES
from archsmith.spaces.decisions import Answer, Decision, Label, Prefix
from archsmith.spaces.growth import GrowthSpace
from archsmith.spaces.sampling import feasible

UNWANTED = frozenset({"dropout"})
"""Operators left out unless they are asked for by name: dropout is the identity in evaluation mode."""

FILLER = "identity"
"""The operator that takes every value: in every space, so that no walk is stuck, and chosen rarely."""

SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "nodes": 8,
        "inputs": 3,
        "include": (),
        "exclude": (),
        "dtypes": ("float32", "float64", "int64", "int32", "bool"),
        "sizes": (1, 2, 3, 4, 5, 8, 17),
    }
)
"""What a campaign may set about its graphs, with the defaults; an empty ``include`` is all operators."""

RANKS = (4, 2, 3, 1, 0, 5)
"""Ranks of inputs, where an operator takes them: what PyTorch's layers work on most, first."""

ELEMENTS = 1 << 16
"""Most elements of a tensor, unless the smallest input has more."""


def make_case(seed: int, number: int, space: GrowthSpace) -> Case:
    """Case ``number`` of the campaign with this seed.

    Raises:
        UserError: the space has no valid graph; those of ``make_space`` always have.
    """
    rng = Random(f"{seed}/{number}")
    found = feasible(space, preferring(rng))
    assert found.graph is not None
    return Case(found.graph, rng.getrandbits(32), number)


def preferring(rng: Random) -> Answer:
    """Prefers recent values, which make deep chains, float32, which most operators take, and equal sizes.

    Every option keeps a chance.
    """

    def answer(decision: Decision, prefix: Prefix) -> Label:
        path, _, word = decision.name.rpartition("/")
        match word.rstrip("0123456789"):
            case "nodes":
                return max(rng.choice(decision.options), rng.choice(decision.options))
            case "operator":
                return _weighed(rng, decision, lambda place, label: 0.1 if label == FILLER else 1.0)
            case "back":
                return _weighed(rng, decision, lambda place, label: 0.5**place)
            case "dtype":
                return _weighed(rng, decision, lambda place, label: 4.0 if label == "float32" else 1.0)
            case "size" if path.startswith("input"):
                alike = [size for name, size in prefix if name.endswith(f"/{word}") and size in decision.options]
                return rng.choice(alike if alike and rng.random() < 0.5 else decision.options)
            case _:
                return rng.choice(decision.options)

    return answer


def _weighed(rng: Random, decision: Decision, weight: Callable[[int, Label], float]) -> Label:
    return rng.choices(decision.options, [weight(*option) for option in enumerate(decision.options)])[0]


def make_space(settings: Mapping[str, Any] = MappingProxyType({})) -> GrowthSpace:
    """The graphs that a campaign draws from; ``settings`` are any of ``SETTINGS``, as JSON has them.

    Inputs get only ranks and dtypes that one of the operators takes.

    Raises:
        UserError: a setting, an operator or a dtype is not known, or a number is below 1.
    """
    chosen = {**SETTINGS, **settings}
    _known("settings", settings, SETTINGS)
    names = _operators(_words(chosen, "include"), _words(chosen, "exclude"))
    patterns = [entry for name in names for rule in DECLARED.operator(name).rules for entry in rule.inputs]
    ranks = {entry.rank for entry in patterns}
    taken = {dtype for entry in patterns for dtype in DTYPE_CLASSES.get(entry.dtype, (entry.dtype,))}
    dtypes = _words(chosen, "dtypes")
    _known("dtypes", dtypes, ITEM_BYTES)
    if taken.isdisjoint(dtypes):
        raise UserError(f"dtypes: the operators take {', '.join(sorted(taken))}; got {', '.join(dtypes) or 'none'}")
    sizes = _numbers("sizes", chosen["sizes"])
    small = tuple(rank for rank in RANKS if rank in ranks and min(sizes) ** rank <= ELEMENTS)
    usual = small or (min(ranks),)
    (nodes,), (inputs,) = _numbers("nodes", [chosen["nodes"]]), _numbers("inputs", [chosen["inputs"]])
    return GrowthSpace(
        RuleBook(DECLARED.operator(name) for name in DECLARED.operators if name in {*names, FILLER}),
        nodes=nodes,
        inputs=inputs,
        ranks=usual,
        sizes=sizes,
        dtypes=tuple(dtype for dtype in dtypes if dtype in taken),
        elements=max(ELEMENTS, min(sizes) ** max(usual)),
    )


def _operators(include: Sequence[str], exclude: Sequence[str]) -> list[str]:
    """The names of the operators to draw from, in the order of the rule book."""
    _known("include", include, DECLARED.operators)
    _known("exclude", exclude, DECLARED.operators)
    wanted = include or [name for name in DECLARED.operators if name not in UNWANTED]
    kept = [name for name in DECLARED.operators if name in wanted and name not in exclude]
    if not kept:
        raise UserError("include, exclude: no operator is left; exclude fewer")
    return kept


def _known(setting: str, given: Collection[str], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=5) or sorted(known)
            raise UserError(f"{setting}: there is no {name!r}; did you mean one of: {', '.join(near)}?")


def _words(settings: Mapping[str, Any], name: str) -> tuple[str, ...]:
    given = [settings[name]] if isinstance(settings[name], str) else settings[name]
    if not isinstance(given, Sequence) or not all(isinstance(g, str) for g in given):
        raise UserError(f"{name} must be a list of names; got {given!r}")
    return tuple(given)


def _numbers(name: str, given: Any) -> tuple[int, ...]:
    given = [given] if isinstance(given, int) else given
    whole = isinstance(given, Sequence) and all(type(number) is int and number >= 1 for number in given)
    if not whole or not given:
        raise UserError(f"{name} must be whole numbers of at least 1; got {given!r}")
    return tuple(dict.fromkeys(given))
