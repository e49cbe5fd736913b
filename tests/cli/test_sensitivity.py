"""`kinimmune sensitivity`: a run of its own or that of a fit, the same bits by any way, and pages in the report."""

import json
from dataclasses import replace

import pytest
from report_example import make_content

from kinimmune.cli.main import main
from kinimmune.fitting.sensitivity.results import SENSITIVITY_JSON, to_csv
from kinimmune.reports.figures.catalogue import list_sensitivity_figures
from kinimmune.reports.figures.recipes import draw_all
from kinimmune.reports.pages.run import compose_report
from kinimmune.reports.pages.sensitivity import compose_sensitivities, list_indices

RANGES = ("--range", "retardation=0.01:0.04", "--range", "capacity=100:10000", "--range", "start_volume=1:50")
GOMPERTZ = ("sensitivity", "gompertz", "--output", "state:volume:30", *RANGES)


def test_a_model_gets_a_run_with_results_figures_and_a_table(kinimmune, tmp_path):
    code, out, err = kinimmune(*GOMPERTZ, "--samples", "32", "--second-order", "--jobs", "1")

    label = "sensitivity-sobol-state-volume-30"
    run = tmp_path / "runs" / "gompertz-1"
    assert (code, err) == (0, "run runs/gompertz-1\n")
    assert "32 base rows, 256 evaluations" in out
    assert "no point failed" in out
    assert "half-width" in out
    assert {path.name for path in (run / "figures").glob("*.svg")} == {
        f"{label}{end}.svg" for end in ("", "-pairs", "-convergence")
    }
    found = SENSITIVITY_JSON.load((run / "results" / f"{label}.json").read_text(), run)
    assert (run / "results" / f"{label}.csv").read_text() == to_csv(found)
    assert json.loads((run / "run.json").read_text())["status"] == "done"


def test_two_processes_and_a_resume_give_the_same_bits(kinimmune, tmp_path):
    """One run by two processes; one that lost a block and the results and goes on in this process."""
    assert kinimmune(*GOMPERTZ, "--samples", "128", "--jobs", "2", "-o", "two", "-q")[0] == 0
    assert kinimmune(*GOMPERTZ, "--samples", "128", "--jobs", "1", "-o", "one", "-q")[0] == 0
    results = tmp_path / "one" / "results"
    (results / "tasks" / "sensitivity-sobol-state-volume-30-block-000064.json").unlink()
    (results / "sensitivity-sobol-state-volume-30.json").unlink()

    refused = kinimmune(*GOMPERTZ, "--samples", "128", "--jobs", "1", "-o", "one")
    assert kinimmune(*GOMPERTZ, "--samples", "128", "--jobs", "1", "-o", "one", "--resume", "-q")[0] == 0

    assert refused[0] == 2
    assert "--resume goes on with it" in refused[2]
    name = "sensitivity-sobol-state-volume-30.json"
    assert (results / name).read_text() == (tmp_path / "two" / "results" / name).read_text()


def test_a_study_killed_before_its_settings_were_written_has_them_when_it_is_resumed(kinimmune, tmp_path):
    study = (*GOMPERTZ, "--samples", "32", "--jobs", "1", "-o", "run", "-q")
    assert kinimmune(*study)[0] == 0
    settings = tmp_path / "run" / "config.toml"
    text = settings.read_text()
    settings.unlink()

    assert kinimmune(*study, "--resume")[0] == 0

    assert settings.read_text() == text


def test_a_second_study_is_added_to_a_run_and_the_report_shows_both(kinimmune, tmp_path):
    for method in ("local", "prcc"):
        subject = "gompertz" if method == "local" else "run"
        place = ("-o", "run") if method == "local" else ()
        asked = ("sensitivity", subject, "--output", "state:volume:30", *RANGES, "--method", method)
        assert kinimmune(*asked, "--jobs", "1", "-q", *place)[0] == 0

    code, out, _ = kinimmune("report", "run", "-q")

    assert (code, out) == (0, "run/report.pdf\n")
    assert (tmp_path / "run" / "report.pdf").read_bytes().startswith(b"%PDF")
    names = {path.stem for path in (tmp_path / "run" / "figures").glob("sensitivity-*.svg")}
    assert {"sensitivity-local-state-volume-30", "sensitivity-prcc-state-volume-30-course"} <= names


