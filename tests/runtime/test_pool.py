"""A pool runs several jobs at once and loses none of them."""

import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsmith.graph.errors import UserError
from archsmith.runtime.job import Job, Json
from archsmith.runtime.outcome import Crashed, Outcome, OutOfMemory, Raised, Returned, TimedOut
from archsmith.runtime.pool import Done, Pool, Report

JOBS = {"PYTHONPATH": str(Path(__file__).parent)}
AMPLE = 60.0
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(2, preload=(), environment=JOBS) as bare:
        yield bare


def job(name: str, payload: Json = None, seconds: float = AMPLE, memory: int | None = None) -> Job:
    return Job(f"sandbox_jobs:{name}", payload, seconds, memory)


def run_all(pool: Pool, jobs: Mapping[Any, Job]) -> list[tuple[Any, Outcome]]:
    """Keeps the pool busy until every job is done; in the order in which they were."""
    waiting = list(jobs.items())
    done: list[tuple[Any, Outcome]] = []
    while len(done) < len(jobs):
        while waiting and pool.free:
            pool.submit(*waiting.pop(0))
        done += [(event.key, event.outcome) for event in pool.wait() if isinstance(event, Done)]
    return done


KINDS: dict[str, tuple[Job, type[Outcome]]] = {
    "value": (job("echo", [1, "two"]), Returned),
    "reports": (job("tell", [1, 2, 3]), Returned),
    "error": (job("fail", "x"), Raised),
    "not json": (job("return_a_set"), Raised),
    "segfault": (job("segfault"), Crashed),
    "abort": (job("abort"), Crashed),
    "exit": (job("leave", 7), Crashed),
    "garbage": (job("close_everything"), Crashed),
    "hang": (job("spin", seconds=0.1), TimedOut),
    "memory": (job("small_allocations", memory=30 * MEBIBYTE), OutOfMemory),
}


@settings(max_examples=20)
@given(kinds=st.lists(st.sampled_from(sorted(KINDS)), max_size=8))
def test_every_job_of_any_sequence_is_done_once_with_its_own_outcome(pool: Pool, kinds: list[str]) -> None:
    jobs = {(number, kind): KINDS[kind][0] for number, kind in enumerate(kinds)}
    done = run_all(pool, jobs)

    assert sorted(key for key, _ in done) == sorted(jobs)
    assert [(key, type(outcome)) for key, outcome in done] == [(key, KINDS[key[1]][1]) for key, _ in done]
    assert pool.free == 2


def test_two_jobs_run_at_the_same_time(pool: Pool) -> None:
    pool.submit("hang", job("spin"))
    pool.submit("quick", job("echo", 1))

    assert pool.free == 0
    assert pool.wait() == [Done("quick", Returned(1))]
    assert pool.free == 1

    pool.cancel("hang")


def test_payloads_of_megabytes_travel_while_the_other_worker_talks(pool: Pool) -> None:
    text = "x" * (1 << 23)
    done = run_all(pool, {"a": job("echo", text), "b": job("tell", ["y"] * 2000)})

    assert dict(done) == {"a": Returned(text), "b": Returned(2000)}


def test_a_report_carries_the_key_of_its_job(pool: Pool) -> None:
    pool.submit("a", job("tell", ["from a"]))
    pool.submit("b", job("tell", ["from b"]))
    events: list[Report | Done] = []
    while pool.free < 2:
        events += pool.wait()

    assert {event.key: event.message for event in events if isinstance(event, Report)} == {
        "a": "from a",
        "b": "from b",
    }


def test_waiting_ends_at_the_timeout_and_at_once_when_nothing_runs(pool: Pool) -> None:
    assert pool.wait() == []

    pool.submit("nap", job("nap", 1.0))

    assert pool.wait(timeout=0) == []
    assert pool.wait(timeout=0.01) == []
    assert pool.wait() == [Done("nap", Returned(1.0))]


def test_nothing_more_is_heard_of_a_cancelled_job_and_its_place_is_free(pool: Pool) -> None:
    pool.submit("a", job("start_and_hang"))
    while not pool.wait():
        pass
    pool.cancel("a")
    pool.cancel("a")
    pool.submit("a", job("echo", 2))

    assert pool.wait() == [Done("a", Returned(2))]
    assert pool.free == 2


def test_a_time_limit_counts_from_the_jobs_begin_even_if_nobody_waits(pool: Pool) -> None:
    pool.submit("late", job("spin", seconds=0.2))
    pool.submit("done", job("nap", 0.01, seconds=1.0))
    time.sleep(1.2)
    events = pool.wait() + pool.wait()

    assert {event.key: event.outcome for event in events if isinstance(event, Done)} == {
        "late": TimedOut(0.2),
        "done": Returned(0.01),
    }


def test_more_jobs_than_workers_and_a_key_twice_are_refused(pool: Pool) -> None:
    pool.submit("a", job("spin"))
    with pytest.raises(ValueError, match="'a' is running already"):
        pool.submit("a", job("echo"))
    pool.submit("b", job("spin"))
    with pytest.raises(RuntimeError, match="all 2 workers are busy"):
        pool.submit("c", job("echo"))
    pool.cancel("a")
    pool.cancel("b")

    assert pool.free == 2


