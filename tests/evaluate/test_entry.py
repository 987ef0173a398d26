"""What a sandbox calls: every kind of task by file, and JSON on both sides."""

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from archsmith.evaluate.digits import DIGITS
from archsmith.evaluate.entry import measure
from archsmith.evaluate.evaluator import MEASURED, NOT_WRITTEN, PAUSED
from archsmith.evaluate.task import check_space_fits
from archsmith.evaluate.tasks import load_task
from archsmith.graph.errors import UserError
from archsmith.graph.text import to_json
from archsmith.spaces.loading import load_space
from archsmith.spaces.sampling import sample
from tests.evaluate.toys import perceptron

ROOT = Path(__file__).parents[2]

TASKS = """
import numpy as np
from archsmith.evaluate.evaluator import Measurement, NotFinite
from archsmith.evaluate.task import Data, Task

def load():
    with open(__file__ + ".log", "a") as log:
        log.write("read\\n")
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    y = (x.sum(1) > 0).astype("int64")
    return Data((x, y), (x, y), (x, y))

task = Task("halves", (4,), 2, "classification", load)

def make():
    return task

class Counting:
    def measure(self, graph, budget, seed, report):
        for epoch in range(budget.epochs):
            report(epoch + 1, {"nodes": len(graph.nodes)})
        return Measurement(seed / 2, {"nodes": len(graph.nodes)})

counting = Counting()

class Diverging:
    def measure(self, graph, budget, seed, report):
        raise NotFinite("it diverged")

def score(graph):
    return -len(graph.nodes)

def scores(graph):
    return {"value": np.float32(0.5), "latency": float("inf"), "nodes": len(graph.nodes)}

def nan(graph):
    return float("nan")

def word(graph):
    return "good"

def words(graph):
    return {"value": 1.0, "remark": "good"}

def nameless(graph):
    return {"accuracy": 0.9}

def failing():
    raise ValueError("no data here")

class Telling:
    def measure(self, graph, budget, seed, report):
        report(np.int64(budget.epochs), {"loss": np.float32(0.5), "peak": float("nan")})
        return 1.0

class Misnumbering:
    def measure(self, graph, budget, seed, report):
        report(0, {})

class Naming:
    def measure(self, graph, budget, seed, report):
        report("last", {})

class Wording:
    def measure(self, graph, budget, seed, report):
        report(1, {"loss": "high"})

def leaving():
    raise SystemExit(3)

def pair(graph, other):
    return 0.0

number = 3
builtin = max
"""


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.py"
    path.write_text(TASKS, encoding="utf-8")
    return path


def measured(task: str, **changed: Any) -> tuple[Any, list[Any]]:
    reports: list[Any] = []
    usual = {"task": task, "settings": {"epochs": 3}, "seed": 4, "weights": None}
    payload = {"graph": to_json(perceptron(2))} | usual | changed
    answer = measure(json.loads(json.dumps(payload)), reports.append)
    return json.loads(json.dumps(answer)), json.loads(json.dumps(reports))


