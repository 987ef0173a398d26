"""Identities of traces: equal where the networks are, and without networks wherever that can be told without."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Value
from archsmith.graph.text import digest
from archsmith.spaces.decisions import Trace, replay
from archsmith.spaces.enumeration import architectures
from archsmith.spaces.identity import Identity
from archsmith.spaces.nodes import any_of, call, cell, chain, choose, op, shared
from archsmith.spaces.space import TreeSpace, search_space
from tests.search.small_spaces import TRAINED, TWINS
from tests.strategies import tree_spaces

EDGES = search_space(cell(op("relu"), op("linear", out=3), nodes=3, gaps=True), input=(3,))
"""The same cell may be wired in several ways, and has layers of its own on equal values."""

POOLED = search_space(chain(*[op("max_pool2d", kernel=choose(2, 3))] * 2), input=(1, 4, 4))
"""Behind a kernel of 3 there is no room for another."""


def built(space: TreeSpace, trace: Trace) -> tuple[str, object]:
    """The digest of the network, and what the trace says to the recipe."""
    graph = replay(space, trace).graph
    assert graph is not None
    return digest(graph), [answer for answer in trace.answers if answer[0].startswith("recipe/")]


def check(space: TreeSpace, traces: list[Trace]) -> None:
    """Identities are equal where networks are, and so are their keys there."""
    known = [(space.identity(trace), built(space, trace)) for trace in traces]
    for one, first in known:
        for other, second in known:
            assert isinstance(one, Identity)
            assert isinstance(other, Identity)
            assert (one == other) == (first == second)
            assert first != second or hash(one) == hash(other)


@given(space=tree_spaces(), seed=st.integers(0, 2**32))
def test_identities_are_equal_where_the_networks_are(space: TreeSpace, seed: int) -> None:
    rng = Random(seed)
    try:
        traces = [space.draw(rng) for _ in range(3)]
    except UserError:
        return  # no architecture of this tree is valid
    check(space, [*traces, *(space.mutated(trace, rng) for trace in traces)])


@pytest.mark.parametrize("space", [TWINS, TRAINED, EDGES, POOLED], ids=["twins", "trained", "edges", "pooled"])
def test_so_it_is_in_the_whole_of_a_space(space: TreeSpace) -> None:
    traces = [found.trace for found in architectures(space)]

    check(space, Random(0).sample(traces, min(len(traces), 40)))


def tied(builder: Builder, x: Value) -> Value:
    layer = builder.add("linear", x, out=3)
    return builder.add("add", layer, layer)


def apart(builder: Builder, x: Value) -> Value:
    return builder.add("add", builder.add("linear", x, out=3), builder.add("linear", x, out=3))


def test_networks_of_one_fingerprint_are_told_apart_by_their_digests() -> None:
    space = search_space(any_of(tied=call(tied), apart=call(apart)), input=(3,))
    one, other = (space.identity(found.trace) for found in architectures(space))

    assert hash(one) == hash(other)
    assert one != other


def test_nothing_is_built_for_networks_that_nothing_is_like(monkeypatch: pytest.MonkeyPatch) -> None:
    traces = {built(TWINS, found.trace)[0]: found.trace for found in architectures(TWINS)}
    twins = [found.trace for found in architectures(TWINS) if found.trace not in traces.values()]
    monkeypatch.setattr("archsmith.spaces.space.replay", None)
    known = {TWINS.identity(trace) for trace in traces.values()}

    assert len(known) == 8
    with pytest.raises(TypeError):
        known.add(TWINS.identity(twins[0]))


def test_what_has_one_option_left_need_not_be_answered() -> None:
    whole = Trace((("0/max_pool2d.kernel", 3), ("1/max_pool2d.kernel", 2)))

    assert replay(POOLED, whole).trace == whole
    assert POOLED.identity(Trace(whole.answers[:1])) == POOLED.identity(whole)


@pytest.mark.parametrize(
    "answers", [(), (("0/max_pool2d.kernel", 4),), (("0/max_pool2d.kernel", 3), ("1/max_pool2d.kernel", 3))]
)
def test_a_trace_of_another_space_is_refused(answers: tuple[tuple[str, int], ...]) -> None:
    with pytest.raises(UserError, match="it is of another space"):
        POOLED.identity(Trace(answers))


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archsmith.spaces.identity.KEPT", 3)
    space = replace(EDGES)
    traces = [space.draw(Random(seed)) for seed in range(10)]

    assert [space.identity(trace) for trace in traces] == [EDGES.identity(trace) for trace in traces]


def test_an_answer_may_be_any_number_that_equals_an_option() -> None:
    width = shared("width", choose(1, 2))
    space = search_space(chain(op("linear", out=width), op("linear", out=width + 1)), input=(3,))

    assert space.identity(Trace((("width", 1.0),))) == space.identity(Trace((("width", 1),)))
    assert space.identity(Trace((("width", 1),))) != space.identity(Trace((("width", 2),)))


def test_an_identity_is_nothing_else() -> None:
    assert TWINS.identity(TWINS.draw(Random(0))) != "identity"
