"""Signatures of an operator: how records are grouped, and how integers are held constant where a rule needs that.

An integer argument that says *which* dimension is reduced, joined or moved chooses among formulas; no expression over
it as a symbol is simple. Such arguments are held constant from the start, by their names. Others are held where
nothing else helps.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from keyword import iskeyword

from archsmith.fuzz.call import Argument, Call, Point, abstracted
from archsmith.graph.signature import Signature, Word

INDEX_NAMES = frozenset(
    {"dim", "dims", "dim0", "dim1", "dim2", "axis", "axes", "axis0", "axis1", "dimension", "start_dim", "end_dim"}
    | {"source", "destination", "tensor_indices_or_sections_dim", "batch_dim", "batch_dims", "in_dim", "out_dim"}
)
"""Names, less a place in a list, of integers that say which dimension is meant."""

_PLACE = re.compile(r"(_\d+)+$")


def is_index(name: str) -> bool:
    """Whether an integer of that name says which dimension is meant.

    >>> is_index("dims_0"), is_index("kernel_size_0")
    (True, False)
    """
    return name in INDEX_NAMES or _PLACE.sub("", name) in INDEX_NAMES


Rewrite = Callable[[str, Argument], Argument]
"""What to put in place of an argument that is no list, by the name of its slot."""


def rewritten(call: Call, rewrite: Rewrite) -> Call:
    """The call with every argument, and every entry of a list, replaced.

    >>> call = Call("torch.roll", (("shifts", (1, 2)),), 1)
    >>> rewritten(call, lambda name, value: -1 if name == "shifts_1" else value).arguments
    (('shifts', (1, -1)),)
    """
    arguments = tuple((name, _rewritten(_slot(name), value, rewrite)) for name, value in call.arguments)
    return Call(call.operator, arguments, call.positional)


def _slot(name: str) -> str:
    return f"{name}_" if iskeyword(name) else name


def _rewritten(name: str, value: Argument, rewrite: Rewrite) -> Argument:
    if isinstance(value, tuple):
        return tuple(_rewritten(f"{name}_{place}", entry, rewrite) for place, entry in enumerate(value))
    return rewrite(name, value)


def integers_of(call: Call) -> dict[str, int]:
    """The whole numbers of a call by the names of their slots, negative ones too."""
    found: dict[str, int] = {}

    def note(name: str, value: Argument) -> Argument:
        if isinstance(value, int) and not isinstance(value, bool):
            found[name] = value
        return value

    rewritten(call, note)
    return found


@dataclass(frozen=True, slots=True)
class Group:
    """A signature and calls of it that were seen to run."""

    signature: Signature
    calls: tuple[Call, ...]

    @property
    def points(self) -> tuple[Point, ...]:
        """Where the calls are in the signature, each once."""
        return tuple(dict.fromkeys(read_as(self.signature, call)[1] for call in self.calls))


def read_as(
    signature: Signature, call: Call, *, held: Collection[str] = (), valued: Collection[str] = ()
) -> tuple[Signature, Point]:
    """The call's own signature and point, with what that other signature holds or takes by its extremes, and more."""
    symbols = {*signature.integers}
    fixed = {name for name in integers_of(call) if name not in symbols} | set(held)
    extremes = {tensor.name for tensor in signature.tensors if tensor.valued} | set(valued)
    return abstracted(call, fixed=fixed, valued=extremes)


def grouped(calls: Iterable[Call]) -> list[Group]:
    """The calls by signature, indices of dimensions held, without those that hold what cannot be made again."""
    groups: dict[Signature, list[Call]] = defaultdict(list)
    for call in calls:
        if not _is_opaque(tuple(value for _, value in call.arguments)):
            indices = {name for name in integers_of(call) if is_index(name)}
            groups[abstracted(call, fixed=indices)[0]].append(call)
    return [Group(signature, tuple(dict.fromkeys(found))) for signature, found in groups.items()]


def _is_opaque(argument: Argument) -> bool:
    if isinstance(argument, tuple):
        return any(map(_is_opaque, argument))
    return isinstance(argument, Word) and argument.kind == "opaque"


def chosen(groups: Sequence[Group], most: int) -> list[Group]:
    """At most so many groups, simplest first: those seen most often, of each combination of ranks in turn."""
    by_ranks: dict[tuple[int, ...], list[Group]] = defaultdict(list)
    for group in sorted(groups, key=lambda group: -len(group.calls)):
        by_ranks[tuple(tensor.rank for tensor in group.signature.tensors)].append(group)
    turns = zip_longest(*by_ranks.values())
    kept = [group for turn in turns for group in turn if group is not None][:most]
    return sorted(kept, key=lambda group: (len(group.signature.symbols), str(group.signature)))


def held(signature: Signature, calls: Sequence[Call], names: Collection[str]) -> list[Group]:
    """The calls split by the values of these integers, those with most calls first."""
    groups: dict[Signature, list[Call]] = defaultdict(list)
    for call in calls:
        groups[read_as(signature, call, held=names)[0]].append(call)
    parts = [Group(narrower, tuple(found)) for narrower, found in groups.items()]
    return sorted(parts, key=lambda part: -len(part.calls))
