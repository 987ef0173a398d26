"""Wishes that are a name with options: ``asha:least=1,reduction=3``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archsmith.graph.errors import UserError


@dataclass(frozen=True, slots=True)
class Named:
    """A way of doing something, by its name, and the options that were given for it."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def parse(text: str) -> "Named":
        """``NAME`` or ``NAME:KEY=VALUE,KEY=VALUE`` (``UserError`` for anything else)."""
        name, _, rest = text.partition(":")
        options: dict[str, Any] = {}
        for entry in filter(None, rest.split(",")):
            key, equals, value = entry.partition("=")
            if not equals or not key:
                raise UserError(f"{name} takes options as {name}:KEY=VALUE,KEY=VALUE; got {text!r}")
            options[key.strip()] = value_of(value.strip())
        if not name:
            raise UserError(f"a name must be given, as in NAME:KEY=VALUE; got {text!r}")
        return Named(name, options)

    @staticmethod
    def of(settings: Mapping[str, Any], key: str) -> "Named | None":
        """The wish that a study's settings keep under the key, if there is one."""
        return Named(**settings[key]) if key in settings else None

    def to_json(self) -> dict[str, Any]:
        """As ``of`` reads it."""
        return {"name": self.name, "options": dict(self.options)}


def value_of(text: str) -> int | float | bool | str:
    """What a person typed, as the truth value or number that it reads as, or else as it is."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
