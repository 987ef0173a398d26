"""What searchers' options may be: ``UserError`` where they are something else."""

from collections.abc import Iterable

from archsmith.graph.errors import UserError


def check_whole(name: str, given: object, least: int, most: int | None = None) -> None:
    """An integer of at least ``least``, and at most ``most`` if given."""
    whole = isinstance(given, int) and not isinstance(given, bool)
    if not whole or given < least or (most is not None and given > most):  # type: ignore[operator]
        demand = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise UserError(f"{name} must be an integer {demand}; got {given!r}")


def check_share(name: str, given: object) -> None:
    """A number from 0 to 1."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 1:
        raise UserError(f"{name} must be a number from 0 to 1; got {given!r}")


def check_word(name: str, given: object, words: tuple[str, ...]) -> None:
    """One of a few words."""
    if given not in words:
        raise UserError(f"{name} must be {' or '.join(words)}; got {given!r}")


def check_known(owner: str, takes: Iterable[str], given: Iterable[str]) -> None:
    """No option but those that the owner takes."""
    known = tuple(takes)
    unknown = sorted(set(given) - set(known))
    if unknown:
        listed = f"the options {', '.join(known)}" if known else "no options"
        raise UserError(f"{owner} takes {listed}; got {', '.join(unknown)}")
