"""``archsmith``: the commands, and what becomes of their errors.

Exit codes: 0 done; 1 done, and something is wrong (a finding, a failed check); 2 the caller's mistake; 130 interrupted,
by Ctrl-C or by a signal that ends a process.
A command's module is imported when the command is called: ``--help`` needs none of them.
"""

import errno
import gc
import signal
import sys
from collections.abc import Mapping
from importlib import import_module
from types import FrameType

import click

from archsmith import __version__


class LazyGroup(click.Group):
    """A group whose commands are named as ``"module:attribute"`` with one line of help, and imported when called."""

    def __init__(self, *, targets: Mapping[str, tuple[str, str]], name: str, help: str) -> None:
        super().__init__(name=name, help=help, context_settings={"help_option_names": ["-h", "--help"]})
        self._targets = targets

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._targets)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._targets:
            return None
        module, _, attribute = self._targets[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self._targets.items()])


def _group(name: str, help: str, targets: Mapping[str, tuple[str, str]]) -> LazyGroup:
    return LazyGroup(name=name, help=help, targets=targets)


search = _group(
    "search",
    """Find the best architecture of a search space.

    \b
    archsmith search run examples/digits_cnn.py --task digits --trials 50 --workers 2
    archsmith search show 1
    archsmith search export 1/best best.py
    """,
    {
        "run": ("archsmith.cli.search:run", "search a space, and keep every trial"),
        "list": ("archsmith.cli.search:list_studies", "the studies of a store"),
        "show": ("archsmith.cli.search:show", "one study and its trials"),
        "resume": ("archsmith.cli.search:resume", "go on with a study that was stopped or killed"),
        "compare": ("archsmith.cli.compare:compare", "studies side by side: the best after so many trials"),
        "export": ("archsmith.cli.search:export", "an architecture as Python source with its weights"),
    },
)

spaces = _group(
    "spaces",
    """Look at a search space before searching it.

    \b
    archsmith spaces show examples/digits_cnn.py
    archsmith spaces check examples/digits_cnn.py
    archsmith spaces draw examples/digits_cnn.py --out space.svg
    """,
    {
        "list": ("archsmith.cli.catalog:list_spaces", "published spaces that can be given by name"),
        "show": ("archsmith.cli.spaces:show", "a space as text, and its digest"),
        "count": ("archsmith.cli.spaces:count", "how many architectures a space has"),
        "sample": ("archsmith.cli.spaces:sample", "architectures drawn at random"),
        "export": ("archsmith.cli.space_export:export", "a space as JSON"),
        "draw": ("archsmith.cli.spaces:draw", "a picture of a space, or of one architecture"),
        "check": ("archsmith.cli.spaces:check", "dead ends, costs and idle decisions of a space"),
    },
)

fuzz = _group(
    "fuzz",
    """Fuzz the installed PyTorch with valid graphs.

    \b
    archsmith fuzz run --minutes 1 --workers 2
    archsmith fuzz findings
    archsmith fuzz show 1 --script > bug.py
    """,
    {
        "run": ("archsmith.cli.fuzz:run", "run a campaign, or go on with one"),
        "list": ("archsmith.cli.fuzz:list_campaigns", "the campaigns of a store"),
        "findings": ("archsmith.cli.fuzz:findings", "what campaigns have found"),
        "show": ("archsmith.cli.fuzz:show", "one finding, or its script"),
        "replay": ("archsmith.cli.fuzz:replay", "check a finding again on the installed PyTorch"),
    },
)

ops = _group(
    "ops",
    """Look at the operators that a search space can use by name.

    \b
    archsmith ops list
    archsmith ops show conv2d
    """,
    {
        "list": ("archsmith.cli.ops:list_ops", "all operators"),
        "show": ("archsmith.cli.ops:show", "one operator: its attributes, and how PyTorch writes it"),
    },
)

