"""What runs in the sandbox: one case through eager and then through every oracle that was asked for."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter
from typing import Any

from archsmith.fuzz import case as cases
from archsmith.fuzz.attempt import attempt, described, place
from archsmith.fuzz.case import Case
from archsmith.fuzz.inputs import inputs, network
from archsmith.fuzz.locate import located
from archsmith.fuzz.oracles import ORACLES, Constructor, protocol
from archsmith.fuzz.oracles.protocol import Failure, Note
from archsmith.graph.ops import DECLARED
from archsmith.runtime.lower import type_of

EAGER = "eager"
"""The stage before all oracles, in which the case is run as it stands."""

INTERNAL_ASSERT = "INTERNAL ASSERT FAILED"

Report = Callable[[Any], None]


def check_case(
    payload: Mapping[str, Any], report: Report, *, oracles: Mapping[str, Constructor] = ORACLES
) -> dict[str, Any]:
    """Check ``payload["case"]`` with the oracles named in ``payload["oracles"]``, the cheapest first.

    ``{"stage": name}`` is reported before each stage, so that it is known what a crash belongs to, and
    ``{"failure": ...}`` as soon as there is one, so that a crash later on does not take it along.

    Returns:
        ``ran`` (whether eager returned what the rules say; if not, ``rejected`` has a type and a message: a
        counter-example to a rule), ``failures``, ``filtered`` (how often each filter explained a difference),
        ``seconds`` by stage, ``operators`` and ``signatures`` of the case.
    """
    case = cases.from_json(payload["case"])
    failures: list[Failure] = []
    filtered: Counter[str] = Counter()
    seconds: dict[str, float] = {}

    def found(failure: Failure) -> None:
        failures.append(failure)
        report({"failure": protocol.to_json(failure)})

    with _stage(EAGER, seconds, report):
        rejected = _rejection(case, found)
    for name in () if rejected else _cheapest_first(payload["oracles"], oracles):
        with _stage(name, seconds, report):
            failure = _confirmed(oracles[name], case, lambda filter: filtered.update([filter]))
        if failure is not None:
            found(failure)
    return {
        "ran": rejected is None,
        **({"rejected": rejected} if rejected else {}),
        "failures": [protocol.to_json(failure) for failure in failures],
        "filtered": dict(filtered),
        "seconds": seconds,
        "operators": cases.operators(case),
        "signatures": cases.signatures(case),
    }


@contextmanager
def _stage(name: str, seconds: dict[str, float], report: Report) -> Iterator[None]:
    report({"stage": name})
    began = perf_counter()
    yield
    seconds[name] = perf_counter() - began


def _cheapest_first(names: Sequence[str], oracles: Mapping[str, Constructor]) -> list[str]:
    unknown = [name for name in names if name not in oracles]
    if unknown:
        raise ValueError(f"oracles are {', '.join(oracles)}; got {', '.join(unknown)}")
    return [name for name in oracles if name in names]


def _rejection(case: Case, found: Callable[[Failure], None]) -> dict[str, str] | None:
    """How PyTorch contradicts the rules, if it does; an internal assert is a failure besides."""
    try:
        module = network(case, DECLARED)
    except (RuntimeError, TypeError, ValueError) as error:  # a layer refuses its arguments
        result: Any = error
    else:
        result = attempt(module, inputs(case))
    if isinstance(result, Exception):
        if INTERNAL_ASSERT in str(result):
            found(Failure(EAGER, "internal assert", place(result), described(result)))
        return {"type": type(result).__name__, "message": str(result)}
    types = tuple(map(type_of, result))
    if types != case.graph.output_types:
        expected, given = (", ".join(map(str, side)) for side in (case.graph.output_types, types))
        return {"type": "other types", "message": f"the rules say {expected}; PyTorch returns {given}"}
    return None


def _confirmed(construct: Constructor, case: Case, note: Note) -> Failure | None:
    """The oracle's verdict; a failure is checked a second time, to know a flaky one, and then located."""
    failure = construct(DECLARED, note).check(case)
    if failure is None:
        return None
    silent = construct(DECLARED, _unheard)
    again = silent.check(case)
    if again is None or again.kind != failure.kind:
        return replace(failure, flaky=True)
    return located(failure, case, silent)


def _unheard(filter: str) -> None:
    """What is only checked again was noted already."""
