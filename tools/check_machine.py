"""Say in plain sentences what this machine lacks; run by ``make`` before anything is installed.

Written for any Python 3, because one that is too old must still be able to read it. Without a C++ compiler
all but ``torch.compile`` works, so that is a warning; without Python 3.11 and its venv module nothing does.
"""

import importlib.util
import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Iterator, Optional

OLDEST = (3, 11)


def obstacle() -> Optional[str]:
    """The first thing that nothing works without, as a sentence, or None."""
    if sys.version_info[:2] < OLDEST:
        given = "{} is {}.{}".format(sys.executable, sys.version_info[0], sys.version_info[1])
        return "archsmith needs Python 3.11 or newer, and " + given + ": try `make PYTHON=python3.11`."
    if importlib.util.find_spec("ensurepip") is None:
        return "This Python cannot make virtual environments: install its venv package (python3-venv)."
    return None


def warnings() -> Iterator[str]:
    """What torch.compile will miss, as sentences."""
    compilers = [os.environ.get("CXX", ""), "c++", "g++", "clang++"]
    if not any(shutil.which(name) for name in compilers if name):
        yield "Warning: torch.compile needs a C++ compiler: install g++ or clang++, or set CXX to yours."
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        yield "Warning: torch.compile needs Python's C headers: install them (python3-dev on Debian)."


def main() -> Optional[str]:
    """Print the warnings; return the obstacle, which ``sys.exit`` prints with status 1."""
    problem = obstacle()
    if problem is None:
        for sentence in warnings():
            print(sentence, file=sys.stderr)
    return problem


if __name__ == "__main__":
    sys.exit(main())
