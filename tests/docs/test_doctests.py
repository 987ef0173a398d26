"""The examples in the docstrings of the rooms that need nothing but Python."""

import doctest
from importlib import import_module

import pytest

from tools.build_docs import modules

MODULES = [module for room in ("graph", "spaces", "search") for module in modules(room)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name: str) -> None:
    result = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)

    assert result.failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    found = [test for name in MODULES for test in finder.find(import_module(name)) if test.examples]

    assert len(found) >= 3
