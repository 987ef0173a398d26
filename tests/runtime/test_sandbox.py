"""One worker meets every way in which a job can end, and is there for the next job."""

import math
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from archsmith.graph.errors import UserError
from archsmith.runtime.job import Job, Json
from archsmith.runtime.outcome import Crashed, Outcome, OutOfMemory, Raised, Returned, TimedOut
from archsmith.runtime.sandbox import Sandbox

JOBS = {"PYTHONPATH": str(Path(__file__).parent)}
AMPLE = 60.0


@pytest.fixture(scope="module")
def lasting() -> Iterator[Sandbox]:
    with Sandbox(preload=(), environment=JOBS) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(lasting: Sandbox) -> Iterator[Sandbox]:
    """The same for all tests; after each, a job still runs."""
    yield lasting
    assert run(lasting, "echo", "still here") == Returned("still here")


def run(sandbox: Sandbox, name: str, payload: Json = None, seconds: float = AMPLE) -> Outcome:
    return sandbox.run(Job(f"sandbox_jobs:{name}", payload, seconds))


def crash(outcome: Outcome) -> tuple[int | None, int | None]:
    assert isinstance(outcome, Crashed)
    return outcome.signal, outcome.exit_code


def error(outcome: Outcome) -> tuple[str, str]:
    assert isinstance(outcome, Raised)
    return outcome.type, outcome.message


@pytest.mark.parametrize("value", [None, True, -3, 2.5, "ß\n\x00\ud800", [1, [2]], {"a": {"b": []}}, 10**40])
def test_a_value_comes_back_as_it_was_sent(sandbox: Sandbox, value: Json) -> None:
    assert run(sandbox, "echo", value) == Returned(value)


def test_not_a_number_and_infinities_pass_both_ways(sandbox: Sandbox) -> None:
    outcome = run(sandbox, "echo", [math.nan, math.inf, -math.inf])

    assert isinstance(outcome, Returned)
    assert math.isnan(outcome.value[0])
    assert outcome.value[1:] == [math.inf, -math.inf]


def test_eight_megabytes_pass_both_ways(sandbox: Sandbox) -> None:
    text = "0123456789abcdef" * (1 << 19)

    assert run(sandbox, "echo", text) == Returned(text)


def test_reports_arrive_in_order_while_the_job_runs(sandbox: Sandbox) -> None:
    heard: list[Json] = []
    messages = [{"epoch": epoch, "text": "x" * 100_000} for epoch in range(20)]
    outcome = sandbox.run(Job("sandbox_jobs:tell", messages, AMPLE), heard.append)

    assert outcome == Returned(20)
    assert heard == messages


@pytest.mark.parametrize("name", ["SIGFPE", "SIGILL", "SIGBUS", "SIGTERM"])
def test_a_fatal_signal_is_named(sandbox: Sandbox, name: str) -> None:
    assert crash(run(sandbox, "die_of", name)) == (signal.Signals[name], None)


def test_a_segmentation_fault_keeps_what_was_printed_and_the_python_stack(sandbox: Sandbox) -> None:
    outcome = run(sandbox, "segfault")

    assert isinstance(outcome, Crashed)
    assert outcome.signal == signal.SIGSEGV
    assert outcome.output.startswith("about to read address 0\n")
    assert "in segfault" in outcome.output


def test_a_crash_among_threads_is_reported(sandbox: Sandbox) -> None:
    assert crash(run(sandbox, "start_threads_and_crash")) == (signal.SIGSEGV, None)


def test_an_abort_is_a_crash_unless_it_says_that_memory_ran_out(sandbox: Sandbox) -> None:
    assert crash(run(sandbox, "abort")) == (signal.SIGABRT, None)
    assert isinstance(run(sandbox, "fall_out_of_bad_alloc"), OutOfMemory)


@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_a_job_that_ends_its_process_crashed_with_the_exit_code(sandbox: Sandbox, code: int) -> None:
    assert crash(run(sandbox, "leave", code)) == (None, code)


@pytest.mark.parametrize("name", ["spin", "sleep_in_c", "stop_itself"])
def test_a_job_that_hangs_is_killed(sandbox: Sandbox, name: str) -> None:
    assert run(sandbox, name, seconds=0.3) == TimedOut(0.3)


def test_an_exception_brings_its_type_its_text_its_traceback_and_the_output(sandbox: Sandbox) -> None:
    outcome = run(sandbox, "fail", "wrong shape")

    assert isinstance(outcome, Raised)
    assert (outcome.type, outcome.message) == ("ValueError", "wrong shape")
    assert outcome.traceback.startswith("Traceback (most recent call last):\n  File ")
    assert "in fail" in outcome.traceback
    assert outcome.output == "printed before the failure\n"


