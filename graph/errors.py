"""The two exceptions of the house.

Everything else that may go wrong is a value: an ``Outcome``, a ``Failure``, a dead end of a ``Derivation``.
"""


class UserError(Exception):
    """The caller's mistake, said as what was demanded, what was given and what to do (exit code 2)."""


class Infeasible(Exception):
    """A walk or a builder met a choice that no rule accepts; the message is the rule that was broken."""
