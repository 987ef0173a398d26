"""What every oracle keeps: each clause takes an oracle and a case, and fails by assertion.

An oracle that joins ``ORACLES`` is held to all of ``CLAUSES`` by ``tests/fuzz/test_contract.py``.
"""

import torch

from archsmith.fuzz.case import Case
from archsmith.fuzz.oracles.protocol import Oracle, from_json, to_json


def repeats_its_verdict(oracle: Oracle, case: Case) -> None:
    assert oracle.check(case) == oracle.check(case)


def tells_of_an_output_that_the_graph_has(oracle: Oracle, case: Case) -> None:
    failure = oracle.check(case)

    assert failure is None or failure.output in {None, *range(len(case.graph.outputs))}


def tells_failures_that_can_be_written_down(oracle: Oracle, case: Case) -> None:
    failure = oracle.check(case)

    assert failure is None or from_json(to_json(failure)) == failure


def leaves_the_settings_of_torch_alone(oracle: Oracle, case: Case) -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state(), torch.is_grad_enabled(), torch.get_default_dtype()
    oracle.check(case)
    after = torch.get_rng_state(), torch.is_grad_enabled(), torch.get_default_dtype()

    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]


CLAUSES = (
    repeats_its_verdict,
    tells_of_an_output_that_the_graph_has,
    tells_failures_that_can_be_written_down,
    leaves_the_settings_of_torch_alone,
)
