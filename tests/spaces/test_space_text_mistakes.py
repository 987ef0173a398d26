"""A document that is malformed is refused, and the mistake is named with its path."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsmith.graph.errors import UserError
from archsmith.spaces.node import Node
from archsmith.spaces.nodes import op
from archsmith.spaces.parts import Chain
from archsmith.spaces.text import from_json, to_json
from tests.spaces.documents import GATE, RELU, every_kind, of


def places(document: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of everything in a document."""
    if path:
        yield path
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for step, value in inner:
        yield from places(value, (*path, step))


DOCUMENT = json.loads(to_json(every_kind()))
PLACES = tuple(places(DOCUMENT))
OTHERS: tuple[object, ...] = (
    None,
    True,
    -1,
    10**400,
    2.5,
    "",
    "relu",
    "width",
    "norm",
    "a\0b",
    [],
    [[]],
    {},
    {"op": {}},
    {"call": "os:abort"},
)


def changed(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """The document with another value there; without one if ``value`` is Ellipsis."""
    if not path:
        return value
    step, *rest = path
    pairs = list(document.items() if isinstance(document, dict) else enumerate(document))
    new = [(key, changed(inner, tuple(rest), value) if key == step else inner) for key, inner in pairs]
    kept = [(key, inner) for key, inner in new if inner is not ...]
    return dict(kept) if isinstance(document, dict) else [inner for _, inner in kept]


@settings(max_examples=400)
@given(st.sampled_from(PLACES), st.sampled_from((..., *OTHERS)))
def test_a_changed_document_is_a_space_or_a_mistake_that_names_its_place(
    path: tuple[str | int, ...], value: object
) -> None:
    text = json.dumps(changed(DOCUMENT, path, value))
    try:
        space = from_json(text)
    except UserError as mistake:
        place, said, _ = str(mistake).partition(": ")
        assert said
        assert place == "the document" or place.partition(".")[0].partition("[")[0] in {*DOCUMENT, "needs"}
        return

    assert from_json(to_json(space)) == space


@settings(max_examples=100)
@given(st.text())
def test_any_text_is_a_mistake(text: str) -> None:
    with pytest.raises(UserError, match="the document|must be JSON"):
        from_json(text)


TWICE = {"body": {"shared": "x"}, "times": 2}
LINEAR = {"op": {"operator": "linear", "attributes": [{"out": {"shared": "n"}}]}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "a space's text must be JSON"),
        ("[" * 100_000, "a space's text must be JSON"),
        ('{"format": NaN}', "NaN is no number in JSON"),
        ("[1e999]", r"\[0\]: the number is too large"),
        ("[]", "the document: must be an object with format, input, root"),
        (of(RELU, format=2), "format: this archsmith reads format 1 of a space's text; got 2"),
        (of(RELU, format=True), "format: this archsmith reads format 1"),
        (of(RELU, colour="red"), "colour: is no key here; there are format, input, root, ahead"),
        (of({"relu": {}}), "root.relu: is unknown; there are op, call, chain"),
        (of({"op": {"operator": "relu"}, "chain": []}), "root: must be an object with one key"),
        (of({"chain": [RELU, 3]}), r"root.chain\[1\]: must be an object with one key.*; got 3"),
        (of({"op": {"attributes": []}}), "root.op: needs 'operator'"),
        (of({"op": {"operator": "rellu"}}), "root: no operator 'rellu' in the rule book"),
        (of({"op": {"operator": "relu", "rate": 1}}), "root.op.rate: is no key here; there are operator, attributes"),
        (of({"op": {"operator": "relu", "attributes": {}}}), "root.op.attributes: must be a list"),
        (
            of({"op": {"operator": "conv2d", "attributes": [{"out": 1}, {"out": 2}]}}),
            r"root.op.attributes\[1\].out: is there twice",
        ),
        (
            of({"op": {"operator": "linear", "attributes": [{"out": {"choose": [1, 1]}}]}}),
            r"root.op.attributes\[0\].out.choose: choose needs options that differ",
        ),
        (
            of({"op": {"operator": "linear", "attributes": [{"out": {"float": "nan"}}]}}),
            r"root.op.attributes\[0\].out: must be finite",
        ),
        (
            of({"op": {"operator": "linear", "attributes": [{"out": {"floats": {"low": 1, "high": 10**400}}}]}}),
            r"root.op.attributes\[0\].out.floats: ",
        ),
        (of({"any_of": {"branches": []}}), "root.any_of: any_of needs at least one branch"),
        (of({"any_of": {"branches": [{"a": RELU}], "weights": [0]}}), "root.any_of: any_of takes a list of 1 weights"),
        (of({"some_of": {"branches": [{"a": RELU}], "count": 2}}), "root.some_of: some_of takes a count from 1 to"),
        (of({"cell": {"operations": [{"none": RELU}], "nodes": 1, "gaps": True}}), "root.cell: in a cell with gaps"),
        (
            of({"cell": {"operations": [{"a": RELU}], "nodes": 1, "entering": [{"b": RELU}]}}),
            "root.cell.entering: must have the labels of the operations",
        ),
        (of({"optional": {"body": RELU, "weights": [1]}}), "root.optional.weights: optional takes a list of 2 weights"),
        (of({"cell": {"operations": [{"a": RELU}], "nodes": 1, "inputs": None}}), "root.cell.inputs: must have a"),
        (of({"optional": {"body": RELU, "name": 3}}), "root.optional.name: must be text; got 3"),
        (of({"repeat": {"body": RELU, "times": -1}}), "root.repeat: repeat needs counts"),
        (of({"residual": {"body": RELU, "project": 1}}), "root.residual.project: must be true or false; got 1"),
        (of({"shared": "x"}), "root.shared: nothing is shared as 'x'; shared are: none"),
        (of({"shared": "x"}, shared={"x": {"choose": [1]}}), "root.shared: x is a value; here stands a part"),
        (of(LINEAR, shared={"n": RELU}), r"root.op.attributes\[0\].out.shared: n is a part"),
        (of(RELU, shared={"x": RELU}), "shared.x: nothing uses it"),
        (of(RELU, shared=[]), "shared: must be an object"),
        (of({"shared": "a b"}, shared={"a b": RELU}), r'shared\["a b"\]: what is shared has a name'),
        (of({"shared": "x"}, shared={"x": {"shared": "x"}}), "shared.x.shared: what is shared cannot be part"),
        (
            of({"shared": "x"}, shared={"x": {"chain": [{"shared": "y"}]}, "y": {"repeat": TWICE}}),
            "shared.y.repeat.body.shared: what is shared cannot be part of itself: x has y has x",
        ),
        (
            of(LINEAR, shared={"n": {"choose": {"options": [1], "name": "m"}}}),
            "shared.n: what is shared as 'n' is asked under that name alone",
        ),
        (of(RELU, recipe=[{"1": 2}]), r'recipe\[0\]\["1"\]: what a recipe sets has a name'),
        (of(RELU, require=["depth < 3"]), r"require\[0\]: the constraint 'depth < 3' speaks of depth"),
        (of(RELU, require=["__import__('os')"]), r"require\[0\]: a constraint is an expression"),
        (of(RELU, require=[3]), r"require\[0\]: must be an object with one key"),
        (of(RELU, input={"dtype": "float32", "shape": [0]}), "input: a space's input is the shape"),
        (of(RELU, input={"dtype": "int4", "shape": [4]}), "input: a space's dtype must be one of"),
        (of(RELU, ahead=1), "ahead: must be true or false"),
        (of({"call": GATE}), f"root.call: {GATE} must be among the needs of the document"),
        (of(RELU, needs=[1]), r"needs\[0\]: must be text"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_path(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        from_json(text)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("2*", "not an expression"),
        ("m + 1", "nothing is shared as 'm'; shared are: n"),
        ("max(n, 2)", "values are computed with"),
        ("n < 2", "values are computed with"),
        ("6", "has nothing shared in it; write its value as a number: 6"),
        ("(" * 5000 + "n" + ")" * 5000, "not an expression"),
        (" + ".join(["n"] * 5000), "nested too deeply"),
    ],
)
def test_a_computed_value_is_arithmetic_with_what_is_shared(expression: str, message: str) -> None:
    computed = {"op": {"operator": "linear", "attributes": [{"out": {"shared": expression}}]}}
    with pytest.raises(UserError, match=message):
        from_json(of({"chain": [LINEAR, computed]}, shared={"n": {"choose": [1, 2]}}))


def test_arithmetic_takes_whole_numbers() -> None:
    with pytest.raises(UserError, match="arithmetic takes choices of whole numbers; got n where n = choose"):
        from_json(of({"repeat": {"body": RELU, "times": {"shared": "2*n"}}}, shared={"n": {"choose": [True, 2.5]}}))


def test_a_key_that_is_there_twice_is_refused() -> None:
    twice = '{"n": {"choose": [1]}, "n": {"choose": [2]}}'
    with pytest.raises(UserError, match="shared: 'n' is there twice; it has one meaning"):
        from_json(of(LINEAR, shared={}).replace('"shared": {}', f'"shared": {twice}'))


def test_few_lines_cannot_stand_for_more_parts_than_there_is_memory() -> None:
    table: dict[str, object] = {f"n{i}": {"chain": [{"shared": f"n{i + 1}"}] * 10} for i in range(30)}
    with pytest.raises(UserError, match="the tree has more than 100000 parts"):
        from_json(of({"shared": "n0"}, shared={**table, "n30": RELU}))


def test_few_lines_cannot_repeat_more_parts_than_there_is_memory() -> None:
    once = {"repeat": {"body": RELU, "times": 10**12}}
    within = {"repeat": {"body": {"repeat": {"body": RELU, "times": 1000}}, "times": {"choose": [0, 1000]}}}
    computed = {"repeat": {"body": RELU, "times": {"shared": "n*n - n"}}}
    edges = {"cell": {"operations": [{"a": RELU}], "nodes": 1000}}

    for root, where in ((once, "repeat"), (within, "repeat"), (computed, "repeat"), (edges, "cell")):
        table = {"shared": {"n": {"choose": [2, 10**4]}}} if root is computed else {}
        with pytest.raises(UserError, match=f"root.{where}.(times|nodes): the tree has more than 100000 parts"):
            from_json(of(root, **table))


def test_a_tree_that_is_nested_too_deeply_is_refused() -> None:
    root: Node = op("relu")
    for _ in range(300):
        root = Chain((root,))
    deep = replace(every_kind(), root=root)
    text = of(0).replace('"root": 0', f'"root": {"".join(["""{"chain": ["""] * 400)}{json.dumps(RELU)}{"]}" * 400}')

    with pytest.raises(UserError, match="nested too deeply"):
        to_json(deep)
    with pytest.raises(UserError, match="nested too deeply|must be JSON"):
        from_json(text)
