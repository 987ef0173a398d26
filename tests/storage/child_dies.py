"""Records trials of study 1, and dies by SIGKILL: whenever its parent likes, or at every statement in turn.

Run as ``child_dies.py URL FIRST`` it records trials FIRST, FIRST + 1, ... until it is killed; run as
``child_dies.py URL`` it forks children that each record the next trial and die before their first statement,
their second, and so on, until one lives to the end. What it says on standard output must never be lost.
"""

import os
import signal
import sys
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy import Engine, event

from archsmith.storage.facts import Epoch, TrialResult, TrialState
from archsmith.storage.store import Store, open_store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EPOCHS = [Epoch(number, {"loss": 1 / number}) for number in range(1, 11)]
TRACE = {f"stage/{i}/kernel": 3 for i in range(20)}


def acknowledge(fact: str) -> None:
    os.write(1, f"{fact}\n".encode())


def record(store: Store, number: int, graph: str) -> None:
    with store.begin() as t:
        t.trials.start(1, number, TRACE, graph, NOW)
    acknowledge(f"began {number}")
    with store.begin() as t:
        t.trials.add_epochs(1, number, EPOCHS[:5])
        t.trials.finish(1, number, TrialResult(TrialState.COMPLETE, number / 7), EPOCHS, NOW)
        t.events.append("trial finished", "study/1", {"number": number}, NOW)
    acknowledge(f"ended {number}")


def next_number(store: Store) -> int:
    with store.read() as t:
        return sum(trial.result is not None for trial in t.trials.history(1))


def first_graph(store: Store) -> str:
    with store.read() as t:
        return t.trials.get(1, 0).graph


def die_at(point: int) -> None:
    """Kill this process instead of letting it send its ``point``-th statement or commit."""
    turns = count()

    def take_turn(*arguments: Any) -> None:
        if next(turns) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    for moment in ("before_cursor_execute", "commit"):
        event.listen(Engine, moment, take_turn)


def die_everywhere(url: str) -> None:
    for point in count():
        child = os.fork()
        if child == 0:
            die_at(point)
            store = open_store(url)
            record(store, next_number(store), first_graph(store))
            os._exit(0)
        if not os.WIFSIGNALED(os.waitpid(child, 0)[1]):
            acknowledge(f"survived {point}")
            return


if __name__ == "__main__":
    if len(sys.argv) == 2:
        die_everywhere(sys.argv[1])
    else:
        opened = open_store(sys.argv[1])
        for following in count(int(sys.argv[2])):
            record(opened, following, first_graph(opened))
