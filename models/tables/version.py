"""The version of the form that the tables of a folder are in, as its `datapackage.json` may tell it.

Start with `find_version_faults`.  A folder need not have a `datapackage.json`, nor that one the key: columns then tell what is
of before.  A version this package does not know is refused, since what it says would be read wrongly or not at all.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kinimmune.models.errors import DataError
from kinimmune.models.tables.findings import Finding
from kinimmune.models.tables.former import MIGRATE, VERSION

DESCRIPTOR = "datapackage.json"
"""File of a Data Package, where a folder has one."""
KEY = "kinimmune_tables"
"""Its entry that is the version."""
LARGEST_DESCRIPTOR = 2**22
"""Largest size of a descriptor [byte]."""


def find_version_faults(folder: Path) -> Iterator[Finding]:
    """Find a version that is newer than the package knows, or that cannot be read."""
    try:
        version = read_version(folder)
    except DataError as error:
        yield Finding(DESCRIPTOR, None, KEY, str(error))
        return
    if version is not None and version > VERSION:
        problem = f"the tables are of version {version} ({DESCRIPTOR}, '{KEY}'); this kinimmune knows {VERSION}"
        yield Finding(DESCRIPTOR, None, KEY, f"{problem}: install a newer one, or write the tables in version {VERSION}")


def find_older_version(folder: Path) -> Iterator[Finding]:
    """Find a version of before."""
    version = read_version(folder)
    if version is not None and version < VERSION:
        problem = f"the tables are said to be of version {version} ({DESCRIPTOR}, '{KEY}'), today's is {VERSION}"
        yield Finding(DESCRIPTOR, None, KEY, f"{problem}; {MIGRATE} rewrites what differs")


def read_version(folder: Path) -> int | None:
    """Return the version a folder tells, None where it tells none.

    Raises
    ------
    DataError
        for a descriptor that is no JSON object, or a version that is no whole number of at least 1
    """
    version = _read(folder).get(KEY)
    if version is None or (isinstance(version, int) and not isinstance(version, bool) and version >= 1):
        return version
    raise DataError(f"'{KEY}' in {DESCRIPTOR} is {str(version)[:40]!r}; write a whole number such as {VERSION}")


def write_version(folder: Path, tables: tuple[str, ...]) -> str:
    """Return the text of a folder's descriptor with today's version: its own, or a new one that lists its tables.

    Raises
    ------
    DataError
        as `read_version` does
    """
    found = _read(folder)
    if not found:
        resources = [{"name": name.removesuffix(".csv"), "path": name} for name in tables]
        found = {"profile": "data-package", "name": "tables", "resources": resources}
    return json.dumps({**found, KEY: VERSION}, indent=2, ensure_ascii=False) + "\n"


def _read(folder: Path) -> Mapping[str, Any]:
    path = folder / DESCRIPTOR
    if not path.exists():
        return {}
    advice = "correct it, or move it elsewhere"
    if not path.is_file() or path.stat().st_size > LARGEST_DESCRIPTOR:
        raise DataError(f"{DESCRIPTOR} is no plain file of at most {LARGEST_DESCRIPTOR} bytes; {advice}")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{DESCRIPTOR} cannot be read as JSON: {str(error).splitlines()[0]}; {advice}") from error
    if not isinstance(content, dict):
        raise DataError(f"{DESCRIPTOR} is no JSON object; {advice}")
    return content
