"""What the operators of transformers compute: their rules are checked beside all others', here are the values."""

import torch
from torch import nn

from archsmith.graph.builder import Builder
from archsmith.graph.ops import DECLARED
from archsmith.graph.types import TensorType
from archsmith.runtime.lower import lower

SEQUENCE = TensorType((1, 3, 4))


def single(operator: str, *types: TensorType) -> nn.Module:
    builder = Builder(DECLARED)
    return lower(builder.finish(builder.add(operator, *map(builder.input, types))), DECLARED)


def test_attention_is_the_mean_of_values_weighted_by_softmax() -> None:
    q, k, v = torch.randn(2, 5, 8), torch.randn(2, 3, 8), torch.randn(2, 3, 4)
    network = single("scaled_dot_product_attention", *(TensorType((1, *x.shape[1:])) for x in (q, k, v)))
    weights = torch.softmax(q @ k.transpose(1, 2) / 8**0.5, dim=2)

    torch.testing.assert_close(network(q, k, v), weights @ v)


def test_a_class_token_is_one_learned_vector_before_every_sequence() -> None:
    network, x = single("class_token", SEQUENCE), torch.randn(2, 3, 4)
    ((name, vector),) = network.named_parameters()
    result = network(x)
    result[:, 0].sum().backward()

    assert name == "class_token_1"
    assert vector.shape == (4,)
    assert torch.equal(result[:, 1:], x)
    assert torch.equal(result[0, 0], vector)
    assert torch.equal(result[1, 0], vector)
    assert vector.grad is not None
    assert torch.equal(vector.grad, torch.full((4,), 2.0))


def test_a_position_embedding_adds_one_vector_to_each_place_of_every_sequence() -> None:
    network, x = single("position_embedding", SEQUENCE), torch.randn(2, 3, 4)
    ((_, vectors),) = network.named_parameters()

    assert vectors.shape == (3, 4)
    assert torch.equal(network(x), x + vectors)
    assert 0 < vectors.abs().max() < 0.2


def test_learned_vectors_are_saved_and_loaded_with_the_other_weights() -> None:
    network, other = single("class_token", SEQUENCE), single("class_token", SEQUENCE)
    x = torch.randn(1, 3, 4)

    assert not torch.equal(network(x), other(x))
    other.load_state_dict(network.state_dict())
    assert torch.equal(network(x), other(x))


def test_a_hard_sigmoid_is_a_straight_line_between_its_ends() -> None:
    network = single("hardsigmoid", TensorType((5,)))

    torch.testing.assert_close(
        network(torch.tensor([-4.0, -3.0, 0.0, 1.5, 3.0])), torch.tensor([0.0, 0.0, 0.5, 0.75, 1.0])
    )
