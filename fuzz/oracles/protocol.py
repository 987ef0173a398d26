"""What an oracle is, and what it says."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from archsmith.fuzz.case import Case

DISAGREEMENTS = ("wrong value", "wrong dtype", "wrong shape", "wrong stride")
"""Kinds of failure that two runs show which both return."""

KINDS = (
    *DISAGREEMENTS,
    "exception only in eager",
    "exception only in compiled",
    "different exception",
    "internal assert",
    "crash",
    "hang",
    "out of memory",
    "broken check",
)
"""All kinds. An "internal assert" is PyTorch's own admission; a "broken check" is our own."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with a case.

    ``where`` is a place that other cases with the same cause share: the operator at fault, or all that may be, or
    an exception and the function that raised it; ``message`` is everything. A disagreement names the graph's
    ``output`` (None: their number differs), a wrong value also its worst ``element`` and the absolute difference
    ``allowed`` there.
    ``flaky``: a second run did not fail in the same way.
    """

    oracle: str
    kind: str
    where: str
    message: str
    output: int | None = None
    element: tuple[int, ...] | None = None
    allowed: float | None = None
    flaky: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a failure's kind is one of {', '.join(KINDS)}; got {self.kind!r}")


Note = Callable[[str], None]
"""Hears the name of a filter each time that it explains a difference away."""


class Oracle(Protocol):
    """A repeatable verdict about one case."""

    def check(self, case: Case) -> Failure | None:
        """What is wrong with PyTorch on this case, if anything."""
        ...


def to_json(failure: Failure) -> dict[str, Any]:
    """The failure as JSON values; ``from_json(to_json(failure)) == failure``."""
    fields = asdict(failure)
    return fields | {"element": None if failure.element is None else list(failure.element)}


def from_json(data: Mapping[str, Any]) -> Failure:
    """The failure that ``data`` writes.

    Raises:
        ValueError: the data is not a failure.
    """
    try:
        element = data["element"]
        return Failure(**{**data, "element": None if element is None else tuple(element)})
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a failure: {type(error).__name__} {error}") from None
