"""JSON schemas of what commands print with `--json` and runs keep, read from the types that are written.

Start with `make_schema`; `SCHEMA_NAMES` are those there are.
"""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import DataclassSchema

from kinimmune.fitting.claims.results import ClaimRecord
from kinimmune.fitting.comparison.results import Comparison
from kinimmune.fitting.estimation.results import FitResult
from kinimmune.fitting.estimation.trial_results import TrialResult
from kinimmune.fitting.identifiability.results import IdentifiabilityResult
from kinimmune.fitting.prediction.results import PredictionResult
from kinimmune.fitting.profile.results import ProfileResult
from kinimmune.fitting.runs.run import RunRecord
from kinimmune.fitting.sampling.results import SampleResult
from kinimmune.fitting.sensitivity.results import SensitivityResult
from kinimmune.models.errors import UsageError, nearest


@dataclass(frozen=True)
class ClaimList:
    """What became of claims."""

    schema: Literal["kinimmune.claims/1"]
    claims: tuple[ClaimRecord, ...]


_KINDS: Mapping[str, type] = {
    "claims": ClaimList,
    "compare": Comparison,
    "fit": FitResult,
    "identifiability": IdentifiabilityResult,
    "predict": PredictionResult,
    "profile": ProfileResult,
    "run": RunRecord,
    "sample": SampleResult,
    "sensitivity": SensitivityResult,
    "trial": TrialResult,
}
SCHEMA_NAMES = tuple(_KINDS)
"""Names of the schemas, as in `kinimmune.NAME/1`."""


def make_schema(name: str) -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of one kind of result; docstrings of fields are its descriptions.

    Parameters
    ----------
    name
        one of `SCHEMA_NAMES`

    Raises
    ------
    UsageError
        for another name, with the nearest one

    Examples
    --------
    >>> make_schema("predict")["properties"]["alpha"]["type"]
    'number'
    """
    if name not in _KINDS:
        raise UsageError(f"no schema '{name}'; {nearest(name, SCHEMA_NAMES)}")
    adapter: TypeAdapter[object] = TypeAdapter(_KINDS[name])
    made = adapter.json_schema(by_alias=True, mode="serialization", schema_generator=_DescribedSchema)
    return {"$schema": GenerateJsonSchema.schema_dialect, **made}


class _DescribedSchema(GenerateJsonSchema):
    """Pydantic's schema of a dataclass, with the docstrings that stand under its fields."""

    def dataclass_schema(self, schema: DataclassSchema) -> JsonSchemaValue:
        """Return the schema of one dataclass."""
        made = super().dataclass_schema(schema)
        for name, text in _read_docstrings(schema["cls"]).items():
            if name in made.get("properties", {}):
                made["properties"][name].setdefault("description", text)
        return made


def _read_docstrings(kind: type) -> Mapping[str, str]:
    """Return field -> the string that stands under it in the source of its class."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    statements = body.body if isinstance(body, ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(statements)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
