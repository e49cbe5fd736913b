"""Rows of tables: parsed by pydantic, every fault turned into a finding that names file, row and column.

Start with `TableRow` and `Tables`; a row type is written beside the reader that uses it.  Text is parsed, never evaluated.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Source, Status
from kinimmune.models.symbolic.units import parse_unit
from kinimmune.models.tables.files import Row, load_table
from kinimmune.models.tables.findings import Examined, Finding, capped


def _require_unit(text: str) -> str:
    try:
        parse_unit(text)
    except DataError as error:
        raise ValueError(str(error)) from error
    return text


def _yes_or_no(text: object) -> bool:
    if text not in ("yes", "no"):
        raise ValueError(f"'{text}' is neither yes nor no; write yes or no")
    return text == "yes"


def _date(text: object) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError as error:
        raise ValueError(f"'{text}' is not a date; write it as 2005-03-10") from error


Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(allow_inf_nan=False, gt=0.0)]
Share = Annotated[float, Field(allow_inf_nan=False, ge=0.0, le=1.0)]
NotNegative = Annotated[float, Field(allow_inf_nan=False, ge=0.0)]
UnitText = Annotated[str, AfterValidator(_require_unit)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Day = Annotated[date, BeforeValidator(_date)]
YesNo = Annotated[bool, BeforeValidator(_yes_or_no)]


class TableRow(BaseModel):
    """A row of one table; empty cells take the field's default, and are refused where it has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: ClassVar[str]
    """File name."""
    optional_columns: ClassVar[frozenset[str]] = frozenset()
    """Columns a file may leave out."""
    key_columns: ClassVar[tuple[str, ...]] = ()
    """Columns that together name a row; two rows must not share them."""
    may_be_empty: ClassVar[bool] = False
    """Whether a header without rows is a table."""
    gathered: ClassVar[str | None] = None
    """Field that holds the cells of `more_columns`, column -> text; None where there are no such columns."""
    gathered_from: ClassVar[str] = ""
    """What to do that there is one more column, for messages."""

    file: str
    row: int

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """Return the table's columns in order."""
        return tuple(name for name in cls.model_fields if name not in ("file", "row", cls.gathered))

    @classmethod
    def more_columns(cls, _: "Tables") -> tuple[str, ...]:
        """Return columns a file may have beside them, whose names stand in another table."""
        return ()

    @property
    def place(self) -> str:
        """File and row, for messages."""
        return f"{self.file} row {self.row}"

    @property
    def own(self) -> bool:
        """Whether it stands in a user's file: not in the package's table, or a plug-in's, in place of one the folder lacks."""
        return self.file == self.table

    @property
    def identity(self) -> tuple[str, ...]:
        """The cells that name the row."""
        return tuple("" if getattr(self, column) is None else str(getattr(self, column)) for column in self.key_columns)

    def finding(self, column: str | None, problem: str, advice: str) -> Finding:
        """Return a finding about this row: problem (place); advice."""
        return Finding(self.file, self.row, column, f"{problem} ({self.place}); {advice}")

    def refused(self, column: str | None, error: DataError) -> Finding:
        """Return a finding from the message of a type that refused this row."""
        text = str(error)
        problem, semicolon, advice = text.partition("; ")
        placed = text if self.place in text else f"{problem} ({self.place}){semicolon}{advice}"
        return Finding(self.file, self.row, column, placed)


RowT = TypeVar("RowT", bound=TableRow)


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables that apply: those of a user's folder, and the package's where the folder has none.

    A table is read and parsed when it is first asked for, and never again: what a command hands on is one reading.
    """

    folder: Path | None = None
    """A folder whose tables replace the package's, None for the package's alone."""
    model: OdeModel | None = None
    """A model of the user's own that was made from these tables; it goes before one of the library of the same name."""
    shipped: Path | None = None
    """Folder with the tables a plug-in brings for its model: they replace the package's, and `folder` replaces them."""
    _parsed: dict[type[TableRow], Examined[Any]] = field(default_factory=dict, repr=False)

    def rows(self, row_type: type[RowT]) -> Examined[RowT]:
        """Return the rows of a table with everything that is wrong with them."""
        if row_type not in self._parsed:
            self._parsed[row_type] = _parse_rows(row_type, self)
        parsed: Examined[RowT] = self._parsed[row_type]
        return parsed


def _parse_rows(row_type: type[RowT], tables: Tables) -> Examined[RowT]:
    required = [column for column in row_type.columns() if column not in row_type.optional_columns]
    more = row_type.more_columns(tables)
    allowed = (*row_type.optional_columns, *more)
    table = load_table(row_type.table, tables.folder, required, allowed, shipped=tables.shipped)
    rows: list[RowT] = []
    findings = [_tell_gathered(finding, row_type) for finding in table.findings]
    faults: list[tuple[Row, Any]] = []
    for row in table.entries:
        try:
            rows.append(row_type.model_validate({"file": row.file, "row": row.number, **_gather(row, row_type, more)}))
        except ValidationError as error:
            faults += [(row, detail) for detail in error.errors()]
    with_commas = [fault for fault in faults if _has_decimal_comma(fault[1])]
    if len(with_commas) > 1:  # one is a slip of the pen, more are the form of the table
        findings.append(_explain_comma(*with_commas[0]))
        faults = [fault for fault in faults if fault not in with_commas]
    findings += capped(_explain(*fault) for fault in faults)
    if not table.entries and not findings and not row_type.may_be_empty:
        findings.append(Finding(row_type.table, None, None, f"{row_type.table} has no rows; add at least one"))
    return Examined(tuple(rows), (*findings, *capped(_duplicates(rows))))


