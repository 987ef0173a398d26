"""``pytest --archsmith-trace``: record the calls of PyTorch that tests make.

Every pytest of an environment with archsmith in it imports this, so there is nothing here to wait for.
"""

from pathlib import Path

import pytest

FILE = "calls.jsonl.gz"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("archsmith")
    group.addoption(
        "--archsmith-trace",
        nargs="?",
        const=FILE,
        metavar="FILE",
        help=f"record the calls of PyTorch that tests make in FILE (by default {FILE}), which is replaced",
    )
    group.addoption(
        "--archsmith-trace-aten",
        action="store_true",
        help="with --archsmith-trace, record the operators of the dispatcher too",
    )


def pytest_configure(config: pytest.Config) -> None:
    given = config.getoption("--archsmith-trace")
    if given is None:
        return
    if not given.endswith((".gz", ".jsonl")):  # argparse takes the next word, which may be a test's
        raise pytest.UsageError(
            f"--archsmith-trace=FILE must name a file that ends in .gz or .jsonl; got {given!r} "
            f"(write --archsmith-trace={FILE} if that is what to run)"
        )
    worker = hasattr(config, "workerinput")
    config.pluginmanager.register(
        _Tracing(
            config.invocation_params.dir / given, native=config.getoption("--archsmith-trace-aten"), worker=worker
        ),
        "archsmith-tracing",
    )


def _emptied(path: Path) -> None:
    try:
        path.write_bytes(b"")
    except OSError as error:
        raise pytest.UsageError(
            f"--archsmith-trace must be a file that can be written; {path}: {error.strerror}"
        ) from None


class _Tracing:
    """Traces a session, from the first file that is collected to the last test."""

    def __init__(self, path: Path, *, native: bool, worker: bool) -> None:
        if not worker:  # those of pytest-xdist append to the same file
            _emptied(path)

        from archsmith.fuzz.collect.files import RecordWriter
        from archsmith.fuzz.collect.tracer import Tracer

        self._path = path
        self._writer = RecordWriter(path)
        self._tracer = Tracer(self._writer.write, source="pytest", native=native)
        self._said = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        self._tracer.__enter__()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        from archsmith.graph.errors import UserError

        self._tracer.__exit__(None, None, None)
        try:
            self._writer.close()
        except UserError as error:
            self._said = str(error)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        from archsmith.fuzz.collect.files import Reading

        reading = Reading(self._path)
        operators = [record.call.operator for record in reading]
        problems = [self._said] if self._said else [str(complaint) for complaint in reading.complaints]
        terminalreporter.write_sep("-", "archsmith trace")
        for problem in problems:
            terminalreporter.write_line(f"{self._path}: {problem}")
        terminalreporter.write_line(f"{len(operators):,} records of {len(set(operators)):,} operators in {self._path}")
