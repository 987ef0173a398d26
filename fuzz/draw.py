"""Drawing an input tensor. The function also stands in every reproducer, so it needs only torch."""

import torch


def draw(shape: tuple[int, ...], dtype: torch.dtype, seed: int) -> torch.Tensor:
    """Normal numbers, a quarter of them small whole ones; one tensor in four lies transposed in memory."""
    source = torch.Generator().manual_seed(seed)
    values = torch.randint(-4, 5, shape, generator=source)
    if dtype == torch.bool:
        values = values > 0
    elif dtype.is_floating_point:
        normal = torch.randn(shape, generator=source, dtype=dtype)
        values = torch.where(torch.rand(shape, generator=source) < 0.25, values.to(dtype), normal)
    if len(shape) > 1 and torch.rand((), generator=source) < 0.25:
        values = values.transpose(0, -1).contiguous().transpose(0, -1)
    return values.to(dtype)
