"""The two exceptions of the house.

Everything else that may go wrong is a value: an ``Outcome``, a ``Failure``, a dead end of a ``Derivation``.
"""


class UserError(Exception):
    """The caller's mistake: what was demanded, given and is to be done; exit code 2 on the command line."""


class Infeasible(Exception):
    """A walk or a builder met a choice that no rule accepts; the message is the rule that was broken."""
