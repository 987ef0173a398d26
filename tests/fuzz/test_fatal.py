"""What the sandbox tells of a process that died becomes a failure of the stage in which it died."""

import pytest

from archsmith.fuzz.bucket import bucket
from archsmith.fuzz.fatal import failure_of_outcome
from archsmith.fuzz.oracles.protocol import Failure
from archsmith.graph.ops import DECLARED
from archsmith.runtime.emit import network_class
from archsmith.runtime.outcome import Crashed, Outcome, OutOfMemory, Raised, Returned, TimedOut
from tests.fuzz.faults import chain

CASE = chain(2, 3, through=("relu", "tanh", "sum"), fixed={"dim": 0})
SOURCE = network_class(CASE.graph, DECLARED).splitlines()
TANH = 1 + next(i for i, line in enumerate(SOURCE) if "tanh" in line)


def stack(*frames: str) -> str:
    return "Fatal Python error: Segmentation fault\n\nCurrent thread 0x1 (most recent call first):\n" + "\n".join(
        f"  File {frame}" for frame in frames
    )


def failure(outcome: Outcome, stage: str) -> Failure:
    found = failure_of_outcome(outcome, stage, CASE, DECLARED)
    assert found is not None
    return found


NETWORK = f'"<archsmith 0123>", line {TANH} in forward'


@pytest.mark.parametrize(
    ("outcome", "stage", "kind", "where"),
    [
        (
            Crashed(11, None, stack(NETWORK, '"module.py", line 7 in _call')),
            "eager",
            "crash",
            "killed by SIGSEGV in tanh",
        ),
        (
            Crashed(8, None, stack('"/t/conv.py", line 5 in _conv', NETWORK)),
            "eager",
            "crash",
            "killed by SIGFPE in tanh",
        ),
        (
            Crashed(11, None, stack('"/t/ir.py", line 5 in codegen')),
            "inductor",
            "crash",
            "killed by SIGSEGV in codegen",
        ),
        (
            Crashed(11, None, stack('"/c/cab.py", line 5 in call')),
            "inductor",
            "crash",
            "killed by SIGSEGV in relu sum tanh",
        ),
        (Crashed(None, 3, "bye"), "inductor", "crash", "left with exit code 3 in relu sum tanh"),
        (TimedOut(5.0), "inductor", "hang", "relu sum tanh"),
        (OutOfMemory(1 << 30, "bad_alloc"), "inductor", "out of memory", "relu sum tanh"),
        (Raised("KeyError", "'x'", "Traceback"), "inductor", "broken check", "KeyError"),
    ],
)
def test_an_outcome_is_a_failure_of_its_stage(outcome: Outcome, stage: str, kind: str, where: str) -> None:
    found = failure(outcome, stage)

    assert (found.oracle, found.kind, found.where) == (stage, kind, where)


def test_a_job_that_returned_lists_its_failures_itself() -> None:
    assert failure_of_outcome(Returned({"failures": []}), "inductor", CASE, DECLARED) is None


def test_crashes_in_different_operators_are_different_buckets() -> None:
    places = [
        failure(Crashed(11, None, stack(f'"<archsmith 0123>", line {TANH + i} in forward')), "eager") for i in (0, 1)
    ]

    assert bucket(places[0]) != bucket(places[1])
