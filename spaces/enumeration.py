"""Every architecture of a space, one by one: an odometer over traces."""

from collections.abc import Iterator

from archsmith.spaces.decisions import Answer, Decision, Derivation, Label, Prefix, Space, derive


def architectures(space: Space) -> Iterator[Derivation]:
    """Every valid derivation of the space once, first options first; one walk is held at a time.

    The order is that of the walk: the last decision changes fastest. Dead ends are passed over, and each costs a walk.
    """
    start: Prefix | None = ()
    while start is not None:
        found = derive(space, _first(start))
        if found.graph is not None:
            yield found
        start = _next(found)


def _first(start: Prefix) -> Answer:
    """The first walk of those that begin with ``start``."""

    def answer(decision: Decision, prefix: Prefix) -> Label:
        return start[len(prefix)][1] if len(prefix) < len(start) else decision.options[0]

    return answer


def _next(found: Derivation) -> Prefix | None:
    """How the walk after this one begins; None after the last."""
    answers = found.trace.answers
    for depth in reversed(range(len(answers))):
        name, label = answers[depth]
        options = found.asked[depth].options
        place = options.index(label) + 1
        if place < len(options):
            return (*answers[:depth], (name, options[place]))
    return None
