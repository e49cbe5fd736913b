"""What libraries read from the environment as they are imported is checked before."""

import pytest

from kinimmune.cli.failures import prepare_environment
from kinimmune.models.errors import UsageError

WRONG = {
    "NUMBA_NUM_THREADS": ("", "x", "0", "-1", "1.5", "\N{SUPERSCRIPT TWO}", "1" * 5000),
    "SOURCE_DATE_EPOCH": ("", "x", "-1", "1e9", "2026-01-01", "99999999999999999999", "1" * 5000),
}
RIGHT = {"NUMBA_NUM_THREADS": ("1", " 2 ", "64"), "SOURCE_DATE_EPOCH": ("0", "1700000000")}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in WRONG.items() for text in texts])
def test_a_number_in_the_environment_that_is_none_is_told_with_its_name(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=f"^environment variable {name}='") as told:
        prepare_environment({name: text})
    assert len(str(told.value)) < 200


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in RIGHT.items() for text in texts])
def test_a_number_that_libraries_can_read_is_kept(name: str, text: str) -> None:
    environment = {name: text}
    prepare_environment(environment)
    assert environment == {name: text, "MPLBACKEND": "agg"}
