"""What ``archsmith trace`` has every Python of the traced program do first: wait for torch, and trace from then on.

Torch is not imported for its own sake: a program that does not use it runs as it would. Nor is archsmith before torch
is there, as some programs mind what was imported before they began (pytest rewrites modules); so ``archsmith trace``
gives programs a copy of this file under another name.
"""

import atexit
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archsmith.fuzz.collect.files import RecordWriter
    from archsmith.fuzz.collect.tracer import Tracer


def trace_from_torch_on(output: str, counts: str, *, native: bool) -> None:
    """Trace this process as soon as it has imported torch; at its end, the folder ``counts`` gets a file of figures."""
    sys.meta_path.insert(0, _Waiting(Path(output), Path(counts), native=native))


class _Waiting:
    """Finds torch as the other finders do, and has its loader say when it is loaded."""

    def __init__(self, output: Path, counts: Path, *, native: bool) -> None:
        self._output = output
        self._counts = counts
        self._native = native

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "torch":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(fullname, path, target) for finder in others)), None)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_trace(module: ModuleType) -> None:
                load(module)
                if self in sys.meta_path:
                    sys.meta_path.remove(self)
                    self._begin()

            spec.loader.exec_module = load_and_trace  # type: ignore[method-assign]
        return spec

    def _begin(self) -> None:
        try:
            from archsmith.fuzz.collect.files import RecordWriter
            from archsmith.fuzz.collect.tracer import Tracer
            from archsmith.graph.errors import UserError
        except ImportError as error:
            print(f"archsmith trace: {sys.executable} cannot be traced; {error}", file=sys.stderr)
            return
        try:
            writer = RecordWriter(self._output)
        except UserError as error:
            print(f"archsmith trace: {error}", file=sys.stderr)
            return
        tracer = Tracer(writer.write, native=self._native)
        tracer.__enter__()
        atexit.register(self._end, tracer, writer, os.getpid())

    def _end(self, tracer: "Tracer", writer: "RecordWriter", process: int) -> None:
        """The modes stay entered, as the program's own may stand above them; they pass on what they see."""
        import json

        from archsmith.graph.errors import UserError

        tracer.open = False
        try:
            writer.close()
        except UserError as error:
            print(f"archsmith trace: {error}", file=sys.stderr)
        if os.getpid() != process:  # a forked process has its parent's figures too
            return
        with suppress(OSError):  # whoever asked for the figures may be gone
            (self._counts / f"{process}.json").write_text(json.dumps({"calls": tracer.calls}), encoding="utf-8")
