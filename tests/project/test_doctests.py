"""Every example in a docstring prints what it says."""

import doctest
import importlib
import pkgutil

import pytest

PACKAGES = ("kinimmune.models", "kinimmune.fitting", "kinimmune.reports", "kinimmune.cli")
MODULES = sorted(
    module.name
    for package in PACKAGES
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
    if not module.ispkg  # packages hold no code
)


def test_there_are_modules_and_examples_to_try():
    assert len(MODULES) > 40
    finder = doctest.DocTestFinder(exclude_empty=True)
    assert sum(len(test.examples) for name in MODULES for test in finder.find(importlib.import_module(name))) > 10


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_module(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
