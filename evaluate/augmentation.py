"""Images that are varied at every step of training, so that a network learns what does not matter."""

import torch
from torch import Tensor

SHIFT = 8
"""Images are shifted by at most one part in so many of their size: 4 of 32 pixels (He et al. 2016)."""


def augmented(images: Tensor, how: str, source: torch.Generator) -> Tensor:
    """The images ``[N, channels, height, width]``, each varied on its own; ``source`` is a generator of the CPU.

    "flip" mirrors half of them left to right. "crop" shifts them by up to an eighth of their height and width, at
    least a pixel, and what is uncovered repeats the border. "crop+flip" does both, "none" nothing.
    """
    if how == "none":
        return images
    count, _, height, width = images.shape
    rows, columns = torch.arange(height).expand(count, -1), torch.arange(width).expand(count, -1)
    if "crop" in how:
        rows, columns = _shifted(rows, source), _shifted(columns, source)
    if "flip" in how:
        mirrored = torch.rand(count, 1, generator=source) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    image = torch.arange(count, device=images.device)[:, None, None]
    taken = images[image, :, rows[:, :, None].to(images.device), columns[:, None, :].to(images.device)]
    return taken.movedim(-1, 1).contiguous()


def _shifted(places: Tensor, source: torch.Generator) -> Tensor:
    """Places ``[N, size]`` along one side, each row moved by an amount of its own and kept within the image."""
    count, size = places.shape
    most = max(1, size // SHIFT)
    by = torch.randint(-most, most + 1, (count, 1), generator=source)
    return (places + by).clamp(0, size - 1)
