"""The oracles by name, cheapest first. torch is imported when one is made, not before."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from archsmith.fuzz.oracles.protocol import Note, Oracle
from archsmith.graph.book import RuleBook

Constructor = Callable[[RuleBook, Note], Oracle]


def _compiled(backend: str) -> Constructor:
    def construct(book: RuleBook, note: Note) -> Oracle:
        from archsmith.fuzz.oracles.differential import Differential

        return Differential(backend, backend, book, note)

    return construct


ORACLES: Mapping[str, Constructor] = MappingProxyType(
    {
        "aot_eager": _compiled("aot_eager"),
        "inductor": _compiled("inductor"),
    }
)
"""Eager against ``torch.compile`` with the backend of that name."""
