"""``archsmith fuzz``: run, list, findings, show, replay."""

import sys
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from archsmith.cli.options import json_option, pairs, store_option, workers_option
from archsmith.cli.output import print_json, print_table
from archsmith.graph.errors import UserError

if TYPE_CHECKING:
    from archsmith.storage.facts import Campaign

LATEST = "the latest "
"""What ``--resume`` says without a name: no name ends with a space."""


@click.command()
@click.option("--minutes", type=float, help="How long.  [default: 1, unless --cases is given]")
@click.option("--cases", type=click.IntRange(min=1), help="How many cases.")
@click.option("--oracle", "oracles", multiple=True, metavar="NAME", help="An oracle; may be repeated.  [default: all]")
@workers_option
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--name", help="A name for the campaign.  [default: campaign-ID]")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the generator (nodes=8).")
@click.option("--include", multiple=True, metavar="OPERATOR", help="Only these operators; may be repeated.")
@click.option("--exclude", multiple=True, metavar="OPERATOR", help="Not these operators; may be repeated.")
@click.option(
    "--resume",
    "resumed",
    metavar="[CAMPAIGN]",
    is_flag=False,
    flag_value=LATEST,
    help="Go on with a campaign by id or name, or with the latest.",
)
@store_option
@json_option
@click.pass_context
def run(ctx: click.Context, /, resumed: str | None, workers: int, store: str, as_json: bool, **given: Any) -> None:
    """Fuzz the installed PyTorch, and keep what is found in the store. Exit code 1 means that there are findings.

    \b
    archsmith fuzz run --minutes 1 --workers 2
    archsmith fuzz run --cases 200 --oracle aot_eager --seed 7 --json
    archsmith fuzz run --resume
    """
    from archsmith.cli.progress import LiveProgress
    from archsmith.jobs.campaign import resume_campaign, run_campaign

    if resumed is not None:
        _demand_only_resume(ctx)
        name = _latest(store) if resumed == LATEST else resumed
        with LiveProgress() as listen:
            campaign = resume_campaign(name, store=store, workers=workers, listen=listen)
    else:
        arguments = _campaign_arguments(**given)
        with LiveProgress() as listen:
            campaign = run_campaign(workers=workers, store=store, listen=listen, **arguments)
    _print_end(campaign, as_json=as_json)
    sys.exit(1 if campaign.findings else 0)


def _campaign_arguments(
    minutes: float | None,
    cases: int | None,
    oracles: tuple[str, ...],
    seed: int,
    name: str | None,
    settings: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
) -> dict[str, Any]:
    """The options of a new campaign as ``run_campaign`` takes them."""
    lists = {key: list(value) for key, value in (("include", include), ("exclude", exclude)) if value}
    return {
        "minutes": 1.0 if minutes is None and cases is None else minutes,
        "cases": cases,
        "oracles": oracles or None,
        "seed": seed,
        "name": name,
        "space": pairs(settings, "--set") | lists,
    }


def _demand_only_resume(ctx: click.Context) -> None:
    """A campaign goes on as it was begun; an option that would change it is a mistake, and not ignored."""
    kept = {"resumed", "workers", "store", "as_json"}
    options = [option for option in ctx.command.params if option.name is not None and option.name not in kept]
    changed = [o.opts[0] for o in options if ctx.get_parameter_source(str(o.name)) is not ParameterSource.DEFAULT]
    if changed:
        raise UserError(f"--resume goes on with a campaign as it was begun; leave out {', '.join(changed)}")


def _print_end(campaign: "Campaign", *, as_json: bool) -> None:
    progress, counters = campaign.progress, campaign.progress.counters
    summary = {
        "campaign": campaign.id,
        "name": campaign.name,
        "state": campaign.state,
        "cases": counters.get("cases", 0),
        "ran": counters.get("ran", 0),
        "seconds": progress.seconds,
        "operators": len(counters.get("operators", {})),
        "signatures": len(counters.get("signatures", {})),
        "failures": counters.get("failures", 0),
        "findings": campaign.findings,
        "filtered": counters.get("filtered", {}),
        "rejected": counters.get("rejected", {}),
        "stage_seconds": counters.get("stage_seconds", {}),
        "versions": campaign.spec.versions,
    }
    if as_json:
        print_json(summary)
        return
    click.echo(
        f"campaign {campaign.id}: {summary['cases']} cases in {progress.seconds:.0f} s, {summary['ran']} ran, "
        f"{summary['operators']} operators in {summary['signatures']} signatures, {campaign.findings} findings"
    )
    if campaign.findings:
        click.echo(f"archsmith fuzz findings --campaign {campaign.id}    # what they are")


