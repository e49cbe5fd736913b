"""A pool of processes: a program that opens one is not begun again, and what its processes warn of is told once."""

import logging
import os
import subprocess
import sys
import warnings

import pytest
from paths import SUPPORT

from kinimmune.cli.failures import one_line_warnings
from kinimmune.fitting.workflow.executors import open_executor
from kinimmune.fitting.workflow.task import Task

pytestmark = pytest.mark.slow
IMPORTS = """\
import sys
from kinimmune.cli.exits import exit_code
from kinimmune.fitting.workflow.executors import open_executor
from kinimmune.fitting.workflow.task import Task, TaskFunction
from kinimmune.models.errors import KinimmuneError
"""
OF_A_MODULE = f"import toy_steps\n{IMPORTS}FUNCTION = TaskFunction('toy.same', toy_steps.same)\n"
OF_THE_SCRIPT = f"{IMPORTS}def same(inputs):\n    return dict(inputs)\n\nFUNCTION = TaskFunction('own.same', same)\n"
WORK = """\
print('begins', flush=True)
try:
    with open_executor(2) as pool:
        futures = [pool.submit(Task(FUNCTION, f's{number}', {'number': number})) for number in range(3)]
        print([future.result()['number'] for future in futures])
except KinimmuneError as error:
    print(error)
    sys.exit(exit_code(error))
"""
GUARDED = "if __name__ == '__main__':\n" + "".join(f"    {line}\n" for line in WORK.splitlines())
DONE = (0, "begins\n[0, 1, 2]\n", "")


def run(*arguments, text=None):
    """Return exit code, stdout and stderr of Python with some arguments and a text on stdin."""
    environment = {**os.environ, "PYTHONPATH": str(SUPPORT)}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, env=environment, check=False, timeout=120)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a script and returns its path."""

    def write_script(text):
        path = tmp_path / "script.py"
        path.write_text(text)
        return str(path)

    return write_script


def test_a_script_without_a_guard_is_not_begun_again(write):
    assert run(write(OF_A_MODULE + WORK)) == DONE


def test_a_program_without_a_file_works():
    assert run("-", text=OF_A_MODULE + WORK) == DONE
    assert run("-c", OF_A_MODULE + WORK) == DONE


def test_a_guarded_script_can_define_functions_of_tasks(write):
    assert run(write(OF_THE_SCRIPT + GUARDED)) == DONE


def test_a_script_that_defines_functions_of_tasks_is_told_to_have_a_guard(write):
    path = write(OF_THE_SCRIPT + WORK)
    told = (
        f"the processes of --jobs cannot import '{path}', which defines task 's0': "
        'put what begins work there under a line `if __name__ == "__main__":`'
    )
    code, out, err = run(path)

    assert (code, err) == (2, "")
    assert out.splitlines()[-1] == told


@pytest.mark.parametrize(("arguments", "name"), [(("-",), "<stdin>"), (("-c", OF_THE_SCRIPT + WORK), "__main__")])
def test_functions_that_no_other_process_can_find_are_told(arguments, name):
    told = (
        f"task 's0' is defined in '{name}', where the processes of --jobs cannot find it; "
        "define its function in a module of its own and import that"
    )
    assert run(*arguments, text=OF_THE_SCRIPT + WORK) == (2, f"begins\n{told}\n", "")


@pytest.fixture
def warn(monkeypatch):
    """Return a function that lets both processes of a pool warn several times."""
    monkeypatch.syspath_prepend(str(SUPPORT))
    import toy_steps

    def work():
        tasks = [Task(toy_steps.WARN, f"s{number}", {"number": number}) for number in range(6)]
        with open_executor(2) as pool:
            return [future.result() for future in [pool.submit(task) for task in tasks]]

    return work


@pytest.mark.parametrize(("quiet", "told"), [(False, "warning: a root of a negative number (RuntimeWarning)\n"), (True, "")])
def test_what_every_process_warns_of_is_one_line_and_none_where_notes_are_not_wanted(warn, capfd, monkeypatch, quiet, told):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # warnings are shown as to a user
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        with one_line_warnings(quiet=quiet):
            outcomes = warn()

    assert len({outcome["process"] for outcome in outcomes}) == 2
    assert capfd.readouterr().err == told


@pytest.mark.parametrize(
    ("quiet", "told"), [(False, "warning: a root of a negative number (RuntimeWarning)\na log of a library\n"), (True, "")]
)
def test_a_warning_that_comes_again_is_one_line_whatever_filters_forget(capfd, monkeypatch, quiet, told):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    monkeypatch.setattr(logging.root, "handlers", [])  # pytest's own would take what Python writes as a last resort
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        with one_line_warnings(quiet=quiet):
            for _ in range(3):
                with warnings.catch_warnings():  # lets Python forget what it has told
                    warnings.warn("a root of a negative number", RuntimeWarning, stacklevel=1)
            logging.getLogger("a.library").warning("a log of a library")

    assert capfd.readouterr().err == told


def test_where_warnings_are_errors_those_of_a_process_are(warn):
    with pytest.raises(RuntimeWarning, match=r"^a root of a negative number$"):
        warn()
