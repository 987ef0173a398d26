"""Accuracy and R^2 against numbers worked out by hand."""

import pytest
import torch
from torch import nn

from archsmith.evaluate.evaluator import NotFinite
from archsmith.evaluate.quality import CHUNK, quality
from archsmith.evaluate.tensors import Samples

OUTPUTS = torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])


def test_accuracy_is_the_share_of_right_classes() -> None:
    assert quality(nn.Identity(), Samples(OUTPUTS, torch.tensor([1, 0, 0, 0])), "classification") == 0.75


def test_r2_is_the_share_of_variance_explained() -> None:
    targets = torch.tensor([[1.0], [2.0], [3.0], [4.0]])  # variance 5 in sum
    guesses = torch.tensor([[1.5], [2.0], [3.0], [4.5]])  # 0.5 of it unexplained

    assert quality(nn.Identity(), Samples(guesses, targets), "regression") == pytest.approx(0.9)
    assert quality(nn.Identity(), Samples(targets, targets), "regression") == 1.0
    assert quality(nn.Identity(), Samples(targets.mean() * torch.ones(4, 1), targets), "regression") == 0.0


def test_samples_are_measured_in_evaluation_mode_and_in_any_number() -> None:
    inputs = torch.ones(2 * CHUNK + 1, 2) * torch.tensor([0.0, 1.0])
    targets = torch.ones(len(inputs), dtype=torch.int64)

    assert quality(nn.Dropout(1.0), Samples(inputs, targets), "classification") == 1.0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_outputs_that_are_not_finite_have_no_quality(bad: float) -> None:
    with pytest.raises(NotFinite):
        quality(nn.Identity(), Samples(OUTPUTS * bad, torch.tensor([1, 0, 0, 0])), "classification")
