"""A failure as a file that shows it: needs only torch, and its exit code says whether the bug is there."""

from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files
from textwrap import indent

from archsmith.fuzz.case import Case
from archsmith.fuzz.oracles.protocol import DISAGREEMENTS, Failure
from archsmith.graph.book import RuleBook
from archsmith.runtime.emit import HEADER, network_class

EAGER = "eager"

_COMMENT_LINES = 6


def script(case: Case, failure: Failure, book: RuleBook) -> str:
    """The reproducer: exit code 1 while the bug is present, 0 once it is gone.

    Its network, parameters and inputs are those of the campaign, made by the same text from the same seeds.

    Raises:
        Infeasible: the book's rules do not accept a call of the graph.
    """
    network = network_class(case.graph, book)
    header = HEADER if "F." in network else HEADER.replace("from torch.nn import functional as F\n", "")
    drawn = "".join(
        f"    draw({given.shape!r}, torch.{given.dtype}, {case.seed + i}),\n"
        for i, given in enumerate(case.graph.input_types)
    )
    body = _body(failure, several=len(case.graph.outputs) > 1)
    parts = [
        "\n".join(_comment(case, failure)) + f"\nimport sys\n\n{header}",
        _draw_source(),
        network,
        f"torch.manual_seed({case.seed})\nnetwork = Network().eval()\ninputs = (\n{drawn})",
        f"@torch.no_grad()\ndef bug() -> bool:\n{indent(body, '    ')}",
        'if __name__ == "__main__":\n    sys.exit(int(bug()))\n',
    ]
    return "\n\n\n".join(part.strip() for part in parts) + "\n"


def _draw_source() -> str:
    source = files("archsmith.fuzz").joinpath("draw.py").read_text(encoding="utf-8")
    return source[source.index("def draw(") :]


def _comment(case: Case, failure: Failure) -> Iterator[str]:
    number = "" if case.number is None else f", case {case.number}"
    yield f"# {failure.kind}: {failure.where}"
    yield f"# oracle {failure.oracle}{number}, torch {version('torch')}"
    if failure.kind == "hang":
        yield "# This does not come to an end within the time that the case was given."
    elif failure.kind in {"crash", "out of memory"}:
        yield "# While the bug is present this dies before it can tell."
    else:
        yield "# Exit code 1: the bug is present; 0: it is absent."
    if failure.flaky:
        yield "# Flaky: a second run did not fail in the same way."
    yield "#"
    for line in [line for line in failure.message.splitlines() if line.strip()][:_COMMENT_LINES]:
        yield f"# {line[:105].rstrip()}"


def _body(failure: Failure, *, several: bool) -> str:
    """The statements that say whether the bug is there."""
    compiled = f'torch.compile(network, backend="{failure.oracle}", fullgraph=True, dynamic=False)'
    tested = "network" if failure.oracle == EAGER else compiled
    if failure.kind in DISAGREEMENTS:
        place = f"[{failure.output}]" if several and failure.output is not None else ""
        calls = f"expected = network(*inputs){place}\nactual = {compiled}(*inputs){place}\n"
        return calls + _comparison(failure)
    match failure.kind:
        case "exception only in compiled":
            return f"network(*inputs)\n{_RAISES.format(run=compiled)}"
        case "exception only in eager":
            return f"{compiled}(*inputs)\n{_RAISES.format(run='network')}"
        case "internal assert":
            return _RAISES.format(run=tested)
        case "different exception":
            return _BOTH_RAISE.format(compiled=compiled)
        case _:
            return f"{tested}(*inputs)\nreturn False"


def _comparison(failure: Failure) -> str:
    match failure.kind:
        case "wrong value":
            element = f"[{', '.join(map(str, failure.element))}]" if failure.element else ""
            return _VALUES.format(element=element, allowed=failure.allowed or 0.0)
        case "wrong stride":
            return _STRIDES
        case "wrong shape" if failure.output is None:
            return _COUNTS
        case _:
            return _PROPERTY.format(property="dtype" if failure.kind == "wrong dtype" else "shape")


_RAISES = """\
try:
    {run}(*inputs)
except Exception as error:
    print(f"{{type(error).__name__}}: {{error}}")
    return True
return False"""

_BOTH_RAISE = """\
raised = []
for run in (network, {compiled}):
    try:
        run(*inputs)
    except Exception as error:
        print(f"{{type(error).__name__}}: {{error}}")
        raised.append(error)
return len(raised) == 1 or (len(raised) == 2 and type(raised[0]).__name__ not in repr(raised[1]))"""

_VALUES = """\
e, a = expected{element}.item(), actual{element}.item()
print(f"expected {{e}}, actual {{a}}, allowed difference {allowed!r}")
return not (e == a or abs(e - a) <= {allowed!r} or (e != e and a != a))"""

_STRIDES = """\
print(f"expected {expected.stride()}, actual {actual.stride()}")
matters = [dim for dim, size in enumerate(expected.shape) if size > 1]
return any(expected.stride(dim) != actual.stride(dim) for dim in matters)"""

_COUNTS = """\
e, a = (len(values) if isinstance(values, tuple) else 1 for values in (expected, actual))
print(f"expected {e} outputs, actual {a}")
return e != a"""

_PROPERTY = """\
print(f"expected {{expected.{property}}}, actual {{actual.{property}}}")
return expected.{property} != actual.{property}"""