def _latest(store: str) -> str:
    from archsmith.cli.reading import read, shown
    from archsmith.jobs.driver import utc_now

    with read(store) as tx:
        newest = tx.campaigns.page(utc_now(), limit=1)
    if not newest:
        raise UserError(f"{shown(store)} has no campaign to go on with; start one: archsmith fuzz run --minutes 1")
    return str(newest[0].id)


@click.command("list")
@click.option("--limit", type=click.IntRange(min=1, max=1000), default=50, show_default=True)
@click.option("--before", type=int, help="Only campaigns with a lower id: the next page.")
@store_option
@json_option
def list_campaigns(limit: int, before: int | None, store: str, as_json: bool) -> None:
    """The campaigns of a store, newest first.

    \b
    archsmith fuzz list
    """
    from archsmith.cli.reading import read
    from archsmith.jobs.driver import utc_now

    with read(store) as tx:
        campaigns = tx.campaigns.page(utc_now(), limit=limit, before=before)
    if as_json:
        print_json(campaigns)
        return
    rows = [
        (
            c.id,
            c.name,
            c.state.value,
            c.progress.counters.get("cases", 0),
            round(c.progress.seconds),
            c.findings,
        )
        for c in campaigns
    ]
    print_table("campaigns", ("id", "name", "state", "cases", "seconds", "findings"), rows)


@click.command()
@click.option("--campaign", help="Only those of one campaign, by id or name.")
@click.option("--state", help="Only those in one state (new).")
@click.option("--limit", type=click.IntRange(min=1, max=1000), default=50, show_default=True)
@click.option("--before", type=int, help="Only findings with a lower id: the next page.")
@store_option
@json_option
def findings(
    campaign: str | None, state: str | None, limit: int, before: int | None, store: str, as_json: bool
) -> None:
    """What campaigns have found, newest first: one line a distinct failure.

    \b
    archsmith fuzz findings --state new --json
    """
    from archsmith.cli.reading import read
    from archsmith.jobs.driver import utc_now

    with read(store) as tx:
        id = tx.campaigns.find(campaign, utc_now()).id if campaign is not None else None
        found = tx.findings.page(limit, before, id, state)
    if as_json:
        print_json(found)
        return
    rows = [(f.id, f.campaign, f.content.oracle, f.content.kind, f.hits, f.state, f.content.summary) for f in found]
    print_table("findings", ("id", "campaign", "oracle", "kind", "hits", "state", "summary"), rows)


@click.command()
@click.argument("finding", type=int)
@click.option("--script", is_flag=True, help="Only its script, ready to be saved.")
@store_option
@json_option
def show(finding: int, script: bool, store: str, as_json: bool) -> None:
    """One FINDING: what went wrong, where, on which graph, and the script that shows it.

    \b
    archsmith fuzz show 1
    archsmith fuzz show 1 --script > bug.py && python bug.py
    """
    from archsmith.cli.reading import read
    from archsmith.graph.text import listing

    with read(store) as tx:
        found = tx.findings.get(finding)
        graph = tx.graphs.get(found.content.graph)
    if as_json:
        print_json(found)
        return
    if script:
        click.echo(found.content.script, nl=False)
        return
    content = found.content
    click.echo(f"finding {found.id} of campaign {found.campaign}, {found.state}, hit {found.hits} times")
    click.echo(f"{content.kind} ({content.oracle}), case {content.case_number}: {content.summary}\n")
    click.echo(f"{listing(graph)}\n\n{content.detail}\n\n{content.script}", nl=False)


@click.command()
@click.argument("finding", type=int)
@store_option
@json_option
def replay(finding: int, store: str, as_json: bool) -> None:
    """Check FINDING again on the installed PyTorch. Exit code 1 means that it still fails.

    \b
    archsmith fuzz replay 1
    """
    from archsmith.jobs.replay import replay_finding

    replayed = replay_finding(finding, store=store)
    if as_json:
        print_json({"finding": finding, "still_fails": replayed.still_fails, "failures": replayed.failures})
    elif replayed.still_fails:
        click.echo(f"finding {finding} still fails: {replayed.finding.content.summary}")
    else:
        seen = "; ".join(f"{failure.oracle}: {failure.kind}" for failure in replayed.failures)
        click.echo(f"finding {finding} does not fail any more" + (f" in that way, but: {seen}" if seen else ""))
    sys.exit(1 if replayed.still_fails else 0)
