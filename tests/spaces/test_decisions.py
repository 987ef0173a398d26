"""Decisions and traces: one answer, one architecture, whoever answers."""

from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.builder import Builder
from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.spaces.decisions import Decision, Label, Prefix, Space, Steps, Trace, derive, following, randomly, replay
from archsmith.spaces.nodes import any_of, chain, choose, op, repeat
from archsmith.spaces.space import search_space
from tests.spaces.leaves import DENSE, TIGHT, leaves
from tests.strategies import GROWTH, tree_spaces, walks


@dataclass(frozen=True, slots=True)
class Asking:
    """A space that asks just these decisions and makes one graph of them all."""

    decisions: tuple[Decision, ...]

    def walk(self) -> Steps[Graph]:
        for decision in self.decisions:
            _ = yield decision
        builder = Builder(DECLARED)
        return builder.finish(builder.input(TensorType((1,))))

    def text(self) -> str:
        return "asks"


def first(decision: Decision, prefix: Prefix) -> Label:
    return decision.options[0]


@given(data=st.data())
def test_a_replayed_trace_is_the_same_derivation(data: st.DataObject) -> None:
    space = data.draw(tree_spaces() | st.just(GROWTH))
    found = data.draw(walks(space))

    assert replay(space, found.trace) == found


@given(seed=st.integers(0, 2**32), space=tree_spaces())
def test_the_same_answers_lead_to_the_same_end(seed: int, space: Space) -> None:
    assert derive(space, randomly(Random(seed))) == derive(space, randomly(Random(seed)))


@given(data=st.data())
def test_a_trace_answers_what_was_asked_and_nothing_else(data: st.DataObject) -> None:
    found = data.draw(walks(data.draw(tree_spaces())))

    assert [name for name, _ in found.trace.answers] == [decision.name for decision in found.asked]
    assert len({decision.name for decision in found.asked}) == len(found.trace)
    for decision, (_, label) in zip(found.asked, found.trace.answers, strict=True):
        assert label in decision.options
        assert len(decision.options) >= 2 or decision.narrow


def test_a_decision_of_one_option_is_not_asked() -> None:
    found = derive(Asking((Decision("a", (7,)), Decision("b", (1, 2)))), first)

    assert found.trace == Trace((("b", 1),))


def test_an_answer_has_to_be_an_option() -> None:
    with pytest.raises(ValueError, match=r"a must be one of \(1, 2\); got 3"):
        derive(Asking((Decision("a", (1, 2)),)), lambda decision, prefix: 3)


def test_a_trace_is_written_in_the_words_of_the_space() -> None:
    found = derive(Asking((Decision("a", (1, 2)), Decision("b", (0.5, 1.0)))), lambda decision, prefix: True)

    assert repr(found.trace.answers) == "(('a', 1), ('b', 1.0))"


def test_a_name_is_asked_once() -> None:
    with pytest.raises(UserError, match="decision 'a' is asked twice in one walk; give one of the two a name"):
        derive(Asking((Decision("a", (1,)), Decision("a", (1, 2)))), first)


def test_a_decision_has_options() -> None:
    with pytest.raises(UserError, match="decision 'a' has no options; give it at least one"):
        derive(Asking((Decision("a", ()),)), first)


def test_the_answer_so_far_is_given_with_every_decision() -> None:
    seen: list[Prefix] = []

    def answer(decision: Decision, prefix: Prefix) -> Label:
        seen.append(prefix)
        return decision.options[-1]

    derive(Asking((Decision("a", (1, 2)), Decision("b", ("x", "y")), Decision("c", (3, 4)))), answer)

    assert seen == [(), (("a", 2),), (("a", 2), ("b", "y"))]


@pytest.mark.parametrize("trace", [Trace(), Trace((("other", 1),)), Trace((("a", 3),)), Trace((("a", "1"),))])
def test_a_trace_of_another_space_is_refused(trace: Trace) -> None:
    with pytest.raises(UserError, match=r"to a, which takes 1, 2: it is of another space"):
        replay(Asking((Decision("a", (1, 2)),)), trace)


BLOCKS = search_space(
    chain(
        repeat(op("linear", out=choose(4, 8)), choose(1, 2, 3), name="blocks"),
        any_of(op("relu"), op("tanh")),
    ),
    input=(8,),
)


def test_following_by_name_keeps_what_is_still_asked() -> None:
    long = derive(BLOCKS, lambda decision, prefix: decision.options[-1]).trace.as_dict()
    short = derive(BLOCKS, following(Trace.of(long | {"0/blocks.times": 2}), first)).trace.as_dict()

    assert long.keys() - short.keys() == {"0/blocks/2/linear.out"}
    assert short == {name: long[name] for name in short} | {"0/blocks.times": 2}


def test_following_answers_otherwise_where_the_trace_cannot() -> None:
    trace = Trace.of({"0/blocks.times": 2, "0/blocks/0/linear.out": 5, "0/blocks/1/linear.out": 8})

    assert derive(BLOCKS, following(trace, first)).trace.as_dict() == {
        "0/blocks.times": 2,
        "0/blocks/0/linear.out": 4,
        "0/blocks/1/linear.out": 8,
        "1/any_of": "relu()",
    }


@given(data=st.data())
def test_following_a_whole_trace_asks_nobody_else(data: st.DataObject) -> None:
    space = data.draw(tree_spaces())
    found = data.draw(walks(space))

    def otherwise(decision: Decision, prefix: Prefix) -> Label:
        raise AssertionError(decision)

    assert derive(space, following(found.trace, otherwise)) == found


@pytest.mark.parametrize(("space", "ends", "graphs"), [(DENSE, 60, 60), (TIGHT, 122, 42)])
def test_each_way_through_a_space_is_another_trace(space: Space, ends: int, graphs: int) -> None:
    found = leaves(space)

    assert len(found) == len({leaf.trace for leaf in found}) == ends
    assert sum(leaf.graph is not None for leaf in found) == graphs
