"""A user's space, whose own code runs at every walk: what it raises is said as the user's mistake."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from traceback import extract_tb

from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Graph
from archsmith.spaces.decisions import Space, Steps


@dataclass(frozen=True, slots=True)
class UserSpace:
    """The same space; ``given`` is what the user calls it."""

    space: Space
    given: str

    def walk(self) -> Steps[Graph]:
        with explained(self.given, "a walk of its space"):
            return (yield from self.space.walk())

    def text(self) -> str:
        with explained(self.given, "its space's text()"):
            return self.space.text()


@contextmanager
def explained(given: str, what: str) -> Iterator[None]:
    """A block in which the user's own code runs; ``what`` says for what, ``given`` what the user calls it."""
    try:
        yield
    except (UserError, Infeasible):
        raise
    except Exception as error:  # the user's own code: whatever it raises is reported as its mistake
        place = extract_tb(error.__traceback__)[-1]
        said = " ".join(str(error).split())
        where = f"{place.filename}:{place.lineno}"
        raise UserError(f"{given}: {what} raised {type(error).__name__}: {said} ({where})") from error
