"""A model as plain data: `OdeModel` to JSON and back, with the same equations, numbers and words, and so the same hashes.

Start with `write_model` and `read_model`.  Nothing that is read is evaluated or trusted: fields have the types of the dataclasses
a model consists of, expressions are trees (`kinimmune.models.symbolic.expression_data`), names are identifiers, printed symbols
are notation, and what is built is checked as every model is.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import sympy as sp

from kinimmune.models.errors import DataError, KinimmuneError, ModelError, nearest
from kinimmune.models.symbolic.components import symbol
from kinimmune.models.symbolic.expression_data import ExpressionReader, require_name, require_small_exponent, write_expression
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.notation import require_notation

Hint = Any
"""A type as a dataclass declares it for a field."""
Value = Any
"""A value of such a type, or what JSON holds of it."""
SCHEMA = "kinimmune.model/1"
LARGEST_MODEL = 16 * 2**20
"""Largest size of a file that holds a model [byte]; those of the library have at most half a million."""
MOST_PARTS = 1000
"""States, terms, parameters ... of one kind; a model of a real system has tens."""
LONGEST_TEXT = 4000
"""Characters of a reason or a meaning."""
LONGEST_UNIT = 60
"""Characters of a unit."""
MOST_EXPANDED = 200_000
"""Names, numbers and operators of all equations with every definition put in; those of the library have up to 60,000."""
_INFINITIES = {"inf": math.inf, "-inf": -math.inf}


def write_model(model: OdeModel) -> str:
    """Return a model as JSON text.

    Raises
    ------
    ModelError
        for an expression, or a part, that cannot be read back as it is
    """
    text = json.dumps({"schema": SCHEMA, **_write(model, f"model '{model.name}'")}, allow_nan=False)
    try:
        same = read_model(text, Path("model.json")) == model
    except DataError as error:
        reason = str(error).removeprefix("model.json: ")
        raise ModelError(f"model '{model.name}' cannot be kept as data: {reason}") from error
    if not same:
        why = "it is another when read back"
        raise ModelError(f"model '{model.name}' cannot be kept as data: {why}; let sympy evaluate its expressions")
    return text


def read_model(text: str, path: Path) -> OdeModel:
    """Return the model a text holds; inverse of `write_model`.

    Parameters
    ----------
    text
        JSON
    path
        file it was read from, for messages

    Raises
    ------
    DataError
        when it holds no model, naming the part
    ModelError
        when its symbols or units do not fit together
    """
    try:
        content = json.loads(text) if len(text) <= LARGEST_MODEL else None
    except (RecursionError, ValueError) as error:
        raise DataError(f"{path} holds no JSON: {error}; restore it") from error
    if not isinstance(content, dict) or content.pop("schema", None) != SCHEMA:
        raise DataError(f"{path} holds no model of the form {SCHEMA}; restore it")
    try:
        return _build(content)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def check_symbols(model: OdeModel) -> None:
    """Refuse printed symbols of a model that are no plain notation, and names that are none.

    Raises
    ------
    DataError
        naming the part
    """
    for kind, parts in _named_parts(model).items():
        for part in parts:
            require_name(part.name, f"{kind} of model '{model.name}'")
            if hasattr(part, "symbol"):
                require_notation(part.symbol, f"{kind} '{part.name}'")


def _build(content: Mapping[str, object]) -> OdeModel:
    reader = ExpressionReader()
    require_name(content.get("name"), "name of the model")
    parts = _read_fields(OdeModel, content, "", reader)
    _require_small(parts)
    model = OdeModel(**parts)
    check_symbols(model)
    for state, rate in model.rates.items():
        for power in model.expand(rate).atoms(sp.Pow):
            require_small_exponent(power.exp, f"rate of '{state}'")
    return model


def _named_parts(model: OdeModel) -> dict[str, tuple[Any, ...]]:
    named = {"mechanism": model.mechanisms, "state": model.states, "input": model.inputs, "definition": model.definitions}
    return {**named, "term": model.terms, "output": model.outputs, "parameter": model.parameters}


_LATER = frozenset({"arm", "drug", "usual_days", "trial_spread", "shift", "effects"})
"""Fields that the first files of this form did not have: left out where they say nothing."""


def _write(value: object, where: str) -> Value:
    """Return a part of a model as JSON holds it."""
    if is_dataclass(value):
        said = [item.name for item in fields(value) if item.name not in _LATER or getattr(value, item.name) not in (None, ())]
        return {name: _write(getattr(value, name), f"{where}, {name}") for name in said}
    if isinstance(value, sp.Basic):
        return write_expression(value, where)
    if isinstance(value, tuple):
        return [_write(item, where) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0.0 else "-inf"
    return str(value) if isinstance(value, StrEnum) else value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read_fields(kind: Hint, content: object, where: str, reader: ExpressionReader) -> dict[str, Any]:
    """Return the fields of a dataclass, each of its own type."""
    if not isinstance(content, dict):
        raise DataError(f"{where or 'the model'} is no object; write it again from the model")
    known = {item.name: item for item in fields(kind)}
    for name in content:
        if name not in known:
            raise DataError(f"{where or 'the model'} has the unknown key {name[:80]!r}; {nearest(name[:80], known)}")
    found = {}
    for name, item in known.items():
        inner = f"{where}.{name}" if where else name
        if name in content:
            found[name] = _read_value(_hints(kind)[name], content[name], inner, reader)
        elif item.default is MISSING and item.default_factory is MISSING:
            raise DataError(f"{inner} is missing; write it again from the model")
    return found


def _read_value(hint: Hint, value: object, where: str, reader: ExpressionReader) -> Value:
    """Return a value of a type that a field is declared with."""
    if isinstance(hint, UnionType):
        return _read_choice(get_args(hint), value, where, reader)
    if hint is sp.Expr:
        return reader.read(value, where)
    origin: Any = get_origin(hint)
    if origin is tuple:
        return _read_sequence(get_args(hint)[0], value, where, reader)
    if origin is Mapping:
        return _read_texts(value, where)
    if is_dataclass(hint):
        return _construct(hint, value, where, reader)
    return _read_plain(hint, value, where)


def _construct(kind: Hint, value: object, where: str, reader: ExpressionReader) -> Value:
    parts = _read_fields(kind, value, where, reader)
    try:
        return kind(**parts)
    except KinimmuneError as error:
        raise DataError(f"{where}: {error}") from error


def _read_choice(kinds: tuple[Any, ...], value: object, where: str, reader: ExpressionReader) -> Value:
    """Return a value of one of two types: nothing or something, a number or a name."""
    if NoneType in kinds:
        other = next(kind for kind in kinds if kind is not NoneType)
        return None if value is None else _read_value(other, value, where, reader)
    return _read_plain(str if isinstance(value, str) else float, value, where)


def _read_sequence(kind: Hint, value: object, where: str, reader: ExpressionReader) -> tuple[Any, ...]:
    if not isinstance(value, list) or len(value) > MOST_PARTS:
        raise DataError(f"{where} is no list, or one of more than {MOST_PARTS}; write it again from the model")
    return tuple(_read_value(kind, item, f"{where}[{index}]", reader) for index, item in enumerate(value))


def _read_texts(value: object, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > MOST_PARTS:
        raise DataError(f"{where} is no object, or one of more than {MOST_PARTS}; write it again from the model")
    return {_read_plain(str, key, where): _read_plain(str, item, where) for key, item in value.items()}


def _read_plain(kind: Hint, value: object, where: str) -> Value:
    if kind is float:
        number = _INFINITIES.get(value, value) if isinstance(value, str) else value
        if isinstance(number, float | int) and not isinstance(number, bool) and abs(number) <= math.inf:
            return float(number)
    elif kind is bool and isinstance(value, bool):
        return value
    elif isinstance(value, str) and len(value) <= (LONGEST_UNIT if where.endswith(".unit") else LONGEST_TEXT):
        return _read_word(kind, value, where)
    wanted = "number" if kind is float else "yes or no" if kind is bool else "text"
    raise DataError(f"{where}: {repr(value)[:80]} is no {wanted}; write it again from the model")


def _read_word(kind: Hint, value: str, where: str) -> str:
    """Return a text, or one of the words of an enumeration."""
    if kind is str:
        named = where.endswith((".name", ".state")) and not where.startswith("drugs")
        return require_name(value, where) if named else value
    if value not in list(kind):
        raise DataError(f"{where}: '{value[:80]}'; {nearest(value[:80], list(kind))}")
    word: str = kind(value)
    return word


def _require_small(parts: Mapping[str, Any]) -> None:
    """Refuse equations that grow without bound when definitions are put into each other, before any is."""
    mechanisms = parts["mechanisms"]
    definitions = {symbol(item.name): item.expression for part in mechanisms for item in part.definitions}
    sizes: dict[sp.Symbol, int] = {}

    def size(expression: sp.Expr) -> int:
        inner = 1 + sum(map(size, expression.args))
        return sizes.get(expression, inner) if expression.is_Symbol else inner

    remaining = dict(definitions)
    while ready := [name for name, value in remaining.items() if not value.free_symbols & remaining.keys()]:
        sizes |= {name: size(remaining.pop(name)) for name in ready}
        if sum(sizes[name] for name in ready) > MOST_EXPANDED:
            break
    rest = [item.expression for part in mechanisms for item in part.terms]
    rest += [item.initial for part in mechanisms for item in part.states] + [item.expression for item in parts.get("outputs", ())]
    if sum(map(size, rest)) + sum(sizes.values()) > MOST_EXPANDED:
        raise DataError(f"equations of more than {MOST_EXPANDED} parts once definitions are put in; split them by states")
