"""Recording the calls of PyTorch that a program makes, while it makes them.

>>> with record_calls() as records:
...     total = torch.ones(2, 3).sum(dim=1)
>>> records[1].call.operator
'torch.Tensor.sum'
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from archsmith.fuzz.call import CallRecord
from archsmith.fuzz.collect.naming import names
from archsmith.fuzz.collect.recorder import Recorder, Sink, key_of

_compiling = torch.compiler.is_dynamo_compiling


@contextmanager
def record_calls(*, source: str = "program", native: bool = False) -> Iterator[list[CallRecord]]:
    """The calls made inside, as a list that grows; see ``Tracer``."""
    records: list[CallRecord] = []
    with Tracer(records.append, source=source, native=native):
        yield records


class Tracer:
    """While it is entered, gives ``sink`` a record of every new call, and lets all calls do what they do.

    Threads that are started meanwhile are traced too. A call that another operator makes is not recorded, unless at
    the dispatcher: with ``native``, ATen's operators are recorded as well (``aten.add.Tensor``), those of the backward
    pass among them. Calls inside ``vmap``, compiled code and tracers of PyTorch are not, nor are calls on subclasses
    of tensors.

    ``most`` records are kept of calls that differ in sizes and numbers only. ``source`` is written into each record.
    """

    def __init__(self, sink: Sink, *, source: str = "program", native: bool = False, most: int = 64) -> None:
        self._recorder = Recorder(sink, source, most)
        self._native = native
        self._modes: list[_PublicCalls | _NativeCalls] = []
        self._stack = ExitStack()
        self._threads = _Threads(self)
        self.open = False

    def __enter__(self) -> Self:
        self.open = True
        self._stack.enter_context(self._threads)
        self._stack.enter_context(self.in_this_thread())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open = False
        self._stack.close()

    @contextmanager
    def in_this_thread(self) -> Iterator[None]:
        """Trace this thread, as long as the tracer is open."""
        modes: list[_PublicCalls | _NativeCalls] = [_PublicCalls(self, self._recorder)]
        modes += [_NativeCalls(self, self._recorder)] if self._native else []
        self._modes += modes
        with ExitStack() as stack:
            for mode in modes:
                stack.enter_context(mode)
            yield

    @property
    def calls(self) -> int:
        """How many calls of operators were seen, the known ones too."""
        return sum(mode.calls for mode in self._modes)

    @property
    def records(self) -> int:
        """How many of them were new."""
        return self._recorder.records

    @property
    def operators(self) -> frozenset[str]:
        """The names of those that were recorded."""
        return frozenset(self._recorder.operators)


class _PublicCalls(TorchFunctionMode):
    """Sees what a thread asks of PyTorch's public functions; torch calls back a class of its own kind only."""

    def __init__(self, tracer: Tracer, recorder: Recorder) -> None:
        self.calls = 0
        self._tracer = tracer
        self._recorder = recorder
        self._known = recorder.known
        self._names = names()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if _compiling() or func not in self._names:  # Dynamo reads the first as a constant, and sees a plain call
            return func(*args, **kwargs) if kwargs else func(*args)
        self.calls += 1
        try:
            key = key_of(func, args, kwargs)
            known = key in self._known
        except (RuntimeError, TypeError, NotImplementedError):
            known = True  # there is no telling what it was given
        if known or not self._tracer.open:
            return func(*args, **kwargs) if kwargs else func(*args)
        return self._recorder.called(func, args, kwargs or {}, key, native=False)


class _NativeCalls(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves its modes without types
    """Sees what reaches the dispatcher from a thread, below autograd."""

    supports_higher_order_operators = True

    def __init__(self, tracer: Tracer, recorder: Recorder) -> None:
        self.calls = 0
        self._tracer = tracer
        self._recorder = recorder
        self._known = recorder.known

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        """Code may be compiled while it is traced."""
        return True

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "namespace", None) != "aten" or not self._tracer.open:
            return func(*args, **(kwargs or {}))
        self.calls += 1
        try:
            key = key_of(func, args, kwargs)
            known = key in self._known
        except (RuntimeError, TypeError, NotImplementedError):
            known = True
        if known:
            return func(*args, **(kwargs or {}))
        return self._recorder.called(func, args, kwargs or {}, key, native=True)


class _Threads:
    """While it is entered, threads run traced: modes belong to one thread, and ``start`` is where a new one comes from.

    Those that were started stay traced until they or the tracer end.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._start = threading.Thread.start

    def __enter__(self) -> None:
        self._start = start = threading.Thread.start
        tracer = self._tracer

        def traced_start(thread: threading.Thread) -> None:
            run = thread.run

            def traced_run() -> None:
                with tracer.in_this_thread():
                    run()

            thread.run = traced_run  # type: ignore[method-assign]
            start(thread)

        self._traced: object = traced_start
        threading.Thread.start = traced_start  # type: ignore[method-assign, assignment]

    def __exit__(self, *_: object) -> None:
        if threading.Thread.start is self._traced:  # else somebody replaced it in turn, and theirs calls ours
            threading.Thread.start = self._start  # type: ignore[method-assign]
