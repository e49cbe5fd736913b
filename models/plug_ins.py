"""Models that other installed distributions bring: which there are, found without importing anything of them.

Start with `find_plug_ins`.  A distribution names its models by entry points of the group `kinimmune.models`; what stands there is
read, and `kinimmune.models.model_file` alone loads it.
"""

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions

GROUP = "kinimmune.models"
"""Group of the entry points."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class PlugIn:
    """A model that an installed distribution offers."""

    name: str
    distribution: str
    """Which brings it."""
    entry: EntryPoint
    problem: str = ""
    """Why it cannot be used; empty where nothing is known to be in the way."""

    @property
    def label(self) -> str:
        """The plug-in in words."""
        return f"plug-in '{self.name}' of {self.distribution}"


def find_plug_ins() -> dict[str, PlugIn]:
    """Return name -> plug-in of every installed distribution, in alphabetical order; nothing of them is imported."""
    found: dict[str, PlugIn] = {}
    for item in _read_entries():
        before = found.get(item.name)
        if before is None:
            found[item.name] = item
        elif (before.distribution, before.entry.value) != (item.distribution, item.entry.value):
            problem = f"{item.distribution} has a model of that name too"
            found[item.name] = PlugIn(before.name, before.distribution, before.entry, problem)
    return dict(sorted(found.items()))


def _read_entries() -> Iterator[PlugIn]:
    for distribution in distributions():
        owner = _name_of(distribution)
        try:
            entries = tuple(distribution.entry_points)
        except (OSError, TypeError, ValueError):  # a file of entry points that is none is no model of ours
            continue
        for entry in entries:
            if entry.group == GROUP:
                yield PlugIn(entry.name, owner, entry, _find_problem(entry))


def _name_of(distribution: Distribution) -> str:
    metadata = distribution.metadata
    return str(metadata["Name"] or "a distribution without a name") if metadata is not None else "a distribution without a name"


def _find_problem(entry: EntryPoint) -> str:
    if not _NAME.fullmatch(entry.name) or keyword.iskeyword(entry.name):
        return "its name is not that of a model: letters, digits and _, a letter first"
    if EntryPoint.pattern.match(entry.value) is None or not entry.attr:
        return f"'{entry.value[:80]}' names no function, which is module:function"
    return ""
