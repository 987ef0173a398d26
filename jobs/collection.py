"""Collection: calls of PyTorch's operators are recorded from what ships with it, and kept in the store."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path

from archsmith.fuzz.call import CallRecord
from archsmith.fuzz.collect.files import from_json, read_records, to_json
from archsmith.graph.errors import UserError
from archsmith.jobs.limits import check_bounds
from archsmith.jobs.progress import CallsCollected, CollectionStarted, Listener, ignore
from archsmith.jobs.study import DEFAULT_STORE
from archsmith.runtime.job import Job, Json
from archsmith.runtime.outcome import Returned
from archsmith.runtime.pool import Done, Pool, Report
from archsmith.storage.facts import NewCall
from archsmith.storage.store import Store, open_store

SOURCES = ("op_db", "module_db", "docs", "architectures")
"""Those of ``archsmith.fuzz.collect.sources``, named here too so that torch is not imported for it."""

PRELOAD = ("torch", "archsmith.fuzz.collect.job")

CHUNK = 12
"""Entries of a source that one job takes."""

MEMORY = 4 << 30
"""Bytes that the calls of a job may hold at once."""

SECONDS = 60.0
"""The longest that one entry may take."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection came to: calls that were seen, those of them that are new, and what was left out, with why."""

    torch: str
    seen: int
    new: int
    skipped: tuple[str, ...]


def collect_calls(
    *,
    sources: Sequence[str] = SOURCES,
    entries: Sequence[str] = (),
    files: Sequence[Path] = (),
    store: str = DEFAULT_STORE,
    workers: int = 1,
    listen: Listener = ignore,
) -> Collected:
    """Record calls from the sources, in the sandbox, and from files that ``archsmith trace`` wrote.

    ``entries`` are names of entries of the sources, ``*`` and ``?`` allowed (default: all). What the store has already
    is not kept twice, so the same may be collected again.

    Raises:
        UserError: a source or an entry does not exist, or a file cannot be read at all.
    """
    check_bounds(workers=workers)
    unknown = [source for source in sources if source not in SOURCES]
    if unknown:
        raise UserError(f"sources are {', '.join(SOURCES)}; got {', '.join(unknown)}")
    with closing(open_store(store)) as opened:
        sitting = _Sitting(opened, version("torch"), listen)
        listen(CollectionStarted((*sources, *map(str, files))))
        for file in files:
            sitting.read(file)
        if sources:
            with Pool(workers, preload=PRELOAD) as pool:
                for source, names in _chosen(pool, sources, entries).items():
                    sitting.collect(source, names, pool)
        return Collected(sitting.torch, sitting.seen, sitting.new, tuple(sitting.skipped))


@dataclass(slots=True)
class _Sitting:
    store: Store
    torch: str
    listen: Listener
    seen: int = 0
    new: int = 0
    skipped: list[str] = field(default_factory=list)

    def read(self, file: Path) -> None:
        """Keep what the file holds; lines that are no records are told of."""
        records, complaints = read_records(file)
        self.skipped += [f"{file}: {complaint}" for complaint in complaints]
        new = self._keep([new_call(to_json(record)) for record in records])
        self.listen(CallsCollected(str(file), 1, 1, len(records), new))

    def collect(self, source: str, entries: Sequence[str], pool: Pool) -> None:
        """These entries of a source; one that takes its process down is left out, and the others of its job go on."""
        waiting = [list(entries[start : start + CHUNK]) for start in range(0, len(entries), CHUNK)]
        running: dict[str, list[str]] = {}
        seen = new = 0
        while waiting or running:
            while waiting and pool.free:
                chunk = waiting.pop(0)
                running[chunk[0]] = chunk
                pool.submit(chunk[0], _job(source, chunk))
            for event in pool.wait():
                chunk = running[str(event.key)]
                if isinstance(event, Report):
                    chunk.remove(event.message["entry"])
                    self.skipped += [f"{source}, {event.message['entry']}: {why}" for why in event.message["skipped"]]
                    seen += len(event.message["records"])
                    new += self._keep(list(map(new_call, event.message["records"])))
                else:
                    del running[str(event.key)]
                    if chunk and not isinstance(event.outcome, Returned):
                        self.skipped.append(f"{source}, {chunk.pop(0)}: {event.outcome}")
                    if chunk:
                        waiting.insert(0, chunk)
                left = sum(map(len, waiting)) + sum(map(len, running.values()))
                self.listen(CallsCollected(source, len(entries) - left, len(entries), seen, new))

    def _keep(self, calls: Sequence[NewCall]) -> int:
        with self.store.begin() as tx:
            new = tx.calls.add(calls)
        self.seen += len(calls)
        self.new += new
        return new


def _chosen(pool: Pool, sources: Sequence[str], patterns: Sequence[str]) -> dict[str, list[str]]:
    """The entries of each source that a pattern fits."""
    found = {source: _entries(pool, source) for source in sources}
    for pattern in patterns:
        if not any(fnmatch(entry, pattern) for entries in found.values() for entry in entries):
            raise UserError(f"no entry of {', '.join(sources)} is called {pattern}")
    if not patterns:
        return found
    return {
        source: [entry for entry in entries if any(fnmatch(entry, pattern) for pattern in patterns)]
        for source, entries in found.items()
    }


def _entries(pool: Pool, source: str) -> list[str]:
    pool.submit(source, Job("archsmith.fuzz.collect.job:list_entries", {"source": source}, seconds=SECONDS))
    done = [event for event in pool.wait() if isinstance(event, Done)]
    match done[0].outcome if done else None:
        case Returned(value):
            return list(value)
        case outcome:
            raise UserError(f"the entries of {source} cannot be listed: {outcome}")


def _job(source: str, entries: Sequence[str]) -> Job:
    payload = {"source": source, "entries": list(entries)}
    return Job("archsmith.fuzz.collect.job:collect_entries", payload, seconds=SECONDS * len(entries), memory=MEMORY)


def new_call(document: Json) -> NewCall:
    """A record's JSON as the store keeps it: what tells one call from another apart from where it was seen."""
    rest = {key: value for key, value in document.items() if key not in ("operator", "torch", "source")}
    return NewCall(document["operator"], document["torch"], document["source"], rest)


def record_of(call: NewCall) -> CallRecord:
    """The record that was kept."""
    return from_json({"operator": call.operator, "torch": call.torch, "source": call.source, **call.document})
