"""What a space is like, found by walking it: how much of it is dead, what its architectures cost, what is idle in it.

``sample`` hides dead ends, which is what a searcher needs; the author of a space wants to see them.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from statistics import median_low

from archsmith.graph.book import RuleBook
from archsmith.graph.cost import macs, parameters
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.text import digest
from archsmith.spaces.books import book_in
from archsmith.spaces.decisions import Derivation, Space, Steps, Trace, derive, following, randomly
from archsmith.spaces.recipe import recipe_of
from archsmith.spaces.space import TreeSpace

REASONS = 10
"""How many reasons of dead ends a report names."""

TRIES = 20
"""How many times at most a decision is answered otherwise to see whether it matters."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that walks broke, how many did, and what the first of them said in full."""

    rule: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Spread:
    """The smallest, the middle and the largest of some counts; the lower middle one of an even number."""

    least: int
    median: int
    most: int


@dataclass(frozen=True, slots=True)
class SpaceReport:
    """What random walks met; ``parameters`` and ``macs`` are of the valid ones, and None without any.

    ``dead_ends`` are those of walks that take any option, with their ``reasons``; ``dead_ends_met`` those of as many
    walks that are only offered what leads on, as far as that is known. ``architectures`` counts the different graphs.
    ``never_asked`` are decisions that had a single option in every walk; ``without_effect`` are those of which no other
    answer that was tried led to another graph.
    """

    walks: int
    dead_ends: int
    dead_ends_met: int
    reasons: tuple[Reason, ...]
    architectures: int
    parameters: Spread | None
    macs: Spread | None
    never_asked: tuple[str, ...]
    without_effect: tuple[str, ...]

    @property
    def dead_end_share(self) -> float:
        """From 0, every walk ends in an architecture, to 1, none does."""
        return self.dead_ends / self.walks


@dataclass(frozen=True, slots=True)
class Sampled:
    """One of several architectures drawn from a space; ``macs`` are those of one sample."""

    number: int
    digest: str
    parameters: int
    macs: int
    trace: Trace
    graph: Graph


def drawn(draw: Callable[[Random], Derivation], *, seed: int, number: int, book: RuleBook = DECLARED) -> Sampled:
    """The architecture of that number: made from (seed, number) alone, as a trial of a study is.

    Only in a space that is too large to be looked through (``Reach.undecided``) does it depend on earlier draws.

    ``draw`` gives a valid derivation, such as ``sample`` does, or raises.
    """
    return measured(number, draw(Random(f"{seed}/{number}")), book)


def measured(number: int, found: Derivation, book: RuleBook = DECLARED) -> Sampled:
    """A valid derivation with its digest and its cost by the rules, those of ``book_in(space)``."""
    if found.graph is None:
        raise ValueError(f"only a valid derivation has an architecture; this one is a dead end: {found.dead_end}")
    cost = parameters(found.graph, book), macs(found.graph, book)
    return Sampled(number, digest(found.graph), *cost, found.trace, found.graph)


def check_space(
    space: Space,
    rng: Random,
    *,
    walks: int,
    blind: Space | None = None,
    walked: Callable[[int], None] = lambda done: None,
) -> SpaceReport:
    """Walk the space at random, into dead ends too; ``walked`` is told after each walk how many are done.

    ``blind`` is the same space where it offers every option: that of ``blinded``, unless another one is given.

    Raises:
        ValueError: ``walks`` is below 1.
        UserError: the space is wrong in itself, such as two decisions of one name.
    """
    if walks < 1:
        raise ValueError(f"a space is checked by at least 1 walk; got {walks}")
    blind = blinded(space) if blind is None else blind
    options: dict[str, int] = {}
    dead: list[str] = []
    met = 0
    valid: list[Derivation] = []
    reached: Counter[str] = Counter()
    graphs: dict[str, Graph] = {}
    for done in range(1, walks + 1):
        stray = derive(_Watched(blind, options), randomly(rng))
        if stray.graph is None:
            dead.append(stray.dead_end or "")
        found = derive(space, randomly(rng))
        if found.graph is None:
            met += 1
        else:
            valid.append(found)
            name = digest(found.graph)
            reached[name] += 1
            graphs[name] = found.graph
        walked(done)
    book = book_in(space)
    return SpaceReport(
        walks=walks,
        dead_ends=len(dead),
        dead_ends_met=met,
        reasons=_reasons(dead),
        architectures=len(graphs),
        parameters=_spread({name: parameters(graph, book) for name, graph in graphs.items()}, reached),
        macs=_spread({name: macs(graph, book) for name, graph in graphs.items()}, reached),
        never_asked=tuple(name for name, most in options.items() if most == 1),
        without_effect=_without_effect(space, valid, rng),
    )


def blinded(space: Space) -> Space:
    """The same space, offering every option whether it leads anywhere or not."""
    return replace(space, ahead=False) if isinstance(space, TreeSpace) else space


@dataclass(frozen=True, slots=True)
class _Watched:
    """The same space, noting for every decision the most options it ever has; ``derive`` asks only those with two."""

    space: Space
    options: dict[str, int]

    def walk(self) -> Steps[Graph]:
        walk = self.space.walk()
        try:
            decision = next(walk)
            while True:
                self.options[decision.name] = max(self.options.get(decision.name, 0), len(decision.options))
                decision = walk.send((yield decision))
        except StopIteration as end:
            graph: Graph = end.value
            return graph

    def text(self) -> str:
        return self.space.text()


def _reasons(dead: Sequence[str]) -> tuple[Reason, ...]:
    """The most frequent first. Up to its ";" a dead end names the rule, and after it the numbers of that one walk."""
    examples: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for said in dead:
        rule = said.partition(";")[0]
        counts[rule] += 1
        examples.setdefault(rule, said)
    return tuple(Reason(rule, count, examples[rule]) for rule, count in counts.most_common(REASONS))


def _spread(cost: Mapping[str, int], reached: Counter[str]) -> Spread | None:
    """The spread over all valid walks: an architecture that two walks reached counts twice."""
    costs = [cost[name] for name in reached.elements()]
    return Spread(min(costs), median_low(costs), max(costs)) if costs else None


def _without_effect(space: Space, valid: Sequence[Derivation], rng: Random) -> tuple[str, ...]:
    """Decisions that were answered otherwise, with a valid result, and never made a difference."""
    tries: Counter[str] = Counter()
    matters: dict[str, bool] = {}
    for found in valid:
        for name, change in _changes(found):
            if matters.get(name) or tries[name] == TRIES:
                continue
            tries[name] += 1
            other = derive(space, following(change, randomly(rng)))
            if other.graph is not None:
                recipes = (recipe_of(space, trace) for trace in (other.trace, found.trace))
                matters[name] = other.graph != found.graph or len(set(map(str, recipes))) > 1
    return tuple(name for name, differs in matters.items() if not differs)


def _changes(found: Derivation) -> Iterator[tuple[str, Trace]]:
    """Every other answer to every decision, by the decision's name, the other answers kept."""
    given = found.trace.as_dict()
    for decision in found.asked:
        for label in decision.options:
            if label != given[decision.name]:
                yield decision.name, Trace.of({**given, decision.name: label})