def _gather(row: Row, row_type: type[TableRow], more: Collection[str]) -> dict[str, object]:
    """Return field -> cell, those of more columns together in one field."""
    if row_type.gathered is None:
        return dict(row.cells)
    own: dict[str, object] = {name: cell for name, cell in row.cells.items() if name not in more}
    return own | {row_type.gathered: {name: cell for name, cell in row.cells.items() if name in more}}


def _tell_gathered(finding: Finding, row_type: type[TableRow]) -> Finding:
    """Return a finding about a column nobody knows with where more columns come from."""
    if row_type.gathered is None or not finding.message.startswith("unknown column"):
        return finding
    link = " Or" if finding.message.endswith("?") else ", or"
    return replace(finding, message=f"{finding.message}{link} {row_type.gathered_from}")


def _duplicates(rows: Sequence[TableRow]) -> Iterable[Finding]:
    first: dict[tuple[str, ...], TableRow] = {}
    for row in rows:
        if not row.key_columns:
            continue
        if row.identity in first:
            named = ", ".join(f"{column} '{cell}'" for column, cell in zip(row.key_columns, row.identity, strict=True))
            yield row.finding(
                row.key_columns[0], f"duplicate row: {named}", f"row {first[row.identity].row} has the same; keep one"
            )
        first.setdefault(row.identity, row)


_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_PROBLEMS = {
    "missing": ("no value", "fill it in"),
    "float_parsing": ("'{given}' is not a number", "write a finite decimal number such as 0.25"),
    "int_parsing": ("'{given}' is not a whole number", "write digits only"),
    "int_from_float": ("'{given}' is not a whole number", "write digits only"),
    "finite_number": ("'{given}' is not a finite number", "write a finite decimal number such as 0.25"),
    "enum": ("unknown value '{given}'", "allowed: {expected}"),
    "literal_error": ("unknown value '{given}'", "allowed: {expected}"),
    "string_pattern_mismatch": ("'{given}' is not a name", "use letters, digits and underscores, a letter first"),
    "greater_than": ("'{given}' lies outside its range", "it must be above {gt}"),
    "greater_than_equal": ("'{given}' lies outside its range", "it must be at least {ge:g}"),
    "less_than_equal": ("'{given}' lies outside its range", "it must be at most {le}"),
    "less_than": ("'{given}' lies outside its range", "it must be below {lt}"),
}


def _has_decimal_comma(detail: Any) -> bool:  # noqa: ANN401  # as in `_explain`
    return detail["type"] == "float_parsing" and bool(_DECIMAL_COMMA.fullmatch(detail["input"]))


def _explain_comma(row: Row, detail: Any) -> Finding:  # noqa: ANN401  # as in `_explain`
    """Return the one finding for a table whose numbers have decimal commas; one cell stands for all."""
    place = f"in column '{detail['loc'][0]}' ({row.file} row {row.number})"
    advice = f"save the table with points in numbers, {detail['input'].replace(',', '.')} here"
    return Finding(row.file, row.number, str(detail["loc"][0]), f"'{detail['input']}' {place} has a decimal comma; {advice}")


def _explain(row: Row, detail: Any) -> Finding:  # noqa: ANN401  # pydantic's ErrorDetails lives in pydantic_core
    column = str(detail["loc"][0]) if detail["loc"] else None
    context = detail.get("ctx", {})
    if detail["type"] == "value_error":
        problem, _, advice = str(context["error"]).partition("; ")
    else:
        problem, advice = _PROBLEMS.get(detail["type"], ("'{given}' cannot be used", detail["msg"].replace("{", "{{")))
        values = {key: value for key, value in context.items() if key not in ("given", "error")}
        problem = problem.format(given=detail["input"], **values)
        advice = advice.format(given=detail["input"], **values)
    where = f" in column '{column}'" if column else ""
    return Finding(row.file, row.number, column, f"{problem}{where} ({row.file} row {row.number}); {advice}")


def dangling(rows: Iterable[TableRow], column: str, known: Collection[str], table: str) -> list[Finding]:
    """Return a finding for each row whose cell, if not empty, names nothing in `known`, the keys of `table`."""
    advice: dict[str, str] = {}

    def find() -> Iterable[Finding]:
        for row in rows:
            given = getattr(row, column)
            if given is None or given in known:
                continue
            if given not in advice:
                close = get_close_matches(given, known, 1)
                advice[given] = f"did you mean '{close[0]}'?" if close else f"add it to {table} or correct it"
            yield row.finding(column, f"unknown {column.replace('_', ' ')} '{given}' in column '{column}'", advice[given])

    return capped(find())


class SourcedRow(TableRow):
    """A row whose numbers share one origin."""

    source: Name
    locator: str
    status: Status
    note: str = ""

    @property
    def origin(self) -> Source:
        """Where the row's numbers stand."""
        return Source(self.source, self.locator, self.status, self.note)
