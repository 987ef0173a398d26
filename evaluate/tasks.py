"""What a study may be asked to measure: a task by name, or an object of the user's own."""

from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from types import MappingProxyType

from archsmith.evaluate.digits import DIGITS
from archsmith.evaluate.evaluator import Evaluator
from archsmith.evaluate.fashion import FASHION_MNIST, fashion_mnist
from archsmith.evaluate.task import Task
from archsmith.graph.errors import UserError
from archsmith.graph.loading import load_object

TASKS: Mapping[str, Task] = MappingProxyType({"digits": DIGITS, "fashion_mnist": FASHION_MNIST})
"""The tasks that come with archsmith. Their data is read when they are first trained on."""

FROM_FOLDERS: Mapping[str, Callable[..., Task]] = MappingProxyType({"fashion_mnist": fashion_mnist})
"""Those whose data does not come with archsmith: ``name:FOLDER`` says where it is, if not where it usually is."""

NAME = "task"
"""The variable that a task file is asked for where no name is given."""

Score = Callable[..., float | Mapping[str, float]]
"""A user's own measure of a graph: its value, or several numbers of which one is called "value"."""

RECIPE = "recipe"
"""The parameter by which a user's own measure asks for the recipe of a trial."""

KINDS_OF_TASK = (
    "a Task, a function without arguments that returns one, an object with"
    " measure(graph, budget, seed, report), or a function score(graph)"
)


def load_task(given: str) -> Task | Evaluator | Score:
    """One of ``TASKS`` by name, or what ``file.py``, ``file.py:name`` or ``module:name`` holds.

    Raises:
        UserError: there is no such task, file, module or name, its code fails, or it is no kind of task; or the data
            of a task is not there.
    """
    name, colon, folder = given.partition(":")
    if name in FROM_FOLDERS:
        return FROM_FOLDERS[name](Path(folder)) if colon else FROM_FOLDERS[name]()
    if given in TASKS:
        return TASKS[given]
    if ":" not in given and not given.endswith(".py"):
        known = ", ".join(sorted(TASKS))
        raise UserError(f"a task must be one of {known}, file.py:name or module:name; got {given!r}")
    found = load_object(given, default=NAME)
    return _as_task(_made(found, given) if _takes(found) == 0 else found, given)


def _as_task(found: object, given: str) -> Task | Evaluator | Score:
    if isinstance(found, Task) or (isinstance(found, Evaluator) and not isinstance(found, type)):
        return found
    if callable(found) and _takes(found) == 1:
        return found
    raise UserError(f"{given} must be {KINDS_OF_TASK}; got {type(found).__name__}")


def _made(make: object, given: str) -> object:
    assert callable(make)
    try:
        return make()
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # the user's own code: whatever it raises is reported as its mistake
        said = " ".join(str(error).split())
        raise UserError(f"{given} must return a task; it raised {type(error).__name__}: {said}") from error


def _takes(found: object) -> int | None:
    """How many arguments a function must at least be given, a recipe aside; None for what is no function."""
    if isinstance(found, Task | Evaluator) and not isinstance(found, type):
        return None
    if not callable(found):
        return None
    variable = {"VAR_POSITIONAL", "VAR_KEYWORD"}
    try:
        parameters = signature(found).parameters.values()
    except ValueError:  # some of Python's built-in functions have no signature
        return None
    return sum(p.default is p.empty and p.kind.name not in variable and p.name != RECIPE for p in parameters)
