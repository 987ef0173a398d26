"""``archsmith search compare``: what it prints, draws, says in JSON and refuses, and what it does not import."""

import json
import re
import shutil
from math import inf, nan
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archsmith.cli.compare import draw, shown
from archsmith.cli.main import archsmith
from archsmith.graph.errors import UserError
from archsmith.jobs import compare_studies
from archsmith.jobs.curves import Figure
from archsmith.storage.facts import TrialState
from archsmith.storage.store import open_store
from tests.cli.test_commands import ROOT, imported_by
from tests.jobs.shelf import BOTH, SMALL, Shelf


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five studies each of two searchers, a study of two objectives, and one of a number to be minimised."""
    path = tmp_path_factory.mktemp("filled") / "archsmith.db"
    store = open_store(f"sqlite:///{path}")
    shelf = Shelf(f"sqlite:///{path}", store)
    for seed in range(5):
        shelf.put(f"random-{seed}", [0.1 + seed / 100] * 9 + [0.5 + seed / 100] * 3, seed=seed)
        shelf.put(f"smbo-{seed}", [TrialState.CRASHED] + [0.75 + seed / 100] * 11, seed=seed, searcher="smbo")
    shelf.put("cut", [0.3, 0.3], seed=7)
    shelf.put("front", [(0.5, 50.0), (0.75, 60.0)], objectives=BOTH, searcher="nsga2")
    shelf.put("_$small", [1234567.0, 12345.0], objectives=SMALL)
    store.close()
    return path


@pytest.fixture
def here(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the store in it."""
    shutil.copy(filled, tmp_path / "archsmith.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARCHSMITH_STORE", raising=False)
    return tmp_path


def compare(*arguments: str) -> Result:
    return CliRunner().invoke(archsmith, ["search", "compare", *arguments], catch_exceptions=False)


def test_searchers_are_told_in_rows_with_a_verdict(here: Path) -> None:
    ran = compare("random-*", "smbo-*", "--at", "10,12,50")

    assert ran.exit_code == 0, ran.output
    assert ran.stdout.splitlines() == [
        "space nets.py, task points.py",
        "highest val_accuracy so far, mean ± standard error",
        "searcher  studies  trials  @10           @12           @50  final         test",
        "random          5      12  0.52 ± 0.007  0.52 ± 0.007    -  0.52 ± 0.007  0.47 ± 0.007",
        "smbo            5      12  0.77 ± 0.007  0.77 ± 0.007    -  0.77 ± 0.007  0.72 ± 0.007",
        "smbo against random at 12 trials: better in 100 % of pairs, p = 0.0079 (Mann-Whitney)",
    ]


def test_each_study_may_stand_alone_and_be_told_by_seconds(here: Path) -> None:
    lines = compare("smbo-0", "random-0", "--by", "study", "--seconds", "--at", "10,100.5").stdout.splitlines()

    assert lines[2].split() == ["study", "studies", "trials", "@10", "s", "@100.5", "s", "final", "test"]
    assert lines[3].split() == ["smbo-0", "1", "12", "-", "0.75", "0.75", "0.7"]
    assert lines[4].split() == ["random-0", "1", "12", "0.1", "0.5", "0.5", "0.45"]
    assert len(lines) == 5


def test_figures_of_fewer_studies_say_of_how_many(here: Path) -> None:
    lines = compare("cut", "random-0", "--at", "1,12").stdout.splitlines()

    assert lines[1].endswith("mean ± standard error (over how many studies, if not all)")
    assert lines[3].split("  ")[-4:] == ["0.2 ± 0.1", "0.5 (1)", "0.4 ± 0.1", "0.35 ± 0.1"]
    assert "2 to 12" in lines[3]


def test_everything_is_in_the_json(here: Path) -> None:
    document = json.loads(compare("smbo-*", "random-0", "--at", "1,2", "--json").stdout)

    assert document["groups"][0]["figures"][0] is None
    assert document["groups"][1]["figures"][1] == {"mean": 0.1, "error": None, "studies": 1}
    assert document["groups"][0]["runs"][0]["steps"] == [{"spent": 2.0, "value": 0.75}]
    assert (document["unit"], document["marks"], document["objectives"]) == ("trials", [1, 2], ["max:val_accuracy"])


