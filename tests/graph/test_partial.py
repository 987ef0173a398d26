"""Calls of learned operators: which rule takes them, what stands for what is left out, and what no graph can have."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsmith.graph.book import Application, RuleBook
from archsmith.graph.builder import Builder, recheck
from archsmith.graph.cost import macs, parameters
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Graph, Scalar
from archsmith.graph.learned import book_bytes, book_from_bytes, learned_operator
from archsmith.graph.ops import DECLARED
from archsmith.graph.partial import partial, scalar, settings
from archsmith.graph.rules import Rule
from archsmith.graph.signature import Fixed, IntegerSlot, ListSlot, Plain, Word
from archsmith.graph.simplify import simplified
from archsmith.graph.text import digest, from_json, to_json
from archsmith.graph.types import TensorType
from tests.learned_rules import (
    added_in_place,
    contiguous,
    fixed,
    integer,
    is_nonzero,
    learned_rule,
    operators,
    picked,
    roll,
    tensor,
    total,
)

LEARNED = book_from_bytes(book_bytes(operators(), pytorch="2.13.0", built=""), name="a book")
BOOK = RuleBook(DECLARED.operators.values(), further=lambda: LEARNED)


def applied(name: str, *shapes: tuple[int, ...], dtype: str = "float32", **attributes: Scalar) -> Application:
    return BOOK.apply(name, [TensorType(shape, dtype) for shape in shapes], attributes)


def test_a_rule_is_found_by_ranks_constants_and_attributes() -> None:
    along = applied("torch.roll", (2, 3), shifts=4, dims=1)
    along_two = applied("torch.roll", (1, 2, 3, 4), shifts_0=1, shifts_1=2, dims_0=2, dims_1=3)

    assert along.rule == roll(2, 1)
    assert along.attributes == (("dims", 1), ("shifts", 4))
    assert along.types == (TensorType((2, 3)),)
    assert dict(along.bound) == {"input_0": 2, "input_1": 3, "shifts": 4}
    assert isinstance(along_two.rule.learned and along_two.rule.learned.signature.arguments[1][1], ListSlot)


def test_what_is_left_out_has_the_default_of_the_operator() -> None:
    softplus = applied("torch.nn.functional.softplus", (2, 3), beta=2)

    assert softplus.attributes == (("beta", 2.0), ("threshold", 20.0))
    assert [type(value) for _, value in softplus.attributes] == [float, float]
    assert applied("torch.Tensor.unfold", (1, 5, 3), dimension=1, size=2).bound["step"] == 1


def test_what_is_left_out_is_what_all_rules_have_or_else_nothing() -> None:
    every = BOOK.apply("torch.sum", [TensorType((2, 3, 4))], {"dtype": "float64"})

    assert every.attributes == (("dim", "None"), ("dtype", "float64"), ("keepdim", False))
    assert every.types == (TensorType((), "float64"),)


@pytest.mark.parametrize(
    ("name", "attributes", "message"),
    [
        ("torch.roll", {"dims": 1}, "torch.roll needs shifts: give it a value"),
        ("torch.sum", {}, "torch.sum needs dtype"),
        ("torch.roll", {"shifts": 1, "axis": 1}, "torch.roll takes shifts, dims, shifts_0, .*; got axis"),
        ("torch.roll", {"shifts": -1, "dims": 1}, "shifts as a whole number of at least 0; got -1"),
        ("torch.roll", {"shifts": True, "dims": 1}, "shifts as a whole number of at least 0; got True"),
        ("torch.roll", {"shifts": 1, "dims": 7}, "to take dims as 0 or 1; got 7"),
        ("torch.roll", {"shifts": 1, "shifts_0": 1}, "is known to take torch.roll.*; got shifts, shifts_0 together"),
        ("torch.nn.functional.softplus", {"beta": "two"}, "to take beta as a number; got 'two'"),
        ("torch.sum", {"dtype": "float31"}, r"to take dtype as a dtype \(float32, .*\); got 'float31'"),
        ("torch.sum", {"dtype": "int64", "keepdim": 0}, "to take keepdim as False; got 0"),
        ("torch.rol", {}, "no operator 'torch.rol' in the rule book; did you mean one of: torch.roll"),
    ],
)
def test_a_mistake_is_said_whatever_goes_in(name: str, attributes: Mapping[str, Scalar], message: str) -> None:
    for check in (lambda: BOOK.complete(name, attributes), lambda: BOOK.apply(name, [TensorType((2, 3))], attributes)):
        with pytest.raises(UserError, match=message):
            check()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: applied("torch.roll", (2, 3, 4), shifts=1, dims=1), r"has no rule: it takes torch.roll\(input\["),
        (lambda: applied("torch.add", (2, 3), (2, 2)), "torch.add requires input_1 == other_1 or .*; got input_1=3"),
        (lambda: applied("torch.reshape", (2, 3, 4), shape_0=5, shape_1=5), "requires input_0.input_1.input_2 =="),
        (lambda: applied("torch.roll", (2, 3), dtype="complex64", shifts=1, dims=1), "take float32 or .*got complex64"),
        (lambda: applied("torch.nn.functional.softplus", (2, 3), beta=0.1), "beta from 0.5 to 1e.06; got 0.1"),
        (lambda: applied("relu", (0, 3)), "relu takes tensors with elements"),
    ],
)  # fmt: skip
def test_what_no_rule_takes_is_infeasible(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(Infeasible, match=message):
        call()


def test_a_learned_rule_may_return_what_is_empty() -> None:
    assert applied("torch.reshape", (0, 3, 4), shape_0=0, shape_1=7).types == (TensorType((0, 7)),)


def test_the_table_of_dtypes_says_what_comes_out() -> None:
    mixed = BOOK.apply("torch.add", [TensorType((2, 1), "int64"), TensorType((1, 3), "float64")], {})

    assert mixed.types == (TensorType((2, 3), "float64"),)
    with pytest.raises(Infeasible, match="got float64 int64"):
        BOOK.apply("torch.add", [TensorType((2, 1), "float64"), TensorType((1, 3), "int64")], {})


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (added_in_place(), "writes to its input"),
        (is_nonzero(), "returns no tensor"),
        (picked(), "depends on the values of its indices"),
        (learned_rule("torch.nn.Flatten", (tensor("input", 1),), (("input_0",),)), r"modules\.module"),
        (learned_rule("torch.log", (tensor("input", 1),), (("input_0",),), fill="positive"), "positive only"),
        (
            learned_rule("torch.f", (tensor("input", 1), fixed("g", Word("opaque", "Generator"))), (("input_0",),)),
            "an object that cannot be written",
        ),
    ],
)
def test_what_a_graph_cannot_have_is_said(rule: Rule, reason: str) -> None:
    with pytest.raises(UserError, match=f"{rule.operator} cannot stand in a graph: .*{reason}"):
        partial(rule.operator, [rule])


def test_rules_that_graphs_cannot_have_are_passed_over() -> None:
    name = "torch.roll"
    unit = learned_rule(name, (tensor("input", 2), integer("shifts")), (("input_0", "input_1"),), fill="unit")
    book = RuleBook([learned_operator(name, [unit, roll(2, 1)])])

    assert [way.rule for way in (book.partial(name) or partial(name, [])).ways] == [roll(2, 1)]
    assert book.rules(name, (2,)) == (roll(2, 1),)


def test_the_rule_that_was_seen_more_often_comes_first() -> None:
    sizes = ("input_0",)
    rare, often = (
        learned_rule("torch.f", (tensor("input", 1),), (sizes,), positional=place, support=support)
        for place, support in ((1, 3), (0, 30))
    )
    longer = learned_rule("torch.f", (tensor("input", 1), fixed("mode", "exact")), (sizes,), support=300)
    book = RuleBook([learned_operator("torch.f", [rare, often, longer])])

    assert book.apply("torch.f", [TensorType((2,))], {}).rule == often
    assert book.apply("torch.f", [TensorType((2,))], {"mode": "exact"}).rule == longer


def test_a_number_stands_for_a_list_of_it() -> None:
    pads = ListSlot((IntegerSlot("pad_0"), IntegerSlot("pad_1")))
    arguments = (tensor("input", 1), integer("size"), ("pad", pads), ("step", IntegerSlot("step")))
    rule = learned_rule("torch.f", arguments, (("input_0",),))
    call = partial("torch.f", [rule], (("pad", 2), ("step", 1))).accept((TensorType((1,)),), {"size": 3, "pad_1": 0})

    assert dict(call.attributes) == {"size": 3, "pad_0": 2, "pad_1": 0, "step": 1}


def test_what_only_other_ranks_can_leave_out_is_asked_for() -> None:
    two = learned_rule("torch.f", (tensor("input", 2), integer("size"), integer("step")), (("input_0",),))
    one = learned_rule("torch.f", (tensor("input", 1), integer("size"), fixed("step", None)), (("input_0",),))
    found = partial("torch.f", [one, two])
    found.demand({"size": 2})

    assert found.accept((TensorType((1,)),), {"size": 2}).rule == one
    with pytest.raises(Infeasible, match=r"size=2\) has no rule: it needs step: give it a value"):
        found.accept((TensorType((1, 1)),), {"size": 2})


def test_true_and_one_are_two_calls() -> None:
    sizes = ("input_0",)
    whole = learned_rule("torch.f", (tensor("input", 1), integer("p")), (sizes,))
    flag = learned_rule("torch.f", (tensor("input", 1), fixed("p", True)), (sizes,))
    book = RuleBook([learned_operator("torch.f", [whole, flag])])
    found = [book.apply("torch.f", [TensorType((2,))], {"p": value}).rule for value in (1, True, 1)]

    assert found == [whole, flag, whole]


def test_attributes_are_named_by_the_places_of_lists() -> None:
    rule = learned_rule(
        "torch.f",
        (
            tensor("input", 1),
            ("from", IntegerSlot("from_")),
            ("dims", ListSlot(())),
            ("shape", ListSlot((Fixed(-1), ListSlot((IntegerSlot("shape_1_0"),))))),
        ),
        (("input_0",),),
    )

    assert list(settings(rule)) == ["from_", "dims", "shape_0", "shape_1_0"]
    call = partial("torch.f", [rule]).accept((TensorType((1,)),), {"from_": 2, "shape_1_0": 3})
    assert dict(call.attributes) == {"from_": 2, "dims": "[]", "shape_0": -1, "shape_1_0": 3}


@given(
    value=st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.builds(Word, st.just("float"), st.text())
)
def test_every_constant_has_a_form_in_a_graph(value: Plain) -> None:
    assert isinstance(scalar(value), int | float | str)


def graph() -> Graph:
    builder = Builder(BOOK)
    x = builder.input(TensorType((1, 4, 6, 6)))
    x = builder.add("conv2d", x, out=4, kernel=3, padding="same")
    x = builder.add("torch.roll", x, shifts=1, dims=1)
    return builder.finish(builder.add("torch.clone", x))


def test_a_graph_with_learned_operators_has_an_identity_a_text_and_a_cost() -> None:
    made = graph()

    assert recheck(from_json(to_json(made)), BOOK) == made
    assert digest(simplified(made, BOOK)) == digest(made)
    assert parameters(made, BOOK) == 4 * 4 * 9 + 4
    assert macs(made, BOOK) == 4 * 36 * 4 * 9


def test_what_is_learned_is_never_merged() -> None:
    """It may be random: nothing is known about that."""
    for book in (BOOK, RuleBook([*DECLARED.operators.values(), *operators()])):
        builder = Builder(book)
        x = builder.input(TensorType((1, 4)))
        twice = [builder.add("torch.roll", x, shifts=1, dims=1) for _ in range(2)]
        made = builder.finish(builder.add("sub", *twice))

        assert simplified(made, book) == made


def test_constants_of_other_kinds_have_words() -> None:
    assert BOOK.apply("torch.clone", [TensorType((1, 2, 3, 4))], {}).rule == contiguous()
    assert settings(total(3, None))["dim"] == Fixed(None)
