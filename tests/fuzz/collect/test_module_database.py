"""PyTorch's database of modules as a source of calls."""

import pytest

from archsmith.fuzz.call import CallRecord, Refused, Returned, TensorValue
from archsmith.fuzz.collect.module_database import module_database_entries, module_database_records
from archsmith.fuzz.perform import perform


def records_of(entry: str) -> list[CallRecord]:
    skipped: list[str] = []
    found = list(module_database_records(entry, skipped.append))

    assert not skipped
    return found


@pytest.mark.parametrize(
    ("entry", "inside"),
    [
        ("nn.Conv2d", "torch.nn.functional.conv2d"),
        ("nn.LSTM", "torch.lstm"),
        ("nn.Tanh", "torch.tanh"),
        ("nn.L1Loss", "torch.nn.functional.l1_loss"),
    ],
)
def test_a_module_is_recorded_and_so_is_what_it_calls(entry: str, inside: str) -> None:
    assert {record.call.operator for record in records_of(entry)} >= {f"torch.{entry}", inside}


def test_a_module_s_call_has_the_arguments_of_both_and_can_be_performed() -> None:
    records = [record for record in records_of("nn.Conv1d") if record.call.operator == "torch.nn.Conv1d"]

    assert {"in_channels", "stride", "dilation", "input"} <= dict(records[0].call.arguments).keys()
    assert len({record.call for record in records}) == len(records) > 3
    for record in records:
        assert perform(record.call) == record.verdict


def test_what_must_fail_is_refused() -> None:
    verdicts = [record.verdict for record in records_of("nn.RNNCell") if record.call.operator == "torch.nn.RNNCell"]

    assert any(isinstance(verdict, Refused) for verdict in verdicts)
    assert any(isinstance(verdict, Returned) for verdict in verdicts)


def test_all_modules_have_an_entry_each() -> None:
    entries = module_database_entries()

    assert len(set(entries)) == len(entries) > 100


def test_a_module_whose_arguments_cannot_be_told_apart_is_left_out_aloud() -> None:
    skipped: list[str] = []
    records = list(module_database_records("nn.PoissonNLLLoss", skipped.append))

    assert {record.call.operator for record in records} >= {"torch.nn.functional.poisson_nll_loss"}
    assert "torch.nn.PoissonNLLLoss" not in {record.call.operator for record in records}
    assert len(skipped) == 1
    assert "log_input" in skipped[0]


def test_results_of_modules_are_new_tensors() -> None:
    (record, *_) = [found for found in records_of("nn.ReLU") if found.call.operator == "torch.nn.ReLU"]
    (given,) = record.call.tensors()

    assert record.verdict == Returned((TensorValue(given.shape),), (None,), ())
