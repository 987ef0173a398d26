"""What calls return, read as numbers: a form that all results of a rule share, and the sizes in it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from archsmith.fuzz.call import Argument, Returned, TensorValue

Form = tuple["int | Form | None", ...]
"""Of each value that is returned: the rank of a tensor, None for what is no tensor, or a form for a list of values."""


Shapes = tuple[tuple[int, ...], ...]
"""The shapes of the tensors that a call returns."""


def form_of(returned: Returned) -> Form:
    """The form of a call's results.

    >>> form_of(Returned((TensorValue((2, 3)), True, (TensorValue(()),))))
    (2, None, (0,))
    """
    return tuple(map(_form, returned.values))


def _form(value: Argument) -> "int | Form | None":
    match value:
        case TensorValue(shape):
            return len(shape)
        case tuple():
            return tuple(map(_form, value))
        case _:
            return None


def form_text(form: Form, *, sequence: bool) -> str:
    """The form as a rule writes it: empty where results are tensors in order.

    What one value was, alone or in a list, is not seen; ``sequence`` says that this operator returns lists.

    >>> form_text((2, 2), sequence=True), form_text((2,), sequence=True), form_text((2, None, (0,)), sequence=True)
    ('', '(t,)', '(t, _, (t,))')
    """
    if all(isinstance(part, int) for part in form) and (len(form) > 1 or not sequence):
        return ""
    return _form_text(form) if len(form) != 1 or sequence else _form_text(form[0])


def _form_text(form: "int | Form | None") -> str:
    match form:
        case None:
            return "_"
        case int():
            return "t"
        case (only,):
            return f"({_form_text(only)},)"
        case _:
            return f"({', '.join(map(_form_text, form))})"


def tensors_of(returned: Returned) -> tuple[TensorValue, ...]:
    """The tensors that a call returned from left to right, those in lists too; numbers are left out."""
    return tuple(_tensors(returned.values))


def _tensors(values: Sequence[Argument]) -> Iterator[TensorValue]:
    for value in values:
        if isinstance(value, TensorValue):
            yield value
        elif isinstance(value, tuple):
            yield from _tensors(value)


def shapes_of(returned: Returned) -> Shapes:
    return tuple(tensor.shape for tensor in tensors_of(returned))


def forms(results: Iterable[Returned]) -> list[tuple[Form, int]]:
    """Each form that occurs and how often, the most frequent first."""
    return Counter(map(form_of, results)).most_common()


@dataclass(frozen=True, slots=True)
class Storage:
    """For each tensor that is returned, the input with which it shares storage; and the inputs that are written to."""

    aliases: tuple[int | None, ...]
    mutates: tuple[int, ...]


def storage(results: Iterable[Returned]) -> Storage:
    """What all results say about storage.

    An output is said to share storage only where every result that is not empty does: an empty tensor has none to
    share. An input that was written to once is said to be written to: writing the same numbers again is not seen.
    """
    aliases: list[set[int | None]] = []
    mutates: set[int] = set()
    for returned in results:
        mutates |= set(returned.mutates)
        pairs = list(_aliased(returned))
        aliases.extend(set() for _ in range(len(pairs) - len(aliases)))
        for place, (tensor, alias) in enumerate(pairs):
            if 0 not in tensor.shape:
                aliases[place].add(alias)
    agreed = tuple(next(iter(found)) if len(found) == 1 else None for found in aliases)
    return Storage(agreed, tuple(sorted(mutates)))


def _aliased(returned: Returned) -> Iterator[tuple[TensorValue, int | None]]:
    aliases = returned.aliases or (None,) * len(returned.values)
    for value, alias in zip(returned.values, aliases, strict=True):
        if isinstance(value, TensorValue):
            yield value, alias
        elif isinstance(value, tuple):
            yield from ((tensor, None) for tensor in _tensors(value))
