"""How long a page may be."""

from archsmith.graph.errors import UserError

LONGEST_PAGE = 10_000


def checked(limit: int) -> int:
    """The limit itself.

    Raises:
        UserError: it is not a length of a page.
    """
    if not 1 <= limit <= LONGEST_PAGE:
        raise UserError(f"a page must have 1 to {LONGEST_PAGE} entries; got {limit}")
    return limit
