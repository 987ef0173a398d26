"""Looking ahead: what is offered is what leads to an architecture, by brute force over the blind space."""

from dataclasses import dataclass
from itertools import islice
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.spaces import reach as reaching
from archsmith.spaces.counting import count
from archsmith.spaces.decisions import Derivation, Label, Prefix, Trace, derive, randomly, replay
from archsmith.spaces.enumeration import architectures
from archsmith.spaces.nodes import any_of, chain, choose, op, optional, repeat, residual, shared
from archsmith.spaces.sampling import mutate, sample
from archsmith.spaces.space import TreeSpace, search_space
from archsmith.spaces.uniform import uniformly
from tests.spaces.leaves import CLOSED, COUPLED, DENSE, TIGHT, leaves
from tests.spaces.ties import TIES
from tests.strategies import tree_spaces

MOST = 300
"""Leaves of a space that is still compared with all of it."""

BODY = op("conv2d", out=choose(2, 4), kernel=choose(1, 3, 5), stride=choose(1, 2))
"""Its answers matter to the type, and on a small image some of them are dead ends."""

SHAPELESS = chain(any_of(op("relu"), op("tanh")), op("dropout", rate=choose(0.1, 0.5)))
"""None of its answers matters to the type."""


def _on(size: int, *parts: object) -> TreeSpace:
    return search_space(chain(*parts), input=(2, size, size))  # type: ignore[arg-type]  # nodes, by their methods


PART = shared("part", BODY)
IDLE = shared("idle", SHAPELESS)
WIDE = op("conv2d", out=12, kernel=1)
NORM = shared("norm", op("group_norm", groups=choose(1, 2, 3, 4)))
POOL = shared("pool", op("max_pool2d", kernel=choose(1, 2, 3), stride=1, padding="same"))

PARTS = {
    "its type matters at its second use": _on(5, PART, op("relu"), PART),
    "its second use meets dead ends": _on(6, PART, op("max_pool2d", kernel=2), PART),
    "its second use may be left out": _on(7, PART, optional(PART), optional(op("max_pool2d", kernel=3))),
    "it matters three times": _on(9, PART, PART, optional(PART)),
    "it is walked in one branch": _on(5, any_of(PART, op("relu"), name="stem"), op("tanh"), PART),
    "it matters nowhere": _on(5, IDLE, op("conv2d", out=4, kernel=choose(1, 5)), IDLE, IDLE),
    "one matters and one does not": _on(6, IDLE, PART, IDLE, PART),
    "one within the other": _on(5, shared("outer", chain(IDLE, BODY)), IDLE, shared("outer", chain(IDLE, BODY))),
    "it must keep the type": _on(5, PART, residual(PART, project=False)),
    "it keeps the type or is a dead end": _on(5, WIDE, NORM, op("conv2d", out=choose(4, 6, 12), kernel=1), NORM),
    "it fits only what is larger": _on(4, POOL, op("max_pool2d", kernel=choose(2, 3)), POOL),
    "tied turns shrink": _on(9, repeat(BODY, choose(1, 2, 3), tied=True)),
    "tied turns within turns": _on(6, repeat(repeat(BODY, 2, tied=True, name="inner"), choose(1, 2))),
}
"""Shared parts whose answers matter later, and such whose answers do not."""

SPACES = {"dense": DENSE, "tight": TIGHT, "coupled": COUPLED, **TIES, **PARTS}
EVERY = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


@dataclass(frozen=True)
class Truth:
    """What brute force over the blind space finds: valid traces with their graphs, and all beginnings of them."""

    graphs: dict[Trace, Graph]
    beginnings: frozenset[Prefix]


def truth(space: TreeSpace) -> Truth:
    graphs = {leaf.trace: leaf.graph for leaf in leaves(space) if leaf.graph is not None}
    answers = [trace.answers[:depth] for trace in graphs for depth in range(len(trace) + 1)]
    return Truth(graphs, frozenset(answers))


def anew(space: TreeSpace) -> TreeSpace:
    """The same space, of which nothing is known yet."""
    return TreeSpace(space.root, space.input, space.book, space.recipe, space.constraints)


def few(space: TreeSpace) -> bool:
    """Whether brute force is quick."""
    blind = TreeSpace(space.root, space.input, space.book, space.recipe, space.constraints, ahead=False)
    return next(islice(architectures(blind), MOST, None), None) is None


def demand_only_what_leads_on(space: TreeSpace, found: Derivation, known: Truth) -> None:
    """Each decision of the walk offered exactly the options behind which brute force has an architecture."""
    for depth, decision in enumerate(found.asked):
        before = found.trace.answers[:depth]

        assert decision.options == tuple(
            label for label in decision.everywhere if (*before, (decision.name, label)) in known.beginnings
        )


@EVERY
def test_a_walk_is_offered_what_leads_on_and_nothing_else(space: TreeSpace) -> None:
    known = truth(space)
    for found in architectures(space):
        demand_only_what_leads_on(space, found, known)


@settings(max_examples=60)
@given(tree_spaces(), st.integers(0, 2**32))
def test_walks_through_any_tree_are_offered_what_leads_on(space: TreeSpace, seed: int) -> None:
    assume(few(space))
    known = truth(space)
    assume(known.graphs)
    rng = Random(seed)
    for _ in range(5):
        found = derive(space, randomly(rng))

        assert found.graph == known.graphs[found.trace]
        demand_only_what_leads_on(space, found, known)


