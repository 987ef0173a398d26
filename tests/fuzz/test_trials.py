"""Calls tried in a sandbox."""

from collections.abc import Iterator

import pytest

from archsmith.fuzz.call import Argument, Call, Lost, Point, Refused, Returned, TensorValue, abstracted
from archsmith.fuzz.perform import perform
from archsmith.fuzz.trials import Trials
from archsmith.graph.errors import UserError
from archsmith.graph.signature import IntegerSlot, Signature, TensorSlot

WILD = TensorValue((1, 1, 2, 2), "int64", None, 0, 1 << 40)


def call_of(operator: str, *values: Argument) -> Call:
    return Call(operator, tuple((f"arg{place}", value) for place, value in enumerate(values)), len(values))


PLAIN = call_of("torch.neg", TensorValue((3,)))
BAD = call_of("torch.add", TensorValue((3,)), TensorValue((4,)))
CRASH = call_of("aten.adaptive_max_pool2d_backward.default", TensorValue((1, 1, 2, 2)), TensorValue((1, 1, 4, 4)), WILD)
HANG = call_of(
    "torch.special.laguerre_polynomial_l",
    TensorValue((99,)),
    TensorValue((1,), "int64", None, (1 << 31) - 1, (1 << 31) - 1),
)
HUGE = call_of("torch.ones", (1 << 29,))


@pytest.fixture(scope="module")
def trials() -> Iterator[Trials]:
    with Trials(seconds=1.5, memory=1 << 30) as trials:
        yield trials


def test_verdicts_are_those_of_performing_here(trials: Trials) -> None:
    calls = [
        PLAIN,
        BAD,
        call_of("torch.split", TensorValue((4, 2)), 2),
        call_of("torch.Tensor.relu_", TensorValue((2,))),
    ]

    assert trials.run(calls) == [perform(call) for call in calls]


def test_points_are_tried_in_order(trials: Trials) -> None:
    signature = Signature("torch.roll", (("input", TensorSlot("input", 1)), ("shifts", IntegerSlot("shifts"))), 2)
    sizes = [*range(200), -1]

    verdicts = trials.run_points(signature, [Point((size, 2), (), ("int16",)) for size in sizes])

    assert [verdict.values for verdict in verdicts[:-1] if isinstance(verdict, Returned)] == [
        (TensorValue((size,), "int16"),) for size in sizes[:-1]
    ]
    assert isinstance(verdicts[-1], Refused)


def test_a_crash_costs_the_verdict_of_no_other_call(trials: Trials) -> None:
    verdicts = trials.run([*[PLAIN] * 70, CRASH, BAD, CRASH, *[PLAIN] * 70, CRASH])

    assert [place for place, verdict in enumerate(verdicts) if verdict == Lost("crashed SIGSEGV")] == [70, 72, 143]
    assert [place for place, verdict in enumerate(verdicts) if isinstance(verdict, Refused)] == [71]
    assert sum(isinstance(verdict, Returned) for verdict in verdicts) == 140


def test_a_call_that_hangs_or_takes_all_memory_is_lost_alone(trials: Trials) -> None:
    verdicts = trials.run([PLAIN, HANG, HUGE, PLAIN])

    assert verdicts[1:3] == [Lost("timed out"), Lost("out of memory")]
    assert verdicts[0] == verdicts[3] == perform(PLAIN)


def test_a_fill_is_found_in_the_sandbox_too(trials: Trials) -> None:
    call = call_of("torch.linalg.cholesky", TensorValue((3, 3)))

    assert trials.working_fill(call) == "definite"
    assert trials.working_fill(BAD) is None


def test_a_batch_that_cannot_be_run_is_the_callers_mistake(trials: Trials) -> None:
    signature, point = abstracted(call_of("torch.nonsense", TensorValue((3,))))

    with pytest.raises(UserError, match="torch.nonsense"):
        trials.run_points(signature, [point])
    with pytest.raises(UserError, match="fill must be one of"):
        trials.run([PLAIN], "zeros")


def test_no_calls_need_no_process() -> None:
    with Trials() as trials:
        assert trials.run([]) == []
