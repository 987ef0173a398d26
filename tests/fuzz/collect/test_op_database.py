"""PyTorch's database of operators as a source of calls."""

import pytest

from archsmith.fuzz.call import CallRecord, Refused, Returned, TensorValue
from archsmith.fuzz.collect.op_database import op_database_entries, op_database_records


def records_of(entry: str) -> list[CallRecord]:
    skipped: list[str] = []
    found = list(op_database_records(entry, skipped.append))

    assert not skipped
    return found


def test_entries_have_names_of_their_own_in_one_order() -> None:
    entries = op_database_entries()

    assert len(set(entries)) == len(entries) > 600
    assert entries == op_database_entries()


@pytest.mark.parametrize(
    ("entry", "operators"),
    [
        ("nn_functional_relu", {"torch.nn.functional.relu", "torch.nn.functional.relu_", "torch.Tensor.relu"}),
        ("abs", {"torch.abs", "torch.absolute", "torch.Tensor.abs_"}),
        ("expand", {"torch.Tensor.expand"}),
    ],
)
def test_an_operator_is_called_under_all_its_names(entry: str, operators: set[str]) -> None:
    called = {record.call.operator for record in records_of(entry)}

    assert called >= operators


def test_samples_return_and_errors_are_refused() -> None:
    records = records_of("roll")
    returned = [record for record in records if isinstance(record.verdict, Returned)]
    refused = [record for record in records if isinstance(record.verdict, Refused)]

    assert len(returned) > 10
    assert refused
    assert {record.source for record in records} == {"op_db"}
    for record in returned:
        assert isinstance(record.verdict, Returned)
        assert record.verdict.values[0] == TensorValue(record.call.tensors()[0].shape)


def test_a_second_time_gives_the_same_records() -> None:
    assert records_of("trace") == records_of("trace")


def test_what_is_left_out_is_said() -> None:
    skipped: list[str] = []
    records = list(op_database_records("broadcast_shapes", skipped.append))

    assert not records
    assert skipped == ["broadcast_shapes: none of its 10 samples was recorded"]