def test_leaving_politely_and_interrupts_are_exceptions(sandbox: Sandbox) -> None:
    assert error(run(sandbox, "quit_politely")) == ("SystemExit", "enough")
    assert error(run(sandbox, "interrupt")) == ("KeyboardInterrupt", "")


def test_an_exception_whose_text_raises_is_reported(sandbox: Sandbox) -> None:
    kind, message = error(run(sandbox, "fail_without_text"))

    assert kind == "sandbox_jobs.Unprintable"
    assert message == "<its text raised ValueError>"


def test_endless_recursion_is_an_exception(sandbox: Sandbox) -> None:
    assert error(run(sandbox, "recurse"))[0] == "RecursionError"


def test_a_result_or_a_report_that_is_not_json_is_the_jobs_exception(sandbox: Sandbox) -> None:
    kind, message = error(run(sandbox, "return_a_set"))

    assert kind == "TypeError"
    assert message.startswith("sandbox_jobs:return_a_set returned what cannot be sent as JSON: Object of type set")
    assert error(run(sandbox, "report_a_set"))[0] == "TypeError"


def test_a_function_that_is_not_there_is_the_jobs_exception(sandbox: Sandbox) -> None:
    assert error(sandbox.run(Job("no_such_module:f", None, AMPLE)))[0] == "ModuleNotFoundError"
    assert error(run(sandbox, "no_such_function"))[0] == "AttributeError"


def test_what_a_job_prints_disturbs_nothing_and_its_end_is_kept(sandbox: Sandbox) -> None:
    outcome = run(sandbox, "print_much", 5000)

    assert isinstance(outcome, Raised)
    assert outcome.message == "after printing"
    assert outcome.output.endswith('line 4999\n{"kind": "ended"}\n')
    assert 4000 < len(outcome.output) <= 4096


def test_a_job_sees_only_its_own_output(sandbox: Sandbox) -> None:
    run(sandbox, "print_much", 10)
    outcome = run(sandbox, "fail", "x")

    assert isinstance(outcome, Raised)
    assert outcome.output == "printed before the failure\n"


def test_a_job_that_prints_for_ever_is_killed_in_time(sandbox: Sandbox) -> None:
    assert run(sandbox, "print_for_ever", seconds=0.5) == TimedOut(0.5)


@pytest.mark.parametrize(
    "garbage",
    [
        "\x00\x01\n",
        "[1, 2]\n",
        '{"kind": "ended"}\n',
        '{"kind": "ended", "order": 1, "memory": 0, "outcome": 5}\n',
    ],
)
def test_a_job_that_writes_over_its_workers_socket_crashed(garbage: str) -> None:
    with Sandbox(preload=(), environment=JOBS) as fresh:
        assert run(fresh, "write_garbage", garbage) == Crashed(None, None)
        assert run(fresh, "echo", 1) == Returned(1)


def test_a_job_that_closes_its_workers_socket_crashed(sandbox: Sandbox) -> None:
    assert isinstance(run(sandbox, "close_everything"), Crashed)


def test_only_the_worker_answers_for_a_job_that_forks(sandbox: Sandbox) -> None:
    assert run(sandbox, "fork_twins") == Returned("parent")
    assert run(sandbox, "echo", "next") == Returned("next")


def test_a_thread_that_a_job_left_behind_does_not_speak_for_the_next(sandbox: Sandbox) -> None:
    heard: list[Json] = []
    run(sandbox, "leave_a_thread")
    outcome = sandbox.run(Job("sandbox_jobs:nap", 0.1, AMPLE), heard.append)

    assert outcome == Returned(0.1)
    assert heard == []


def test_an_exception_in_the_callers_callback_kills_the_job(sandbox: Sandbox) -> None:
    class Stop(Exception):
        pass

    def stop(message: Json) -> None:
        raise Stop

    with pytest.raises(Stop):
        sandbox.run(Job("sandbox_jobs:start_and_hang", None, AMPLE), stop)


@pytest.mark.parametrize(
    ("function", "seconds", "memory", "demand"),
    [
        ("echo", 1.0, None, "'module:name'"),
        ("sandbox_jobs:", 1.0, None, "'module:name'"),
        ("sandbox_jobs:echo", 0.0, None, "above 0 seconds"),
        ("sandbox_jobs:echo", math.nan, None, "above 0 seconds"),
        ("sandbox_jobs:echo", 1.0, 0, "bytes above 0"),
    ],
)
def test_a_job_without_sense_is_refused(function: str, seconds: float, memory: int | None, demand: str) -> None:
    with pytest.raises(UserError, match=demand):
        Job(function, None, seconds, memory)
