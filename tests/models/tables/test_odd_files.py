"""Files that are not what a table is: each is told in one line by whoever reads the table, and nothing is read in its place."""

import os
from importlib.resources import files

import pytest

from kinimmune.fitting.lint import check
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.tables.files import TABLES
from kinimmune.models.tables.findings import LONGEST_MESSAGE, MOST_FINDINGS, Finding, capped
from kinimmune.models.tables.readers import read_parameters, read_trials
from kinimmune.models.tables.rows import Tables

BOM = b"\xef\xbb\xbf"


def own(name):
    return files("kinimmune.data").joinpath(name).read_bytes()


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(
    "change", [str.upper, str.title, "{}.txt".format, "{}.bak".format, "{}x".format, lambda name: f"{name[:-4]}.xlsx"]
)
def test_a_file_that_was_meant_to_be_a_table_is_never_replaced_by_the_package_s(folder, name, change):
    given = change(name)
    (folder.path / name).rename(folder.path / given)

    assert f"{given} is not a table that is read; did you mean {name}?" in [item.message for item in check(Tables(folder.path))]
    with pytest.raises(DataError, match=f"did you mean {name}"):
        folder.read(name)


@pytest.mark.parametrize("given", ["parameters.CSV", "parameters.csv.txt", "Parameters.tsv", "parametres.csv", "parameters"])
def test_a_folder_with_nothing_but_a_misnamed_table_is_told_so(tmp_path, given):
    (tmp_path / given).write_bytes(own("parameters.csv"))

    with pytest.raises(DataError, match=f"{given} is not a table that is read; did you mean parameters.csv"):
        read_parameters("hcc_trial", Tables(tmp_path))


def test_notes_and_pictures_beside_tables_are_nobody_s_business(folder):
    for name in ("README.md", "trials.pdf", "design.md", ".hidden.csv", "notes.txt"):
        (folder.path / name).write_text("x", encoding="utf-8")

    assert check(Tables(folder.path)) == ()


@pytest.mark.parametrize("name", TABLES)
def test_a_link_to_nothing_is_told(folder, name):
    (folder.path / name).unlink()
    (folder.path / name).symlink_to("nowhere.csv")

    folder.assert_found(
        name, None, f"{name} links to a file that is not there; restore it, or remove the link to use the package's"
    )


def test_a_link_to_a_table_is_that_table(folder, tmp_path_factory):
    target = tmp_path_factory.mktemp("elsewhere") / "mine.csv"
    (folder.path / "trials.csv").rename(target)
    (folder.path / "trials.csv").symlink_to(target)

    assert check(Tables(folder.path)) == ()


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/null", "/dev/tty"])
def test_a_device_is_no_table_and_is_not_opened(folder, device):
    (folder.path / "trials.csv").unlink()
    (folder.path / "trials.csv").symlink_to(device)

    folder.assert_found("trials.csv", None, "trials.csv is no plain file; write it as comma-separated UTF-8 text")


def test_a_pipe_is_no_table_and_is_not_waited_for(folder):
    (folder.path / "arms.csv").unlink()
    os.mkfifo(folder.path / "arms.csv")

    folder.assert_found("arms.csv", None, "arms.csv is no plain file; write it as comma-separated UTF-8 text")


def test_a_file_too_large_for_a_table_is_not_read(folder):
    with (folder.path / "arms.csv").open("wb") as file:
        file.truncate(2**30)

    (finding,) = check(Tables(folder.path))
    assert finding.message.startswith("arms.csv has 1073741824 bytes, more than the 268435456 of the largest table")


@pytest.mark.parametrize("content", [BOM, BOM + b"\n", b" \r\n\r\n", b"\n\n\n", BOM + b"  "])
def test_a_table_of_marks_and_blanks_alone_is_empty(folder, content):
    (folder.path / "trials.csv").write_bytes(content)

    folder.assert_found(
        "trials.csv", None, "trials.csv is empty; write a header line and rows, or remove the file to use the package's"
    )


@pytest.mark.parametrize(
    "rewrite", [lambda text: BOM + text, lambda text: text.replace(b"\n", b"\r\n"), lambda text: text + b"\n\n"]
)
def test_marks_line_ends_and_blank_lines_change_nothing(folder, rewrite):
    before = read_trials(Tables(folder.path))
    for name in TABLES:
        (folder.path / name).write_bytes(rewrite((folder.path / name).read_bytes()))

    assert check(Tables(folder.path)) == ()
    assert read_trials(Tables(folder.path)) == before


