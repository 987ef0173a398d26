"""Observed calls of PyTorch's operators, each kept once, and what was inferred from those of an operator."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from archsmith.storage.facts import Inference, NewCall
from archsmith.storage.jsontext import dumps
from archsmith.storage.paging import checked
from archsmith.storage.tables import CallRow, InferenceRow

BATCH = 500
"""Rows that are asked for or inserted by one statement."""


class Calls:
    """Every method belongs to the caller's transaction; none commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, calls: Sequence[NewCall]) -> int:
        """Keep those that are not kept yet; how many those are. Who saw a call first is its source."""
        fresh = {digest(call): call for call in reversed(calls)}
        names = list(fresh)
        for start in range(0, len(names), BATCH):
            known = select(CallRow.digest).where(CallRow.digest.in_(names[start : start + BATCH]))
            for name in self._session.scalars(known):
                del fresh[name]
        rows = [
            CallRow(digest=name, torch=call.torch, operator=call.operator, source=call.source, document=call.document)
            for name, call in reversed(fresh.items())
        ]
        self._session.add_all(rows)
        self._session.flush()
        self._session.expunge_all()
        return len(rows)

    def operators(self, torch: str, limit: int = 500, after: str = "") -> list[tuple[str, int]]:
        """The operators of which calls were seen with this PyTorch, from beyond ``after``; how many of each."""
        wanted = (
            select(CallRow.operator, func.count())
            .where(CallRow.torch == torch, CallRow.operator > after)
            .group_by(CallRow.operator)
            .order_by(CallRow.operator)
            .limit(checked(limit))
        )
        return [(operator, count) for operator, count in self._session.execute(wanted)]

    def of(self, torch: str, operator: str) -> Iterator[NewCall]:
        """The calls of one operator, in the order of their digests: the same whenever they were recorded."""
        wanted = select(CallRow).where(CallRow.torch == torch, CallRow.operator == operator).order_by(CallRow.digest)
        for row in self._session.scalars(wanted.execution_options(yield_per=BATCH)):
            yield NewCall(row.operator, row.torch, row.source, row.document)


class Inferences:
    """Every method belongs to the caller's transaction; none commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, inference: Inference, now: datetime) -> None:
        """Keep what was inferred of an operator, in the place of what was inferred before."""
        row = self._session.get(InferenceRow, (inference.torch, inference.operator))
        if row is None:
            row = InferenceRow(torch=inference.torch, operator=inference.operator)
            self._session.add(row)
        row.evidence, row.rules, row.document = inference.evidence, inference.rules, inference.document
        row.seconds, row.finished = inference.seconds, now
        self._session.flush()

    def get(self, torch: str, operator: str) -> Inference | None:
        """What was inferred of an operator of this PyTorch, if anything was."""
        row = self._session.get(InferenceRow, (torch, operator))
        return None if row is None else _inference(row)

    def page(self, torch: str, limit: int = 50, after: str = "") -> list[Inference]:
        """Inferences by the operators' names, from beyond ``after``."""
        wanted = (
            select(InferenceRow)
            .where(InferenceRow.torch == torch, InferenceRow.operator > after)
            .order_by(InferenceRow.operator)
            .limit(checked(limit))
        )
        return [_inference(row) for row in self._session.scalars(wanted)]


def digest(call: NewCall) -> str:
    """What tells a call from all others, wherever it was seen."""
    return sha256(dumps([call.torch, call.operator, call.document]).encode()).hexdigest()[:32]


def _inference(row: InferenceRow) -> Inference:
    return Inference(row.operator, row.torch, row.evidence, row.rules, row.document, row.seconds)
