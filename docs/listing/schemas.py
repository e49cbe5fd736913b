"""Every JSON schema with its keys, as a page of the site, from the schemas that `kinimmune schema` prints.

Start with `list_schemas`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kinimmune.fitting.json_schemas import SCHEMA_NAMES, make_schema


def list_schemas() -> str:
    """Return one Markdown section for each schema."""
    return "\n\n".join(_describe(name, make_schema(name)) for name in SCHEMA_NAMES)


def _describe(name: str, schema: Mapping[str, Any]) -> str:
    about = [f"## {name}", "", _in_cell(schema.get("description", "")), "", *_table(schema)]
    parts = [_describe_part(part, inner) for part, inner in schema.get("$defs", {}).items()]
    return "\n".join([*about, *(line for lines in parts for line in lines)])


def _describe_part(name: str, schema: Mapping[str, Any]) -> list[str]:
    if "properties" not in schema:
        values = ", ".join(f"`{value}`" for value in schema.get("enum", ()))
        return ["", f"**{name}**: {values or _tell_type(schema)}", ""]
    return ["", f"**{name}**: {_in_cell(schema.get('description', ''))}", "", *_table(schema)]


def _table(schema: Mapping[str, Any]) -> Iterator[str]:
    yield from ("| key | holds | meaning |", "|---|---|---|")
    for key, item in schema.get("properties", {}).items():
        yield f"| `{key}` | {_tell_type(item)} | {_in_cell(item.get('description', ''))} |"


def _tell_type(item: Mapping[str, Any]) -> str:
    """Return what a key holds, in words."""
    if "$ref" in item:
        return item["$ref"].rpartition("/")[2]
    if "anyOf" in item:
        return " or ".join(_tell_type(choice) for choice in item["anyOf"])
    if "const" in item:
        return f"`{item['const']}`"
    if "enum" in item:
        return ", ".join(f"`{value}`" for value in item["enum"])
    inner = item.get("items", item.get("additionalProperties"))
    words = {"array": "list", "object": "object"}
    kind = words.get(item.get("type", "any"), item.get("type", "any"))
    return f"{kind} of {_tell_type(inner)}" if isinstance(inner, Mapping) and inner else kind


def _in_cell(text: str) -> str:
    """Return a text for a cell of a table, in which a bar would begin the next one."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "\\<").replace("*", "\\*")
