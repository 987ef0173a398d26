"""What rounding explains is no failure: each filter on an example, and each on a difference that it must not hide."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from archsmith.fuzz.attempt import Values
from archsmith.fuzz.case import Case
from archsmith.fuzz.generate import make_case, make_space
from archsmith.fuzz.inputs import inputs, network
from archsmith.fuzz.oracles.disagreement import Disagreement, compare
from archsmith.fuzz.oracles.rounding import RUNS, Evidence, evidence
from archsmith.graph.graph import Scalar
from archsmith.graph.ops import DECLARED
from tests.fuzz.faults import chain, oracle

INF, NAN = torch.inf, torch.nan


def judge(
    expected: list[float], actual: list[float], reference: list[float], shaken: list[float], *, whole: bool = False
) -> tuple[str | None, list[str]]:
    """The verdict on one output and the filters heard; all runs but the first shaken one are like eager's."""
    dtype = torch.int64 if whole else torch.float32
    e, a, s = (torch.tensor(values, dtype=dtype) for values in (expected, actual, shaken))
    r = torch.tensor(reference, dtype=dtype if whole else torch.float64)
    heard: list[str] = []
    found = compare(
        (e,),
        (a,),
        precisions=[torch.float32],
        witnesses=lambda: Evidence((r,), ((s,), *[(e,)] * 3)),
        note=heard.append,
    )
    return (found.kind if found else None), heard


def _quiet(filter: str) -> None:
    """Hears of filters and keeps nothing."""


WRONG, FINE = "wrong value", None


@pytest.mark.parametrize(
    ("expected", "actual", "reference", "shaken", "verdict", "filters"),
    [
        # the witnesses say that the last bits decide
        ([100.0], [100.3], [100.1], [100.0], FINE, ["rounding"]),
        ([100.0], [100.3], [100.0], [100.1], FINE, ["rounding"]),
        ([100.0], [103.0], [100.1], [100.1], WRONG, []),
        # the compiled network is right and eager is not
        ([100.0], [150.0], [150.0], [100.0], FINE, ["rounding"]),
        # eager overflows in float32
        ([INF], [3.0], [1e39], [INF], FINE, ["overflow"]),
        ([NAN], [3.0], [3.0], [NAN], FINE, ["overflow"]),
        ([INF], [3.0], [INF], [INF], WRONG, []),
        ([3.0], [INF], [3.0], [3.0], WRONG, []),
        ([3.0], [NAN], [3.0], [3.0], WRONG, []),
        ([INF], [-INF], [INF], [INF], WRONG, []),
        # whether it overflows hangs on the last bits
        ([INF], [3.0], [INF], [3.0], FINE, ["unstable"]),
        ([NAN], [3.0], [NAN], [3.0], FINE, ["unstable"]),
        # only the element that a filter explains is explained
        ([INF, 1.0], [3.0, 2.0], [INF, 1.0], [3.0, 1.0], WRONG, ["unstable"]),
        # no witness is needed
        ([1.0, INF, NAN, -INF], [1.00001, INF, NAN, -INF], [9.0] * 4, [9.0] * 4, FINE, []),
    ],
)
def test_floats(
    expected: list[float],
    actual: list[float],
    reference: list[float],
    shaken: list[float],
    verdict: str | None,
    filters: list[str],
) -> None:
    assert judge(expected, actual, reference, shaken) == (verdict, filters)


@pytest.mark.parametrize(
    ("actual", "reference", "shaken", "verdict", "filters"),
    [
        (4.0, 3.0, 3.0, WRONG, []),
        (4.0, 4.0, 3.0, FINE, ["unstable"]),
        (4.0, 3.0, 4.0, FINE, ["unstable"]),
    ],
)
def test_whole_numbers(actual: float, reference: float, shaken: float, verdict: str | None, filters: list[str]) -> None:
    assert judge([3.0], [actual], [reference], [shaken], whole=True) == (verdict, filters)


def test_types_come_before_values_and_values_before_strides() -> None:
    ones, wrong = torch.ones(2, 2), torch.zeros(2, 2)

    def found(*actual: torch.Tensor) -> Disagreement | None:
        return compare(
            (ones, ones),
            actual,
            precisions=[torch.float32] * 2,
            witnesses=lambda: Evidence((ones.double(),) * 2, ()),
            note=_quiet,
        )

    results = [found(wrong, ones.double()), found(ones.t().contiguous().t(), wrong), found(ones)]

    assert [(result.kind, result.output) for result in results if result] == [
        ("wrong dtype", 1),
        ("wrong value", 1),
        ("wrong shape", None),
    ]


