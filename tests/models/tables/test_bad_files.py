"""Bad files: each fault is found once, in one line, by the check and by the reader alike."""

from importlib.resources import files

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinimmune.fitting.lint import check
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.tables.files import ADDED_COLUMNS, TABLES
from kinimmune.models.tables.rows import Tables


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_table_is_refused(folder, name):
    (folder.path / name).write_bytes(b"")
    folder.assert_found(name, None, f"{name} is empty; write a header line and rows, or remove the file to use the package's")


@pytest.mark.parametrize("name", TABLES)
def test_a_file_of_zero_bytes_is_refused(folder, name):
    (folder.path / name).write_bytes(bytes(4096))
    folder.assert_found(name, None, f"{name} holds zero bytes and is not a text table; write it as comma-separated UTF-8 text")


@pytest.mark.parametrize("name", TABLES)
def test_a_binary_file_is_refused(folder, name):
    (folder.path / name).write_bytes(b"\x89PNG\r\n\x1a\n")
    folder.assert_found(name, None, f"{name} is not UTF-8 text (byte 0); write it as comma-separated UTF-8 text")


@pytest.mark.parametrize("name", TABLES)
def test_a_folder_in_the_place_of_a_table_is_refused(folder, name):
    (folder.path / name).unlink()
    (folder.path / name).mkdir()
    folder.assert_found(name, None, f"cannot read {name}: Is a directory; make it a readable file")


@pytest.mark.parametrize(
    "name", ["sources.csv", "trials.csv", "arms.csv", "design.csv", "follow_up.csv", "targets.csv", "parameters.csv"]
)
def test_a_header_alone_is_refused_where_rows_are_needed(folder, name):
    folder.save(name, folder.rows_of(name)[:1])
    assert f"{name} has no rows; add at least one" in [finding.message for finding in check(Tables(folder.path))]
    with pytest.raises(DataError, match=f"{name} has no rows; add at least one"):
        folder.read(name)


@pytest.mark.parametrize("name", ["kinases.csv", "cell_lines.csv", "observations.csv"])
def test_a_header_alone_will_do_where_rows_are_not_needed(folder, name):
    folder.save(name, folder.rows_of(name)[:1])
    assert check(Tables(folder.path)) == ()


OPTIONAL = {
    "targets.csv": {"month"},
    "parameters.csv": {"prior_median"},
    "trials.csv": {"model"},
    "regimens.csv": {"target", "then_arm", "then_share", "then_when"},
    "observations.csv": {"model"},
    "experiments.csv": {"drug", "amount", "duration", "first_day", "last_day", "every", "on_days", "off_days"},
}


@pytest.mark.parametrize("name", TABLES)
def test_each_missing_column_is_named(folder, name):
    header, *rows = folder.rows_of(name)
    optional = OPTIONAL.get(name, set())
    for index, column in enumerate(header):
        folder.save(name, [row[:index] + row[index + 1 :] for row in (header, *rows)])
        left = ", ".join(header[:index] + header[index + 1 :])
        if column not in optional:
            advice = f"it has: {left}"
            if ADDED_COLUMNS.get(name) == column:
                advice = "tables of before are rewritten by kinimmune check --migrate FOLDER"
            folder.assert_found(name, column, f"column '{column}' is missing ({name} row 1); {advice}", 1)


EMPTY = ("regimens.csv", "curves.csv", "patients.csv", "covariates.csv", "case_mix.csv", "covariate_effects.csv")
WITH_ROWS = [name for name in TABLES if name not in EMPTY]


@pytest.mark.parametrize("name", WITH_ROWS)
def test_an_unknown_or_repeated_column_and_a_ragged_row_are_refused(folder, name):
    header, *rows = folder.rows_of(name)
    last = header[-1]
    folder.save(name, [[*header, f"{last}x"], *[[*row, ""] for row in rows]])
    folder.assert_found(name, f"{last}x", f"unknown column '{last}x' ({name} row 1); did you mean '{last}'?", 1)
    folder.save(name, [[*header, last], *[[*row, ""] for row in rows]])
    folder.assert_found(name, last, f"column '{last}' stands twice ({name} row 1); remove one", 1)
    folder.save(name, [header, rows[0], rows[1][:-1], *rows[2:]])
    given = f"{name} row 3 has {len(header) - 1} cells where the header has {len(header)}; quote texts with commas"
    folder.assert_found(name, None, given, 3)


@pytest.mark.parametrize("name", TABLES)
def test_an_unclosed_quote_is_refused(folder, name):
    with (folder.path / name).open("a", encoding="utf-8") as file:
        file.write('"open')
    with pytest.raises(DataError, match=f"{name} row \\d+ cannot be split into cells: unexpected end of data"):
        folder.read(name)
    assert [finding.file for finding in check(Tables(folder.path))] == [name]


def test_a_misspelt_table_is_noticed(folder):
    (folder.path / "targets.csv").rename(folder.path / "target.csv")
    assert [finding.message for finding in check(Tables(folder.path))] == [
        "target.csv is not a table that is read; did you mean targets.csv?"
    ]


def test_a_table_of_the_package_is_named_so_when_it_does_not_fit_the_folder(folder):
    for name in TABLES:
        if name != "trials.csv":
            (folder.path / name).unlink()
    folder.drop("trials.csv", 3)
    messages = [finding.message for finding in check(Tables(folder.path))]
    assert (
        "unknown study 'asia_pacific' in column 'study' (the package's arms.csv row 4); add it to trials.csv or correct it"
        in messages
    )


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        check(Tables(tmp_path / "nowhere"))


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(TABLES), position=st.integers(0, 10**6), junk=st.binary(min_size=1, max_size=6))
def test_no_damage_to_a_file_escapes_as_anything_but_findings_of_one_line(folder, name, position, junk):
    original = files("kinimmune.data").joinpath(name).read_bytes()
    cut = position % len(original)
    (folder.path / name).write_bytes(original[:cut] + junk + original[cut + len(junk) :])
    try:
        for finding in check(Tables(folder.path)):
            assert finding.message
            assert "\n" not in finding.message
    finally:
        (folder.path / name).write_bytes(original)
