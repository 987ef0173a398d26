"""Checkpoints: a training that stopped at a rung, in a file, so that another process can go on with it.

The file is a line that says what it is, the digest of the rest, and the rest as ``torch.save`` writes it, read with
``weights_only``: a damaged file is known as one, and reading any file runs no code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError  # noqa: TID251 (what torch raises in place of unpickling what is no tensor)
from typing import Any

import torch

from archsmith.evaluate.evaluator import BadCheckpoint
from archsmith.evaluate.weights import write_whole
from archsmith.graph.errors import UserError

MAGIC = b"archsmith checkpoint 1\n"
DIGEST_BYTES = 32

Facts = Mapping[str, str | int | float | None]


@dataclass(frozen=True, slots=True)
class Rung:
    """Where a training stops before the end of its budget, and where it goes on from.

    ``until`` counts epochs from the very beginning, those before ``resume`` included, and must not exceed the budget;
    None is its end. ``checkpoint`` is written where the rung ends before the budget does. ``resume`` is a checkpoint
    of the same training.
    """

    until: int | None = None
    checkpoint: Path | None = None
    resume: Path | None = None

    def __post_init__(self) -> None:
        until = self.until
        if until is not None and (isinstance(until, bool) or not isinstance(until, int) or until < 1):
            raise UserError(f"until must be a number of epochs, at least 1; got {until!r}")


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """``of`` says which training it is; ``state`` is a ``Learning``'s, ``metrics`` are those of its last epoch."""

    of: Facts
    state: dict[str, Any]
    metrics: dict[str, float]


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write it; a reader sees the whole file or none, and an old one stays until then.

    Raises:
        NotWritten: the disk is full, or the folder does not let itself be written.
    """
    body = BytesIO()
    torch.save({"of": dict(checkpoint.of), "state": checkpoint.state, "metrics": checkpoint.metrics}, body)
    content = body.getbuffer()
    sealed = b"".join((MAGIC, _digest(content), content))
    write_whole(path, lambda unfinished: unfinished.write_bytes(sealed), what="checkpoints of the trials")


def load_checkpoint(path: Path, of: Facts) -> Checkpoint:
    """The checkpoint of that training, its tensors on the CPU.

    Raises:
        BadCheckpoint: there is no such file, it is damaged or no checkpoint, or it is of another training.
    """
    try:
        sealed = path.read_bytes()
    except OSError as error:
        raise _bad(f"cannot be read ({error.strerror})", path) from error
    start = len(MAGIC) + DIGEST_BYTES
    content = memoryview(sealed)[start:]
    if not sealed.startswith(MAGIC) or sealed[len(MAGIC) : start] != _digest(content):
        raise _bad("is damaged, or was not written by this version of archsmith", path)
    try:
        found = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
    except (UnpicklingError, EOFError, KeyError, RuntimeError):  # the first tells people to load the file unsafely
        raise _bad("holds what no checkpoint does", path) from None
    if not isinstance(found, dict) or found.keys() != {"of", "state", "metrics"}:
        raise _bad("holds what no checkpoint does", path)
    other = [name for name in {**found["of"], **of} if found["of"].get(name) != of.get(name)]
    if other:
        raise _bad(
            f"is of another training: its {', '.join(other)} {'is' if len(other) == 1 else 'are'} not this", path
        )
    return Checkpoint(found["of"], found["state"], found["metrics"])


def _digest(content: memoryview) -> bytes:
    return blake2b(content, digest_size=DIGEST_BYTES).digest()


def _bad(what: str, path: Path) -> BadCheckpoint:
    return BadCheckpoint(f"checkpoint {path} {what}: train from the beginning, without resume")