rules = _group(
    "rules",
    """The rules of operators: which calls are valid, and what they return.

    \b
    archsmith rules list
    archsmith rules show torch.roll
    archsmith rules collect --workers 2 && archsmith rules infer --workers 2 --book mine.json.gz
    archsmith rules diff old.json.gz new.json.gz
    """,
    {
        "collect": ("archsmith.cli.collect:collect", "record calls of PyTorch's operators"),
        "infer": ("archsmith.cli.infer:infer", "learn rules from recorded calls"),
        "list": ("archsmith.cli.rules:list_rules", "the operators that have rules"),
        "show": ("archsmith.cli.rules:show", "the rules of one operator"),
        "diff": ("archsmith.cli.rules:diff", "what changed between two books of rules"),
        "check": ("archsmith.cli.rules:check", "try rules on the installed PyTorch"),
    },
)

db = _group(
    "db",
    """Look after a store.

    \b
    archsmith db upgrade --store sqlite:///archsmith.db
    """,
    {
        "upgrade": ("archsmith.cli.db:upgrade", "bring a store's schema up to date"),
        "check": ("archsmith.cli.db:check", "look for damage in a store"),
    },
)

archsmith = _group(
    "archsmith",
    """Valid neural networks: search for the best ones, fuzz PyTorch with the strangest.

    \b
    archsmith search run examples/digits_cnn.py --task digits --trials 50 --workers 2
    archsmith fuzz run --minutes 1
    archsmith serve

    Everything is kept in one store: --store URL, or ARCHSMITH_STORE, or store in [tool.archsmith] of pyproject.toml;
    by default sqlite:///archsmith.db in the working directory.
    """,
    {
        "search": ("archsmith.cli.main:search", "find the best architecture of a search space"),
        "spaces": ("archsmith.cli.main:spaces", "look at a search space before searching it"),
        "fuzz": ("archsmith.cli.main:fuzz", "fuzz the installed PyTorch with valid graphs"),
        "trace": ("archsmith.cli.trace:trace", "record the PyTorch calls of any Python program"),
        "ops": ("archsmith.cli.main:ops", "look at the operators of search spaces"),
        "rules": ("archsmith.cli.main:rules", "which calls of operators are valid: learn it, look at it"),
        "serve": ("archsmith.cli.serve:serve", "open the dashboard on this machine"),
        "db": ("archsmith.cli.main:db", "look after a store"),
        "completion": ("archsmith.cli.completion:completion", "tab completion for your shell"),
    },
)
archsmith = click.version_option(__version__, prog_name="archsmith")(archsmith)


MACHINE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EROFS: "give a place that can be written",
    errno.EACCES: "change its permissions, or give another place",
    errno.EPERM: "change its permissions, or give another place",
    errno.EMFILE: "use fewer workers, or raise the limit (ulimit -n)",
    errno.ENFILE: "use fewer workers",
    errno.ETOOMANYREFS: "use fewer workers, or raise the limit (ulimit -n)",
}
"""What to do about errors of the machine that may meet any command, such as a full folder of temporary files."""


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    from archsmith.graph.errors import UserError

    # A command imports hundreds of modules that live until it ends: looking for garbage among them finds none, and
    # takes a fifth of the time to the first line of output.
    gc.set_threshold(100_000)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup's stays ignored
            signal.signal(number, _interrupt)
    try:
        code = archsmith.main(prog_name="archsmith", standalone_mode=False)
    except UserError as error:
        click.echo(f"error: {error}", err=True)
        code = 2
    except click.ClickException as error:
        error.show()
        code = 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = 130
    except OSError as error:
        if error.errno not in MACHINE:
            raise
        place = f" ({error.filename})" if error.filename else ""
        click.echo(f"error: {error.strerror}{place}: {MACHINE[error.errno]}", err=True)
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Whoever ends the process leaves its job stopped, as Ctrl-C does."""
    raise KeyboardInterrupt
