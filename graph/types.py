"""Tensor types: a shape and a dtype, by PyTorch's names but without PyTorch."""

from dataclasses import dataclass
from math import prod
from types import MappingProxyType

FLOATS = ("float32", "float64")
INTEGERS = ("int64", "int32")
BOOLEAN = ("bool",)

_STANDARD = {"float32": 4, "float64": 8, "int64": 8, "int32": 4, "bool": 1}
_FURTHER = {"float16": 2, "bfloat16": 2, "complex64": 8, "complex128": 16, "uint8": 1, "int8": 1, "int16": 2}
_RARE = {"uint16": 2, "uint32": 4, "uint64": 8, "float8_e4m3fn": 1, "float8_e5m2": 1, "complex32": 4}

ITEM_BYTES = MappingProxyType(_STANDARD | _FURTHER | _RARE)
"""Bytes per element, by dtype; the declared rules speak of the first five, learned ones of all."""


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
