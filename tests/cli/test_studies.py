"""Studies with several goals on the command line: what it takes, shows, and says in JSON."""

import json
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from archsmith.cli.main import archsmith
from archsmith.cli.options import pairs
from archsmith.cli.studies import hypervolume, without_decimals
from archsmith.graph.errors import UserError
from archsmith.search.searchers import DEFAULT, SEARCHERS
from archsmith.storage.goals import Direction, Objective
from tests.jobs.files import NETS, POINTS, write


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The beginning of a quick search in an empty folder."""
    write(tmp_path, nets=NETS, points=POINTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARCHSMITH_STORE", raising=False)
    return ["search", "run", "nets.py", "--task", "points.py", "--searcher", "random", "--epochs", "1"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(archsmith, arguments, catch_exceptions=False)


def test_a_study_of_several_objectives_is_shown_with_its_front(words: list[str]) -> None:
    goals = ["--objective", "val_accuracy", "--objective", "min:parameters", "--constraint", "macs <= 40"]
    ran = run(*words, "--trials", "6", *goals, "--json")
    shown = run("search", "show", "1", "--reference", "0,100")
    told = json.loads(run("search", "show", "1", "--front", "--reference", "0,100", "--json").stdout)
    listed = run("search", "list").stdout

    assert ran.exit_code == 0, ran.output
    document = json.loads(ran.stdout)
    assert document["study"]["reason"] == "trials: all 6 were run"
    assert document["front"] == told["front"] == [trial["number"] for trial in told["trials"]]
    lines = shown.stdout.splitlines()
    assert "6 of 6 trials ended (trials: all 6 were run)" in lines[0]
    assert lines[2] == "goals max val_accuracy, min parameters, macs <= 40"
    assert lines[3].startswith(f"front {len(told['front'])} trials that no other one beats, hypervolume ")
    assert lines[4].split() == ["trial", "state", "front", "val_accuracy", "parameters", "macs", "test", "why"]
    starred = [line.split()[0] for line in lines[5:] if " * " in line]
    assert starred == [f"1/{number}" for number in told["front"]]
    assert told["hypervolume"] > 0
    assert "val_accuracy (and 1 more)" in listed


def test_a_study_says_why_it_ended_and_goes_on_with_a_higher_bound(words: list[str]) -> None:
    ran = run(*words, "--trials", "9", "--objective", "min:parameters", "--patience", "1")
    again = run("search", "resume", "1", "--patience", "9")

    assert "ended by patience: no improvement in 1 trials" in ran.stdout
    assert "its source\n" in ran.stdout
    assert "ended by trials: all 9 were run" in again.stdout


def test_constraints_that_nothing_keeps_to_end_with_1(words: list[str]) -> None:
    ran = run(*words, "--trials", "2", "--objective", "min:macs", "--constraint", "parameters < 1")

    assert ran.exit_code == 1
    assert "no trial of 2 kept to the constraints" in ran.stdout


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--objective", "speed"], "must be one of val_accuracy"),
        (["--constraint", "macs = 3"], "a constraint is NAME <= NUMBER"),
        (["--fidelity", "asha:least"], "asha takes options as asha:KEY=VALUE"),
        (["--minutes", "-1"], "minutes must be above 0"),
    ],
)
def test_a_goal_that_makes_no_sense_ends_with_2(words: list[str], option: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        run(*words, *option)
    assert not Path("archsmith.db").exists()


def test_a_reference_has_a_number_for_each_objective() -> None:
    goals = (Objective("accuracy"), Objective("macs", Direction.MIN))

    assert hypervolume(goals, [(0.75, 10.0), (0.5, 5.0)], "0.25,20") == 0.5 * 10 + 0.25 * 5
    for given in ("0.5", "a,b", "1,nan", ""):
        with pytest.raises(UserError, match=r"a number for each objective \(accuracy, macs\)"):
            hypervolume(goals, [], given)


def test_every_wish_of_a_study_is_an_option() -> None:
    group = archsmith.get_command(click.Context(archsmith), "search")
    assert isinstance(group, click.Group)
    command = group.get_command(click.Context(group), "run")
    assert command is not None

    names = {option for parameter in command.params for option in parameter.opts}
    wishes = {"objective", "constraint", "minutes", "target", "patience", "fidelity", "stop-early", "screen", "inherit"}
    assert {f"--{wish}" for wish in wishes} <= names


def test_the_help_names_every_searcher_and_the_default() -> None:
    """They stand there as text: to print help need not import a searcher."""
    group = archsmith.get_command(click.Context(archsmith), "search")
    assert isinstance(group, click.Group)
    command = group.get_command(click.Context(group), "run")
    assert command is not None
    (option,) = [parameter for parameter in command.params if parameter.name == "searcher"]
    assert isinstance(option, click.Option)

    named = str(option.help).removeprefix("Who proposes: ").rstrip(".").replace(" or ", ", ").split(", ")
    assert named == list(SEARCHERS)
    assert option.default == DEFAULT


def test_options_are_numbers_pairs_nothing_or_nested() -> None:
    given = ["widening=1,0.5", "trust=none", "backup=mean", "options.n_startup_trials=3", "options.deep.er=true"]

    assert pairs(given, "--option", with_none=True) == {
        "widening": [1, 0.5],
        "trust": None,
        "backup": "mean",
        "options": {"n_startup_trials": 3, "deep": {"er": True}},
    }
    assert pairs(["augmentation=none"], "--set") == {"augmentation": "none"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["sampler"], "--option takes KEY=VALUE; got 'sampler'"),
        (["options.=3"], "--option takes KEY=VALUE; got 'options.=3'"),
        ([".a=3"], "--option takes KEY=VALUE; got '.a=3'"),
        (["a=3", "a=4"], "each key once; got a twice, the last 'a=4'"),
        (["a.b=3", "a.b=3"], "each key once; got a.b twice"),
        (["a=3", "a.b=4"], "either a=VALUE or a.KEY=VALUE; got both, with a.b"),
        (["a.b=4", "a=3"], "either a=VALUE or a.KEY=VALUE; got both, with a.b"),
    ],
)
def test_options_that_make_no_sense_are_refused(given: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        pairs(given, "--option")


def test_a_sampler_of_optuna_takes_its_options_from_the_command_line(words: list[str]) -> None:
    sampler = ["--searcher", "optuna", "--option", "sampler=tpe", "--option", "options.n_startup_trials=1"]
    ran = run(*words, "--trials", "3", "--objective", "min:macs", *sampler, "--json")

    assert ran.exit_code == 0, ran.output
    settings = json.loads(ran.stdout)["study"]["spec"]["settings"]
    assert settings["searcher"] == {"sampler": "tpe", "options": {"n_startup_trials": 1}}


def test_counts_are_told_without_decimals(words: list[str]) -> None:
    one = run(*words, "--trials", "1", "--objective", "min:macs")
    two = run(*words, "--trials", "1", "--objective", "min:macs", "--objective", "max:parameters")

    assert re.search(r"^trial 0 \d+$", one.stderr, re.MULTILINE)
    assert re.search(r"^trial 0 macs \d+  parameters \d+$", two.stderr, re.MULTILINE)
    assert without_decimals(1234567.0, "macs") == "1234567"
    assert without_decimals(0.5, "val_accuracy") is None
    assert without_decimals(float("nan"), "macs") is None
