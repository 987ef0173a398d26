"""From a live call to a record: telling cheaply whether it is a new one, and describing it if it is.

A call is known by a key that costs a microsecond or two: the function, shapes, dtypes and strides, numbers and words.
Only a call with a new key is looked at closely. What is the same call in all but its numbers and sizes is recorded
so many times at most, whatever a program does.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from archsmith.fuzz.call import Argument, Call, CallRecord, Refused, Returned, Verdict
from archsmith.fuzz.collect.describing import describe
from archsmith.fuzz.collect.naming import named
from archsmith.graph.signature import Word
from archsmith.runtime.post_mortem import ran_out_of_memory, said

Key = tuple[object, ...]
Sink = Callable[[CallRecord], None]

PLAIN_TENSORS = frozenset({torch.Tensor, torch.nn.Parameter, torch.nn.Buffer})
"""What is recorded; another class of tensor may mean something else by the same call."""

PLAIN = frozenset(
    {bool, int, float, complex, str, type(None), torch.dtype, torch.device, torch.layout, torch.memory_format}
)

LONGEST_MESSAGE = 500
"""Characters kept of an error's message."""

MOST_KNOWN = 1 << 16
"""Keys that are remembered."""

MOST_COPIED = 1 << 14
"""Elements of a tensor that is compared with a copy of itself."""

OF_GRADIENTS = ("requires grad", "requires_grad", "leaf Variable", "nference tensor", "inference mode")
"""Words of refusals that hang on the state of gradients, of which a call says nothing."""


def key_of(func: object, args: tuple[object, ...], kwargs: Mapping[str, object] | None) -> Key:
    """By what two calls are held to be alike; it holds no tensor.

    Raises:
        RuntimeError: a tensor has no shape or strides, as sparse ones have none.
    """
    parts: list[object] = [func]
    for value in args:
        kind = type(value)
        if kind in PLAIN_TENSORS:
            parts += (value.shape, value.dtype) if value.is_contiguous() else (value.shape, value.dtype, value.stride())  # type: ignore[attr-defined]
        elif kind in PLAIN:
            parts += (kind, value)
        else:
            parts.append(_part(value))
    if kwargs:
        for name, value in kwargs.items():
            parts += (name, _part(value))
    return tuple(parts)


def _part(value: object) -> object:
    kind = type(value)
    if kind in PLAIN_TENSORS:
        return (value.shape, value.dtype, value.stride())  # type: ignore[attr-defined]
    if kind in PLAIN:
        return (kind, value)
    if isinstance(value, list | tuple):
        return (kind, *map(_part, value)) if len(value) <= 64 else (kind, len(value))
    if kind is slice:
        return (kind, _part(value.start), _part(value.stop), _part(value.step))  # type: ignore[attr-defined]
    return kind


def outline(key: tuple[object, ...]) -> tuple[object, ...]:
    """The key without sizes, strides and numbers: what calls of one signature have in common."""
    parts: list[object] = []
    for part in key:
        kind = type(part)
        if kind is torch.Size:
            parts.append(len(part))  # type: ignore[arg-type]
        elif kind is tuple:
            parts.append(outline(part))  # type: ignore[arg-type]
        elif kind is not int and kind is not float and kind is not complex:
            parts.append(part)
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class Seen:
    """A call before it is made: described, with its tensors at hand, and what tells whether they are written to.

    Some operators write without counting it (``batch_norm``), so small tensors are compared with a copy.
    """

    call: Call
    tensors: tuple[torch.Tensor, ...]
    versions: tuple[int, ...]
    copies: tuple[torch.Tensor | None, ...]

    def written(self) -> tuple[int, ...]:
        """The places of the tensors that are not what they were; of those that share a storage one, changed if any."""
        found: dict[object, tuple[int, bool]] = {}
        for place, (tensor, version, copy) in enumerate(zip(self.tensors, self.versions, self.copies, strict=True)):
            changed = copy is not None and not _same(tensor, copy)
            if changed or _version(tensor) != version:
                home = _storage(tensor)
                _, known = found.get(home, (place, False))
                if home not in found or (changed and not known):
                    found[home] = (place, changed)
        return tuple(sorted(place for place, _ in found.values()))


