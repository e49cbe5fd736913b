"""Every error text of the package says more than what is wrong: what is allowed, or what to do."""

import ast
import re

import pytest
from paths import ROOT

ERRORS = ("UsageError", "DataError", "ModelError", "MachineError")
"""What a user can put right; a `NumericalError` gives its reason, which stands in `failures.csv` beside the command to repeat."""
ADVICE = re.compile(r";|\b(must|needs?|write|give|put|at least|goes from)\b")
PASSED_ON = re.compile(r"\{(error|problem|reason|more|[\w.]*message|_name_others\(.*\))\}$")
"""A text that ends in one of somebody else, which is held to the same."""
FOLDERS = ("cli", "reports", "fitting", "models", "api")
LEFT_ALONE = {"models/experiments/run.py"}


def texts(path):
    """Yield line and text of every error a module raises, where it is written out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS and node.args:
            given = node.args[0]
            if isinstance(given, ast.JoinedStr):
                parts = (
                    item.value if isinstance(item, ast.Constant) else f"{{{ast.unparse(item.value)}}}" for item in given.values
                )
                yield node.lineno, "".join(parts)
            elif isinstance(given, ast.Constant):
                yield node.lineno, given.value


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_text_tells_what_is_allowed_or_what_to_do(folder):
    paths = [path for path in sorted((ROOT / folder).rglob("*.py")) if str(path.relative_to(ROOT)) not in LEFT_ALONE]

    bare = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in paths
        for line, text in texts(path)
        if not ADVICE.search(text) and not PASSED_ON.search(text)
    ]

    assert bare == []


def test_a_text_without_advice_is_found(tmp_path):
    (tmp_path / "module.py").write_text("raise UsageError(f'{name} is wrong')\nraise DataError('that; write this')\n")

    assert [bool(ADVICE.search(text)) for _, text in texts(tmp_path / "module.py")] == [False, True]