def test_json_is_the_result_that_is_kept(kinimmune, tmp_path):
    code, out, _ = kinimmune(*GOMPERTZ, "--method", "morris", "--samples", "8", "--json", "-q", "-o", "run", "--jobs", "1")

    assert code == 0
    assert json.loads(out)["schema"] == "kinimmune.sensitivity/1"
    assert out.strip() == (tmp_path / "run" / "results" / "sensitivity-morris-state-volume-30.json").read_text().strip()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("sensitivity", "gompertz"), "no output; write --output NAME"),
        (("sensitivity", "gompertz", "--output", "state:volum:3"), "did you mean 'volume'"),
        (("sensitivity", "gompertz", "--output", "state:volume:3", "--range", "capacity=9:1"), "lower end must lie below"),
        (("sensitivity", "gompertz", "--output", "state:volume:3", "--range", "capacity=9"), "write NAME=LOW:HIGH"),
        (("sensitivity", "gompertz", "--output", "state:volume:3", "--group", "g="), "write NAME=A,B"),
        (("sensitivity", "gompertz", "--output", "state:volume:3", "--method", "sobl"), "--method: 'sobl' cannot be used"),
        ((*GOMPERTZ, "--posterior"), "--posterior needs a RUN with a fit"),
        ((*GOMPERTZ, "--resume"), "--resume needs a run"),
        (("sensitivity", "gomperz", "--output", "state:volume:3"), "did you mean 'gompertz'"),
        (("sensitivity", "some/run", "--output", "state:volume:3"), "no run 'some/run'"),
    ],
)
def test_what_cannot_be_asked_is_told_in_one_line_and_makes_no_run(kinimmune, tmp_path, arguments, told):
    code, out, err = kinimmune(*arguments)

    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """Return one study by every method."""
    folder, found = tmp_path_factory.mktemp("studies"), []
    for method in ("local", "morris", "sobol", "prcc"):
        more = ("--second-order",) if method == "sobol" else ()
        size = () if method == "local" else ("--samples", "32")
        assert main((*GOMPERTZ, "--method", method, *size, *more, "-o", str(folder / method), "-q", "--jobs", "1")) == 0
        path = folder / method / "results" / f"sensitivity-{method}-state-volume-30.json"
        found.append(SENSITIVITY_JSON.load(path.read_text(), path))
    return tuple(found)


def test_a_report_of_a_run_has_the_pages_of_each_study(studies, tmp_path):
    figures = draw_all(list_sensitivity_figures(studies), tmp_path / "figures")

    blocks = compose_sensitivities(studies, figures)
    pages = compose_report(replace(make_content(), sensitivities=studies), figures).blocks

    assert all(figure.svg is not None for figure in figures.values())
    headings = [block.text for block in blocks if block.kind == "heading"]
    assert headings[0] == "What moves the outputs"
    assert headings[1:] == [
        "Volume on day 30: derivatives at one point",
        "Volume on day 30: screening by elementary effects",
        "Volume on day 30: shares of the variance",
        "Volume on day 30: partial rank correlations",
    ]
    assert [block for block in pages if block in blocks] == blocks
    assert compose_sensitivities((), {}) == []


def test_a_table_has_the_largest_index_first(studies):
    for study in studies:
        table = list_indices(study)
        column = {"local": 2, "morris": 1, "sobol": 3, "prcc": 1}[study.method]
        shown = [abs(float(row[column].replace("−", "-"))) for row in table.rows]

        assert len(table.rows) == 3
        assert shown == sorted(shown, reverse=True)


def test_a_parameter_without_an_index_is_left_out_of_the_figure_and_last_in_the_table(studies, tmp_path):
    gap = {"elasticity": (None, 1.0, 1.0), "effect": (None, 2.0, 1.0), "low": (None, 1.0, 2.0), "high": (None, 3.0, 4.0)}
    study = replace(studies[0], **gap)

    (figure,) = draw_all(list_sensitivity_figures((study,)), tmp_path).values()

    assert figure.svg is not None
    assert list_indices(study).rows[-1][1:5] == ("–", "–", "–", "–")
    assert to_csv(study).count("\neffect,retardation,,3,,\n") == 1
