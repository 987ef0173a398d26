"""Ways to choose the elements of tensors, and what is said where no tensor is like what was asked for."""

FILLS = ("normal", "positive", "unit", "ascending", "definite")
"""Ways to choose elements, plainest first; the samples of PyTorch's database of operators run under one of them.

The exception is ``segment_reduce``, whose lengths must come to the size of what it reduces.

- ``normal``: floats around 0 of both signs; whole numbers 0 to 3
- ``positive``: floats 0.5 to 2, whole numbers 1 to 4: divisors, counts, standard deviations
- ``unit``: floats inside 0 to 1, whole numbers 0 and 1: probabilities
- ``ascending``: from -1 to 1, or from the least to the greatest whole number: offsets, boundaries
- ``definite``: matrices in the last two dimensions that are symmetric, or Hermitian, and positive definite

Whole numbers whose least and greatest are given lie between these, both of them taken, under every fill.
"""

LARGEST = 1 << 28
"""Bytes of one tensor; more is not made but counts as too much memory."""

CANNOT_BE_MADE = "CannotBeMade"
"""The kind of a ``Refused`` that is about us: the call was never run, because no arguments are like these."""
