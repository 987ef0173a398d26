"""Options that several commands share, and where their defaults come from."""

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from archsmith.graph.errors import UserError
from archsmith.jobs.named import value_of

F = TypeVar("F", bound=Callable[..., Any])


def default_store() -> str:
    """``ARCHSMITH_STORE``, else ``store`` in ``[tool.archsmith]`` of ./pyproject.toml, else ./archsmith.db."""
    return os.environ.get("ARCHSMITH_STORE") or _configured(Path("pyproject.toml")) or "sqlite:///archsmith.db"


def _configured(path: Path) -> str | None:
    if not path.is_file():
        return None
    try:
        tool = tomllib.loads(path.read_text(encoding="utf-8")).get("tool")
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} must be readable TOML: {error}") from None
    ours = tool.get("archsmith", {}) if isinstance(tool, dict) else {}
    if not isinstance(ours, dict):
        raise UserError(f"[tool.archsmith] of {path} must be a table with store in it; got {ours!r}")
    store = ours.get("store")
    if store is not None and not isinstance(store, str):
        raise UserError(f"store in [tool.archsmith] of {path} must be a string, an SQLAlchemy URL; got {store!r}")
    return store


def store_option(command: F) -> F:
    return click.option(
        "--store",
        metavar="URL",
        default=default_store,
        help="SQLAlchemy URL of the store.  [default: ARCHSMITH_STORE, [tool.archsmith], sqlite:///archsmith.db]",
    )(command)


def json_option(command: F) -> F:
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="One JSON document on standard output, progress on standard error.",
    )(command)


def workers_option(command: F) -> F:
    return click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Processes at work, one thread each.",
    )(command)


def goal_options(command: F) -> F:
    """``objectives`` and ``constraints``."""
    constraint = click.option(
        "--constraint",
        "constraints",
        multiple=True,
        metavar="'NAME <= NUMBER'",
        help="What the best trial must keep to, with <=, >=, < or >; may be given again.",
    )
    objective = click.option(
        "--objective",
        "objectives",
        multiple=True,
        metavar="[max|min]:NAME",
        help="A measured number to maximise or minimise; may be given again.  [default: the task's own]",
    )
    return objective(constraint(command))


def stopping_options(command: F) -> F:
    """``minutes``, ``target`` and ``patience``."""
    patience = click.option(
        "--patience", type=click.IntRange(min=1), metavar="N", help="End after N trials without an improvement."
    )
    target = click.option("--target", type=float, help="End when the first objective has reached this value.")
    minutes = click.option("--minutes", type=float, help="Start no trial after this time; those that run may end.")
    return minutes(target(patience(command)))


def fidelity_options(command: F) -> F:
    """``fidelity``, ``stop_early``, ``screen`` and ``inherit``."""
    inherit = click.option(
        "--inherit", is_flag=True, help="Begin a network with the weights of the nearest earlier one, where they fit."
    )
    screen = click.option(
        "--screen", metavar="PROXY:K", help="Make each proposal the best of K by a zero-cost proxy, such as naswot:8."
    )
    stop_early = click.option(
        "--stop-early",
        metavar="RULE[:KEY=VALUE,...]",
        help="Give running trials up by their learning curves: median, curve, or optuna-PRUNER.",
    )
    fidelity = click.option(
        "--fidelity",
        metavar="KIND[:KEY=VALUE,...]",
        help="Train all but the most promising for fewer epochs: halving, hyperband or asha, with least=1,reduction=3.",
    )
    return fidelity(stop_early(screen(inherit(command))))


def pairs(entries: Sequence[str], option: str, *, with_none: bool = False) -> dict[str, Any]:
    """``KEY=VALUE`` entries as a mapping, in which ``A.B=VALUE`` is an entry of the mapping ``A``.

    A value that looks like a number, a boolean or a list is one; ``with_none``, the word none is None, which is for
    options that have no value called so.

    Raises:
        UserError: an entry is something else, or one key is given twice.
    """
    flat: dict[str, Any] = {}
    for entry in entries:
        key, equals, text = entry.partition("=")
        if not equals or not all(key.split(".")):
            raise UserError(f"{option} takes KEY=VALUE; got {entry!r}")
        if key in flat:
            raise UserError(f"{option} takes each key once; got {key} twice, the last {entry!r}")
        flat[key] = None if with_none and text == "none" else _typed(text)
    return _nested(flat, option)


def _nested(flat: Mapping[str, Any], option: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in flat.items():
        *outer, last = key.split(".")
        inside = found
        for depth, part in enumerate(outer, start=1):
            whole = ".".join(outer[:depth])
            if whole in flat:
                raise UserError(f"{option} takes either {whole}=VALUE or {whole}.KEY=VALUE; got both, with {key}")
            inside = inside.setdefault(part, {})
        inside[last] = value
    return found


def _typed(text: str) -> Any:
    return [_typed(part) for part in text.split(",") if part] if "," in text else value_of(text)
