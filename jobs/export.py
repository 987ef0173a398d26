"""Taking an architecture out of the store: a Python file that needs only torch, and its trained weights beside it.

One with modules of a user's own imports them besides; it is written without running them.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archsmith.graph.errors import UserError
from archsmith.graph.graph import Graph
from archsmith.graph.ops import DECLARED
from archsmith.graph.pictures.drawing import draw
from archsmith.jobs.artifacts import beside
from archsmith.jobs.driver import utc_now
from archsmith.jobs.study import DEFAULT_STORE
from archsmith.runtime.emit import header, homes, network_class
from archsmith.spaces.recipe import decided
from archsmith.storage.facts import Trial
from archsmith.storage.store import Transaction, open_store

_MAIN = '''

def load(weights: str | None = None) -> Network:
    """The network with the weights of that file (default: the one beside this file), ready to be used."""
    network = Network()
    path = Path(weights) if weights is not None else Path(__file__).with_suffix(".pt")
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval()


if __name__ == "__main__":
    with torch.no_grad():
        print(load()({example}))
'''


@dataclass(frozen=True, slots=True)
class Exported:
    """The files written; ``weights`` is None for a trial that was never trained, ``picture`` if none was wanted."""

    trial: Trial
    source: Path
    weights: Path | None
    picture: Path | None = None


def export_trial(
    trial: str,
    out: Path,
    *,
    picture: bool = False,
    store: str = DEFAULT_STORE,
    clock: Callable[[], datetime] = utc_now,
) -> Exported:
    """Write the architecture of a trial as Python source to ``out``, and its weights to the same name with ``.pt``.

    ``trial`` is ``STUDY/NUMBER`` or ``STUDY/best``, where STUDY is an id or a name, or a trial's id. The file's
    ``load()`` gives a module that computes what the trained trial computed. ``picture`` adds a drawing, with ``.svg``.

    Raises:
        UserError: there is no such trial, or ``out`` cannot be written.
    """
    if out.suffix != ".py":
        raise UserError(f"an architecture is exported to a file ending in .py; got {out}")
    if out.is_dir():
        raise UserError(f"{out} must be a file that can be written; it is a folder")
    with closing(open_store(store, create=False, read_only=True)) as opened, opened.read() as tx:
        found = find_trial(tx, trial, clock())
        study = tx.studies.get(found.study, clock())
        graph = tx.graphs.get(found.graph)
    result = found.result
    kept = beside(store).path(result.weights) if result is not None and result.weights is not None else None
    value = f", {study.spec.objective} {result.value:.4f}" if result is not None and result.value is not None else ""
    title = f"Trial {found.number} of study {study.name}{value}: found by archsmith, needs {_needs(graph)}."
    recipe = ", ".join(f"{name} {label}" for name, label in decided(found.trace).items())
    title += f" Its recipe: {recipe}." if recipe else ""
    try:
        beside_it = out.with_suffix(".pt") if kept is not None else None
        if kept is not None and beside_it is not None:
            _write(beside_it, kept.read_bytes())
        drawn = out.with_suffix(".svg") if picture else None
        if drawn is not None:
            _write(drawn, draw(graph, standalone=True).encode("utf-8", "replace"))
        _write(out, _file(graph, title, loads=kept is not None).encode())
    except OSError as error:
        raise UserError(f"{out} must be a file that can be written; {error.strerror}") from None
    return Exported(found, out, beside_it, drawn)


def find_trial(tx: Transaction, given: str, now: datetime) -> Trial:
    """The trial that ``STUDY/NUMBER``, ``STUDY/best`` or a trial's id names (``UserError`` if there is none)."""
    name, slash, which = given.rpartition("/")
    if not slash:
        if given.isdecimal():
            return tx.trials.by_id(int(given))
        raise UserError(f"a trial is named STUDY/NUMBER, STUDY/best, or by its id; got {given!r}")
    study = tx.studies.find(name, now)
    if which == "best":
        if study.best_number is None:
            which = "complete trial that keeps to its constraints" if study.spec.constraints else "complete trial"
            raise UserError(f"study {study.name!r} has no {which} yet, so it has no best one")
        return tx.trials.get(study.id, study.best_number)
    if not which.isdecimal():
        raise UserError(f"a trial is named STUDY/NUMBER or STUDY/best; got {given!r}")
    return tx.trials.get(study.id, int(which))


def _file(graph: Graph, title: str, *, loads: bool) -> str:
    example = ", ".join(f"torch.zeros({t.shape}, dtype=torch.{t.dtype})" for t in graph.input_types)
    paths = "from pathlib import Path\n\n" if loads else ""
    text = f'"""{_plain(title)}"""\n\n{paths}{header(graph)}\n\n{network_class(graph, DECLARED)}'
    return text + _MAIN.format(example=example) if loads else text


def _needs(graph: Graph) -> str:
    own = [f"{place.module}.py" if place.file else place.module for place in homes(graph)]
    return f"torch and {', '.join(own)} where Python finds it" if own else "only torch"


def _plain(title: str) -> str:
    """A study's name comes from a person: it must not end the docstring that it stands in."""
    return title.replace("\\", "/").replace('"', "'")


def _write(path: Path, content: bytes) -> None:
    """All of the content or nothing: a full disk leaves no half file under the name."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
