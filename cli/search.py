"""``archsmith search``: run, list, show, resume, export."""

import sys
from contextlib import redirect_stdout
from math import isfinite
from pathlib import Path
from typing import Any

import click

from archsmith.cli.options import json_option, pairs, store_option, workers_option
from archsmith.cli.output import plain, print_json, print_table

_GIGABYTE = 1 << 30


@click.command()
@click.argument("space")
@click.option("--task", required=True, help="A task by name (digits), file.py:name or module:name.")
@click.option("--searcher", default="evolution", show_default=True, help="random or evolution.")
@click.option("--trials", type=click.IntRange(min=1), default=50, show_default=True)
@workers_option
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--name", help="A name for the study.  [default: study-ID]")
@click.option("--epochs", type=click.IntRange(min=1), help="Epochs of training per trial.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Another setting of training.")
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="An option of the searcher.")
@click.option("--seconds", type=float, default=600.0, show_default=True, help="Longest time for one trial.")
@click.option("--memory", type=float, default=4.0, show_default=True, help="Most memory for one trial, in GiB.")
@store_option
@json_option
def run(
    space: str,
    task: str,
    store: str,
    as_json: bool,
    epochs: int | None,
    seconds: float,
    memory: float,
    **given: Any,
) -> None:
    """Search SPACE for the architecture that does best at a task, and keep every trial in the store.

    Exit code 1 means that no trial could be measured.

    SPACE is a Python file that defines `space`, module:name, or a name that `archsmith spaces list` has.

    \b
    archsmith search run examples/digits_cnn.py --task digits --searcher evolution --trials 50 --workers 2
    archsmith search run my_space.py --task my_task.py:task --epochs 3 --set learning_rate=0.01 --json
    """
    from archsmith.cli.progress import LiveProgress
    from archsmith.jobs.limits import check_limits
    from archsmith.jobs.study import run_study
    from archsmith.jobs.trials import Limits

    settings = pairs(given.pop("settings"), "--set") | ({"epochs": epochs} if epochs is not None else {})
    options = pairs(given.pop("options"), "--option")
    check_limits(seconds, memory * _GIGABYTE)  # first of all: what is not finite has no whole number of bytes
    limits = Limits(seconds, int(memory * _GIGABYTE))
    with LiveProgress() as listen, redirect_stdout(sys.stderr):  # a space or task may print
        study = run_study(
            space,
            task=task,
            store=store,
            settings=settings,
            options=options,
            limits=limits,
            listen=listen,
            **given,
        )
    _print_end(study.id, store, as_json=as_json)


@click.command()
@click.argument("study")
@workers_option
@click.option("--trials", type=click.IntRange(min=1), help="A larger number of trials in all.")
@store_option
@json_option
def resume(study: str, workers: int, trials: int | None, store: str, as_json: bool) -> None:
    """Go on with STUDY (an id or a name), which was stopped, killed or finished.

    \b
    archsmith search resume 3 --workers 2
    archsmith search resume 3 --trials 100
    """
    from archsmith.cli.progress import LiveProgress
    from archsmith.jobs.study import resume_study

    with LiveProgress() as listen, redirect_stdout(sys.stderr):
        resumed = resume_study(study, store=store, workers=workers, trials=trials, listen=listen)
    _print_end(resumed.id, store, as_json=as_json)


@click.command("list")
@click.option("--limit", type=click.IntRange(min=1, max=1000), default=50, show_default=True)
@click.option("--before", type=int, help="Only studies with a lower id: the next page.")
@store_option
@json_option
def list_studies(limit: int, before: int | None, store: str, as_json: bool) -> None:
    """The studies of a store, newest first.

    \b
    archsmith search list --json
    """
    from archsmith.cli.reading import read
    from archsmith.jobs.driver import utc_now

    with read(store) as tx:
        studies = tx.studies.page(utc_now(), limit=limit, before=before)
    if as_json:
        print_json(studies)
        return
    rows = [
        (
            s.id,
            s.name,
            s.spec.task,
            s.spec.searcher,
            s.state.value,
            f"{s.ended}/{s.spec.trials}",
            s.best_value,
        )
        for s in studies
    ]
    print_table("studies", ("id", "name", "task", "searcher", "state", "trials", "best"), rows)


