"""How calls are grouped into signatures, and which other signatures are tried."""

from archsmith.fuzz.call import Call
from archsmith.fuzz.infer.siblings import siblings
from archsmith.fuzz.infer.split import chosen, grouped, held, is_index, read_as
from archsmith.graph.signature import Word
from tests.fuzz.infer.planted import call, tensor


def test_calls_that_differ_in_numbers_only_are_one_group() -> None:
    groups = grouped([call(x=tensor(2, 3), k=4), call(x=tensor(5, 6), k=1), call(x=tensor(2), k=4)])

    assert [len(group.calls) for group in groups] == [2, 1]
    assert [point.values for point in groups[0].points] == [(2, 3, 4), (5, 6, 1)]


def test_the_number_of_a_dimension_is_held_from_the_start() -> None:
    first, second = grouped([call(x=tensor(2, 3), dim=0), call(x=tensor(2, 3), dim=1)])

    assert first.signature.integers == second.signature.integers == ()
    assert first.signature != second.signature


def test_entries_of_a_list_of_dimensions_are_known_as_such() -> None:
    assert is_index("dims_0")
    assert is_index("dim_1_0")
    assert not is_index("size_0")
    assert not is_index("dimensions_of_freedom")


def test_a_call_with_what_cannot_be_made_again_is_left_out() -> None:
    assert grouped([call(x=tensor(2), f=Word("opaque", "function"))]) == []


def test_of_many_groups_those_with_other_ranks_come_first() -> None:
    many = [call(x=tensor(2, 3), dim=dim) for dim in (0, 1, -1)] + [call(x=tensor(4), dim=0)]
    kept = chosen(grouped(many), 2)

    assert sorted(group.signature.tensors[0].rank for group in kept) == [1, 2]


def test_an_integer_is_held_at_each_of_its_values() -> None:
    calls = [call(x=tensor(2, 3), k=k) for k in (1, 1, 4)] + [call(x=tensor(5, 3), k=1)]
    signature = grouped(calls)[0].signature
    parts = held(signature, calls, ["k"])

    assert [len(part.calls) for part in parts] == [3, 1]
    assert all(part.signature.integers == () for part in parts)


def test_what_a_signature_holds_stays_held_when_another_call_is_read_by_it() -> None:
    signature = grouped([call(x=tensor(2, 3), dim=1, k=3)])[0].signature
    read, point = read_as(signature, call(x=tensor(4, 4), dim=0, k=5))

    assert read.integers == ("k",)
    assert point.values == (4, 4, 5)


def test_siblings_have_other_dimensions_flags_and_ranks() -> None:
    start = call(x=tensor(2, 3), dim=0, k=2, keep=False)
    arguments = [dict(other.arguments) for other in siblings(start)]

    assert {entry["dim"] for entry in arguments} >= {0, 1, -1, -2}
    assert any(entry["k"] == -1 for entry in arguments)
    assert any(entry["keep"] is True for entry in arguments)
    assert {len(other.tensors()[0].shape) for other in siblings(start)} == {1, 2, 3}
    assert start not in siblings(start)


def test_siblings_of_two_calls_of_one_signature_are_of_the_same_signatures() -> None:
    pairs = zip(siblings(call(x=tensor(2, 3), dim=0)), siblings(call(x=tensor(4, 4), dim=0)), strict=True)

    assert all(len({group.signature for group in grouped(pair)}) == 1 for pair in pairs)


def test_a_call_without_tensors_has_siblings_too() -> None:
    assert siblings(Call("torch.planted", (("n", 3),), 1)) == [Call("torch.planted", (("n", -1),), 1)]
