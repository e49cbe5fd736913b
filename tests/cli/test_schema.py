"""`kinimmune schema` prints the schema of a kind of result, and names them all."""

import json

from kinimmune.fitting.json_schemas import SCHEMA_NAMES, make_schema


def test_a_schema_is_printed_as_json(kinimmune):
    code, out, err = kinimmune("schema", "fit")

    assert (code, err) == (0, "")
    assert json.loads(out) == make_schema("fit")


def test_without_a_name_all_are_named(kinimmune):
    assert kinimmune("schema") == (0, "\n".join(SCHEMA_NAMES) + "\n", "")
    assert json.loads(kinimmune("schema", "--json")[1]) == {"schema": "kinimmune.schemas/1", "names": list(SCHEMA_NAMES)}


def test_an_unknown_name_is_refused_in_a_line(kinimmune):
    assert kinimmune("schema", "prodict") == (2, "", "error: no schema 'prodict'; did you mean 'predict'?\n")
