"""Commands run in this process, in an empty folder."""

import pytest

from kinimmune.cli.main import main


@pytest.fixture
def kinimmune(capsys, tmp_path, monkeypatch):
    """Return a function that runs a command in an empty folder and returns its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
