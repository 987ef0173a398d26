"""A space is written as JSON and read back the same; what is malformed is refused by its path, and no code is run."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsmith.graph.book import Attribute, Operator
from archsmith.graph.builder import Builder
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Value
from archsmith.graph.rules import Rule
from archsmith.spaces.catalog import CATALOG
from archsmith.spaces.decisions import Trace
from archsmith.spaces.loading import load_space
from archsmith.spaces.node import Node
from archsmith.spaces.nodes import (
    any_of,
    call,
    cell,
    chain,
    choose,
    floats,
    integers,
    op,
    optional,
    parallel,
    permutation,
    repeat,
    residual,
    shared,
    some_of,
)
from archsmith.spaces.parts import Chain
from archsmith.spaces.sampling import sample
from archsmith.spaces.space import TreeSpace, digest, search_space
from archsmith.spaces.text import from_json, needs_of, to_json
from archsmith.spaces.values import Given
from tests.strategies import CELL, WIDTH, gate, trees

GOLDEN = Path(__file__).parent.parent / "golden" / "space.json"
GATE = "tests.strategies:gate"
OWN_PARTS = ("darts", "nas-bench-101")
"""Entries of the catalogue that have parts of a class of their own."""


def narrow(width: int) -> bool:
    """A predicate over a shared value."""
    return width < 4


def depth_of(trace: Trace) -> int:
    """A rule by which architectures count as alike."""
    return len(trace)


def every_kind() -> TreeSpace:
    """A space with every part and every setting of the language that is data."""
    width, rate = shared("width", choose(2, 4, weights=(1, 3))), shared("rate", floats(0.1, 0.5, count=3))
    norm = shared("norm", any_of(op("batch_norm2d"), none=chain(), name="kind", weights=(3, 1)))
    edges = cell(
        nodes=2,
        inputs=1,
        gaps=True,
        name="edge",
        keep=op("identity"),
        conv=op("conv2d", out=width, kernel=3, padding="same"),
        entering={"keep": op("conv2d", out=width, kernel=1), "conv": op("conv2d", out=width, kernel=1)},
    )
    dense = cell(op("relu"), op("silu"), nodes=3, degree=2, output="cat")
    block = chain(norm, op("dropout", rate=rate), op("conv2d", out=2 * width - 1, kernel=choose(1, 3, name="k")))
    return search_space(
        chain(
            residual(block),
            residual(op("relu"), project=False),
            optional(norm, probability=0.25),
            repeat(op("relu"), shared("depth", integers(1, 5, step=2))),
            repeat(permutation(op("relu"), tanh=op("tanh")), choose(2, 0, ordered=False), name="turns", tied=True),
            some_of(1, op("relu"), op("hardtanh", high=choose(1.0, 6.0)), name="act"),
            parallel(edges, op("conv2d", out=width, kernel=1), join="cat", name="wide"),
            dense,
        ),
        input=(3, 8, 8),
        dtype="float32",
        recipe={
            "learning_rate": floats(1e-3, 1e-1, log=True, count=5),
            "batch_size": 2 * width,
            "weight_decay": 0.0,
            "optimizer": choose("adamw", "sgd"),
        },
        require=["parameters <= 1e6", "width * depth <= 12"],
    )


def further() -> st.SearchStrategy[Node]:
    """Parts that the strategies of all tests lack."""
    return st.sampled_from(
        [
            cell(op("relu"), same=op("identity"), nodes=2, gaps=True),
            cell(op("relu"), nodes=3, degree=2, output="cat", name="dag"),
            op("conv2d", out=integers(2, 8, step=3, name="out"), kernel=1),
            op("dropout", rate=floats(0, 0.5, count=6)),
            op("leaky_relu", slope=choose(0.0, 1, 0.25, weights=(1, 2, 3), ordered=False)),
            shared("stage", chain(CELL, any_of(op("relu"), none=op("silu")))),
            repeat(op("relu"), (WIDTH + 1) // 2),
        ]
    )


@st.composite
def spaces(draw: st.DrawFn) -> TreeSpace:
    """Spaces with any parts, recipes and constraints."""
    values: list[Given] = [
        0.1,
        1.0,
        -0.0,
        "é\ud800",
        True,
        choose(1, 2),
        WIDTH,
        3 - 2 * WIDTH,
        floats(1e-5, 1, log=True),
    ]
    names = st.sampled_from(["rate", "size", "kind"])
    root = chain(draw(trees()), draw(further()), op("conv2d", out=WIDTH, kernel=1))
    demands: list[str | Callable[..., bool]] = ["parameters <= 1e6", "macs > -1", "2*width//3 != 1 or not width == 2"]
    made = search_space(
        root,
        input=(4, 6, 6),
        recipe=draw(st.dictionaries(names, st.sampled_from(values))),
        require=draw(st.lists(st.sampled_from([*demands, narrow]), max_size=2)),
        alike=draw(st.sampled_from([None, depth_of])),
    )
    return replace(made, ahead=draw(st.booleans()))


@given(spaces())
def test_a_space_is_read_back_as_it_was(space: TreeSpace) -> None:
    text = to_json(space)
    again = from_json(text, trusted=True)

    assert again == space
    assert again.alike is space.alike
    assert (again.text(), digest(again)) == (space.text(), digest(space))
    assert to_json(again) == text


@settings(max_examples=15)
@given(spaces(), st.randoms(use_true_random=False))
def test_what_is_read_back_asks_the_same(space: TreeSpace, rng: Random) -> None:
    found = replace(space, constraints=(), ahead=True)
    again = from_json(to_json(found), trusted=True)
    seed = rng.random()
    try:
        first = sample(found, Random(seed))
    except UserError:
        with pytest.raises(UserError):
            sample(again, Random(seed))
        return

    second = sample(again, Random(seed))
    assert (first.trace, first.asked, first.graph) == (second.trace, second.asked, second.graph)


def test_every_part_and_setting_is_read_back() -> None:
    space = every_kind()

    assert from_json(to_json(space)) == space
    assert needs_of(space) == ()


def test_the_text_of_a_space_is_what_it_was() -> None:
    """Files that people keep are of this form: a change of it is another format."""
    assert f"{to_json(every_kind())}\n" == GOLDEN.read_text(encoding="utf-8")
    assert from_json(GOLDEN.read_text(encoding="utf-8")) == every_kind()


def test_another_program_may_write_the_document_in_its_own_way() -> None:
    """Keys in another order, no white space, whole numbers without a fraction."""
    turned = json.dumps(json.loads(GOLDEN.read_text(encoding="utf-8"), parse_float=whole), separators=(",", ":"))

    assert '"weights":[1,3]' in turned
    assert from_json(turned) == every_kind()
    assert digest(from_json(turned)) == digest(every_kind())


def whole(digits: str) -> float:
    return int(float(digits)) if float(digits).is_integer() else float(digits)


@pytest.mark.parametrize("name", sorted(CATALOG.keys() - OWN_PARTS))
def test_the_catalogue_is_read_back(name: str) -> None:
    space = tree(name)
    text, needs = to_json(space), needs_of(space)

    assert from_json(text, trusted=bool(needs)) == space
    assert digest(from_json(text, trusted=bool(needs))) == digest(space)
    assert len(text) < 40_000


def test_most_of_the_catalogue_is_data_alone() -> None:
    data = [name for name in CATALOG.keys() - OWN_PARTS if not needs_of(tree(name))]

    assert set(data) >= {"deep-architect", "resnext-a", "resnext-b", "tabular"}


@pytest.mark.parametrize("name", OWN_PARTS)
def test_an_entry_with_a_part_of_its_own_class_has_no_form(name: str) -> None:
    with pytest.raises(UserError, match="only parts made by the words of the language have a form in JSON"):
        to_json(tree(name))


def tree(name: str) -> TreeSpace:
    space = load_space(name)
    assert isinstance(space, TreeSpace)
    return space


def test_the_text_is_the_same_in_another_process() -> None:
    code = "from tests.spaces.test_space_text import *; print(to_json(every_kind())); print(digest(every_kind()))"
    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=120)

    assert done.stdout == f"{to_json(every_kind())}\n{digest(every_kind())}\n", done.stderr


# What is malformed


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


def of(root: object, **others: object) -> str:
    return json.dumps({"format": 1, "input": {"dtype": "float32", "shape": [4, 8, 8]}, "root": root} | others)


RELU = {"op": {"operator": "relu"}}
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
        (of(RELU, input={"dtype": "int8", "shape": [4]}), "input: a space's dtype must be one of"),
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


# What cannot be written


@dataclass(frozen=True, slots=True)
class Own(Chain):
    """A part of a user's own: no reader could make it again."""


