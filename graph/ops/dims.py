"""Names for the sizes of a tensor of any rank, so that a family of rules is written once for all ranks."""

from collections.abc import Sequence

RANKS = range(6)
"""Ranks that the declared rank-independent operators cover: scalars to five dimensions."""


def dims(rank: int, letter: str = "d") -> list[str]:
    """``["d0", "d1", ...]``"""
    return [f"{letter}{i}" for i in range(rank)]


def tensor(dtype: str, sizes: Sequence[str]) -> str:
    """The pattern text of a tensor with these sizes; a bare dtype for rank 0."""
    return f"{dtype}[{', '.join(sizes)}]" if sizes else dtype


def replaced(sizes: Sequence[str], position: int, *by: str) -> list[str]:
    """The sizes with the one at ``position`` replaced: by nothing, one or several."""
    return [*sizes[:position], *by, *sizes[position + 1 :]]
