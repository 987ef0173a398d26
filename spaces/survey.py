"""What the parts of a tree may ask, and where the same is asked again: the tree read without walking it."""

from collections import Counter
from collections.abc import Iterable

from archsmith.spaces.branches import SomeOf, Turn
from archsmith.spaces.cells import Cell, Junction
from archsmith.spaces.node import Enter, Node, Plan, is_sealed, joined
from archsmith.spaces.outcomes import outcomes
from archsmith.spaces.parts import Op
from archsmith.spaces.values import Choice, SharedValue

Names = frozenset[str]
NOTHING: Names = frozenset()


class Survey:
    """The names that are asked in several places of a tree, and in which parts: their answers must be remembered.

    A part that is entered ``again`` stands here under its path, in place of the names that are asked nowhere else: what
    it asked has not to be remembered as long as it makes no difference to the types. ``kept`` are paths of parts of
    which that is not true. ``watched`` are names that are wanted although they are asked once.
    """

    def __init__(self, root: Node, kept: Names, watched: Names, *, forgets: bool = True) -> None:
        self._kept, self._forgets = kept, forgets
        self._counts: dict[tuple[int, str], Counter[str]] = {}
        self._sites: dict[tuple[int, str], tuple[Names, tuple[Enter, ...]]] = {}
        self._owned: dict[tuple[int, str], Names] = {}
        self._names: dict[tuple[int, str], Names] = {}
        self._wanted: dict[int, tuple[Plan, tuple[Names, ...]]] = {}
        asked = self._counted(root, "")
        self.repeated: Names = frozenset(name for name, times in asked.items() if times > 1) | watched
        self._asked = asked
        self._watched = watched

    def wanted(self, plan: Plan) -> tuple[Names, ...]:
        """For each place in the plan, and its end, the names that are wanted from there on."""
        if id(plan) not in self._wanted:
            names = [NOTHING]
            for step in reversed(plan):
                names.append(names[-1] | (self._entered(step) if isinstance(step, Enter) else NOTHING))
            self._wanted[id(plan)] = plan, tuple(reversed(names))
        return self._wanted[id(plan)][1]

    def forgettable(self, step: Enter) -> bool:
        """Whether the part is entered again and what it asks need not be remembered, as far as is known."""
        return self._forgets and step.again and step.path not in self._kept and bool(self._own(step))

    def asked(self, node: Node, path: str) -> Names:
        """The names that the part may ask itself, not its parts."""
        return self._looked(node, path)[0]

    def inside(self, step: Enter) -> Names:
        """All names that may be asked in the part."""
        return frozenset(self._counted(step.node, step.path))

    def asks(self, step: Enter) -> bool:
        """Whether anything may be asked in the part."""
        return bool(self._counted(step.node, step.path))

    def _entered(self, step: Enter) -> Names:
        if not self.repeated:
            return NOTHING
        inside = self._inside(step.node, step.path)
        return (inside - self._own(step)) | {mark(step)} if self.forgettable(step) else inside

    def _own(self, step: Enter) -> Names:
        """Repeated names that are asked only in this part."""
        key = (id(step.node), step.path)
        if key not in self._owned:
            self._owned[key] = self._only_in(step)
        return self._owned[key]

    def _only_in(self, step: Enter) -> Names:
        counts = self._counted(step.node, step.path)
        times = self._asked[mark(step)]
        inside = self._inside(step.node, step.path) - self._watched
        return frozenset(name for name in inside if counts[name] * times == self._asked[name])

    def _inside(self, node: Node, path: str) -> Names:
        key = (id(node), path)
        if key not in self._names:
            own, sites = self._looked(node, path)
            names = own & self.repeated
            for site in sites:
                names |= self._entered(site)
            self._names[key] = names
        return self._names[key]

    def _counted(self, node: Node, path: str) -> Counter[str]:
        """How often each name stands in the part, and each part that is entered again."""
        key = (id(node), path)
        if key not in self._counts:
            own, sites = self._looked(node, path)
            counts = Counter(own)
            for site in sites:
                counts.update(self._counted(site.node, site.path))
                if site.again:
                    counts[mark(site)] += 1
            self._counts[key] = counts
        return self._counts[key]

    def _looked(self, node: Node, path: str) -> tuple[Names, tuple[Enter, ...]]:
        key = (id(node), path)
        if key not in self._sites:
            self._sites[key] = look(node, path)
        return self._sites[key]


def certain(node: Node, path: str) -> Names:
    """Names that every walk through the part asks; not all of them where that is hard to see."""
    return _certain(node, path, {})


def _certain(node: Node, path: str, known: dict[tuple[int, str], Names]) -> Names:
    key = (id(node), path)
    if key not in known:
        known[key] = _asked_anyway(node, path, known)
    return known[key]


def _asked_anyway(node: Node, path: str, known: dict[tuple[int, str], Names]) -> Names:
    match node:
        case Op():
            return look(node, path)[0]
        case SomeOf() | Junction():
            return NOTHING
        case _ if is_sealed(node):
            return NOTHING
    found: Names | None = None
    for outcome in outcomes(lambda: node.plan(path)):
        if outcome.value is None:
            continue
        entered = (_certain(step.node, step.path, known) for step in outcome.value if isinstance(step, Enter))
        names = outcome.asked.union(*entered)
        found = names if found is None else found & names
    return found or NOTHING


def look(node: Node, path: str) -> tuple[Names, tuple[Enter, ...]]:
    """The names that the part may ask itself, and what it may enter, as often as a single walk may."""
    match node:
        case Op(attributes=attributes):
            names: set[str] = set()
            for name, given in attributes:
                if isinstance(given, Choice):
                    names.add(node.path_of(name, given, path))
                elif isinstance(given, SharedValue):
                    names.update(name for name, _ in given.choices)
            return frozenset(names), ()
        case SomeOf(branches=branches):
            return look(Turn(node, tuple(label for label, _ in branches)), path)
        case Turn(whole=whole, labels=labels, turn=first):
            # Read off, not walked: its orders are too many.
            here = joined(path, whole.name)
            sites = tuple(Enter(branch, f"{here}={label}") for label, branch in whole.branches if label in labels)
            return frozenset(f"{here}.{turn}" for turn in range(first, whole.count)), sites
        case Junction():
            return node.look(path)
        case Cell(gaps=False, degree=None) | Cell(gaps=False, output="cat"):
            return _by_outcomes(node, path)
        case _ if is_sealed(node):
            return node.look(path)
        case _:
            return _by_outcomes(node, path)


def _by_outcomes(node: Node, path: str) -> tuple[Names, tuple[Enter, ...]]:
    asked = NOTHING
    often: Counter[tuple[int, str]] = Counter()
    steps: dict[tuple[int, str], Enter] = {}
    for outcome in outcomes(lambda: node.plan(path)):
        asked |= outcome.asked
        entered = [step for step in outcome.value or () if isinstance(step, Enter)]
        steps |= {(id(step.node), step.path): step for step in entered}
        often |= Counter((id(step.node), step.path) for step in entered)
    return asked, _spread(often.elements(), steps)


def _spread(often: Iterable[tuple[int, str]], steps: dict[tuple[int, str], Enter]) -> tuple[Enter, ...]:
    return tuple(steps[key] for key in often)


def mark(step: Enter) -> str:
    """What stands in a memory for a part that is entered again."""
    return f"again {step.path}"