@pytest.mark.parametrize(
    ("root", "message"),
    [
        (
            chain(op("relu"), any_of(x=Own((op("relu"),)))),
            r"root.chain\[1\].any_of.branches\[0\].x: only parts .* have a form in JSON; got one of class tests.*\.Own",
        ),
        (
            chain(op("hardtanh", high=choose(1.0, float("inf")))),
            r"root.chain\[0\].op.attributes\[0\].high: JSON has finite numbers",
        ),
        (repeat(op("relu"), 2 * shared("if", choose(1, 2))), "root.repeat.times: a name in 2.if is a word of Python"),
        (
            chain(shared("x", chain(Own(()))), shared("x", chain(chain()))),
            r"shared.x.chain\[0\]: only parts",
        ),
    ],
    ids=["own class", "infinity", "word of Python", "own class, shared"],
)
def test_what_has_no_form_is_named_with_its_path(root: Node, message: str) -> None:
    space = replace(every_kind(), root=root)

    with pytest.raises(UserError, match=message):
        to_json(space)


def test_a_word_of_python_may_be_shared_by_itself() -> None:
    space = search_space(op("linear", out=shared("if", choose(1, 2))), input=(4,))

    assert from_json(to_json(space)) == space


def local(builder: Builder, x: Value) -> Value:
    """Not what its name says, below."""
    return x