@click.command()
@click.argument("study")
@click.option("--limit", type=click.IntRange(min=1, max=10_000), default=20, show_default=True, help="Trials shown.")
@click.option("--order", type=click.Choice(["value", "number"]), default="value", show_default=True)
@store_option
@json_option
def show(study: str, limit: int, order: str, store: str, as_json: bool) -> None:
    """STUDY (an id or a name) and its trials, best first.

    \b
    archsmith search show 1 --limit 5
    """
    from archsmith.cli.reading import read
    from archsmith.jobs.driver import utc_now

    with read(store) as tx:
        found = tx.studies.find(study, utc_now())
        trials = tx.trials.page(found.id, None, limit, order="value" if order == "value" else "number")
    if as_json:
        print_json({"study": found, "trials": [plain(trial) | {"state": found.shown(trial)} for trial in trials]})
        return
    click.echo(f"study {found.id} {found.name}: {found.state.value}, {found.ended} of {found.spec.trials} trials ended")
    click.echo(
        f"space {found.spec.space}, task {found.spec.task}, searcher {found.spec.searcher}, seed {found.spec.seed}"
    )
    rows = []
    for trial in trials:
        result = trial.result
        numbers = result.measurement if result is not None else {}
        rows.append(
            (
                f"{found.id}/{trial.number}",
                found.shown(trial),
                result.value if result is not None else None,
                numbers.get("test_accuracy", numbers.get("test_r2")),
                _whole(numbers.get("parameters")),
                _whole(numbers.get("macs")),
                (result.reason if result is not None else None) or "",
            )
        )
    print_table("", ("trial", "state", found.spec.objective, "test", "parameters", "macs", "why"), rows)


@click.command()
@click.argument("trial")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--picture", is_flag=True, help="A drawing too, as SVG, beside OUT.")
@store_option
@json_option
def export(trial: str, out: Path, picture: bool, store: str, as_json: bool) -> None:
    """Write the architecture of TRIAL to OUT, a Python file that needs only torch, with its weights beside it.

    TRIAL is STUDY/NUMBER or STUDY/best, or a trial's id.

    \b
    archsmith search export 1/best best.py && python best.py
    """
    from archsmith.jobs.export import export_trial

    exported = export_trial(trial, out, picture=picture, store=store)
    if as_json:
        print_json(
            {
                "trial": exported.trial,
                "source": str(out),
                "weights": exported.weights and str(exported.weights),
                "picture": exported.picture and str(exported.picture),
            }
        )
        return
    weights = f", its weights to {exported.weights}" if exported.weights is not None else " (it has no weights)"
    drawn = f", a picture to {exported.picture}" if exported.picture is not None else ""
    click.echo(f"wrote trial {exported.trial.number} of study {exported.trial.study} to {out}{weights}{drawn}")


def _whole(number: float | None) -> float | None:
    """A count, which is measured as a float like every other number; a user's may be NaN."""
    return round(number) if number is not None and isfinite(number) else number


def _print_end(id: int, store: str, *, as_json: bool) -> None:
    from archsmith.cli.reading import read
    from archsmith.jobs.driver import utc_now

    with read(store) as tx:
        study = tx.studies.get(id, utc_now())
        best = tx.trials.get(id, study.best_number) if study.best_number is not None else None
    if as_json:
        print_json({"study": study, "best": best})
        sys.exit(0 if best is not None else 1)
    if best is None or best.result is None:
        click.echo(f"study {study.id}: no trial of {study.ended} was measured; see archsmith search show {study.id}")
        sys.exit(1)
    measured = {study.spec.objective: best.result.value} | dict(best.result.measurement)
    numbers = "  ".join(f"{key} {value:.6g}" for key, value in measured.items())
    click.echo(f"best of {study.ended} trials: trial {study.id}/{best.number}  {numbers}")
    click.echo(f"archsmith search export {study.id}/best best.py    # its source and weights")
