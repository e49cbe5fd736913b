"""JSON schemas tell what results hold: their keys, their types and what they mean."""

import json
from typing import Any

import pytest

from kinimmune.fitting.claims.results import to_plain
from kinimmune.fitting.estimation.results import FIT_JSON
from kinimmune.fitting.estimation.trial_results import TRIAL_JSON
from kinimmune.fitting.json_schemas import SCHEMA_NAMES, make_schema
from kinimmune.models.errors import UsageError

TYPES: dict[str, Any] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None), "array": list, "object": dict,
}  # fmt: skip


def fits(value, schema, parts):
    """Return whether a value is what a schema says, by the words of JSON schema that pydantic writes."""
    if "$ref" in schema:
        return fits(value, parts[schema["$ref"].rpartition("/")[2]], parts)
    if "anyOf" in schema:
        return any(fits(value, choice, parts) for choice in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        return False
    if isinstance(value, list):
        return all(fits(item, schema.get("items", {}), parts) for item in value)
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        return set(schema["required"]) <= set(value) <= set(known) and all(fits(value[key], known[key], parts) for key in value)
    if isinstance(value, dict):
        inner = schema.get("additionalProperties", {})
        return all(fits(item, inner, parts) for item in value.values()) if isinstance(inner, dict) else True
    return True


@pytest.mark.slow
@pytest.mark.parametrize(("name", "form", "part"), [("fit", FIT_JSON, "result"), ("trial", TRIAL_JSON, "trial")])
def test_what_a_fit_writes_is_what_its_schema_says(medians_fit, name, form, part):
    written = json.loads(form.dump(getattr(medians_fit, part)))
    schema = make_schema(name)

    assert fits(written, schema, schema["$defs"])
    assert not fits(written | {"patients": "many"}, schema, schema["$defs"])
    assert not fits(written | {"prophecy": 1}, schema, schema["$defs"])


def test_claims_are_a_list_under_their_schema():
    schema = make_schema("claims")

    assert fits(to_plain(()), schema, schema["$defs"])


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_a_schema_tells_its_own_name_and_what_fields_mean(name):
    schema = make_schema(name)

    told = schema["properties"]["schema"]
    assert {told.get("default"), told.get("const")} & {f"kinimmune.{name}/1", "kinimmune.fit/2"}
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    every = [schema, *schema.get("$defs", {}).values()]
    assert any("description" in field for part in every for field in part.get("properties", {}).values())


def test_an_unknown_schema_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="no schema 'prodict'; did you mean 'predict'\\?"):
        make_schema("prodict")
