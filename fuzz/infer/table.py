"""Rows as predicates are tried on, and terms: expressions with their values on all of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archsmith.fuzz.infer.columns import Columns, Mask, Vector
from archsmith.graph.expr import Apply, Expr, Lit, Sym

Weights = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The valid rows, then the refused ones; ``columns`` has shape (symbols, rows).

    ``groups`` are the sizes of each tensor, ``lists`` the integers that are entries of one list. ``turned`` says of
    each refused row which symbols differ from the valid row that is nearest to it, ``weights`` how much the row says:
    most if it is only one.
    """

    names: tuple[str, ...]
    columns: Vector
    valid: int
    groups: tuple[tuple[str, ...], ...]
    lists: tuple[tuple[str, ...], ...]
    turned: Mask
    weights: Weights

    @property
    def rows(self) -> Columns:
        return Columns(self.names, self.columns.T)

    def refused(self, over_all: Mask) -> Mask:
        return over_all[..., self.valid :]


def table(valid: Columns, refused: Columns, groups: Sequence[Sequence[str]]) -> Table:
    """Rows as the candidates are tried on; ``groups`` are the sizes of each tensor."""
    refused = refused.only(valid.names)
    columns = np.ascontiguousarray(np.concatenate([valid.matrix, refused.matrix]).T.astype(np.int64))
    turned = np.ones((refused.count, len(valid.names)), bool)
    if valid.count:
        for row, given in enumerate(refused.matrix):
            differs = valid.matrix != given
            turned[row] = differs[differs.sum(axis=1).argmin()]
    apart = turned.sum(axis=1)
    weights = np.where(apart <= 1, 3.0, np.where(apart == 2, 2.0, 1.0))
    tensors = tuple(map(tuple, groups))
    return Table(valid.names, columns, valid.count, tensors, _lists(valid.names, tensors), turned, weights)


def _lists(names: Sequence[str], groups: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Integers that are entries of one list, by their names."""
    sizes = {name for group in groups for name in group}
    lists: dict[str, list[str]] = {}
    for name in names:
        stem, _, place = name.rpartition("_")
        if name not in sizes and stem and place.isdigit():
            lists.setdefault(stem, []).append(name)
    return tuple(tuple(entries) for entries in lists.values() if len(entries) > 1)


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Expressions, their values on all rows of shape (terms, rows), what each costs, and which symbols are in it."""

    exprs: tuple[Expr, ...]
    vectors: Vector
    costs: Weights
    uses: Mask

    def __len__(self) -> int:
        return len(self.exprs)

    def apart(self, other: "Terms", place: int) -> Mask:
        """Which terms share no symbol with one of others: what compares a symbol with itself says little."""
        return np.asarray(~self.uses[:, other.uses[place]].any(axis=1))


def terms_of(data: Table, made: Iterable[tuple[Expr, Vector, float]]) -> Terms:
    """The terms, of those with equal values on all rows only the first."""
    seen: dict[bytes, tuple[Expr, Vector, float]] = {}
    for term in made:
        seen.setdefault(term[1].tobytes(), term)
    return _terms(data, list(seen.values()))


def _terms(data: Table, made: Sequence[tuple[Expr, Vector, float]]) -> Terms:
    exprs = tuple(expr for expr, _, _ in made)
    vectors = np.array([vector for _, vector, _ in made], np.int64).reshape(len(made), data.columns.shape[1])
    uses = np.zeros((len(made), len(data.names)), bool)
    place = {name: k for k, name in enumerate(data.names)}
    for number, expr in enumerate(exprs):
        uses[number, [place[name] for name in _names(expr)]] = True
    return Terms(exprs, vectors, np.array([cost for _, _, cost in made]), uses)


def _names(expr: Expr) -> list[str]:
    """The names in a term; quicker than to look a new term up among all whose symbols are known."""
    match expr:
        case Sym(name):
            return [name]
        case Apply(_, arguments):
            return [name for argument in arguments for name in _names(argument)]
        case _:
            return []


def literal_cost(value: int) -> float:
    return {0: 0.5, 1: 0.5, 2: 0.8}.get(value, 2.0)


def symbol_terms(data: Table, names: Sequence[str]) -> Terms:
    return _terms(data, [(Sym(name), data.columns[data.names.index(name)], 1.0) for name in names])


def literal_terms(data: Table, numbers: Iterable[int]) -> Terms:
    count = data.columns.shape[1]
    return _terms(data, [(Lit(number), np.full(count, number), literal_cost(number)) for number in numbers])


def joined(*parts: Terms) -> Terms:
    return Terms(
        tuple(expr for part in parts for expr in part.exprs),
        np.concatenate([part.vectors for part in parts]),
        np.concatenate([part.costs for part in parts]),
        np.concatenate([part.uses for part in parts]),
    )


def counts(data: Table) -> Terms:
    """The numbers of elements of the tensors."""
    return _terms(
        data, [(_whole("*", group), _columns(data, group).prod(axis=0), 1.5) for group in data.groups if group]
    )


def runs(data: Table) -> Terms:
    """Products of neighbouring sizes of each tensor, products of lists of integers, and the sums of these."""
    columns = dict(zip(data.names, data.columns, strict=True))

    def made() -> Iterator[tuple[Expr, Vector, float]]:
        for group in (*data.groups, *data.lists):
            for start in range(len(group)):
                whole: Expr = Sym(group[start])
                vector = columns[group[start]]
                for end in range(start + 1, len(group)):
                    whole, vector = Apply("*", (whole, Sym(group[end]))), vector * columns[group[end]]
                    yield whole, vector, 1.5 if end - start == len(group) - 1 else 1.0 + 0.8 * (end - start)
        for group in data.lists:
            yield _whole("+", group), _columns(data, group).sum(axis=0), 1.8

    return terms_of(data, made())


def _columns(data: Table, names: Sequence[str]) -> Vector:
    return data.columns[[data.names.index(name) for name in names]]


def _whole(operation: str, names: Sequence[str]) -> Expr:
    whole: Expr = Sym(names[0])
    for name in names[1:]:
        whole = Apply(operation, (whole, Sym(name)))
    return whole
