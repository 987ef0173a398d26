"""Normalisation layers, with their learned scale and shift."""

from archsmith.graph.book import Attribute, Operator
from archsmith.graph.ops.dims import dims, tensor
from archsmith.graph.rules import rule

_GROUPS = Attribute("groups", int, 1, (1, 2, 4))
_SCALE_AND_SHIFT = {"weight": "C", "bias": "C"}


def _several_values(sizes: list[str]) -> str:
    """A group has more than one value, or torch.nn.functional.group_norm refuses it, in evaluation too."""
    return " * ".join(["N", "(C//groups)", *sizes]) + " > 1"


def _batch_norm(rank: int) -> Operator:
    name = f"batch_norm{rank}d"
    ranks = (2, 3) if rank == 1 else (rank + 2,)
    rules = tuple(
        rule(
            name,
            [tensor("float32", ["N", "C", *dims(r - 2)])],
            [tensor("float32", ["N", "C", *dims(r - 2)])],
            parameters=_SCALE_AND_SHIFT,
        )
        for r in ranks
    )
    return Operator(name, "normalises each channel over the batch (Ioffe & Szegedy 2015)", (), rules)


NORMALISATION = (
    _batch_norm(1),
    _batch_norm(2),
    _batch_norm(3),
    Operator(
        "layer_norm",
        "normalises over the last dimension (Ba et al. 2016)",
        (),
        tuple(
            rule(
                "layer_norm",
                [tensor("float32", [*dims(rank - 1), "C"])],
                [tensor("float32", [*dims(rank - 1), "C"])],
                parameters=_SCALE_AND_SHIFT,
            )
            for rank in (1, 2, 3, 4)
        ),
    ),
    Operator(
        "group_norm",
        "normalises groups of channels of each sample (Wu & He 2018)",
        (_GROUPS,),
        tuple(
            rule(
                "group_norm",
                [tensor("float32", ["N", "C", *dims(rank - 2)])],
                [tensor("float32", ["N", "C", *dims(rank - 2)])],
                requires=["groups >= 1", "C % groups == 0", _several_values(dims(rank - 2))],
                parameters=_SCALE_AND_SHIFT,
            )
            for rank in (3, 4)
        ),
    ),
)
