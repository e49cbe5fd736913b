"""The read-outs by model and name.

Start with `readouts_of`.  Every module of `kinimmune.fitting.claims.readouts` holds the read-outs of the library model of its own
name, in a mapping `READOUTS`.  A new file there is found; nothing else has to be told.
"""

import importlib
import pkgutil
from collections.abc import Mapping

from kinimmune.fitting.claims import readouts
from kinimmune.fitting.claims.general import GENERAL
from kinimmune.fitting.claims.readout import Readout


def models_with_readouts() -> tuple[str, ...]:
    """Return the names of the models that have read-outs of their own, in alphabetical order.

    >>> "gompertz" in models_with_readouts()
    False
    """
    return tuple(sorted(module.name for module in pkgutil.iter_modules(readouts.__path__)))


def readouts_of(model: str) -> Mapping[str, Readout]:
    """Return the read-outs a model's claims may name: the general ones, and those of its own module where it has one.

    >>> sorted(readouts_of("gompertz"))
    ['difference', 'log_ratio', 'ratio', 'through', 'value']
    """
    if model not in models_with_readouts():
        return GENERAL
    own: Mapping[str, Readout] = importlib.import_module(f"{readouts.__name__}.{model}").READOUTS
    return {**GENERAL, **own}