@pytest.mark.parametrize("name", ["", ":task", ":make"])
def test_a_task_of_the_users_own_is_trained_on(name: str, tasks: Path, tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    answer, reports = measured(f"{tasks}{name}", weights=str(weights))
    again, _ = measured(f"{tasks}{name}")

    assert answer["state"] == again["state"] == "complete"
    assert answer["value"] == answer["metrics"]["val_accuracy"] == again["value"]
    assert [report["epoch"] for report in reports] == [1, 2, 3]
    assert reports[-1]["metrics"]["val_accuracy"] == answer["value"]
    assert weights.is_file()
    assert (tmp_path / "tasks.py.log").read_text(encoding="utf-8") == "read\n"


@pytest.mark.parametrize("name", ["counting", "Counting"])
def test_an_evaluator_of_the_users_own_measures(name: str, tasks: Path) -> None:
    answer, reports = measured(f"{tasks}:{name}")
    nodes = float(len(perceptron(2).nodes))

    assert answer == {"state": "complete", "value": 2.0, "metrics": {"nodes": nodes}}
    assert reports == [{"epoch": epoch, "metrics": {"nodes": nodes}} for epoch in (1, 2, 3)]


def test_a_score_is_a_number_or_numbers_by_name(tasks: Path) -> None:
    nodes = float(len(perceptron(2).nodes))

    assert measured(f"{tasks}:score")[0] == {"state": "complete", "value": -nodes, "metrics": {}}
    assert measured(f"{tasks}:scores")[0] == {
        "state": "complete",
        "value": 0.5,
        "metrics": {"latency": float("inf"), "nodes": nodes},
    }


@pytest.mark.parametrize(("name", "reason"), [("nan", "the score is nan"), ("Diverging", "it diverged")])
def test_what_is_not_finite_is_told_apart(name: str, reason: str, tasks: Path) -> None:
    assert measured(f"{tasks}:{name}")[0] == {"state": "not finite", "reason": reason}


def test_a_training_that_diverges_is_told_apart(tasks: Path) -> None:
    settings = {"optimizer": "sgd", "learning_rate": 1e30, "batch_size": 8}
    answer, _ = measured(f"{tasks}:task", settings=settings)

    assert answer["state"] == "not finite"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("word", "a score must be a number, or numbers by name; 'value' is 'good'"),
        ("words", "'remark' is 'good'"),
        ("nameless", "scores by name must have 'value' among them; got 'accuracy'"),
    ],
)
def test_a_score_that_is_no_number_raises(name: str, message: str, tasks: Path) -> None:
    with pytest.raises(TypeError, match=message):
        measured(f"{tasks}:{name}")


def test_the_reports_of_a_users_evaluator_are_plain_numbers(tasks: Path) -> None:
    _, reports = measured(f"{tasks}:Telling")

    assert [report["epoch"] for report in reports] == [3]
    assert reports[0]["metrics"] == {"loss": 0.5, "peak": pytest.approx(float("nan"), nan_ok=True)}


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("Misnumbering", ValueError, "epochs are numbered from 1 to 2147483647; got 0"),
        ("Naming", TypeError, "'str' object cannot be interpreted as an integer"),
        ("Wording", TypeError, "must be a number, .* 'loss' is 'high'"),
    ],
)
def test_a_report_that_is_none_fails_the_trial_and_not_the_study(
    name: str, error: type[Exception], message: str, tasks: Path
) -> None:
    with pytest.raises(error, match=message):
        measured(f"{tasks}:{name}")


def test_weights_that_cannot_be_written_are_no_fault_of_the_network(tasks: Path) -> None:
    # Not even root may create a file there, so this holds whoever runs the tests.
    answer, _ = measured(f"{tasks}:task", weights="/proc/weights.pt")

    assert answer["state"] == NOT_WRITTEN
    assert "/proc must take the trained weights" in answer["reason"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (":leaving", "must return a task; it raised SystemExit: 3"),
        (":failing", "must return a task; it raised ValueError: no data here"),
        (":pair", r"must be a Task, .* or a function score\(graph\); got function"),
        (":number", "must be a Task, .*; got int"),
        (":builtin", "must be a Task, .*; got builtin_function"),
        (":none", "must define 'none'"),
    ],
)
def test_what_is_no_task_is_refused(name: str, message: str, tasks: Path) -> None:
    with pytest.raises(UserError, match=message):
        load_task(f"{tasks}{name}")


def test_an_unknown_task_is_answered_with_the_known_ones() -> None:
    assert load_task("digits") is DIGITS
    with pytest.raises(UserError, match=r"must be one of digits,.* file\.py:name or module:name; got 'digit'"):
        load_task("digit")


def test_a_task_is_compared_with_a_space_without_torch_or_sklearn() -> None:
    code = (
        "import sys\n"
        "from archsmith.evaluate.settings import TrainingSettings\n"
        "from archsmith.evaluate.task import check_space_fits\n"
        "from archsmith.evaluate.tasks import load_task\n"
        "from archsmith.graph.text import from_json\n"
        "try: check_space_fits(load_task('digits'), from_json(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__)\n"
        "print({'torch', 'sklearn', 'numpy'} & sys.modules.keys())\n"
    )
    command = [sys.executable, "-c", code, to_json(perceptron(2))]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (result.stdout, result.stderr) == ("UserError\nset()\n", "")


def test_the_example_makes_networks_for_the_digits() -> None:
    space = load_space(str(ROOT / "examples" / "digits_cnn.py"))
    for seed in range(20):
        graph = sample(space, Random(seed)).graph

        assert graph is not None
        check_space_fits(DIGITS, graph)