@EVERY
def test_no_random_walk_meets_a_dead_end(space: TreeSpace) -> None:
    rng = Random(0)
    ends = [derive(space, randomly(rng)) for _ in range(30)]

    assert all(end.graph is not None for end in ends) == (count(space) > 0)
    assert all(end.graph is None for end in ends) == (count(space) == 0)


@EVERY
def test_a_count_is_what_brute_force_finds(space: TreeSpace) -> None:
    assert count(space) == count(anew(space)) == len(truth(space).graphs)


@EVERY
def test_blind_traces_replay_in_the_space_that_looks_ahead(space: TreeSpace) -> None:
    for trace, graph in truth(space).graphs.items():
        again = replay(space, trace)

        assert (again.trace, again.graph) == (trace, graph)


@EVERY
def test_what_is_dead_by_brute_force_is_refused(space: TreeSpace) -> None:
    dead = [leaf.trace for leaf in leaves(space) if leaf.graph is None]
    for trace in dead[:40]:
        if count(space):
            with pytest.raises(UserError, match="it is of another space"):
                replay(space, trace)
        else:
            assert replay(space, trace).graph is None


def drawn(space: TreeSpace, seed: int, *, number: int = 12) -> list[Trace]:
    """Draws of every kind, one after another."""
    rng = Random(seed)
    traces = [space.draw(rng) for _ in range(number)]
    traces += [space.mutated(trace, rng) for trace in traces]
    traces += [sample(space, rng).trace, mutate(space, traces[0], rng).trace, uniformly(space, rng).trace]
    return traces


@pytest.mark.parametrize("space", PARTS.values(), ids=PARTS)
def test_draws_do_not_depend_on_what_was_looked_at_before(space: TreeSpace) -> None:
    """Neither on how often the diagram had to be begun anew, nor on when."""
    fresh, counted = anew(space), anew(space)
    size = count(counted)
    assert size
    traces = drawn(fresh, 3)

    assert traces == drawn(fresh, 3) == drawn(counted, 3)
    assert set(traces) <= truth(space).graphs.keys()


def test_some_of_these_spaces_begin_their_diagram_anew_and_some_do_not() -> None:
    """Otherwise nothing above would be a test of forgetting."""
    versions = {}
    for name, space in PARTS.items():
        again = anew(space)
        count(again)
        versions[name] = again.reach.diagram.version

    assert versions["its type matters at its second use"] > 1
    assert versions["it is walked in one branch"] > 1
    assert versions["it keeps the type or is a dead end"] > 1
    assert versions["it matters nowhere"] == 1
    assert versions["one matters and one does not"] > 1


def test_a_walk_goes_on_where_the_diagram_was_begun_anew_behind_its_back() -> None:
    space = anew(PARTS["its type matters at its second use"])
    known = truth(space)
    walk = space.walk()
    decision = next(walk)
    count(space)
    answers: list[tuple[str, Label]] = []
    graph = None
    while graph is None:
        answers.append((decision.name, decision.options[-1]))
        try:
            decision = walk.send(decision.options[-1])
        except StopIteration as end:
            graph = end.value

    assert known.graphs[Trace(tuple(answers))] == graph


def test_what_makes_no_difference_is_not_remembered() -> None:
    idles = [shared(f"idle{place}", SHAPELESS) for place in range(12)]
    space = _on(5, *idles, *idles)

    assert count(space) == 4**12
    assert len(space.reach.diagram) < 100


def looked(space: TreeSpace, looks: int, monkeypatch: pytest.MonkeyPatch) -> TreeSpace:
    """The space, in which no more questions than that are looked at in one go."""
    monkeypatch.setattr(reaching, "LOOKS", looks)
    monkeypatch.setattr(reaching, "FEW", looks)
    monkeypatch.setattr(reaching, "PATIENCE", looks)
    return anew(space)


@pytest.mark.parametrize("name", ["tight", "coupled", "its second use meets dead ends", "tied turns shrink"])
@pytest.mark.parametrize("looks", [1, 2])
def test_where_it_is_too_much_to_look_ahead_draws_are_valid_still(
    name: str, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = truth(SPACES[name]).graphs
    space = looked(SPACES[name], looks, monkeypatch)
    traces = drawn(space, 5)

    assert space.reach.undecided
    assert set(traces) <= known.keys()
    assert count(space) == len(known)
    assert {trace: replay(space, trace).graph for trace in traces} == {trace: known[trace] for trace in traces}


def test_an_undecided_space_lets_a_walk_into_a_dead_end(monkeypatch: pytest.MonkeyPatch) -> None:
    space = looked(TIGHT, 1, monkeypatch)
    rng = Random(1)
    ends = [derive(space, randomly(rng)).graph is None for _ in range(60)]

    assert 0 < sum(ends) < 60


def test_a_space_that_was_looked_through_is_decided() -> None:
    space = anew(TIGHT)
    count(space)

    assert not space.reach.undecided


def test_without_any_architecture_the_first_dead_end_is_told() -> None:
    for draw in (CLOSED.draw, lambda rng: uniformly(CLOSED, rng), lambda rng: CLOSED.mutated(Trace(), rng)):
        with pytest.raises(UserError, match=r"^no architecture of this space is valid; the first dead end: at 1: max_"):
            draw(Random(0))


def test_the_one_architecture_of_very_many_walks_is_found_at_once() -> None:
    """Blind walks would come to it once in 4^20 times."""
    shrinking = op("max_pool2d", kernel=choose(2, 1), stride=choose(2, 1))
    space = search_space(
        chain(repeat(shrinking, 20), op("conv2d", out=1, kernel=32)),
        input=(1, 32, 32),
    )
    found = sample(space, Random(0))

    assert found.graph is not None
    assert count(space) == 1
