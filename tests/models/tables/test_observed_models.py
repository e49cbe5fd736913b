"""Observations about models: which numbers a model is compared with, and names that are none."""

from kinimmune.fitting.lint import check
from kinimmune.models.tables.readers import read_observations
from kinimmune.models.tables.rows import Tables


def test_numbers_of_no_study_say_which_model_they_are_about():
    """No number is compared with a model of other patients or animals."""
    strays = [item for item in read_observations() if item.study is None and not item.models]
    assert strays == []
    about = {item.source.key: set(item.models) for item in read_observations() if item.models}
    assert about["eisen2006"] == about["eisen2011"] == {"melanoma"}
    assert about["nagai2012"] == {"hcc_mouse", "hcc_trial"}
    assert about["salewski2022"] == {"breast"}


def test_published_numbers_are_those_of_the_abstracts():
    """Mohr 2025, Eisen 2006 and 2011, the xenografts, Salewski 2022 and Liao 2015, as their abstracts print them."""
    found = {item.quantity: (item.value, item.unit) for item in read_observations() if item.study is None}
    assert found["slope_of_log_hazard_ratios"] == (0.5, "1")
    assert (found["sorafenib_stable_fraction"][0], found["sorafenib_dacarbazine_stable_fraction"][0]) == (0.19, 0.37)
    assert found["xenografts_slowed"][0] / found["xenografts_tried"][0] == 0.75
    assert [found[f"survival_mlh1_{arm}"][0] for arm in ("abemaciclib", "anti_pdl1", "control")] == [14.5, 9.0, 3.5]
    assert [found[f"treg_sign_{dose}_mg"][0] for dose in (200, 400, 800)] == [0.0, -1.0, -1.0]
    assert (found["treg_share_of_cd4"][0], found["treg_share_of_cd4_healthy"][0]) == (0.1112, 0.0498)


def test_a_number_about_a_model_there_is_not_is_found(tmp_path):
    """The column is held against the models there are, and a table without it is read as before."""
    columns = "study,arm,quantity,value,unit,month,source,locator,status,note"
    row = ",,auc,1,mg*h/L,1,arrondeau2012,abstract,reported,"
    table = tmp_path / "observations.csv"
    table.write_text(f"{columns}\n{row}\n", encoding="utf-8")
    assert check(Tables(tmp_path)) == ()
    assert [item.models for item in read_observations(Tables(tmp_path)) if item.quantity == "auc"] == [()]
    table.write_text(f"{columns},model\n{row},hcc_trail\n", encoding="utf-8")
    (finding,) = check(Tables(tmp_path))
    assert finding.message.startswith(
        "unknown model 'hcc_trail' in column 'model' (observations.csv row 2); did you mean 'hcc_trial'?"
    )
