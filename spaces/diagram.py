"""A space as a decision diagram: what is asked after which answers.

Walks are followed by their types alone. Where two of them stand at the same place with the same types, and the same
answers will be wanted again, they meet in one question: a space of 10^30 architectures is a diagram of some hundred
questions (a multi-valued decision diagram: Srinivasan et al. 1990). It is drawn up as far as somebody looks.
"""

from collections.abc import Mapping, Sequence

from archsmith.graph.book import RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.cost import macs, parameters
from archsmith.graph.errors import Infeasible
from archsmith.graph.graph import Value
from archsmith.graph.types import TensorType
from archsmith.spaces.branches import Turn
from archsmith.spaces.cells import Junction
from archsmith.spaces.constraints import Constraint
from archsmith.spaces.decisions import Decision, Label
from archsmith.spaces.frames import Frame, Frames, Types
from archsmith.spaces.node import Enter, Make, Node, Plan, build, is_sealed
from archsmith.spaces.parts import Op
from archsmith.spaces.planned import Planned, planned_by
from archsmith.spaces.questions import DEAD, EMPTY, Ask, Edge, End, Known, Memory, Seal
from archsmith.spaces.solving import can_call, can_hold, many
from archsmith.spaces.survey import NOTHING, Names, Survey, certain, mark

SEALED = 20_000
"""Questions in sealed parts that are kept: there may be as many of them as architectures."""


class Remember(Exception):
    """It makes a difference after all what a part asked: the diagram has been begun anew, and remembers that."""


