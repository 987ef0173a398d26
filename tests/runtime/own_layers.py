"""Modules as users write them: honest ones, and ones that no search may use."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn


class SqueezeExcite(nn.Module):
    """Channels weighed by what is in all of them (Hu et al. 2018)."""

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        if channels % reduction:
            raise ValueError(f"{channels} channels cannot be reduced by {reduction}")
        self.down = nn.Linear(channels, channels // reduction)
        self.up = nn.Linear(channels // reduction, channels)

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.sigmoid(self.up(torch.relu(self.down(x.mean((2, 3))))))
        return x * weights[:, :, None, None]


class Halves(nn.Module):
    """Two outputs of different types."""

    def __init__(self, scale: float = 0.5, *, whole: bool = False, mode: str = "floor") -> None:
        super().__init__()
        self.scale, self.whole, self.mode = scale, whole, mode

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        half = x.shape[1] // 2 if self.mode == "floor" else -(-x.shape[1] // 2)
        return x[:, :half] * self.scale, x.amax(1) > 0 if not self.whole else x > 0


class Stateful(nn.Module):
    """Statistics kept in buffers, and a weight that is not trained."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.seen: Tensor
        self.register_buffer("seen", torch.zeros(()))
        self.frozen = nn.Parameter(torch.ones(width), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        self.seen = self.seen + 1
        normed: Tensor = self.norm(x)
        return normed * self.frozen


class Patches(nn.Module):
    """Fails by itself on images that its patches do not fill."""

    def __init__(self, channels: int, patch: int, width: int = 6) -> None:
        super().__init__()
        self.patch = patch
        self.embed = nn.Linear(channels * patch * patch, width)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        rows = x.reshape(n, c, h // self.patch, self.patch, w // self.patch, self.patch)
        embedded: Tensor = self.embed(rows.permute(0, 2, 4, 1, 3, 5).reshape(n, -1, c * self.patch**2))
        return embedded


class Looking(nn.Module):
    """Looks at values, which a tensor without data has not."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.exp(-x) if bool((x > 100).any()) else x[..., None]


class Fuse(nn.Module):
    """Two inputs."""

    def __init__(self, left: int, width: int = 3) -> None:
        super().__init__()
        self.left = nn.Linear(left, width)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.cat([self.left(x), y], 1)


class Counted(nn.Module):
    """Counts how often it is made."""

    made = 0

    def __init__(self, width: int = 1) -> None:
        super().__init__()
        type(self).made += 1
        if width > 2:
            raise ValueError("too wide")

    def forward(self, x: Tensor) -> Tensor:
        return x


WRONG: Mapping[str, Callable[[Tensor], object]] = {
    "transposes the batch": lambda x: x.flatten(1).T,
    "drops the batch": lambda x: x.sum(0),
    "joins samples": lambda x: x.reshape(1, -1),
    "counts samples": lambda x: x.new_zeros(len(x), len(x)),
    "rare": lambda x: x.to(torch.float8_e4m3fnuz),
    "dictionary": lambda x: {"x": x},
    "nested": lambda x: (x, (x, x)),
    "one": lambda x: (x,),
    "empty": lambda x: x[:, :0],
}


class Misbehaving(nn.Module):
    """Wrong as its mode says, or else in training only."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode

    def forward(self, x: Tensor) -> object:
        if self.mode in WRONG:
            return WRONG[self.mode](x)
        return (x, x) if self.training else x


class Demanding(nn.Module):
    """Cannot be made from numbers and words."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__()
        self.sizes = sizes


class Unsaid(nn.Module):
    """Does not say what it takes."""

    def __init__(self, width) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.width = width
