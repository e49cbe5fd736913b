"""A result that is not as it was written is told, never shown; one that a killed process had begun to replace is."""

import os

import pytest

from kinimmune.fitting.runs.checksums import CHECKSUMS, is_as_written, note_checksum
from kinimmune.fitting.runs.provenance import current_environment
from kinimmune.fitting.runs.run import RunRecord, create_run
from kinimmune.models.errors import DataError

NAME = "results/fit.json"


@pytest.fixture
def run(tmp_path):
    return create_run(
        tmp_path / "run", RunRecord(("kinimmune",), "toy", 1, "2026-01-31T12:00:00+00:00", current_environment(), {})
    )


def test_what_was_written_last_reads_back(run):
    for text in ("1", "2", "1", "3"):
        run.write(NAME, text)

        assert run.read(NAME) == text


@pytest.mark.parametrize("text", ["", "2", '{"a": 1.0} ', '{"a": 1}', "\ufeff" + '{"a": 1.0}'])
def test_what_was_changed_since_is_refused_with_its_name(run, text):
    run.write(NAME, '{"a": 1.0}')
    (run.path / NAME).write_text(text, encoding="utf-8")

    with pytest.raises(DataError, match=r"results/fit.json was changed since it was written; restore it, or make it again"):
        run.read(NAME)


def test_line_ends_of_another_system_change_nothing(run):
    run.write(NAME, "a\nb\n")
    (run.path / NAME).write_bytes(b"a\r\nb\r\n")

    assert run.read(NAME) == "a\nb\n"


def test_a_result_stays_good_when_a_process_was_killed_before_it_replaced_it(run):
    run.write(NAME, "before")
    note_checksum(run.path / NAME, "after")

    assert run.read(NAME) == "before"


@pytest.mark.parametrize("damage", ["", "[", "[]", '{"fit.json": 1}', '{"other.json": ["0"]}', "\0", None])
def test_without_checksums_a_result_is_taken_as_it_is(run, damage):
    run.write(NAME, "1")
    if damage is None:
        (run.path / "results" / CHECKSUMS).unlink()
    else:
        (run.path / "results" / CHECKSUMS).write_text(damage)
    (run.path / NAME).write_text("2")

    assert run.read(NAME) == "2"
    run.write(NAME, "3")
    assert is_as_written(run.path / NAME, "3")
    assert not is_as_written(run.path / NAME, "2")


def test_settings_may_be_edited(run):
    run.write("config.toml", "seed = 1")
    (run.path / "config.toml").write_text("seed = 2")

    assert run.read("config.toml") == "seed = 2"
    assert not (run.path / CHECKSUMS).exists()


def test_a_huge_file_is_told_and_not_read(run):
    run.write(NAME, "1")
    os.truncate(run.path / NAME, 2**40)

    with pytest.raises(
        DataError, match=r"fit.json has 1099511627776 bytes, more than the 268435456 a file of this package may have"
    ):
        run.read(NAME)


def test_a_result_that_was_removed_is_known_by_its_name(run):
    for name in ("results/fit.json", "results/profile.json", "results/trial.json"):
        run.write(name, "1")
    assert run.list_removed() == ()

    (run.path / "results/profile.json").unlink()

    assert run.list_removed() == (str(run.path / "results/profile.json"),)
    (run.path / "results/profile.json").mkdir()
    assert run.list_removed() == (str(run.path / "results/profile.json"),)