def test_a_training_that_stops_at_a_rung_goes_on_from_its_checkpoint(tasks: Path, tmp_path: Path) -> None:
    weights, file = tmp_path / "weights.pt", str(tmp_path / "paused")
    kept = {"weights": str(weights), "settings": {"epochs": 3, "batch_size": 16}}
    paused, first = measured(f"{tasks}:task", until=2, checkpoint=file, resume=None, **kept)

    assert (paused["state"], paused["epochs"]) == (PAUSED, 2)
    assert paused["value"] == paused["metrics"]["val_accuracy"] == first[-1]["metrics"]["val_accuracy"]
    assert not weights.exists()

    answer, rest = measured(f"{tasks}:task", until=3, checkpoint=file, resume=file, **kept)
    through, reports = measured(f"{tasks}:task", **kept)

    assert (answer["state"], answer["epochs"], answer["value"]) == ("complete", 3, through["value"])
    assert [report["epoch"] for report in (*first, *rest)] == [report["epoch"] for report in reports]
    assert weights.is_file()


def test_a_checkpoint_that_cannot_be_written_is_no_fault_of_the_network(tasks: Path) -> None:
    answer, _ = measured(f"{tasks}:task", until=1, checkpoint="/proc/paused")

    assert answer["state"] == NOT_WRITTEN
    assert "/proc must take the checkpoints" in answer["reason"]


def test_a_child_begins_with_the_weights_of_its_parent(tasks: Path, tmp_path: Path) -> None:
    weights = str(tmp_path / "weights.pt")
    alone, _ = measured(f"{tasks}:task", weights=weights)
    parent = {"graph": to_json(perceptron(2)), "weights": weights}
    answer, _ = measured(f"{tasks}:task", parent=parent)

    assert "inherited" not in alone["metrics"]
    assert answer["metrics"]["inherited"] == 1.0
    assert answer["metrics"]["train_loss"] < alone["metrics"]["train_loss"]


def test_demanded_metrics_are_measured_beside_a_training_and_at_its_rungs(tasks: Path) -> None:
    alone, _ = measured(f"{tasks}:task")
    for more in ({}, {"until": 2}):
        answer, _ = measured(f"{tasks}:task", metrics=["naswot", "parameters"], **more)

        assert answer["metrics"].keys() - alone["metrics"].keys() == {"naswot"}
        assert answer["metrics"]["parameters"] == alone["metrics"]["parameters"] > 0


def test_metrics_alone_train_nothing(tasks: Path) -> None:
    beside, _ = measured(f"{tasks}:task", metrics=["naswot"])
    answer, reports = measured(f"{tasks}:task", metrics=["naswot"], train=False)
    bare, _ = measured(f"{tasks}:score", train=False)

    assert (answer["state"], answer["value"], reports) == (MEASURED, None, [])
    assert answer["metrics"] == {name: beside["metrics"][name] for name in ("parameters", "macs", "naswot")}
    assert bare == {
        "state": MEASURED,
        "value": None,
        "metrics": {n: answer["metrics"][n] for n in ("parameters", "macs")},
    }


def test_a_measure_of_the_users_own_keeps_its_numbers(tasks: Path) -> None:
    answer, _ = measured(f"{tasks}:counting", metrics=["macs"])

    assert answer["metrics"].keys() == {"nodes", "macs"}


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("score", {"until": 2}, "until must not be given: the task measures in its own way"),
        ("counting", {"checkpoint": "x", "resume": "x"}, "checkpoint, resume must not be given"),
        ("task", {"train": False, "until": 1}, "until must not be given: nothing is trained"),
        ("task", {"until": 4}, "until must not exceed the budget, which is 3 epochs; got 4"),
        ("task", {"resume": "none"}, "checkpoint none cannot be read .*: train from the beginning"),
        ("task", {"metrics": ["accuracy"]}, "a metric must be one of .*; got accuracy"),
    ],
)
def test_what_cannot_be_demanded_is_refused(name: str, given: dict[str, Any], message: str, tasks: Path) -> None:
    with pytest.raises(UserError, match=message):
        measured(f"{tasks}:{name}", **given)
