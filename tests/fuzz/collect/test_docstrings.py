"""Examples of docstrings as a source of calls."""

import pytest
import torch

from archsmith.fuzz.call import CallRecord, Returned, TensorValue
from archsmith.fuzz.collect.docstrings import docstring_entries, docstring_records, examples


def records_of(entry: str) -> tuple[list[CallRecord], list[str]]:
    skipped: list[str] = []
    return list(docstring_records(entry, skipped.append)), skipped


def test_most_of_the_api_has_examples() -> None:
    entries = docstring_entries()

    assert len(entries) > 300
    assert {"torch.gather", "torch.nn.Conv2d", "torch.linalg.cholesky"} <= set(entries)


@pytest.mark.parametrize(
    ("entry", "operator"),
    [
        ("torch.gather", "torch.gather"),
        ("torch.nn.Conv2d", "torch.nn.functional.conv2d"),
        ("torch.linalg.cholesky", "torch.linalg.cholesky"),
    ],
)
def test_examples_are_run_and_their_calls_recorded(entry: str, operator: str) -> None:
    records, skipped = records_of(entry)

    assert operator in {record.call.operator for record in records}
    assert {record.source for record in records} == {"docs"}
    assert not skipped


def test_a_statement_that_fails_is_said_and_the_others_run() -> None:
    records, skipped = records_of("torch.linalg.lu")

    assert any("CUDA" in line for line in skipped)
    assert all(line.startswith("torch.linalg.lu: ") for line in skipped)
    assert "torch.linalg.lu" in {record.call.operator for record in records}


def test_the_module_of_an_example_is_recorded_itself() -> None:
    records, _ = records_of("torch.nn.PixelShuffle")
    (record,) = [found for found in records if found.call.operator == "torch.nn.PixelShuffle"]

    assert dict(record.call.arguments)["upscale_factor"] == 3
    assert record.verdict == Returned((TensorValue((1, 1, 12, 12)),), (None,), ())
    assert torch.nn.PixelShuffle.__init__.__module__ == "torch.nn.modules.pixelshuffle"
    assert not hasattr(torch.nn.PixelShuffle.__init__, "__wrapped__")


def test_statements_are_found_however_they_are_written() -> None:
    text = """
    Examples:
        >>> a = 1
        >>> b = f(a,
        ...       2)
        3
     >>> c = f(
      >>>    b)
    """

    assert [" ".join(statement.split()) for statement in examples(text)] == ["a = 1", "b = f(a, 2)", "c = f( b)"]


def test_a_docstring_without_examples_has_none() -> None:
    assert examples("Nothing to see.") == []