@pytest.mark.parametrize(
    ("rewrite", "message"),
    [
        (
            lambda text: text.replace(",", ";"),
            "separates cells by semicolons; save it with commas",
        ),
        (
            lambda text: text.replace(",", "\t"),
            "separates cells by tabs; save it with commas",
        ),
        (lambda text: "sep=,\n" + text, "row 1 is 'sep=,', a line for spreadsheets; remove it and separate cells by commas"),
        (
            lambda text: "sep=;\n" + text.replace(",", ";"),
            "row 1 is 'sep=;', a line for spreadsheets; remove it",
        ),
        (lambda text: '"sep=,"\n' + text, "a line for spreadsheets; remove it and separate cells by commas"),
    ],
)
def test_a_table_of_another_spreadsheet_is_told_in_one_line(folder, rewrite, message):
    path = folder.path / "arms.csv"
    path.write_text(rewrite(path.read_text(encoding="utf-8")), encoding="utf-8")

    (finding,) = [item for item in check(Tables(folder.path)) if item.file == "arms.csv"]
    assert message in finding.message


def test_a_folder_without_any_table_is_refused(tmp_path):
    (tmp_path / "README.md").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="holds no table; put at least one of"):
        check(Tables(tmp_path))


def test_many_findings_of_a_kind_are_counted_not_listed(folder):
    header, *rows = folder.rows_of("trials.csv")
    folder.save("trials.csv", [header, *rows, *([rows[0]] * 3000)])

    found = [item.message for item in check(Tables(folder.path)) if item.file == "trials.csv"]

    assert len(found) == MOST_FINDINGS + 1
    assert found[-1] == "trials.csv: 2900 more of this kind; correct the first and check again"


@pytest.mark.parametrize("count", [0, 1, MOST_FINDINGS, MOST_FINDINGS + 1, 5 * MOST_FINDINGS])
def test_no_finding_is_lost_from_the_count(count):
    found = capped(Finding("t.csv", row, None, f"row {row}") for row in range(count))

    listed = [item for item in found if item.row is not None]
    rest = [int(item.message.split()[1]) for item in found if item.row is None]
    assert len(listed) + sum(rest) == count


def test_one_duplicate_among_five_thousand_more_parameters_is_found(folder):
    header, *rows = folder.rows_of("parameters.csv")
    name, model = header.index("name"), header.index("model")
    more = [[*rows[0][:name], f"extra_{number}", *rows[0][name + 1 :]] for number in range(5000)]
    for row in more:
        row[model] = "gompertz"
    folder.save("parameters.csv", [header, *rows, *more, more[0]])

    (finding,) = [item for item in check(Tables(folder.path)) if "duplicate" in item.message]
    assert "duplicate parameter 'extra_0:sharp' of model 'gompertz'" in finding.message


@pytest.mark.parametrize("text", ["x" * 100_000, "a\x1b[31mb", "a\u202eb", "\x07" * 50, "line\nbreak"])
def test_a_message_is_one_line_of_bounded_length_whatever_a_cell_holds(folder, text):
    header, *rows = folder.rows_of("arms.csv")
    rows[0][header.index("control")] = text
    folder.save("arms.csv", [header, *rows])

    found = check(Tables(folder.path))
    assert found
    assert all(item.message.isprintable() and len(item.message) < LONGEST_MESSAGE + 60 for item in found)


@pytest.mark.parametrize("given", ["{}2.csv", "{} (1).csv", "{}_old.csv", "{}.CSV", "{}.csv.csv"])
@pytest.mark.parametrize("name", ["arms.csv", "parameters.csv", "limitations.csv"])
def test_a_second_table_of_nearly_the_same_name_is_told_by_whoever_reads_the_first(folder, name, given):
    other = given.format(name.removesuffix(".csv"))
    (folder.path / other).write_bytes(own(name))
    message = f"{other} beside {name} is not read; keep one of the two, or move it elsewhere"

    assert [item.message for item in check(Tables(folder.path)) if item.file == name] == [message]
    with pytest.raises(DataError, match="is not read; keep one of the two"):
        folder.read(name)


@pytest.mark.parametrize("other", ["{}.xlsx", "{}.csv.bak", "{}.tsv", "~{}.csv#", "{}.txt"])
def test_a_spreadsheet_or_a_copy_of_an_editor_beside_a_table_is_nobody_s_business(folder, other):
    (folder.path / other.format("arms")).write_bytes(own("arms.csv"))

    assert check(Tables(folder.path)) == ()


def test_a_link_to_the_table_itself_is_no_second_one(folder):
    (folder.path / "arms2.csv").symlink_to(folder.path / "arms.csv")

    assert [item.message.partition(";")[0] for item in check(Tables(folder.path))] == ["arms2.csv is not a table that is read"]


def test_a_thousand_other_tables_in_a_folder_are_found_out_once_each(folder):
    for number in range(1000):
        (folder.path / f"arms_of_{number}.csv").write_bytes(b"")

    findings = check(Tables(folder.path))

    assert "arms_of_0.csv beside arms.csv is not read; keep one of the two, or move it elsewhere" in map(str, findings)