@pytest.mark.parametrize(
    ("expected", "actual", "verdict", "filters"),
    [
        ((3, 1), (3, 1), None, []),
        ((3, 1), (1, 2), "wrong stride", []),
        ((8, 2), (3, 1), None, ["gaps"]),  # a view with gaps may come back dense
        ((8, 2), (1, 2), "wrong stride", []),  # but not in another order
        ((3, 1), (8, 2), "wrong stride", []),
    ],
)
def test_strides(expected: tuple[int, int], actual: tuple[int, int], verdict: str | None, filters: list[str]) -> None:
    heard: list[str] = []
    e, a = (torch.ones(64).as_strided((2, 3), strides) for strides in (expected, actual))
    found = compare((e,), (a,), precisions=[torch.float32], witnesses=_unasked, note=heard.append)

    assert (found and found.kind, heard) == (verdict, filters)


@pytest.mark.parametrize("shape", [(1, 3), (0, 3)])
def test_strides_mean_nothing_for_dimensions_of_size_one_and_empty_tensors(shape: tuple[int, int]) -> None:
    expected, actual = torch.ones(shape), torch.ones(shape[::-1]).t()

    assert expected.stride() != actual.stride()
    assert compare((expected,), (actual,), precisions=[torch.float32], witnesses=_unasked, note=_quiet) is None


def _unasked() -> Evidence:
    raise AssertionError("there is no difference to explain")


def test_the_witnesses_have_the_types_of_the_outputs() -> None:
    space = make_space()
    for number in range(40):
        case = make_case(31, number, space)
        seen = witnesses(case)

        for values in (seen.reference, *seen.shaken):
            shapes = tuple(tuple(value.shape) for value in values)
            assert shapes == tuple(given.shape for given in case.graph.output_types), case


def witnesses(case: Case) -> Evidence:
    with torch.no_grad():
        return evidence(network(case, DECLARED), inputs(case), seed=1)


def eager(case: Case) -> Values:
    with torch.no_grad():
        result = network(case, DECLARED)(*inputs(case))
    return result if isinstance(result, tuple) else (result,)


def test_the_reference_computes_in_double_precision_throughout() -> None:
    case = chain(3, 4, dtype="float64", through=("exp", "cast"), fixed={"dtype": "float32"})
    (reference,) = witnesses(case).reference

    assert eager(case)[0].dtype == torch.float32
    assert torch.equal(reference, inputs(case)[0].exp())


def test_shaken_runs_differ_in_the_last_bits_of_what_arithmetic_yields_and_nowhere_else() -> None:
    computed, moved = chain(64, through=("exp",)), chain(64, through=("flip",), fixed={"dim": 0})
    (exact,) = eager(computed)
    spread = torch.stack([values[0] for values in witnesses(computed).shaken]) / exact - 1

    assert len(spread) == RUNS
    assert 1e-7 < spread.abs().max() < 1e-5
    assert all(torch.equal(values[0], eager(moved)[0]) for values in witnesses(moved).shaken)


def test_shaken_runs_take_some_denormal_numbers_for_zero() -> None:
    tiny = torch.full((64,), 1e-40)
    with torch.no_grad():
        seen = evidence(network(chain(64, through=("sin", "sign")), DECLARED), (tiny,), seed=1)

    assert all(0 < values[0].sum() < 64 for values in seen.shaken)


def rounding_otherwise(module: torch.fx.GraphModule, examples: list[torch.Tensor]) -> Callable[..., Any]:
    """A compiler whose inputs are off by one unit in the last place."""

    def run(*given: torch.Tensor) -> Any:
        return module(*(torch.nextafter(x, torch.full_like(x, INF)) for x in given))

    return run


CHAOS = ("exp", "square", "square", "square", "square", "sin")


@pytest.mark.parametrize(
    ("through", "fixed", "filters"),
    [
        (("exp", "amax"), {"dim": 0}, []),
        (CHAOS, {}, ["rounding"]),
        ((*CHAOS, "sign"), {}, ["rounding"]),
        ((*CHAOS, "floor", "cast"), {"dtype": "bool"}, ["unstable"]),
        ((*CHAOS, "argmax"), {"dim": 0}, ["unstable"]),
    ],
)
def test_a_compiler_that_rounds_otherwise_is_not_wrong(
    through: tuple[str, ...], fixed: dict[str, Scalar], filters: list[str]
) -> None:
    heard: list[str] = []
    failure = oracle(rounding_otherwise, heard).check(chain(400, through=through, fixed=fixed))

    assert failure is None
    assert heard == filters
