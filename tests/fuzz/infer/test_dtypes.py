"""Tables of dtypes and bounds of reals, and which tensors hold indices."""

from random import Random

from archsmith.fuzz.call import Call, Verdict
from archsmith.fuzz.infer.dtypes import agreeing, bounds, dtype_rows, elsewhere, index_tensors, still_true
from archsmith.fuzz.infer.probe import Probe
from archsmith.fuzz.infer.split import grouped
from archsmith.graph.rules import Bounds, DtypeRow
from archsmith.graph.signature import Word
from tests.fuzz.infer.planted import NO, Planted, Truth, call, returned, selected, tensor

ORDER = ("bool", "int64", "float32", "float64")


def promoted(entry: Call) -> Verdict:
    """Two tensors of the same size; the result has the higher of the dtypes."""
    first, second = entry.tensors()
    if first.shape != second.shape or not {first.dtype, second.dtype} <= set(ORDER):
        return NO
    return returned(first.shape, dtype=max(first.dtype, second.dtype, key=ORDER.index))


def probe_of(truth: Truth, entry: Call) -> tuple[Probe, tuple[int, ...]]:
    (group,) = grouped([entry])
    (point,) = group.points
    probe = Probe(Planted(truth), group.signature, "normal", point.reals, point.dtypes)
    probe.see([point.values])
    return probe, point.values


def test_all_pairs_of_dtypes_are_tried_for_two_tensors() -> None:
    rows = dtype_rows(*probe_of(promoted, call(a=tensor(3), b=tensor(3))), [])

    assert len(rows) == len(ORDER) ** 2
    assert DtypeRow(("bool", "float64"), ("float64",)) in rows


def test_a_dtype_that_is_an_argument_is_a_column() -> None:
    def cast(entry: Call) -> Verdict:
        wanted = dict(entry.arguments)["dtype"]
        assert isinstance(wanted, Word)
        return returned(entry.tensors()[0].shape, dtype=wanted.text)

    rows = dtype_rows(*probe_of(cast, call(x=tensor(3), dtype=Word("dtype", "float64"))), [])

    assert DtypeRow(("float32", "int64"), ("int64",)) in rows


def test_a_row_with_which_another_call_comes_out_otherwise_is_left_out() -> None:
    def odd(entry: Call) -> Verdict:
        (data,) = entry.tensors()
        return NO if data.dtype == "bool" and data.shape[0] > 3 else returned(data.shape, dtype=data.dtype)

    probe, at = probe_of(odd, call(x=tensor(3)))
    probe.see([(5,)])
    rows = dtype_rows(probe, at, [])
    kept = agreeing(probe, rows, at, Random(0))

    assert {row.taken for row in rows} - {row.taken for row in kept} == {("bool",)}


def test_a_table_from_elsewhere_is_taken_only_if_it_is_true() -> None:
    probe, at = probe_of(promoted, call(a=tensor(3), b=tensor(3)))
    table = dtype_rows(probe, at, [])
    wrong = [DtypeRow(row.taken, ("float32",)) for row in table]

    assert still_true(probe, table, at, Random(0))
    assert not still_true(probe, wrong, at, Random(0))
    assert not still_true(probe, [], at, Random(0))


def test_bounds_are_the_widest_run_of_floats_around_the_recorded_one() -> None:
    def rate(entry: Call) -> Verdict:
        p = dict(entry.arguments)["p"]
        assert isinstance(p, float)
        return returned(entry.tensors()[0].shape) if 0 < p <= 1 else NO

    probe, at = probe_of(rate, call(x=tensor(3), p=0.3))

    assert bounds(probe, at) == (Bounds("p", 1e-6, 1.0),)


def test_indices_are_what_is_refused_as_floats() -> None:
    probe, at = probe_of(selected, call(table=tensor(6, 3), index=tensor(2, dtype="int64", low=0, high=3)))

    assert index_tensors(probe, at) == ("index",)


def test_dtypes_that_are_taken_only_at_the_edge_of_a_float_are_left_out() -> None:
    def dropped(entry: Call) -> Verdict:
        (data,), share = entry.tensors(), dict(entry.arguments)["p"]
        assert isinstance(share, float)
        inside = 0 <= share <= 1 and (share in (0, 1) or data.dtype.startswith("float"))
        return returned(data.shape, dtype=data.dtype) if inside else NO

    probe, at = probe_of(dropped, call(x=tensor(3), p=1.0))
    rows = dtype_rows(probe, at, [])
    kept = elsewhere(probe, rows, bounds(probe, at), at)

    assert ("int64",) in {row.taken for row in rows}
    assert all(row.taken[0].startswith("float") for row in kept)
    assert ("float32",) in {row.taken for row in kept}


def test_a_float_that_changes_a_large_result_is_held() -> None:
    def scaled(entry: Call) -> Verdict:
        (data,), scale = entry.tensors(), dict(entry.arguments)["scale"]
        assert isinstance(scale, float)
        return returned((int(data.shape[0] * scale),)) if scale > 0 else NO

    probe, at = probe_of(scaled, call(x=tensor(1), scale=1.0))
    probe.see([(9,)])

    assert bounds(probe, at) == (Bounds("scale", 1.0, 1.0),)
