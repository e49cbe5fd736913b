"""arviz, imported where it is needed: it takes a second or two.

Start with `load_arviz`.
"""

import warnings
from typing import Any


def load_arviz() -> Any:  # noqa: ANN401 - a module without types
    """Return arviz without its daily notice of a coming version."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        import arviz
    return arviz