@dataclass(slots=True)
class Recorder:
    """Makes records of new calls and gives them to ``sink``.

    All threads of a program use one without a lock, which a fork could find taken for ever: two that make the same new
    call at the same moment may both record it.

    ``most``: records of calls that differ in numbers and sizes only.
    """

    sink: Sink
    source: str
    most: int = 64
    operators: set[str] = field(default_factory=set)
    known: set[Key] = field(default_factory=set)
    _written: set[int] = field(default_factory=set)
    _alike: Counter[object] = field(default_factory=Counter)

    @property
    def records(self) -> int:
        """How many were made."""
        return len(self._written)

    def called(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], key: Key, *, native: bool
    ) -> Any:
        """Make the call, record what comes of it, and return or raise that."""
        alike = outline(key)
        seen = None
        if not native and torch._C._is_any_autocast_enabled():
            pass  # what it returns hangs on more than the call
        elif self._alike[alike] < self.most:
            with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():
                seen = _looked_at(func, args, kwargs)
        elif len(self.known) < MOST_KNOWN:
            self.known.add(key)
        if seen is None:
            return func(*args, **kwargs)
        try:
            result = func(*args, **kwargs)
        except Exception as error:
            if (verdict := _refusal(error)) is not None:
                self._keep(seen.call, verdict, alike)
            raise
        self.known.add(key)
        with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():
            returned = _returned(result, seen, _declared_writes(func, seen) if native else None)
        if returned is not None:
            self._keep(seen.call, returned, alike)
        return result

    def _keep(self, call: Call, verdict: Verdict, alike: object) -> None:
        told = hash(repr((call, verdict)))  # as text, 1 and 1.0 and True differ
        if told in self._written:
            return
        self._written.add(told)
        self._alike[alike] += 1
        self.operators.add(call.operator)
        self.sink(CallRecord(call, verdict, torch.__version__, self.source))


def _looked_at(func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Seen | None:
    """None of calls that are not what they seem: in ``vmap`` or a tracer, on sparse or odd tensors, or two devices."""
    if torch._C._functorch.peek_interpreter_stack() is not None or torch._C._get_tracing_state() is not None:
        return None
    operator, arguments, positional = named(func, args, kwargs)
    call = Call(operator, tuple((name, describe(value)) for name, value in arguments), positional)
    described = tuple(value for _, value in call.arguments)
    if any(map(_is_opaque, described)):
        return None  # nobody could make this call again
    tensors = tuple(
        tensor for one, (_, value) in zip(described, arguments, strict=True) for tensor in _tensors(one, value)
    )
    if not all(type(tensor) in PLAIN_TENSORS for tensor in tensors):
        return None
    devices = {tensor.device for tensor in tensors}
    if len(devices) > 1 or any(device.type == "meta" for device in devices):
        return None
    if any(map(torch.is_inference, tensors)) and _may_write(operator, arguments):
        return None  # nobody counts their versions
    return Seen(call, tensors, tuple(map(_version, tensors)), tuple(map(_copy, tensors)))


def _is_opaque(argument: Argument) -> bool:
    if isinstance(argument, tuple):
        return any(map(_is_opaque, argument))
    return isinstance(argument, Word) and argument.kind == "opaque"


def _tensors(described: Argument, value: object) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(described, tuple):
        assert isinstance(value, list | tuple)
        for one, entry in zip(described, value, strict=True):
            yield from _tensors(one, entry)


def _may_write(operator: str, arguments: tuple[tuple[str, object], ...]) -> bool:
    word = operator.rpartition(".")[2]
    return word.endswith("_") or any(name == "out" for name, _ in arguments)


def _version(tensor: torch.Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def _copy(tensor: torch.Tensor) -> torch.Tensor | None:
    if tensor.numel() > MOST_COPIED or tensor.device.type != "cpu":
        return None
    return tensor.detach().clone()


def _same(tensor: torch.Tensor, copy: torch.Tensor) -> bool:
    if tensor.shape != copy.shape:
        return False
    tensor = tensor.detach()
    try:
        return torch.equal(tensor, copy) or bool(((tensor == copy) | ((tensor != tensor) & (copy != copy))).all())
    except (RuntimeError, NotImplementedError):  # a dtype that cannot be compared
        return True


def _refusal(error: Exception) -> Refused | None:
    """None where not the call was refused, but the state of the program or of the machine."""
    message = said(error)
    if ran_out_of_memory(error) or any(words in message for words in OF_GRADIENTS):
        return None
    return Refused(type(error).__name__, message[:LONGEST_MESSAGE])


def _returned(result: object, seen: Seen, written: tuple[int, ...] | None) -> Returned | None:
    if result is NotImplemented:
        return None
    values = tuple(result) if isinstance(result, list | tuple) else (result,)
    places = {_storage(tensor): place for place, tensor in reversed([*enumerate(seen.tensors)])}
    if written is None:
        written = seen.written()
    return Returned(
        tuple(describe(value, extremes=False) for value in values),
        tuple(places.get(_storage(value)) if isinstance(value, torch.Tensor) else None for value in values),
        written,
    )


def _storage(tensor: torch.Tensor) -> int | None:
    """Which storage it has, the empty ones told apart too; None of tensors without one."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):
        return None


def _declared_writes(func: Callable[..., Any], seen: Seen) -> tuple[int, ...]:
    """Below autograd nobody counts versions yet: what the overload's schema says that it writes to."""
    schema: Any = func._schema  # type: ignore[attr-defined]
    writes = {argument.name for argument in schema.arguments if argument.is_write}
    places: list[int] = []
    place = 0
    for name, value in seen.call.arguments:
        count = len(Call("", ((name, value),), 0).tensors())
        places += range(place, place + count) if name in writes else ()
        place += count
    return tuple(places)
