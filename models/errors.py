"""The errors a user can meet, one class for each kind; the command line turns each kind into its exit code.

Start with `KinimmuneError`.  A message is one line: what was given, where it stands, what is allowed, what to do.
"""

import difflib
import errno
from collections.abc import Iterable


class KinimmuneError(Exception):
    """Anything the user can put right; never raised itself."""


class UsageError(KinimmuneError):
    """A name, option or path given on the command line (or to a function) that does not exist or is not allowed."""


class DataError(KinimmuneError):
    """A table, configuration or run on disk whose content cannot be used."""


class ModelError(KinimmuneError):
    """A model whose symbols or units do not fit together."""


class NumericalError(KinimmuneError):
    """A computation from which nothing usable came out."""


class MachineError(KinimmuneError):
    """The machine failed: no room on the disk, no memory, a cluster that was lost; what was finished is kept."""


OF_THE_MACHINE = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EIO", "ENOMEM", "EFBIG", "EMFILE", "ENFILE", "EROFS", "ESTALE")
    if hasattr(errno, name)
)
"""Numbers of system errors that another path or option would not mend."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return 'did you mean ...?' with the most similar allowed name, or the list of allowed names; case makes no difference.

    >>> nearest("growht", ["growth", "kappa"])
    "did you mean 'growth'?"
    """
    names = list(allowed)
    same = [item for item in names if item.casefold() == name.casefold() != ""]
    close = same or difflib.get_close_matches(name, names, n=1)
    return f"did you mean '{close[0]}'?" if close else f"allowed: {', '.join(names) or 'none'}"
