"""Failures that the sandbox tells, because the process did not live to tell them itself."""

import re

from archsmith.fuzz.bucket import normalised
from archsmith.fuzz.case import Case, operators
from archsmith.fuzz.oracles.protocol import Failure
from archsmith.graph.book import RuleBook
from archsmith.runtime.emit import network_class
from archsmith.runtime.outcome import Crashed, Outcome, OutOfMemory, Raised, TimedOut, reason

_FRAME = re.compile(r'^  File "(?P<file>[^"\n]*)", line (?P<line>\d+) in (?P<function>\S+)', re.MULTILINE)
_VARIABLE = re.compile(r"v(\d+)")


def failure_of_outcome(outcome: Outcome, stage: str, case: Case, book: RuleBook) -> Failure | None:
    """The failure that an outcome of ``check_case`` is, where ``stage`` was the last stage reported.

    None for ``Returned``: that lists its failures itself.
    """
    match outcome:
        case Crashed(output=output):
            where = f"{reason(outcome)} in {_crashed_in(output, stage, case, book)}"
            return Failure(stage, "crash", where, f"{where}\n{output}")
        case TimedOut():
            return Failure(stage, "hang", _all_operators(case), reason(outcome))
        case OutOfMemory(message=message):
            return Failure(stage, "out of memory", _all_operators(case), f"{reason(outcome)}\n{message}")
        case Raised(type=kind, message=message, traceback=stack):
            return Failure(stage, "broken check", kind, f"{kind}: {message}\n\n{stack}")
    return None


def _crashed_in(output: str, stage: str, case: Case, book: RuleBook) -> str:
    """The operator, where the network itself was running; else the innermost function, if that is telling."""
    frame = _FRAME.search(output)
    if frame is None:
        return _all_operators(case)
    own = next((f for f in _FRAME.finditer(output) if f["file"].startswith("<archsmith ")), None)
    if stage == "eager" and own is not None:
        return _operator(int(own["line"]), case, book)
    generated = frame["function"] in {"call", "forward"}
    return _all_operators(case) if generated else normalised(frame["function"])


def _operator(line: int, case: Case, book: RuleBook) -> str:
    """The operator that is called in that line of the network's source."""
    statement = network_class(case.graph, book).splitlines()[line - 1].strip()
    variable = _VARIABLE.match(statement)
    return case.graph.nodes[int(variable[1])].operator if variable else _all_operators(case)


def _all_operators(case: Case) -> str:
    return " ".join(operators(case))
