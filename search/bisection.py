"""Ordered decisions as a row of halvings: the tree restructuring of DeepArchitect (Negrinho & Gordon 2017).

It is a searcher's own matter: traces, and the decisions that a space asks, stay as they are.
"""

from archsmith.spaces.decisions import Decision, Label

Group = tuple[Label, ...]
"""Neighbouring options that a node of the tree does not tell apart."""

Branch = tuple[str, Label, Label]
"""What leads from a node to the next: the decision's name, and the first and last option of a group."""


def branch_of(decision: Decision, group: Group) -> Branch:
    """The group by labels: which place an option has may differ where others lead nowhere."""
    return decision.name, group[0], group[-1]


def groups_of(decision: Decision, within: Group, *, bisect: bool) -> list[Group]:
    """What a node chooses from: both halves of an ordered decision that is bisected, otherwise single options."""
    if not bisect or not decision.ordered or len(within) == 1:
        return [(label,) for label in within]
    middle = (len(within) + 1) // 2
    return [within[:middle], within[middle:]]


def branches_to(decision: Decision, label: Label, *, bisect: bool) -> list[Branch]:
    """From the decision's node down to that of the label: about log2 of the number of options, or one."""
    within = decision.everywhere
    taken: list[Branch] = []
    while len(within) > 1:
        within = next(group for group in groups_of(decision, within, bisect=bisect) if label in group)
        taken.append(branch_of(decision, within))
    return taken or [branch_of(decision, within)]
