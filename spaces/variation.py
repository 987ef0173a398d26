"""Moving about in a space: a child of two parents, the neighbours of one, and how far two are from each other."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.spaces.decisions import (
    Decision,
    Derivation,
    Label,
    Prefix,
    Space,
    Steps,
    Trace,
    derive,
    following,
    randomly,
    replay,
)
from archsmith.spaces.features import Word, full, subtree_features
from archsmith.spaces.sampling import DeadEnds, around, feasible


@dataclass(frozen=True, slots=True)
class _Between:
    """The part of a space in which each decision is answered as by one of the parents, wherever that is an option."""

    space: Space
    mother: dict[str, Label]
    father: dict[str, Label]

    def walk(self) -> Steps[Graph]:
        walk = self.space.walk()
        try:
            decision = next(walk)
            while True:
                decision = walk.send((yield self.inherited(decision)))
        except StopIteration as end:
            graph: Graph = end.value
            return graph

    def text(self) -> str:
        return self.space.text()

    def inherited(self, decision: Decision) -> Decision:
        """Without weights where a parent answers: both are equally good."""
        given = (self.mother.get(decision.name), self.father.get(decision.name))
        options = tuple(option for option in decision.options if option in given)
        return Decision(decision.name, options, decision.ordered) if options else decision


def crossover(space: Space, mother: Trace, father: Trace, rng: Random) -> Derivation:
    """A valid architecture that answers each decision as one of its parents does, each with equal chance.

    This is uniform crossover (Syswerda 1989), aligned by the names of decisions: those of a branch are answered only by
    parents that took the branch, so what belongs together stays together. What no parent answers, or answers with what
    is no option here, is drawn as ``sample`` draws. Dead ends are walked around without leaving the parents' answers,
    which is always possible, as the parents themselves are ways through; after ``ATTEMPTS`` dead ends one of them
    is given back. Parents may come from another space: then answers that lead nowhere are drawn anew, too.

    Raises:
        UserError: no architecture of the space is valid, or none was found.
    """
    between = _Between(space, mother.as_dict(), father.as_dict())
    found = around(between, randomly(rng), DeadEnds())
    if found.graph is None:
        return feasible(space, following(rng.choice((mother, father)), randomly(rng)))
    answers = found.trace.as_dict()

    def answer(decision: Decision, prefix: Prefix) -> Label:
        """Where the parents leave a single option, the walk between them did not ask."""
        label = answers.get(decision.name)
        return between.inherited(decision).options[0] if label is None else label

    return derive(space, answer)


def neighbours(space: Space, trace: Trace, *, steps: int | None = None) -> Iterator[Derivation]:
    """Every valid architecture that differs from the trace's in one answer, in the order of the decisions and options.

    The other decisions keep their answers wherever these still are options; those that are new, or have lost theirs,
    take their first options with which there is a valid architecture. Of ordered decisions, only options at most
    ``steps`` places away are taken, if given. Traces differ from each other and from the one given; their graphs may
    be equal where the answer is about something else, or the space says one thing in two ways. Lazy: at least one walk
    for each, more around dead ends; an answer behind which no way was found in ``ATTEMPTS`` walks is passed over.

    Raises:
        UserError: the trace is of another space, or ``steps`` is less than 1.
    """
    if steps is not None and steps < 1:
        raise UserError(f"steps must be at least 1; got {steps}")
    old = replay(space, trace)
    given = old.trace.as_dict()
    for decision in old.asked:
        for label in _others(decision, given[decision.name], steps):
            found = around(space, _first, DeadEnds(Trace.of(given | {decision.name: label})))
            if found.graph is not None:
                yield found


def _others(decision: Decision, taken: Label, steps: int | None) -> list[Label]:
    places = {option: place for place, option in enumerate(decision.everywhere)}
    reach = steps if decision.ordered and steps is not None else len(places)
    return [option for option in decision.options if 0 < abs(places[option] - places[taken]) <= reach]


def _first(decision: Decision, prefix: Prefix) -> Label:
    return decision.options[0]


def distance(first: Trace, second: Trace, *, normalised: bool = False) -> float:
    """The number of decisions that the two answer differently or only one of them answers; a metric on answers.

    It is a sum over all names of [the answers differ], where "none" is an answer too, and each term is a metric.

    ``normalised`` divides by the number of decisions that either answers (0 if there are none): from 0, all alike, to
    1, nothing in common. That is a metric as well, as the argument for min-wise hashing shows (Broder 1997; Charikar
    2002, lemma 1). Put all names in a random order, and let m(t) be the first name that t answers, with its
    answer. Then m(s) = m(t) exactly if s and t answer the first of all names that either answers, and answer it alike.
    So the distance is the probability that m(s) differs from m(t), and the triangle inequality holds because m(s) can
    differ from m(u) only where m(t) differs from one of them.
    """
    ours, theirs = first.as_dict(), second.as_dict()
    names = ours.keys() | theirs.keys()
    apart = sum(ours.get(name) != theirs.get(name) for name in names)
    return apart / len(names) if normalised and names else float(apart)


def graph_distance(first: Graph, second: Graph, *, rounds: int = 2, word: Word = full) -> float:
    """How much of two architectures is unlike, from 0 to 1, whatever spaces and traces they come from.

    With a and b the counts of ``subtree_features``, this is 1 - sum(min(a, b)) / sum(max(a, b)): the Jaccard distance
    of multisets, in which the k-th copy of a label counts as an element of its own. The argument under ``distance``
    holds for sets as well, so it is a metric on those counts. On graphs it is a pseudometric: 0 for isomorphic ones,
    and for others that the labels of ``rounds`` rounds do not tell apart, such as ``sub`` of two values and of the
    same two swapped.

    Raises:
        UserError: ``rounds`` is less than 0.
    """
    ours, theirs = (subtree_features(graph, rounds=rounds, word=word) for graph in (first, second))
    common = sum(min(count, theirs.get(name, 0.0)) for name, count in ours.items())
    everything = sum(ours.values()) + sum(theirs.values()) - common
    return (everything - common) / everything
