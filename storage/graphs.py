"""Architectures, kept once each under the digest of their text."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.text import digest, from_json, to_json
from archsmith.storage.tables import GraphRow


class Graphs:
    """Every method belongs to the caller's transaction; none commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, graph: Graph) -> str:
        """Keep a graph, if it is new, and give its digest."""
        name = digest(graph)
        if not self.has(name):
            self._session.add(GraphRow(digest=name, text=to_json(graph)))
            self._session.flush()
        return name

    def get(self, digest: str) -> Graph:
        """The graph of this digest.

        Raises:
            UserError: there is none.
        """
        text = self._session.scalar(select(GraphRow.text).where(GraphRow.digest == digest))
        if text is None:
            raise UserError(f"no graph {digest!r} in the store: give the digest of a recorded one")
        return from_json(text)

    def has(self, digest: str) -> bool:
        """Whether a graph of this digest is kept."""
        return self._session.scalar(select(GraphRow.digest).where(GraphRow.digest == digest)) is not None
