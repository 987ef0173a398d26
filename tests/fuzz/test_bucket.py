"""Failures of one cause share a bucket whatever the sizes; other kinds, places and operators do not."""

import pytest
import torch

from archsmith.fuzz.bucket import bucket, normalised
from archsmith.fuzz.case import Case
from archsmith.fuzz.oracles.differential import Backend
from archsmith.fuzz.oracles.protocol import DISAGREEMENTS, KINDS, Failure
from tests.fuzz.faults import chain, nudged, oracle, raising, spoiling


def key(backend: Backend, case: Case) -> str:
    failure = oracle(backend).check(case)
    assert failure is not None
    return bucket(failure)


@pytest.mark.parametrize("backend", [raising, spoiling(nudged), spoiling(torch.Tensor.double)])
def test_the_same_fault_at_different_sizes_is_one_bucket(backend: Backend) -> None:
    keys = {key(backend, chain(*shape, through=("tanh", "relu"))) for shape in [(3,), (2, 5), (1, 2, 3)]}

    assert len(keys) == 1


def test_other_kinds_and_other_operators_are_other_buckets() -> None:
    case = chain(4, 3)
    keys = [key(backend, case) for backend in (raising, spoiling(nudged), spoiling(torch.Tensor.double))]

    assert len({*keys, key(spoiling(nudged), chain(4, 3, through=("tanh",)))}) == 4
    assert [text.rpartition("/")[0] for text in keys] == [
        "planted/exception only in compiled",
        "planted/wrong value",
        "planted/wrong dtype",
    ]


def test_messages_count_for_exceptions_and_not_for_disagreements() -> None:
    kinds = {kind: [Failure("inductor", kind, "relu", text) for text in ("4 differ", "all differ")] for kind in KINDS}
    split = {kind for kind, failures in kinds.items() if len(set(map(bucket, failures))) == 2}

    assert split == set(KINDS) - set(DISAGREEMENTS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("size mismatch: [3, 4] and (1, 2)", "size mismatch: [17] and (8, 2, 9)"),
        ("expected 3 arguments, got -4", "expected 12 arguments, got 7"),
        ("at 0x7f00ab of /tmp/a/c1.cpp", "at 0xdead of /home/x-y/z/c22.cpp"),
        ("KeyError: buf12 in v3_1", "KeyError: buf3 in v12_0"),
        ("in c" + "a2" * 25 + "b.cpp", "in c" + "b3" * 25 + "z.cpp"),
        ("1.5e-07 is not 2", "3 is not 0.25"),
        ("\x1b[31merror\x1b[0m:\n  twice", "error: twice"),
    ],
)
def test_numbers_names_and_folders_do_not_count(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("KeyError: 'buf0'", "IndexError: 'buf0'"),
        ("no rule for conv2d", "no rule for conv1d"),
        ("in lowering.py", "in scheduler.py"),
    ],
)
def test_words_count(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)