def test_a_function_that_is_not_found_under_its_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    space = search_space(call(local), input=(4,))
    monkeypatch.setattr(sys.modules[__name__], "local", gate)

    with pytest.raises(UserError, match="root.call: a function must be found under its own name in its module"):
        to_json(space)


# What it needs

CODE = """
from pathlib import Path

Path("ran").touch()


def keep(builder, x):
    return builder.add("relu", x)
"""


def test_code_runs_only_where_the_reader_asks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(CODE, encoding="utf-8")
    name = f"{tmp_path / 'mine.py'}:keep"
    text = of({"call": name}, needs=[name])
    (tmp_path / "space.json").write_text(text, encoding="utf-8")

    with pytest.raises(
        UserError, match=r"needs code that is not part of it: .*mine.py:keep\. It is run only where you"
    ):
        from_json(text)
    with pytest.raises(UserError, match=r"space.json: the space needs code"):
        load_space("space.json")
    assert not (tmp_path / "ran").exists()

    space = from_json(text, trusted=True)
    assert (tmp_path / "ran").exists()
    assert space.text().endswith("call archsmith_user_mine:keep")
    assert from_json(to_json(space), trusted=True) == space
    assert needs_of(space) == (name,)


def test_what_is_needed_may_be_given() -> None:
    space = search_space(chain(call(gate), op("linear", out=WIDTH)), input=(4,), require=narrow, alike=depth_of)
    text = to_json(space)
    here = __name__
    needs = {GATE: gate, f"{here}:narrow": narrow, f"{here}:depth_of": depth_of}

    assert json.loads(text)["needs"] == sorted(needs)
    assert from_json(text, needs=needs) == space
    with pytest.raises(UserError, match=f"not part of it: {here}:depth_of, {here}:narrow. It"):
        from_json(text, needs={GATE: gate})
    with pytest.raises(UserError, match=r"root.chain\[0\].call: .* must be a function; got 3"):
        from_json(text, needs={**needs, GATE: 3})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module:f", "no module 'no_such_module' is installed"),
        ("json:nothing", "json must define 'nothing'"),
        ("gate", "what a space needs is named module:name; got 'gate'"),
        ("json:a b", "what a space needs is named module:name"),
        ("tests.strategies:WIDTH", "must be a function"),
    ],
)
def test_what_is_needed_and_not_there_is_named_with_its_path(name: str, message: str) -> None:
    with pytest.raises(UserError, match=f"root.call: .*{message}"):
        from_json(of({"call": name}, needs=[name]), trusted=True)


def test_a_need_that_nothing_uses_is_refused() -> None:
    with pytest.raises(UserError, match="needs: nothing uses tests.strategies:gate"):
        from_json(of(RELU, needs=[GATE]), trusted=True)


def test_a_module_of_ones_own_is_needed_by_its_name() -> None:
    def infer(inputs: object, attributes: object) -> Rule:
        raise Infeasible("it takes nothing")

    own = Operator("mine:Gate", "a gate", (Attribute("size", int, 2),), infer=infer)
    space = search_space(op(own, size=choose(1, 2)), input=(4,))
    named = search_space(op("mine:Gate"), input=(4,), operators=[own])
    text, table = to_json(space), {"mine:Gate": own}

    assert '"own": "mine:Gate"' in text
    assert needs_of(space) == needs_of(named) == ("mine:Gate",)
    again = from_json(text, needs=table)
    assert (again.root, again.text(), again.book.operators) == (space.root, space.text(), space.book.operators)
    assert from_json(to_json(named), needs=table).root == named.root
    with pytest.raises(UserError, match=r"root.op.own: mine:Gate must be an operator, such as module\(MyLayer\)"):
        from_json(text, needs={"mine:Gate": gate})


def test_a_book_of_other_operators_has_no_form() -> None:
    odd = replace(every_kind(), book=every_kind().book.extended([Operator("odd", "none of ours", ())]))

    with pytest.raises(UserError, match="operators: a rule book has the declared operators and modules of your own"):
        to_json(odd)


# Files


def test_a_file_of_json_is_a_space(tmp_path: Path) -> None:
    path = tmp_path / "space.json"
    path.write_text(to_json(every_kind()), encoding="utf-8")

    assert load_space(str(path)) == every_kind()


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "must be a file that can be read; No such"), (b"\xff", "UTF-8"), (b"{", "must be JSON")],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "space.json"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UserError, match=f"space.json.*{message}"):
        load_space(str(path))
