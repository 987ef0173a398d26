"""A job that this process runs: everything it writes is fenced by its lease, and renews it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal

from archsmith.graph.errors import UserError
from archsmith.jobs.driver import HEARTBEAT, LEASE
from archsmith.storage.campaigns import Campaigns
from archsmith.storage.facts import JobState
from archsmith.storage.store import Store, Transaction
from archsmith.storage.studies import Studies

Kind = Literal["study", "campaign"]


class HeldJob:
    """A study or campaign under this driver's lease, from taking it to leaving it."""

    def __init__(self, store: Store, kind: Kind, id: int, driver: str, clock: Callable[[], datetime]) -> None:
        self.store, self.clock = store, clock
        self.subject = f"{kind}/{id}"
        self.driver = driver
        self._kind, self._id = kind, id
        self._renewed = clock()

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction that takes effect only while the job is still ours; it renews the lease.

        Raises:
            UserError: another process has taken the job over.
        """
        with self.store.begin() as tx:
            now = self.clock()
            if not self._jobs(tx).renew(self._id, self.driver, now, LEASE):
                raise UserError(f"{self.subject} is run by another process now, which took it over; this one stops")
            yield tx
        self._renewed = now

    def beat(self) -> None:
        """Renew the lease if nothing has been written for a while."""
        if self.clock() - self._renewed >= HEARTBEAT:
            with self.writing():
                pass

    def announce(self, tx: Transaction, event: str, **facts: Any) -> None:
        """Add an event about this job to a transaction."""
        tx.events.append(event, self.subject, facts, self.clock())

    def leave(self, state: JobState, reason: str | None = None) -> None:
        """Give the job up, stopped or finished for a reason; nothing happens if it is another's already."""
        with self.store.begin() as tx:
            if self._jobs(tx).release(self._id, self.driver, state, self.clock()):
                if self._kind == "study":
                    tx.studies.explain(self._id, reason)
                self.announce(tx, f"{self._kind} {state.value}", **({"reason": reason} if reason else {}))

    def _jobs(self, tx: Transaction) -> Studies | Campaigns:
        return tx.studies if self._kind == "study" else tx.campaigns
