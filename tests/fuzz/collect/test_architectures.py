"""Networks of this package as a source of calls."""

from archsmith.fuzz.call import CallRecord
from archsmith.fuzz.collect.architectures import GROWN, architecture_entries, architecture_records


def records_of(entry: str) -> list[CallRecord]:
    skipped: list[str] = []
    found = list(architecture_records(entry, skipped.append))

    assert not skipped
    return found


def test_there_are_random_graphs_and_those_of_the_catalogue() -> None:
    entries = architecture_entries()

    assert len(set(entries)) == len(entries) > GROWN
    assert {"grown/0", "nas-bench-201/0", "tabular/1"} <= set(entries)


def test_an_architecture_of_the_catalogue_gives_the_calls_of_its_layers() -> None:
    operators = {record.call.operator for record in records_of("nas-bench-201/0")}

    assert operators >= {"torch.nn.functional.conv2d", "torch.nn.functional.batch_norm"}


def test_a_random_graph_gives_the_same_calls_again() -> None:
    first = records_of("grown/3")

    assert first
    assert records_of("grown/3") == first


def test_a_network_that_cannot_be_trained_on_one_row_is_said() -> None:
    skipped: list[str] = []
    records = list(architecture_records("grown/166", skipped.append))

    assert records
    assert skipped == [
        "grown/166: ValueError: Expected more than 1 value per channel when training, got input size torch.Size([1, 2])"
    ]
