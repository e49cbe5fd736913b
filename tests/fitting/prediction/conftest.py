"""The trial with constant hazards that several files predict."""

import pytest
from exponential_trial import write_project

from kinimmune.models.model_file import open_model
from kinimmune.models.tables.rows import Tables


@pytest.fixture(scope="session")
def opened(tmp_path_factory):
    """Return name and tables of the model; its file is run once."""
    folder = write_project(tmp_path_factory.mktemp("projects") / "two")
    return open_model(str(folder / "exponential.py"), Tables(folder))
