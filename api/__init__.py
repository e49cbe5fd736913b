"""kinimmune: symbolic models of regulatory T cells, effector T cells and tumour under kinase inhibitors, as virtual trials.

A program or a notebook begins here::

    import kinimmune as ki

    model = ki.load_model("hcc_trial")
    course = ki.simulate(model, arm="sharp:sorafenib", days=360)
    course["tumour_volume"]          # an output by its name, shape (days,)
    course.to_frame()
    ki.plot_course(course)           # a matplotlib Figure

    run = ki.read_run("runs/hcc_trial-1")
    ki.to_frame(run.fit.parameters)
    ki.plot_survival(run.trial)

Every name is loaded when it is first used, so `import kinimmune` costs nothing.  What is below (`kinimmune.models`,
`kinimmune.fitting`, `kinimmune.reports`) can be imported too; `docs/architecture.md` shows where what lies.
"""

from importlib import import_module
from importlib.metadata import version

_HOMES = {
    "Tables": "kinimmune.models.tables.rows",
    "load_model": "kinimmune.models.catalogue",
    "model_names": "kinimmune.models.catalogue",
    "simulate": "kinimmune.simulation",
    "fit": "kinimmune.fits",
    "read_run": "kinimmune.fits",
    "to_frame": "kinimmune.frames",
    "plot_course": "kinimmune.plots",
    "plot_survival": "kinimmune.plots",
    "plot_comparisons": "kinimmune.plots",
    "plot_estimates": "kinimmune.plots",
    "plot_sensitivity": "kinimmune.plots",
}
"""Name -> module that defines it."""

__version__ = version("kinimmune")
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    """Return a name of this door, loaded when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'kinimmune' has no attribute '{name}'; it has: {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the names of this door."""
    return sorted([*globals(), *_HOMES])
