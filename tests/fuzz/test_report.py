"""A reproducer runs where only torch is, with the very tensors of the campaign, and its exit code tells."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch

from archsmith.fuzz.bucket import bucket
from archsmith.fuzz.case import Case, from_json
from archsmith.fuzz.finding import Finding, finding
from archsmith.fuzz.generate import make_case, make_space
from archsmith.fuzz.inputs import inputs, network
from archsmith.fuzz.oracles.protocol import KINDS, Failure
from archsmith.fuzz.report import script
from archsmith.graph.ops import DECLARED
from archsmith.storage.facts import NewFinding
from tests.fuzz.faults import chain, nudged

SPACE = make_space()


def failure(kind: str, **changes: Any) -> Failure:
    place = {"output": 0, "element": (0, 0), "allowed": 1e-5} if kind.startswith("wrong") else {}
    return Failure(
        **{"oracle": "eager", "kind": kind, "where": "relu", "message": "what\nhappened", **place, **changes}
    )


def loaded(case: Case, shown: Failure) -> dict[str, Any]:
    """The names that the reproducer defines when it is imported and not run."""
    scope: dict[str, Any] = {"__name__": "reproducer"}
    exec(script(case, shown, DECLARED), scope)
    return scope


def test_parameters_and_inputs_are_those_of_the_campaign_to_the_last_bit() -> None:
    for number in range(40):
        case = make_case(41, number, SPACE)
        scope = loaded(case, failure("wrong value"))
        pairs = [*zip(scope["inputs"], inputs(case), strict=True)]
        weights = network(case, DECLARED).state_dict()

        assert all(a.equal(b) and a.stride() == b.stride() and a.dtype == b.dtype for a, b in pairs), case
        assert scope["network"].state_dict().keys() == weights.keys()
        assert all(torch.equal(scope["network"].state_dict()[name], weights[name]) for name in weights), case
        assert scope["network"].training is False


ONE, TWO = chain(4, 3), chain(4, 3, through=("split_in_two",), fixed={"dim": 0, "size": 1})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", [ONE, TWO], ids=["one output", "two outputs"])
def test_no_kind_of_bug_is_seen_in_a_healthy_case(kind: str, case: Case) -> None:
    assert loaded(case, failure(kind))["bug"]() is False


def spoilt(change: Callable[[torch.Tensor], Any]) -> Callable[..., Any]:
    """A ``torch.compile`` whose networks return the first output changed."""

    def compile(network: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        def run(*given: torch.Tensor) -> Any:
            result = network(*given)
            return (change(result[0]), *result[1:]) if isinstance(result, tuple) else change(result)

        return run

    return compile


def refused(tensor: torch.Tensor) -> torch.Tensor:
    raise TypeError("no such lowering")


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("wrong value", nudged),
        ("wrong value", lambda x: x * torch.nan),
        ("wrong dtype", torch.Tensor.double),
        ("wrong shape", lambda x: x.unsqueeze(0)),
        ("wrong stride", lambda x: x.mT.contiguous().mT),
        ("exception only in compiled", refused),
        ("different exception", refused),
    ],
)
def test_a_bug_is_seen_while_it_is_there(
    kind: str, change: Callable[[torch.Tensor], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = loaded(ONE, failure(kind, element=(3, 2)))
    monkeypatch.setattr(torch, "compile", spoilt(change))

    assert scope["bug"]() is True


def test_a_missing_output_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    scope = loaded(TWO, failure("wrong shape", output=None))
    monkeypatch.setattr(torch, "compile", lambda network, **options: lambda *given: network(*given)[0])

    assert scope["bug"]() is True


@pytest.mark.parametrize("kind", ["exception only in eager", "internal assert"])
def test_an_exception_of_eager_is_seen(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scope = loaded(ONE, failure(kind))
    monkeypatch.setattr(torch, "compile", lambda network, **options: lambda *given: None)
    monkeypatch.setattr(torch, "relu", refused)

    assert scope["bug"]() is True


ALONE = """\
import runpy, sys
sys.modules["archsmith"] = None
for file in sys.argv[1:]:
    try:
        runpy.run_path(file, run_name="__main__")
    except SystemExit as end:
        print(file, end.code)
"""


def test_reproducers_run_where_archsmith_cannot_be_imported(tmp_path: Path) -> None:
    case = make_case(41, 3, SPACE)
    element = tuple(0 for _ in case.graph.output_types[0].shape)
    bugs = {
        "absent.py": failure("wrong value", oracle="aot_eager", element=element),
        "present.py": failure("exception only in compiled", oracle="missing_backend"),
    }
    for name, shown in bugs.items():
        (tmp_path / name).write_text(script(case, shown, DECLARED), encoding="utf-8")
    command = [sys.executable, "-I", "-c", ALONE, *bugs]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    lines = result.stdout.splitlines()

    assert lines[0].startswith("expected "), result.stderr
    assert lines[1] == "absent.py 0"
    assert lines[2].startswith("InvalidBackend: ")
    assert lines[-1] == "present.py 1"


def test_the_head_of_a_reproducer_says_what_it_is() -> None:
    text = script(ONE, failure("hang", oracle="inductor", flaky=True), DECLARED)
    head = [line for line in text.splitlines() if line.startswith("#")]

    assert head[0] == "# hang: relu"
    assert head[1].startswith("# oracle inductor, case 0, torch 2.")
    assert any("does not come to an end" in line for line in head)
    assert any(line.startswith("# Flaky") for line in head)
    assert "# happened" in head
    assert max(map(len, text.splitlines())) <= 110


@pytest.mark.parametrize("kind", KINDS)
def test_a_reproducer_is_as_tidy_as_its_authors(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "bug.py"
    file.write_text(script(TWO, failure(kind), DECLARED), encoding="utf-8")
    rules = ["--isolated", "--select", "E,F,W,I", "--line-length", "110"]
    command = [sys.executable, "-m", "ruff", "check", *rules, str(file)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert result.returncode == 0, result.stdout


def test_a_finding_has_the_fields_that_the_store_keeps() -> None:
    shown = failure("wrong value", oracle="inductor", flaky=True)
    found = finding(ONE, shown, DECLARED)

    assert [field.name for field in fields(Finding)] == [field.name for field in fields(NewFinding)]
    assert found.bucket == bucket(shown)
    assert (found.kind, found.oracle, found.where, found.case_number) == ("wrong value", "inductor", "relu", 0)
    assert found.summary == "flaky: inductor: wrong value, relu (relu)"
    assert found.detail == "what\nhappened"
    assert from_json(found.case) == ONE
    assert found.script == script(ONE, shown, DECLARED)


def test_a_case_of_no_campaign_is_no_finding() -> None:
    with pytest.raises(ValueError, match="number"):
        finding(Case(ONE.graph, seed=1), failure("crash"), DECLARED)
