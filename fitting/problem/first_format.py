"""Runs from before there were digests: which of their finished tasks still hold.

Start with `recognise`.  Such a run knows its tables by the SHA-256 of their bytes, and not the equations of its model.  Its
steps hold where tables and equations are known to be what they were: the tables by their bytes, or because the run used the
package's own of that time, whose digest stands here; the equations by their digest of that time, which stands here too.
"""

from collections.abc import Mapping
from dataclasses import replace

from kinimmune.fitting.problem.digest import NUMERICS, digest_equations, digest_inputs
from kinimmune.fitting.runs.provenance import address, changed_tables
from kinimmune.fitting.runs.run import Run
from kinimmune.models.catalogue import load_model
from kinimmune.models.tables.rows import Tables

READ_TABLES = ("parameters.csv", "trials.csv", "arms.csv", "design.csv", "follow_up.csv", "targets.csv")
"""What a problem is built from."""
NUMERICS_THEN = 1
PACKAGE_TABLES = "3234eccb6a55cc04719903ec20696c38b5e8687f3fbf402d3c1c33b32b4972a2"
"""Hash of the package's tables at that time, as finished tasks hold it."""
PACKAGE_DIGESTS: Mapping[str, str] = {
    "breast": "1.1:5f89bff68f708346ad11435b372834575db845693bb6a49aca26c16e1c516023",
    "gompertz": "1.1:9734132c4f723bb0b41b0f1fe9d6e9c3b950a4cf1e3648d61c22cd50d5d06cea",
    "hcc_cells": "1.1:27883df3ff04b4008806cb0335583678caa30df6b7e5053f094ba0959a2fa69c",
    "hcc_mouse": "1.1:7218d3a0c1332ac5e0cd5f2b2b304b1d70dce1d303cb94b521b8d43260332d8e",
    "hcc_trial": "1.1:644f9feb4875b8a01c210d6b36567f3ad2df110617a007a78d75e5f0c133f6be",
    "melanoma": "1.1:7f90eb301736b582d0756bda3a8703890790cdf8e1e8e9695a0c72d3b3f870ce",
}
"""Model -> digest of those tables and of its equations at that time."""
EQUATIONS: Mapping[str, str] = {
    "breast": "fba7cfd1844ca33a33d01710091b178f6bb12c45854de36ed52cd000554dc39e",
    "gompertz": "db232362ec3c9192c75c7e154bbad2f218555a274a2688428c99caddb556562f",
    "hcc_cells": "4622318f00587d90d1410d128e5bfedc7aca67bc404a538d729ebd3d9e0e3e7b",
    "hcc_mouse": "563c96ca3eb98a592350d7e08080ecd9a6595a1390e40ca3d3d2de8a1ae94f67",
    "hcc_trial": "f0a1f3158085489227fa7d1a0977085294cdadaf3c527a0104c4e32b58223997",
    "melanoma": "833c9b58a08e0276448de8b4667595da4b999a892b34bc243d70bb63b191053c",
}
"""Model -> digest of its equations at that time."""


def recognise(run: Run, tables: Tables) -> Run:
    """Return the run with a digest, and with what its finished tasks call the tables where that still means the same.

    A run that has a digest is returned as it is.  Nothing is written; the next update of the run does that.

    Parameters
    ----------
    run
        on disk
    tables
        as they are now
    """
    if run.record.digest:
        return run
    then = address(run.record.inputs)
    now = digest_inputs(run.record.model, tables)
    digest = PACKAGE_DIGESTS.get(run.record.model, "") if then == PACKAGE_TABLES else now if _is_as_it_was(run, tables) else ""
    known = {then: now} if digest == now else {}
    return replace(run, record=replace(run.record, digest=digest or "unknown", aliases=known))


def _is_as_it_was(run: Run, tables: Tables) -> bool:
    equations = digest_equations(load_model(run.record.model, tables))
    changed = set(changed_tables(run.record.inputs, tables.folder)) & set(READ_TABLES)
    return not changed and equations == EQUATIONS.get(run.record.model) and NUMERICS == NUMERICS_THEN
