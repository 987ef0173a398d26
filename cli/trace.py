"""``archsmith trace``: run a program and record its calls of PyTorch."""

import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from archsmith.cli.options import json_option
from archsmith.cli.output import print_json
from archsmith.graph.errors import UserError

if TYPE_CHECKING:
    from archsmith.fuzz.collect.files import Complaint

START = '''\
"""Written by archsmith trace: Python imports this by its name before anything else."""

import sys

from archsmith_trace_start import trace_from_torch_on

trace_from_torch_on({output!r}, {folder!r}, native={native!r})
sys.path.remove({folder!r})
this = sys.modules.pop("sitecustomize")
try:
    import sitecustomize  # the one that this one stands before
except ImportError:
    sys.modules["sitecustomize"] = this
'''

PATIENCE = 5.0
"""Seconds that a program has for its own end when it is interrupted."""


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("calls.jsonl.gz"),
    show_default=True,
    help="The file for the records, JSON lines in gzip; one that is there is replaced.",
)
@click.option("--aten", is_flag=True, help="Record the operators of the dispatcher too, as aten.add.Tensor.")
@json_option
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True)
def trace(output: Path, aten: bool, as_json: bool, command: tuple[str, ...]) -> None:
    """Run COMMAND, a program in Python, and record its calls of PyTorch, each kind of call once.

    Python programs that it starts are traced too. The exit code is COMMAND's own, and 128 more than a signal's number
    if that ended it. What is recorded is described in docs/tracing.md; with --json, what the program prints goes to
    standard error.

    \b
    archsmith trace -- python my_test.py
    archsmith trace --output mine.jsonl.gz -- pytest tests
    archsmith trace --aten -- python -m my_package
    """
    _emptied(output)
    with TemporaryDirectory(prefix="archsmith-trace-", ignore_cleanup_errors=True) as folder:
        start = START.format(folder=folder, output=str(output.absolute()), native=aten)
        (Path(folder) / "sitecustomize.py").write_text(start, encoding="utf-8")
        copyfile(Path(__file__).with_name("trace_start.py"), Path(folder) / "archsmith_trace_start.py")
        code = _run(command, folder, to_stderr=as_json)
        calls = _calls(Path(folder))
    operators, complaints = _recorded(output)
    figures = {"operators": len(operators), "calls": calls, "records": operators.total()}
    if as_json:
        problems = [str(complaint) for complaint in complaints]
        print_json({"output": str(output), "exit_code": code, **figures, "problems": problems})
    else:
        for complaint in complaints:
            click.echo(f"{output}, {complaint}", err=True)
        click.echo(_told(output, figures), err=True)
    sys.exit(code)


def _told(output: Path, figures: dict[str, int]) -> str:
    if not figures["records"]:
        return f"no calls of PyTorch were seen; {output} is empty"
    return "{calls:,} calls, {records:,} records of {operators:,} operators".format(**figures) + f" in {output}"


def _emptied(output: Path) -> None:
    try:
        output.write_bytes(b"")
    except OSError as error:
        raise UserError(f"--output must be a file that can be written; {output}: {error.strerror}") from None


def _run(command: tuple[str, ...], folder: str, *, to_stderr: bool) -> int:
    """The exit code of the command, run with the folder before all others on Python's path."""
    before = os.environ.get("PYTHONPATH")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([folder, before] if before else [folder])}
    try:
        program = subprocess.Popen(command, env=environment, stdout=sys.stderr if to_stderr else None)
    except OSError as error:
        raise UserError(f"the command must be a program that can be started; {command[0]}: {error.strerror}") from None
    try:
        code = program.wait()
    except KeyboardInterrupt:
        _ended(program)
        raise
    return 128 - code if code < 0 else code


def _ended(program: "subprocess.Popen[bytes]") -> None:
    """Have the program end: Ctrl-C reached it too, so it is given time before it is told again."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(PATIENCE)
            return
        program.send_signal(number)
    program.wait()


def _calls(folder: Path) -> int:
    """How many calls the processes of the program saw, of those that came to their end."""
    import json

    return sum(json.loads(path.read_text(encoding="utf-8"))["calls"] for path in folder.glob("*.json"))


def _recorded(output: Path) -> "tuple[Counter[str], list[Complaint]]":
    """The number of records by operator, and what cannot be read."""
    from archsmith.fuzz.collect.files import Reading

    reading = Reading(output)
    return Counter(record.call.operator for record in reading), reading.complaints
