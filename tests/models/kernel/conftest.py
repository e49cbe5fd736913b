"""A cache of two tiny kernels, compiled once and copied for each test."""

import shutil
from pathlib import Path

import pytest
from tiny_kernels import OTHER, answers, load_anew


@pytest.fixture(scope="session")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache of two kernels, to be copied."""
    folder = tmp_path_factory.mktemp("kernels")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KINIMMUNE_CACHE", str(folder))
        assert answers(load_anew()) == (0.2, 2.1)
        load_anew(OTHER)
    return folder


@pytest.fixture
def kernels(master: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a cache of two kernels that is the process's own for one test."""
    folder = tmp_path / "kernels"
    shutil.copytree(master, folder)
    monkeypatch.setenv("KINIMMUNE_CACHE", str(folder))
    return folder
