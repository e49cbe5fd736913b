"""Commands run in this process, and a small fit of the example model of one's own."""

import io
from contextlib import redirect_stderr, redirect_stdout

from paths import OWN_MODEL

from kinimmune.cli.main import main


def call(*arguments):
    """Return exit code, stdout and stderr of a command, run in this process."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        code = main([str(item) for item in arguments])
    return code, out.getvalue(), err.getvalue()


def fit_own_model(path):
    """Return a folder with a small fit of a model that is not the library's."""
    code, _, err = call("fit", OWN_MODEL, "-o", path, "--patients", "8", "--starts", "1", "--jobs", "1", "-q")
    assert code == 0, err
    return path
