"""`check` knows what a command would refuse: names in a configuration, and rows of claims about models there are not."""

import shutil
from importlib.resources import files

import pytest
from paths import OWN_TRIAL

from kinimmune.cli.exits import Exit


@pytest.fixture
def folder(tmp_path):
    """Return a copy of the example trial without its configuration."""
    path = tmp_path / "own"
    shutil.copytree(OWN_TRIAL, path, ignore=shutil.ignore_patterns("config.toml", "README.md"))
    return path


@pytest.mark.parametrize(
    ("table", "lines", "told"),
    [
        ("simulate.set", "growht = 0.01", "table 'simulate': no parameter 'growht' here; did you mean 'growth'?"),
        ("simulate", 'arm = "example:sorafenb"', "table 'simulate': unknown arm 'example:sorafenb'"),
        ("fit.fix", "kinase_shfit = 1.0", "table 'fit': "),
        ("sensitivity", 'output = "hazard_ratio:exampel:os"', "table 'sensitivity': "),
        (
            "sensitivity",
            'output = "hazard_ratio:example:os"\nparameters = ["kinase_shfit"]',
            "table 'sensitivity': --parameters: no parameter 'kinase_shfit' on which this output depends; did you mean",
        ),
    ],
)
@pytest.mark.parametrize("file", ["config.toml", "kinimmune.toml"])
def test_names_in_settings_are_held_against_their_model(kinimmune, folder, table, lines, told, file):
    (folder / file).write_text(f'model = "hcc_trial"\n[{table}]\n{lines}\n', encoding="utf-8")

    code, out, _ = kinimmune("check", str(folder))

    assert code == Exit.DATA
    assert out.count("\n") == 1
    assert f"{file}, {told}" in out


SOUND = """
model = "hcc_trial"
[fit.fix]
kinase_shift = 1.0
[simulate]
arm = "example:sorafenib"
[simulate.set]
growth = 0.01
[sensitivity]
output = "hazard_ratio:example:os"
parameters = ["kinase_shift"]
"""


def test_settings_whose_names_the_model_has_are_in_order(kinimmune, folder):
    (folder / "config.toml").write_text(SOUND, encoding="utf-8")

    assert kinimmune("check", str(folder))[:2] == (Exit.DONE, "nothing wrong\n")


def test_a_configuration_without_a_folder_may_be_of_the_packages_tables(kinimmune, folder):
    text = 'model = "hcc_trial"\n[simulate]\narm = "sharp:sorafenib"\n'
    (folder / "config.toml").write_text(text, encoding="utf-8")
    assert kinimmune("check", str(folder))[0] == Exit.DONE

    (folder / "config.toml").write_text(f'data = "."\n{text}', encoding="utf-8")
    assert kinimmune("check", str(folder))[0] == Exit.DATA


def test_a_claim_about_a_model_there_is_not_ends_the_claims_of_another(kinimmune, folder):
    header, *rows = files("kinimmune.data").joinpath("claims.csv").read_text(encoding="utf-8").splitlines()
    first = next(row for row in rows if ",hcc_trial," in row)
    stranger = "X9," + first.partition(",")[2].replace("hcc_trial,", "hcc_tria,", 1)
    (folder / "claims.csv").write_text("\n".join([header, first, stranger]), encoding="utf-8")

    code, out, err = kinimmune("claims", "gompertz", "--draws", "16", "--data", str(folder), "-q")

    assert (code, out) == (Exit.DATA, "")
    assert "unknown model 'hcc_tria' in column 'model' (claims.csv row 3); did you mean 'hcc_trial'?" in err
