"""The contract of the events in a store."""

from datetime import datetime, timedelta

import pytest

from archsmith.graph.errors import UserError
from archsmith.storage.facts import Event
from archsmith.storage.store import Store


def test_events_are_read_on_from_where_one_stopped(store: Store, noon: datetime) -> None:
    with store.begin() as t:
        told = [
            t.events.append("trial finished", f"study/{i % 2}", {"number": i, "x": float("inf")}, noon)
            for i in range(5)
        ]
    with store.read() as t:
        first = t.events.since(0, limit=3)
        rest = t.events.since(first[-1].id)
        of_one = t.events.since(told[0].id, subject="study/1")
        nothing = t.events.since(rest[-1].id)

    assert told[1] == Event(told[1].id, noon, "trial finished", "study/1", {"number": 1, "x": float("inf")})
    assert (first, rest, nothing) == (told[:3], told[3:], [])
    assert of_one == [told[1], told[3]]


def test_ids_grow_whatever_the_times_say(store: Store, noon: datetime) -> None:
    with store.begin() as t:
        ids = [t.events.append("k", "s", {}, noon - timedelta(days=i)).id for i in range(4)]

    assert ids == sorted(ids)


def test_an_event_of_a_transaction_that_failed_was_never_told(store: Store, noon: datetime) -> None:
    def tell_and_fail() -> None:
        with store.begin() as t:
            t.events.append("k", "s", {}, noon)
            raise KeyError("half way")

    with pytest.raises(KeyError, match="half way"):
        tell_and_fail()

    with store.read() as t:
        assert t.events.since(0) == []


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_a_page_has_a_sensible_length(store: Store, limit: int) -> None:
    with store.read() as t, pytest.raises(UserError, match="a page must have 1 to 10000 entries"):
        t.events.since(0, limit=limit)