def test_what_is_minimised_and_what_is_of_several_objectives_is_told_as_such(here: Path) -> None:
    small = compare("_$small", "--at", "1,2").stdout.splitlines()
    front = compare("front", "--at", "2", "--reference", "0.25,100").stdout.splitlines()

    assert small[1] == "lowest parameters so far, mean ± standard error"
    assert small[3].split() == ["random", "1", "2", "1234567", "12345", "12345", "12345"]
    assert front[1] == "hypervolume of max:val_accuracy, min:macs beyond 0.25, 100 so far, mean ± standard error"
    assert front[3].split() == ["nsga2", "1", "2", "22.5", "22.5"]


@pytest.mark.parametrize(
    ("mean", "error", "text"),
    [
        (1500.2, 17.3, "1500 ± 20"),
        (1234567.0, 1234.0, "1234567 ± 1000"),
        (0.91234, 0.00003, "0.9123 ± 0.00003"),
        (0.5, 0.0, "0.5 ± 0"),
        (1e12, 2e11, "1e+12 ± 2e+11"),
        (nan, inf, "nan ± inf"),
    ],
)
def test_a_figure_is_written_without_exponents_where_it_can_be(mean: float, error: float, text: str) -> None:
    assert shown(Figure(mean, error, 3), 3) == text


@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<?xml"), (".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_a_picture_is_drawn_and_comes_out_the_same(here: Path, suffix: str, start: bytes) -> None:
    compared = compare_studies(["random-*", "smbo-*"], store="sqlite:///archsmith.db")
    ran = compare("random-*", "smbo-*", "--plot", f"first{suffix}")
    draw(compared, here / f"second{suffix}")

    drawn = (here / f"first{suffix}").read_bytes()
    assert ran.stdout.splitlines()[-1] == f"wrote first{suffix}"
    assert drawn.startswith(start)
    assert drawn == (here / f"second{suffix}").read_bytes()


def test_a_picture_says_what_it_shows_whatever_studies_are_called(here: Path) -> None:
    told = json.loads(compare("_$small", "--by", "study", "--seconds", "--plot", "small.svg", "--json").stdout)
    text = (here / "small.svg").read_text(encoding="utf-8")

    assert told["plot"] == "small.svg"
    assert " _$small<" in text
    assert "parameters so far" in text
    assert "seconds of training" in text


def test_each_line_is_dashed_in_a_way_of_its_own(here: Path) -> None:
    names = [f"{searcher}-{seed}" for searcher in ("random", "smbo") for seed in range(3)]
    assert compare(*names, "--by", "study", "--plot", "lines.svg").exit_code == 0

    text = (here / "lines.svg").read_text(encoding="utf-8")
    assert len(set(re.findall(r"stroke-dasharray: ([^;\"]+)", text))) == 4
    assert "<use " in text[text.index('id="legend_1"') :]  # the sixth line is solid again, and has marks


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["random-0", "front"], "studies 'random-0' and 'front' cannot be compared: they have different objectives"),
        (["random-0", "--at", "ten"], "--at takes numbers with commas between them; got 'ten'"),
        (["front", "--reference", "1;2"], "--reference takes numbers with commas between them; got '1;2'"),
        (["random-0", "--plot", "curve.gif"], "--plot takes a file ending in .svg, .png, .pdf; got curve.gif"),
        (["random-0", "--plot", "no/curve.svg"], "--plot takes a file in a folder that exists; no does not"),
        (["random-9"], "no study 'random-9' in the store"),
    ],
)
def test_mistakes_are_told(here: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(UserError) as raised:
        compare(*arguments)

    assert message in str(raised.value)


def test_without_a_picture_nothing_heavy_is_imported(here: Path) -> None:
    code = f"{ROOT}.main(['search', 'compare', 'random-0', 'smbo-0'], standalone_mode=False)"
    drawing = code.replace("'smbo-0'", "'smbo-0', '--plot', 'curve.svg'")
    pyplot = "\nassert 'matplotlib.pyplot' not in sys.modules"

    assert imported_by(f"{code}\nassert 'matplotlib' not in sys.modules", here) == {"sqlalchemy"}
    assert "torch" not in imported_by(drawing + pyplot, here)
