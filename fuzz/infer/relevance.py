"""Which symbols a size hangs on: as few as possible that tell apart all calls between which it differs.

Two calls with different sizes differ in at least one symbol that matters. So the symbols that matter hit every such
difference; a smallest set that does is sought, beginning with what is forced by calls that differ in one symbol only.
Every symbol less makes the search for an expression many times smaller.
"""

import numpy as np

from archsmith.fuzz.infer.columns import Columns, Vector

ROWS = 256
"""Of how many calls the differences are looked at."""


def decisive(target: Vector, columns: Columns) -> tuple[str, ...]:
    """The names of symbols that decide the target on these records, in the columns' order; greedily few."""
    places = np.unique(np.linspace(0, columns.count - 1, min(columns.count, ROWS)).astype(np.int64))
    matrix, wanted = columns.matrix[places], target[places]
    first, second = np.nonzero(np.triu(wanted[:, None] != wanted[None, :]))
    differs = matrix[first] != matrix[second]
    sizes = differs.sum(axis=1)
    differs, weights = differs[sizes > 0], 1.0 / sizes[sizes > 0].astype(np.float64) ** 3
    chosen: set[int] = set()
    while len(differs):
        best = int((differs * weights[:, None]).sum(axis=0).argmax())
        chosen.add(best)
        open_ = ~differs[:, best]
        differs, weights = differs[open_], weights[open_]
    return tuple(columns.names[place] for place in sorted(chosen))
