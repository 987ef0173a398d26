"""Drawing an input tensor. The function also stands in every reproducer, so it needs only torch."""

import torch


def draw(shape: tuple[int, ...], dtype: torch.dtype, seed: int) -> torch.Tensor:
    """Normal numbers with a quarter of small whole ones among them, negatives and zeros too."""
    source = torch.Generator().manual_seed(seed)
    whole = torch.randint(-4, 5, shape, generator=source)
    if dtype == torch.bool:
        return whole > 0
    if not dtype.is_floating_point:
        return whole.to(dtype)
    normal = torch.randn(shape, generator=source, dtype=dtype)
    return torch.where(torch.rand(shape, generator=source) < 0.25, whole.to(dtype), normal)