def test_a_payload_that_is_not_json_is_refused_and_starts_nothing(pool: Pool) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        pool.submit("a", job("echo", {1, 2}))

    assert pool.free == 2
    assert run_all(pool, {"a": job("echo", 1)}) == [("a", Returned(1))]


def pids(pool: Pool, jobs: list[Job]) -> list[Json]:
    outcomes = [run_all(pool, {0: one})[0][1] for one in jobs]
    return [outcome.value for outcome in outcomes if isinstance(outcome, Returned)]


def test_a_worker_is_retired_after_so_many_jobs() -> None:
    with Pool(1, preload=(), environment=JOBS, max_jobs=2) as pool:
        seen = [answer["pid"] for answer in pids(pool, [job("identity")] * 5)]

    assert [seen[0] == seen[1], seen[1] == seen[2], seen[2] == seen[3], seen[3] == seen[4]] == [
        True,
        False,
        True,
        False,
    ]


def test_a_worker_that_leaks_is_retired() -> None:
    with Pool(1, preload=(), environment=JOBS, max_growth=50 * MEBIBYTE) as pool:
        seen = pids(pool, [job("keep", 20 * MEBIBYTE)] * 5)

    assert seen[0] == seen[1] == seen[2]
    assert seen[3] == seen[4] != seen[0]


def test_a_worker_that_ran_out_of_memory_is_not_used_again(pool: Pool) -> None:
    with Pool(1, preload=(), environment=JOBS) as pool:
        (before,) = pids(pool, [job("identity")])
        run_all(pool, {0: job("wrapped_memory_error")})
        (after,) = pids(pool, [job("identity")])

    assert after["pid"] != before["pid"]
    assert after["nursery"] == before["nursery"]


def test_a_worker_whose_job_came_near_its_memory_limit_is_not_used_again() -> None:
    with Pool(1, preload=(), environment=JOBS) as pool:
        answers = pids(pool, [job("keep", 200 * MEBIBYTE, memory=limit * MEBIBYTE) for limit in (400, 220, 400)])

    assert answers[0] == answers[1] != answers[2]


def test_a_preload_that_cannot_be_imported_is_the_callers_mistake() -> None:
    with Pool(1, preload=("no_such_module",)) as pool:
        pool.submit(0, job("echo"))
        with pytest.raises(UserError, match="importing 'no_such_module' raised ModuleNotFoundError"):
            pool.wait()


def test_a_preload_that_starts_threads_is_refused(tmp_path: Path) -> None:
    text = "import threading, time\nthreading.Thread(target=time.sleep, args=(9,), daemon=True).start()\n"
    (tmp_path / "starts_a_thread.py").write_text(text)
    with Pool(1, preload=("starts_a_thread",), environment={"PYTHONPATH": str(tmp_path)}) as pool:
        pool.submit(0, job("echo"))
        with pytest.raises(UserError, match="'starts_a_thread' started threads"):
            pool.wait()


def test_a_preload_that_kills_the_process_is_told_with_what_it_printed(tmp_path: Path) -> None:
    (tmp_path / "dies.py").write_text("import os\nos.write(2, b'licence expired')\nos._exit(3)\n")
    with Pool(1, preload=("dies",), environment={"PYTHONPATH": str(tmp_path)}) as pool:
        pool.submit(0, job("echo"))
        with pytest.raises(RuntimeError, match="died 3 times importing dies: licence expired"):
            pool.wait()


def test_a_closed_pool_takes_no_job() -> None:
    pool = Pool(1, preload=())
    pool.close()

    assert pool.wait() == []
    with pytest.raises(RuntimeError, match="the pool is closed"):
        pool.submit(0, job("echo"))


def test_a_pool_without_workers_is_refused() -> None:
    with pytest.raises(UserError, match="workers=0"):
        Pool(0)


def test_a_worker_killed_from_outside_is_reported_and_replaced(pool: Pool) -> None:
    pool.submit("victim", job("die_of", "SIGKILL"))

    assert pool.wait() == [Done("victim", Crashed(int(signal.SIGKILL), None))]
    assert run_all(pool, {"next": job("echo", 1)}) == [("next", Returned(1))]


def test_seconds_count_from_when_the_worker_began_and_not_from_its_start(tmp_path: Path) -> None:
    (tmp_path / "slow_to_import.py").write_text("import time\n\ntime.sleep(0.5)\n", encoding="utf-8")
    paths = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parent}"}
    with Pool(1, preload=("slow_to_import",), environment=paths) as fresh:
        start = time.monotonic()
        fresh.submit("nap", job("nap", 0.1))
        (done,) = fresh.wait()
        elapsed = time.monotonic() - start

    assert isinstance(done, Done)
    assert 0.1 <= done.seconds <= elapsed - 0.5


def test_reports_and_jobs_that_are_cut_off_have_their_seconds_too(pool: Pool) -> None:
    pool.submit("talk", job("tell", [1]))
    events = [*pool.wait()]
    while not isinstance(events[-1], Done):
        events += pool.wait()
    pool.submit("hang", job("spin", seconds=0.1))
    (cut,) = pool.wait()

    said, done = events
    assert 0.0 < said.seconds <= done.seconds
    assert cut == Done("hang", TimedOut(0.1))
    assert cut.seconds >= 0.1
