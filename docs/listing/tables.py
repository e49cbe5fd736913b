"""Every table with its columns, units and meaning, as a page of the site, from the description that travels with the tables.

Start with `list_tables`.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any


def list_tables() -> str:
    """Return one Markdown section for each table of `datapackage.json`, in its order."""
    described = json.loads(files("kinimmune.data").joinpath("datapackage.json").read_text(encoding="utf-8"))
    return "\n\n".join(_describe(table) for table in described["resources"])


def _describe(table: Mapping[str, Any]) -> str:
    about = " ".join(f"{text}." for text in (table["title"], table.get("description")) if text)
    key = ", ".join(f"`{name}`" for name in _as_list(table["schema"]["primaryKey"]))
    lines = [f"## {table['path']}", "", about, "", f"A row is named by {key}.", ""]
    lines += ["| column | holds | unit | needed | meaning |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *(_describe_column(column) for column in table["schema"]["fields"])])


def _describe_column(column: Mapping[str, Any]) -> str:
    rules = column.get("constraints", {})
    holds = ", ".join(f"`{value}`" for value in rules["enum"]) if "enum" in rules else column["type"]
    needed = "yes" if rules.get("required") else ""
    meaning = column["description"].replace("|", "\\|")
    return f"| `{column['name']}` | {holds} | {column.get('unit', '')} | {needed} | {meaning} |"


def _as_list(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names
