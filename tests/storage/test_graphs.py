"""The contract of the graphs in a store."""

from collections.abc import Callable

import pytest

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.text import digest
from archsmith.storage.store import Store

GraphOf = Callable[[int], Graph]


def test_a_graph_is_kept_once_under_its_digest(store: Store, graph_of: GraphOf) -> None:
    with store.begin() as t:
        first = t.graphs.put(graph_of(3))
        again = t.graphs.put(graph_of(3))
    with store.begin() as t:
        later = t.graphs.put(graph_of(3))
        other = t.graphs.put(graph_of(4))
    with store.read() as t:
        found = t.graphs.get(first)

    assert first == again == later == digest(graph_of(3))
    assert other != first
    assert found == graph_of(3)


def test_a_digest_that_is_not_there_says_so(store: Store) -> None:
    with store.read() as t, pytest.raises(UserError, match="no graph 'beef'"):
        t.graphs.get("beef")
