"""A search space: a tree, the type that goes in, and the rule book that judges every step."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from random import Random

from archsmith.graph.book import Operator, RuleBook
from archsmith.graph.builder import Builder
from archsmith.graph.cost import macs, parameters
from archsmith.graph.errors import Infeasible, UserError
from archsmith.graph.graph import Graph
from archsmith.graph.simplify import simplified
from archsmith.graph.text import digest as graph_digest
from archsmith.graph.types import ITEM_BYTES, TensorType
from archsmith.spaces.books import book_with
from archsmith.spaces.constraints import Constraint, read_constraint
from archsmith.spaces.course import Course, offered
from archsmith.spaces.decisions import Answer, Answered, Derivation, Label, Space, Steps, Trace, Walked, once, replay
from archsmith.spaces.diagram import Diagram
from archsmith.spaces.draws import answered, draw, mutate
from archsmith.spaces.enumeration import architectures
from archsmith.spaces.identity import Fingerprints, Identity, Unanswered
from archsmith.spaces.nesting import demand_tree
from archsmith.spaces.node import Node, build
from archsmith.spaces.reach import Reach
from archsmith.spaces.recipe import Recipe, checked_recipe, recipe_lines, recipe_of, with_recipe
from archsmith.spaces.suggest import Trial, suggest
from archsmith.spaces.values import Given, Meanings

METHODS = ("plan", "lines", "check")
"""What makes an object a part of a tree."""


@dataclass(frozen=True, slots=True)
class TreeSpace:
    """All architectures of a tree that meet its constraints, in their simplest form.

    ``input`` has a batch size of 1 in front; the networks take any, since no operator works along dimension
    0. ``recipe`` are values of the training, which are asked after those of the network. A walk offers only options
    that lead to an architecture, unless it is not to look ``ahead``. Iterating gives all architectures, first options
    first. Two traces of which ``alike`` gives the same count as one architecture; without it, those that lead to one
    graph do.
    """

    root: Node
    input: TensorType
    book: RuleBook = field(compare=False)
    recipe: Recipe = ()
    constraints: tuple[Constraint, ...] = ()
    ahead: bool = True
    alike: Callable[[Trace], Hashable] | None = field(default=None, compare=False)
    reach: Reach = field(init=False, repr=False, compare=False)
    _fingerprints: Fingerprints = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        diagram = Diagram(with_recipe(self.root, self.recipe), self.input, self.book, self.constraints)
        object.__setattr__(self, "reach", Reach(diagram))
        object.__setattr__(self, "_fingerprints", Fingerprints(self.root, self.input, self.book))

    def walk(self) -> Steps[Graph]:
        return (yield from offered(self._grow(), Course(self.reach))) if self.ahead else (yield from self._grow())

    def _grow(self) -> Steps[Graph]:
        builder = Builder(self.book)
        answered: Answered = {}
        whole = with_recipe(self.root, self.recipe)
        out = yield from once(build(whole, builder, (builder.input(self.input),), ""), answered)
        written = builder.finish(out)
        self._demand(written, {name: label for name, (_, label) in answered.items()})
        return simplified(written, self.book)

    def _demand(self, graph: Graph, values: dict[str, Label]) -> None:
        """``Infeasible`` with the first constraint that is not met."""
        if any(entry.of_cost for entry in self.constraints):
            values |= {"parameters": parameters(graph, self.book), "macs": macs(graph, self.book)}
        for entry in self.constraints:
            if entry.names <= values.keys() and not entry.met(values):
                raise Infeasible(f"the space demands {entry}; got {entry.shown(values)}")

    def draw(self, rng: Random) -> Trace:
        """The trace of a valid architecture, every option of every decision as likely as its weight; builds nothing."""
        return draw(self.reach, rng)

    def mutated(self, trace: Trace, rng: Random) -> Trace:
        """A valid trace with one decision answered otherwise, and the others kept where they can be; builds nothing."""
        return mutate(self.reach, trace, rng)

    def answered(self, answer: Answer) -> Walked:
        """The valid trace that ``answer`` leads to, with the decisions that it answers; builds nothing."""
        return answered(self.reach, answer)

    def identity(self, trace: Trace) -> Hashable:
        """The same for two traces of one architecture: of what ``alike`` gives, or of its graph and its recipe.

        Networks are built only where an identity is compared with one of the same fingerprint.

        Raises:
            UserError: the trace is of another space.
        """
        if self.alike is not None:
            return self.alike(trace)
        try:
            mark = self._fingerprints.of(trace.as_dict())
        except (Unanswered, Infeasible):
            trace = replay(self, trace).trace
            mark = self._fingerprints.of(trace.as_dict())
        settings = tuple(sorted(recipe_of(self, trace).items())) if self.recipe else ()
        return Identity((mark, settings), partial(self._digest, trace))

    def _digest(self, trace: Trace) -> str:
        graph = replay(self, trace).graph
        assert graph is not None  # the trace is valid
        return graph_digest(graph)

    def uniform(self) -> Callable[[Random], Trace]:
        """What draws a trace, every valid one equally likely whatever the weights; the space is counted now, and once.

        Raises:
            UserError: there are too many different costs to be counted.
        """
        from archsmith.spaces.counting import Counts
        from archsmith.spaces.uniform import one_of

        counts = Counts(self.reach)
        return lambda rng: one_of(self, counts, rng).trace

    def suggest(self, trial: Trial) -> Derivation:
        """The architecture that an Optuna trial suggests."""
        return suggest(self, trial)

    def text(self) -> str:
        demands = [f"require {entry}" for entry in self.constraints]
        return "\n".join([f"input {self.input}", *demands, *self.root.lines(), *recipe_lines(self.recipe)])

    def __iter__(self) -> Iterator[Derivation]:
        return architectures(self)

    def __str__(self) -> str:
        return self.text()

    def _repr_svg_(self) -> str:
        """The picture that a notebook shows."""
        from archsmith.spaces.picture import picture

        return picture(self, standalone=True)


def search_space(
    root: Node,
    *,
    input: Sequence[int],
    dtype: str = "float32",
    recipe: Mapping[str, Given] | None = None,
    require: Sequence[str | Callable[..., bool]] | str | Callable[..., bool] = (),
    operators: Iterable[Operator] = (),
    alike: Callable[[Trace], Hashable] | None = None,
) -> TreeSpace:
    """The space of a tree for samples of shape ``input``, without the batch: ``(channels, height, width)``.

    ``recipe`` are settings of the training by name, each a value, a choice or something shared. ``require`` are
    constraints that every architecture must meet: ``"parameters <= 1e6"``, ``"width * depth <= 64"`` over shared values
    by name, or functions of such values. ``operators`` are those of a user's own that only its functions use
    (``call``); those in the tree need not be named. ``alike`` gives the same for two traces that are to count as one
    architecture, where that is not whether they lead to one graph.

    Raises:
        UserError: the root is no node, names an operator or attribute that does not exist, gives a shared name two
            meanings, the input is no shape and dtype, or the recipe or a constraint is none.
    """
    if not all(hasattr(root, method) for method in METHODS):
        raise UserError(f"a space's tree is a node such as op(...) or chain(...); got {root!r}")
    if not isinstance(input, Sequence) or not input or not all(map(_size, input)):
        raise UserError(f"a space's input is the shape of one sample, sizes of at least 1; got {input!r}")
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
        raise UserError(f"a space's dtype must be one of {', '.join(ITEM_BYTES)}; got {dtype!r}")
    if alike is not None and not callable(alike):
        raise UserError(f"alike is a function of a trace; got {alike!r}")
    meanings: Meanings = {}
    demand_tree(root)
    book = book_with(root, _operators(operators))
    root.check(book, meanings, "")
    settings = checked_recipe(recipe, meanings)
    demands = require if isinstance(require, list | tuple) else (require,)
    constraints = tuple(read_constraint(entry, meanings) for entry in demands)
    return TreeSpace(root, TensorType((1, *input), dtype), book, settings, constraints, alike=alike)


def _operators(given: object) -> tuple[Operator, ...]:
    operators = tuple(given) if isinstance(given, Iterable) else (given,)
    for entry in operators:
        if not isinstance(entry, Operator):
            raise UserError(f"operators are those that archsmith.runtime.modules.module makes; got {entry!r}")
    return operators


def _size(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and given >= 1


def digest(space: Space) -> str:
    """32 hexadecimal digits that name the space: those of its text."""
    return blake2b(space.text().encode(), digest_size=16).hexdigest()
