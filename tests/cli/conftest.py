"""What tests of the command line share: a command that must be refused."""

import pytest

from kinimmune.cli.exits import Exit


@pytest.fixture
def refused(kinimmune, tmp_path):
    """Run a command that must be refused with 2 before any work; returns its line once nothing in the folder has changed."""

    def look():
        return {path: path.read_bytes() if path.is_file() else b"" for path in sorted(tmp_path.rglob("*"))}

    def run(*arguments):
        before = look()
        code, out, err = kinimmune(*arguments)
        assert (code, out) == (Exit.USAGE, ""), err
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert look() == before
        return err

    return run
