"""Environments a command may find itself in: locale, folders that are not there, threads, terminals.

Start with `draw_environment`.
"""

import random
from pathlib import Path

MISSING, FILE, EMPTY_FOLDER = "{missing}", "{file}", "{folder}"
UNSET = "{unset}"
NUMBERS = ("0", "1", "2", "-1", "x", "", "1.5", "99999", " 2 ", "٣")
PLACES = (MISSING, FILE, EMPTY_FOLDER, "", "relative/place", "/proc", "~", "/dev/null", "a\nb", "x" * 300)
SURROUNDINGS: dict[str, tuple[str, ...]] = {
    "LANG": ("C", "POSIX", "de_DE.UTF-8", "tr_TR.UTF-8", "xx_YY", "", UNSET),
    "LC_ALL": ("C", "de_DE.UTF-8", "nonsense", ""),
    "LC_NUMERIC": ("de_DE.UTF-8", "fr_FR"),
    "PYTHONUTF8": ("0", "1"),
    "PYTHONIOENCODING": ("ascii", "latin-1", "utf-8:strict"),
    "TMPDIR": PLACES,
    "HOME": (*PLACES, UNSET),
    "XDG_CACHE_HOME": PLACES,
    "KINIMMUNE_CACHE": PLACES,
    "NUMBA_NUM_THREADS": NUMBERS,
    "NUMBA_CACHE_DIR": (MISSING, FILE, EMPTY_FOLDER),
    "NUMBA_DISABLE_JIT": ("0", "x"),
    "NUMBA_DEBUG": ("0", "x"),
    "NUMBA_OPT": ("0", "3", "x"),
    "NUMBA_THREADING_LAYER": ("workqueue", "nonsense"),
    "OMP_NUM_THREADS": NUMBERS,
    "OPENBLAS_NUM_THREADS": NUMBERS,
    "MPLBACKEND": ("nothing", "TkAgg", "", "module://nowhere"),
    "MPLCONFIGDIR": PLACES[:4],
    "COLUMNS": ("0", "1", "10", "-5", "x", "99999", ""),
    "LINES": ("0", "x"),
    "TERM": ("dumb", "", "xterm-256color", "nonsense", UNSET),
    "NO_COLOR": ("1", ""),
    "FORCE_COLOR": ("1",),
    "TTY_COMPATIBLE": ("1", "0"),
    "PYTHONHASHSEED": ("0", "1", "random"),
    "PYTHONWARNINGS": ("default", "always", "nonsense"),
    "PYTHONOPTIMIZE": ("1", "2"),
    "PYTHONDONTWRITEBYTECODE": ("1",),
    "PYTHONSAFEPATH": ("1",),
    "PYTHONNOUSERSITE": ("1",),
    "PYTHONINTMAXSTRDIGITS": ("640", "0"),
    "TZ": ("nonsense", "", "Pacific/Kiritimati", ":/dev/null"),
    "SOURCE_DATE_EPOCH": ("0", "x", "-1"),
    "KINIMMUNE_TRACEBACK": ("",),
    "PWD": ("/nowhere", ""),
    "USER": (UNSET, ""),
    "PATH": ("", UNSET),
    "http_proxy": ("http://127.0.0.1:1",),
}
"""Variable -> values that are tried; texts in braces stand for places of the case."""


def draw_environment(rng: random.Random, base: dict[str, str], folder: Path) -> tuple[dict[str, str], str]:
    """Return an environment with one or a few odd variables, and words that tell which."""
    environment, words = dict(base), []
    for name in rng.sample(sorted(SURROUNDINGS), rng.choice((1, 1, 1, 2, 3))):
        value = rng.choice(SURROUNDINGS[name])
        words.append(f"{name}={value[:20]!r}")
        if value == UNSET:
            environment.pop(name, None)
        else:
            environment[name] = _place(value, folder)
    return environment, ", ".join(words)


def _place(value: str, folder: Path) -> str:
    """Return a value with places of the case made for it."""
    if value == FILE:
        (folder / "a_file").write_text("text", encoding="utf-8")
    if value == EMPTY_FOLDER:
        (folder / "a_folder").mkdir(exist_ok=True)
    places = {MISSING: folder / "nowhere" / "at_all", FILE: folder / "a_file", EMPTY_FOLDER: folder / "a_folder"}
    return str(places.get(value, value))
