"""Tensor types: a shape and a dtype, by PyTorch's names but without PyTorch."""

from dataclasses import dataclass
from math import prod
from types import MappingProxyType

FLOATS = ("float32", "float64")
INTEGERS = ("int64", "int32")
BOOLEAN = ("bool",)

ITEM_BYTES = MappingProxyType({"float32": 4, "float64": 8, "int64": 8, "int32": 4, "bool": 1})
"""Bytes per element, by dtype: the dtypes that the declared rules speak of."""


@dataclass(frozen=True, slots=True)
class TensorType:
    """The type of a dense tensor: ``shape`` in elements, ``dtype`` by its PyTorch name without ``torch.``.

    >>> print(TensorType((1, 3, 32, 32)))
    float32[1, 3, 32, 32]
    """

    shape: tuple[int, ...]
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.dtype not in ITEM_BYTES:
            raise ValueError(f"dtype must be one of {', '.join(ITEM_BYTES)}; got {self.dtype!r}")
        if any(size < 0 for size in self.shape):
            raise ValueError(f"sizes must be at least 0; got {self.shape}")

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.elements * ITEM_BYTES[self.dtype]

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"
