"""What a module of a user's own returns, owns and costs, found by running it on tensors that have no data.

Shapes are computed on torch's meta device, in milliseconds and without memory. Where that does not do, the module is
run on the CPU: if it looks at values or leaves torch, and if it takes other inputs than float32, since the meta device
does not compare the dtype of what a layer is given with that of its weights.
"""

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archsmith.graph.errors import Infeasible
from archsmith.graph.graph import Scalar
from archsmith.graph.own import short
from archsmith.graph.types import ITEM_BYTES, TensorType

Attributes = tuple[tuple[str, Scalar], ...]


@dataclass(frozen=True, slots=True)
class Inferred:
    """One call: the types that it returns, the shapes of what it trains by name, and its multiply-accumulates.

    ``macs`` are those of the matrix products, convolutions and attention that PyTorch itself counts.
    """

    types: tuple[TensorType, ...]
    parameters: tuple[tuple[str, tuple[int, ...]], ...]
    macs: int


@lru_cache(maxsize=1 << 14)
def inferred(cls: Hashable, name: str, inputs: tuple[TensorType, ...], attributes: Attributes) -> Inferred | str:
    """What the call gives, or why it is not valid; found once in a process, a refusal too.

    The class is constructed once, or twice where the meta device is not enough. It is run in evaluation mode with the
    samples given and with one more, and in training mode: what it returns must have as many samples as went in, and
    be of the same type otherwise.
    """
    if not inputs or any(given.rank == 0 or given.shape[0] != inputs[0].shape[0] for given in inputs):
        return f"{short(name)} takes tensors with one batch dimension in front; got {_listed(inputs)}"
    values = ", ".join([*map(str, inputs), *(f"{key}={value!r}" for key, value in attributes)])
    on_meta = all(given.dtype == "float32" for given in inputs)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a warning does must not depend on how Python was started
        torch.manual_seed(0)
        try:
            if on_meta:
                try:
                    return _measured(cls, inputs, attributes, "meta")
                except (RuntimeError, NotImplementedError, TypeError) as error:
                    if "meta" not in str(error).lower():
                        raise
            return _measured(cls, inputs, attributes, "cpu")
        except Infeasible as reason:
            return f"{short(name)} {reason}; on {values}"
        except Exception as error:  # noqa: BLE001 (the user's own code: whatever it raises, the call is not valid)
            said = " ".join(str(error).split())
            return f"{short(name)} raised {type(error).__name__}; on {values}: {said}"


def _measured(cls: Hashable, inputs: Sequence[TensorType], attributes: Attributes, device: str) -> Inferred:
    assert isinstance(cls, type)
    with torch.no_grad(), torch.device(device):
        made: nn.Module = cls(**dict(attributes)).eval()
        with FlopCounterMode(display=False) as counter:
            types = _types(made(*_tensors(inputs, more=0)))
        for training in (False, True):
            _demand_batch(types, _types(made.train(training)(*_tensors(inputs, more=1))), inputs[0].shape[0])
        owned = tuple((key, tuple(p.shape)) for key, p in made.named_parameters() if p.requires_grad)
    return Inferred(types, owned, counter.get_total_flops() // 2)


def _tensors(inputs: Sequence[TensorType], *, more: int) -> list[Tensor]:
    """Tensors of these types with so many samples more, on the device of the context; zeros, where they have data."""
    return [
        torch.zeros((given.shape[0] + more, *given.shape[1:]), dtype=getattr(torch, given.dtype)) for given in inputs
    ]


def _types(returned: object) -> tuple[TensorType, ...]:
    """The types of a tensor, or of a tuple of at least two."""
    several = returned if isinstance(returned, tuple | list) and len(returned) > 1 else (returned,)
    found = []
    for tensor in several:
        if not isinstance(tensor, Tensor):
            raise Infeasible(f"must return a tensor, or a tuple of several, but returned {_kinds(returned)}")
        dtype = str(tensor.dtype).removeprefix("torch.")
        if dtype not in ITEM_BYTES:
            raise Infeasible(f"must return one of {', '.join(ITEM_BYTES)}, but returned {dtype}")
        found.append(TensorType(tuple(tensor.shape), dtype))
    return tuple(found)


def _demand_batch(types: tuple[TensorType, ...], larger: tuple[TensorType, ...], samples: int) -> None:
    """``Infeasible`` unless each result counts its samples in front and depends on their number nowhere else."""
    expected = [(t.dtype, (samples + 1, *t.shape[1:])) for t in types]
    if [t.shape[:1] for t in types] != [(samples,)] * len(types) or expected != [(t.dtype, t.shape) for t in larger]:
        raise Infeasible(
            f"must keep the batch, its first dimension, and treat every sample alike, but returned {_listed(types)}"
            f" for {samples} samples and {_listed(larger)} for {samples + 1}"
        )


def _listed(types: Sequence[TensorType]) -> str:
    return ", ".join(map(str, types)) or "nothing"


def _kinds(returned: object) -> str:
    if isinstance(returned, tuple | list):
        return f"{type(returned).__name__}({', '.join(type(entry).__name__ for entry in returned)})"
    return type(returned).__name__
