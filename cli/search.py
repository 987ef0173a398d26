"""``archsmith search``: run, list, show, resume, export."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click

from archsmith.cli.options import (
    fidelity_options,
    goal_options,
    json_option,
    pairs,
    stopping_options,
    store_option,
    workers_option,
)
from archsmith.cli.output import plain, print_json, print_table
from archsmith.cli.studies import hypervolume, study_lines, study_row, trials_table, without_decimals

OPTION = (
    "An option of the searcher: a number, a word, a pair as in widening=1,0.5, none for what is not to be, "
    "or an entry of a nested one as in options.n_startup_trials=3."
)

_GIGABYTE = 1 << 30


@click.command()
@click.argument("space")
@click.option("--task", required=True, help="A task by name (digits), file.py:name or module:name.")
@click.option(
    "--searcher",
    default="smbo",
    show_default=True,
    help="Who proposes: random, exhaustive, mcts, smbo, evolution, mu-plus-lambda, local, nsga2 or optuna.",
)
@click.option("--trials", type=click.IntRange(min=1), default=50, show_default=True)
@goal_options
@stopping_options
@fidelity_options
@workers_option
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--name", help="A name for the study.  [default: study-ID]")
@click.option("--epochs", type=click.IntRange(min=1), help="Epochs of training per trial.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Another setting of training.")
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help=OPTION)
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

    Exit code 1 means that no trial could be measured, or none kept to the constraints.

    SPACE is a Python file that defines `space`, module:name, or a name that `archsmith spaces list` has.

    \b
    archsmith search run examples/digits_cnn.py --task digits --searcher evolution --trials 50 --workers 2
    archsmith search run my_space.py --task my_task.py:task --epochs 3 --set learning_rate=0.01 --json
    archsmith search run my_space.py --task digits --constraint "latency_ms <= 5" --patience 30 --minutes 60
    archsmith search run my_space.py --task digits --searcher nsga2 --objective val_accuracy --objective min:macs
    archsmith search run my_space.py --task digits --epochs 27 --fidelity asha:least=1,reduction=3 --trials 200
    archsmith search run my_space.py --task digits --screen naswot:8 --stop-early median --inherit
    """
    from archsmith.cli.progress import LiveProgress
    from archsmith.jobs.limits import Limits, check_limits
    from archsmith.jobs.study import run_study

    settings = pairs(given.pop("settings"), "--set") | ({"epochs": epochs} if epochs is not None else {})
    options = pairs(given.pop("options"), "--option", with_none=True)
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
@stopping_options
@store_option
@json_option
def resume(study: str, workers: int, trials: int | None, store: str, as_json: bool, **stopping: Any) -> None:
    """Go on with STUDY (an id or a name), which was stopped, killed or finished.

    \b
    archsmith search resume 3 --workers 2
    archsmith search resume 3 --trials 100 --minutes 30
    """
    from archsmith.cli.progress import LiveProgress
    from archsmith.jobs.study import resume_study

    with LiveProgress() as listen, redirect_stdout(sys.stderr):
        resumed = resume_study(study, store=store, workers=workers, trials=trials, listen=listen, **stopping)
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
    columns = ("id", "name", "task", "searcher", "state", "trials", "objective", "best", "ended by")
    print_table("studies", columns, [study_row(study) for study in studies])


@click.command()
@click.argument("study")
@click.option("--limit", type=click.IntRange(min=1, max=10_000), default=20, show_default=True, help="Trials shown.")
@click.option("--order", type=click.Choice(["value", "number"]), default="value", show_default=True)
@click.option("--front", "only_front", is_flag=True, help="Only the trials that no other one beats.")
@click.option(
    "--reference",
    metavar="NUMBER,NUMBER",
    help="A value of each objective, the worst that counts: shows the hypervolume that the front has beyond it.",
)
@store_option
@json_option
def show(
    study: str, limit: int, order: str, only_front: bool, reference: str | None, store: str, as_json: bool
) -> None:
    """STUDY (an id or a name) and its trials, best first; of several objectives, with its Pareto front.

    \b
    archsmith search show 1 --limit 5
    archsmith search show 1 --front --reference 0.5,1e6
    """
    from archsmith.cli.reading import read
    from archsmith.jobs.driver import utc_now

    with read(store) as tx:
        found = tx.studies.find(study, utc_now())
        front = tx.trials.front(found.id)
        trials = tx.trials.page(found.id, None, limit, order="value" if order == "value" else "number")
    volume = None
    if reference is not None:
        volume = hypervolume(found.spec.objectives, [one.result.values for one in front if one.result], reference)
    shown = front[:limit] if only_front else trials
    if as_json:
        rows = [plain(trial) | {"state": found.shown(trial)} for trial in shown]
        numbers = [trial.number for trial in front]
        measured = {} if volume is None else {"hypervolume": volume}
        print_json({"study": found, "trials": rows, "front": numbers} | measured)
        return
    for line in study_lines(found, len(front), volume):
        click.echo(line)
    columns, table = trials_table(found, shown, {trial.number for trial in front})
    print_table("", columns, table)


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


def _print_end(id: int, store: str, *, as_json: bool) -> None:
    from archsmith.cli.reading import read
    from archsmith.jobs.driver import utc_now
    from archsmith.storage.facts import TrialState

    with read(store) as tx:
        study = tx.studies.get(id, utc_now())
        best = tx.trials.get(id, study.best_number) if study.best_number is not None else None
        front = tx.trials.front(id) if len(study.spec.objectives) > 1 else []
    if as_json:
        also = {"front": [trial.number for trial in front]} if front else {}
        print_json({"study": study, "best": best} | also)
        sys.exit(0 if best is not None else 1)
    if study.reason is not None:
        click.echo(f"ended by {study.reason}")
    if best is None or best.result is None:
        broken = study.spec.constraints and study.counts[TrialState.COMPLETE]
        why = "kept to the constraints" if broken else "was measured"
        click.echo(f"study {study.id}: no trial of {study.ended} {why}; see archsmith search show {study.id}")
        sys.exit(1)
    if front:
        click.echo(f"front of {study.ended} trials: {len(front)}, see archsmith search show {study.id} --front")
    measured = dict(zip((one.name for one in study.spec.objectives), best.result.values, strict=True))
    told = (measured | dict(best.result.measurement)).items()
    numbers = "  ".join(f"{name} {without_decimals(value, name) or f'{value:.6g}'}" for name, value in told)
    of = f" by {study.spec.objective}" if front else ""
    click.echo(f"best of {study.ended} trials{of}: trial {study.id}/{best.number}  {numbers}")
    what = "source and weights" if best.result.weights is not None else "source"
    click.echo(f"archsmith search export {study.id}/best best.py    # its {what}")