class Diagram:
    """The questions of a tree for a value of one type.

    ``reason`` is why the first dead end that was met is one. While ``solving``, what is followed for the first time is
    asked of a solver too: that takes as long as some hundred questions, and spares as many as there are combinations.
    """

    def __init__(self, root: Node, entering: TensorType, book: RuleBook, constraints: Sequence[Constraint]) -> None:
        self._root, self._entering, self._book = root, entering, book
        self.constraints = tuple(constraints)
        self.of_cost = tuple(entry for entry in constraints if entry.of_cost)
        self._kept: Names = NOTHING
        self.version = 0
        self.reason = ""
        self.solving = False
        self._begin()

    def _begin(self) -> None:
        watched = frozenset[str]().union(*(entry.names for entry in self.constraints))
        self.version += 1
        # What a part has cost depends on what it asked: where cost matters nothing is forgotten.
        self._survey = Survey(self._root, self._kept, watched, forgets=not self.of_cost)
        self._frames = Frames(self._survey)
        self._asks: dict[tuple[object, ...], Ask] = {}
        self._plans: dict[tuple[object, ...], Planned] = {}
        self._fleeting: dict[Turn | Junction, Turn | Junction] = {}
        self._made: dict[tuple[object, ...], Edge] = {}
        self._whole: dict[tuple[object, ...], Plan] = {}
        self._callable: dict[tuple[object, ...], bool] = {}
        self._certain = certain(self._root, "") if self.constraints else NOTHING
        self._passed: dict[tuple[object, ...], TensorType] = {}
        self._settled: dict[tuple[object, ...], Edge | None] = {}
        self._seals: dict[tuple[Frame, Memory], Seal | None] = {}
        self._sealed = 0
        try:
            self.start = self._run(self._root_frame(self._root, "", (self._entering,)), EMPTY, ())
        except _Matters as part:
            self._kept |= {part.path}
            self._begin()

    def __len__(self) -> int:
        """How many questions have been drawn up."""
        return len(self._asks)

    def edge(self, ask: Ask, place: int) -> Edge:
        """What follows the option at that place.

        Raises:
            Remember: every question of the diagram is void, and ``start`` is a new one.
            UserError: a name stands for two different decisions.
        """
        found = ask.edges.get(place)
        if ask.version != self.version:
            raise Remember
        if ask.seal is not None:
            if found is None:
                found = self._sealed_ask(ask.seal, ask.frame, ask.memory, (*ask.labels, ask.decision.options[place]))
                if ask.kept:
                    ask.edges[place] = found
            return found
        if found is None:
            try:
                found = self._run(ask.frame, ask.memory, (*ask.labels, ask.decision.options[place]))
            except _Matters as part:
                self._kept |= {part.path}
                self._begin()
                raise Remember from None
            ask.edges[place] = found
        return found

    def _root_frame(self, node: Node, path: str, entering: Types) -> Frame:
        key = (id(node), path, len(entering))
        plan = self._whole.setdefault(key, (Enter(node, path, tuple(range(len(entering)))),))
        step = plan[0]
        assert isinstance(step, Enter)
        return self._frames.enter(plan, entering, step, None)

    def _run(self, frame: Frame, memory: Memory, labels: tuple[Label, ...]) -> Edge:
        """On from a frame to the next question; ``labels`` answer what the part at its next step asks first."""
        parameters_so_far = macs_so_far = 0
        while True:
            if frame.at == len(frame.plan):
                if frame.parent is None:
                    return Edge(End(_last(frame), memory), parameters_so_far, macs_so_far)
                frame, memory = self._leave(frame, frame.parent, memory)
                continue
            step = frame.plan[frame.at]
            types = tuple([frame.values[place] for place in step.of])
            if isinstance(step, Enter) and self._survey.asks(step):
                made = self._walked(step, types, memory)
                if made is None:
                    seal = self._seal(step, frame, memory)
                    if seal is not None:
                        return self._sealed_ask(seal, frame, memory, ())
                    planned = self._plan(step, memory, labels)
                    if planned.asks is not None and self._can_go_on(step, types, planned):
                        ask = self._ask(planned.asks, frame, memory, labels)
                        return Edge(ask, parameters_so_far, macs_so_far)
                    entered = self._enter(frame, step, types, planned, memory)
                    if entered is None:
                        return DEAD
                    (frame, memory), labels = entered, ()
                    continue
            else:
                made = self._make(step, types, frame.path)
            if not isinstance(made.target, End):
                return DEAD
            parameters_so_far += made.parameters
            macs_so_far += made.macs
            frame = self._frames.onward(frame, made.target.type)
            memory = self._wanted(memory, frame)

    def _leave(self, frame: Frame, parent: Frame, memory: Memory) -> tuple[Frame, Memory]:
        """Back from a plan that is through to the one that entered it."""
        if frame.again is not None and self._survey.forgettable(frame.again):
            memory |= {Known(mark(frame.again), entered=frame.entered)}
        onward = self._frames.onward(parent, _last(frame))
        return onward, self._wanted(memory, onward)

    def _enter(
        self, frame: Frame, step: Enter, types: Types, planned: Planned, memory: Memory
    ) -> tuple[Frame, Memory] | None:
        """Into the plan of a part; None at a dead end."""
        told = self._told(memory, planned.answered) if planned.plan is not None else None
        if planned.plan is None or told is None:
            self.reason = self.reason or _at(planned.reason or "no choice of values is left", step.path)
            return None
        # A part that comes last is left to wherever its plan is left: what came before is forgotten.
        last = frame.at == len(frame.plan) - 1 and frame.again is None
        entered = self._frames.enter(planned.plan, types, step, frame.parent if last else frame)
        return entered, self._wanted(told, entered)

    def _can_go_on(self, step: Enter, types: Types, planned: Planned) -> bool:
        """Whether an operator can be called at all with what is left to choose for it, where that is much."""
        if not isinstance(step.node, Op) or not planned.answered:
            return True
        domains = step.node.domains(step.path, {known.name: known.label for known in planned.answered})
        if not (self.solving and many(domains)):
            return True
        inputs = tuple(given for given in types if given is not None)
        key = (step.node.operator, inputs, tuple(domains.items()))
        if key not in self._callable:
            self._callable[key] = can_call(self._book, step.node.operator, inputs, domains)
        return self._callable[key]

    def _seal(self, step: Enter, frame: Frame, memory: Memory) -> Seal | None:
        """What follows a part that need not be followed itself: a sealed one, of which no answer is wanted again."""
        node, key = step.node, (frame, memory)
        if self.of_cost or not is_sealed(node):
            return None
        if key not in self._seals:
            types = tuple([frame.values[place] for place in step.of])
            wanted = frame.behind.union(*(entry.names for entry in self.constraints), {known.name for known in memory})
            given = tuple(entering for entering in types if entering is not None)
            made = None
            if self._survey.inside(step).isdisjoint(wanted):
                made = node.sealed(step.path, given, self._through)
            self._seals[key] = None
            if made is not None:
                if self._survey.forgettable(step):
                    memory |= {Known(mark(step), entered=types)}
                onward = self._frames.onward(frame, made)
                behind = self._run(onward, self._wanted(memory, onward), ())
                self._seals[key] = Seal(node, step.path, behind)
        return self._seals[key]

    def _sealed_ask(self, seal: Seal, frame: Frame, memory: Memory, labels: tuple[Label, ...]) -> Edge:
        decision = seal.part.after(seal.path, labels)
        if decision is None:
            return seal.behind
        self._sealed += 1
        kept = self._sealed <= SEALED
        return Edge(Ask(decision, frame, memory, labels, self.version, seal, kept))

    def _through(self, step: Enter | Make, types: tuple[TensorType, ...]) -> TensorType | None:
        """The type that leaves a step that asks nothing, if it can be made."""
        if isinstance(step, Enter) and self._survey.asks(step):
            return None
        target = self._make(step, types, "").target
        return target.type if isinstance(target, End) else None

    def _ask(self, decision: Decision, frame: Frame, memory: Memory, labels: tuple[Label, ...]) -> Ask:
        key = (frame, memory, labels)
        if key not in self._asks:
            self._asks[key] = Ask(decision, frame, memory, labels, self.version)
        return self._asks[key]

    def _plan(self, step: Enter, memory: Memory, labels: tuple[Label, ...]) -> Planned:
        """The plan of the part, or the question that has to be answered first."""
        node = step.node
        if isinstance(node, Turn | Junction):  # made anew by every plan
            node = self._fleeting.setdefault(node, node)
        if memory:
            asked = self._survey.asked(node, step.path)
            memory = frozenset(known for known in memory if known.name in asked)
        key = (id(node), step.path, memory, labels)
        if key not in self._plans:
            self._plans[key] = planned_by(node, step.path, memory, labels)
        return self._plans[key]

    def _told(self, memory: Memory, answered: tuple[Known, ...]) -> Memory | None:
        """The memory with these answers too; None if they break a constraint."""
        told = memory | {known for known in answered if known.name in self._survey.repeated}
        values = {known.name: known.label for known in told if known.decision is not None}
        for entry in self.constraints:
            if not entry.of_cost and entry.names <= values.keys() and Known(str(entry)) not in told:
                if not entry.met(values):
                    self.reason = self.reason or f"the space demands {entry}; got {entry.shown(values)}"
                    return None
                told |= {Known(str(entry))}
        return told if self._can_be_met(values) else None

    def _can_be_met(self, values: Mapping[str, Label]) -> bool:
        """Whether the values that are still open can meet all constraints that every walk is under."""
        waiting = [
            entry
            for entry in self.constraints
            if entry.expr is not None
            and not entry.of_cost
            and entry.names <= self._certain
            and not entry.names <= values.keys()
            and entry.names & values.keys()
        ]
        domains: dict[str, tuple[Label, ...]] = {}
        for entry in waiting:
            domains |= {name: (values[name],) if name in values else options for name, options in entry.options}
        if not (self.solving and many(domains)):
            return True
        key = tuple(domains.items())
        if key not in self._callable:
            self._callable[key] = can_hold([entry.expr for entry in waiting if entry.expr is not None], domains)
        return self._callable[key]

    def _wanted(self, memory: Memory, frame: Frame) -> Memory:
        """What of the memory can still matter."""
        names = {known.name for known in memory}
        pending = (entry.names for entry in self.constraints if str(entry) not in names)
        wanted = frame.wanted.union(*pending, map(str, self.constraints))
        return memory if names <= wanted else frozenset(known for known in memory if known.name in wanted)

    def _make(self, step: Make | Enter, types: Types, path: str) -> Edge:
        """The type of what is made of values of these types, with its cost; of a part, if it asks nothing."""
        key = (id(step.node), types) if isinstance(step, Enter) else (step.function, step.arguments, types)
        if key not in self._made:
            builder = Builder(self._book)
            try:
                values = [builder.input(given) for given in types if given is not None]
                value = _grown(step, builder, values)
                cost = (0, 0)
                if self.of_cost:
                    graph = builder.finish(value)
                    cost = parameters(graph, self._book), macs(graph, self._book)
                self._made[key] = Edge(End(builder.type_of(value), EMPTY), *cost)
            except Infeasible as error:
                self.reason = self.reason or _at(str(error), step.path if isinstance(step, Enter) else path)
                self._made[key] = DEAD
        return self._made[key]

    def _walked(self, step: Enter, types: Types, memory: Memory) -> Edge | None:
        """What comes of a part that was walked before, if it asks nothing any more; None else."""
        if not memory or not step.again:
            return None
        if self._survey.forgettable(step):
            before = next((known for known in memory if known.name == mark(step)), None)
            return before and Edge(End(self._pass(step, before.entered, types, memory), EMPTY))
        names = self._survey.inside(step)
        told = frozenset(known for known in memory if known.name in names)
        key = (id(step.node), step.path, types, told)
        if key not in self._settled:
            found = self._run(self._root_frame(step.node, step.path, types), told, ()) if told else None
            self._settled[key] = None if found is None or isinstance(found.target, Ask) else found
        return self._settled[key]

    def _pass(self, step: Enter, before: Types, types: Types, memory: Memory) -> TensorType:
        """The type that leaves a part that was walked with other types before: the same, whatever was asked then."""
        frames = [self._root_frame(step.node, step.path, entering) for entering in (before, types)]
        memory = self._wanted(memory, frames[0])
        key = (*frames, memory)
        if key not in self._passed:
            first, second = (self._run(frame, memory, ()) for frame in frames)
            self._passed[key] = self._indifferent(first, second, step.path)
        return self._passed[key]

    def _indifferent(self, first: Edge, second: Edge, path: str) -> TensorType:
        """The one type that the second walk ends with, for all answers that a first walk could end with.

        Raises:
            _Matters: there are several, or the second walk meets a dead end that the first did not.
        """
        made: set[TensorType] = set()
        waiting, seen = [(first, second)], set[tuple[int, int]]()
        while waiting:
            before, now = waiting.pop()
            here = id(before.target), id(now.target)
            if here in seen or not self._ends(before):
                continue
            seen.add(here)
            if isinstance(before.target, Ask) and isinstance(now.target, Ask):
                sealed = before.target.seal is not None and now.target.seal is not None
                follow = self._behind if sealed else self._all
                waiting += zip(follow(before.target), follow(now.target), strict=True)
            elif isinstance(now.target, End):
                made.add(now.target.type)
            else:
                raise _Matters(path)
        if len(made) != 1:
            raise _Matters(path)
        return made.pop()

    def _behind(self, ask: Ask) -> tuple[Edge, ...]:
        """What follows the sealed part that it is asked in, or else what follows each option."""
        return self._all(ask) if ask.seal is None else (ask.seal.behind,)

    def _all(self, ask: Ask) -> tuple[Edge, ...]:
        """What follows each option."""
        if ask.seal is not None:
            return tuple(self.edge(ask, place) for place in range(len(ask.decision.options)))
        for place, label in enumerate(ask.decision.options):
            if place not in ask.edges:
                ask.edges[place] = self._run(ask.frame, ask.memory, (*ask.labels, label))
        return tuple(ask.edges[place] for place in range(len(ask.decision.options)))

    def _ends(self, edge: Edge) -> bool:
        """Whether some walk behind the edge ends without a dead end."""
        waiting, seen = [edge], set[int]()
        while waiting:
            target = waiting.pop().target
            if isinstance(target, End) or (isinstance(target, Ask) and target.alive):
                return True
            if isinstance(target, Ask) and target.alive is None and id(target) not in seen:
                seen.add(id(target))
                waiting += self._behind(target)
        return False


def _grown(step: Make | Enter, builder: Builder, values: Sequence[Value]) -> Value:
    if isinstance(step, Make):
        return step.function(builder, values, *step.arguments)
    try:
        next(build(step.node, builder, values, step.path))
    except StopIteration as end:
        made: Value = end.value
        return made
    raise AssertionError(f"{step.path} was surveyed to ask nothing")


class _Matters(Exception):
    """A part that was to be forgotten lets different types out, or none, by what it asked."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def _last(frame: Frame) -> TensorType:
    made = frame.values[-1]
    assert made is not None  # the last value is wanted at a plan's end
    return made


def _at(reason: str, path: str) -> str:
    return f"at {path}: {reason}" if path else reason
