"""Rules as JSON, both ways: of one rule, and of an operator with all that was learned about it.

A rule's expressions are text in the syntax of ``archsmith.graph.expr`` and are read by its parser; nothing in a
document is ever run. Slots of signatures are written as ``archsmith.graph.slot_json`` says, and a row of dtypes reads
``f32 i64 > f32``. Fields that have their usual value are left out.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from keyword import iskeyword
from reprlib import repr as shortened
from types import MappingProxyType
from typing import Any

from archsmith.graph.book import Operator
from archsmith.graph.expr import Expr, Lit, Sym, parse, show
from archsmith.graph.fields import count_of, demand_keys, each, field, mapping_of, text_of
from archsmith.graph.graph import Scalar
from archsmith.graph.rules import Bounds, DtypeRow, Learned, Provenance, Rule, TensorPattern
from archsmith.graph.signature import Plain, Signature, identifier
from archsmith.graph.slot_json import (
    argument_from_json,
    plain_from_json,
    plain_to_json,
    real_from_json,
    real_to_json,
    slot_to_json,
)

Tables = Callable[[object], tuple[DtypeRow, ...]]
"""Finds the table of dtypes that a rule's document names or has."""

CODES: Mapping[str, str] = MappingProxyType(
    {
        "float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf16",
        "int64": "i64", "int32": "i32", "int16": "i16", "int8": "i8", "uint8": "u8", "bool": "b8",
        "complex64": "c64", "complex128": "c128", "complex32": "c32",
        "uint16": "u16", "uint32": "u32", "uint64": "u64", "float8_e4m3fn": "f8e4", "float8_e5m2": "f8e5",
    }
)  # fmt: skip
"""Short words for dtypes, of which a book has a million; any other dtype stands for itself."""

_NAMES = {code: name for name, code in CODES.items()}


def rule_to_json(rule: Rule) -> dict[str, Any]:
    """The rule as a document that ``json.dumps`` takes; ``rule_from_json`` gives the rule again."""
    return {"operator": rule.operator} | _rule_written(rule, table_to_json)


def rule_from_json(document: object) -> Rule:
    """The rule of a document, raising ``ValueError`` with the place inside the document where it is none."""
    fields = mapping_of(document)
    operator = field("operator", text_of, fields.get("operator"))
    return _rule_read({key: value for key, value in fields.items() if key != "operator"}, operator, table_from_json)


def operator_to_json(operator: Operator) -> dict[str, Any]:
    """A learned operator as a document: rules with one table of dtypes share it."""
    tables: dict[tuple[DtypeRow, ...], int] = {}

    def placed(rows: tuple[DtypeRow, ...]) -> int:
        return tables.setdefault(rows, len(tables))

    rules = [_rule_written(rule, placed) for rule in operator.rules]
    document: dict[str, Any] = {"operator": operator.name, "rules": rules, "tables": list(map(table_to_json, tables))}
    if operator.summary:
        document["summary"] = operator.summary
    if operator.defaults:
        document["defaults"] = {name: plain_to_json(value) for name, value in operator.defaults}
    return document


def operator_from_json(document: object) -> Operator:
    """The operator of a document, raising ``ValueError`` with the place inside the document where it is none."""
    fields = mapping_of(document)
    demand_keys(fields, {"operator", "rules", "tables"}, {"summary", "defaults"})
    name = field("operator", text_of, fields["operator"])
    tables = each("tables", table_from_json, fields["tables"])

    def table(place: object) -> tuple[DtypeRow, ...]:
        if type(place) is not int or not 0 <= place < len(tables):
            raise ValueError(f"one of {len(tables)} tables, by its place from 0; got {shortened(place)}")
        return tables[place]

    rules = each("rules", lambda entry: _rule_read(mapping_of(entry), name, table), fields["rules"])
    summary = field("summary", text_of, fields.get("summary", ""))
    return Operator(name, summary, (), rules, defaults=field("defaults", _defaults, fields.get("defaults", {})))


def _defaults(document: object) -> tuple[tuple[str, Plain], ...]:
    given = mapping_of(document)
    return tuple((name, field(name, plain_from_json, given[name])) for name in sorted(given))


def table_to_json(rows: Sequence[DtypeRow]) -> str:
    """A table of dtypes as text: ``f32 i64 > f32; f64 i64 > f64``."""
    sides = ((map(_code, row.taken), map(_code, row.returned)) for row in rows)
    return "; ".join(f"{' '.join(taken)} > {' '.join(returned)}" for taken, returned in sides)


def _code(name: str) -> str:
    return CODES.get(name, name)


def table_from_json(text: object) -> tuple[DtypeRow, ...]:
    """The table of a text (``ValueError`` if it is none)."""
    return _table(text_of(text))


@lru_cache(maxsize=1 << 14)
def _table(text: str) -> tuple[DtypeRow, ...]:
    return tuple(map(_row, text.split("; "))) if text else ()


@lru_cache(maxsize=1 << 16)
def _row(text: str) -> DtypeRow:
    taken, arrow, returned = f" {text} ".partition(" > ")
    if not arrow or ">" in returned:
        raise ValueError(f"a row of dtypes reads 'f32 i64 > f32'; got {shortened(text)}")
    sides = [tuple(_NAMES.get(word, word) for word in side.split()) for side in (taken, returned)]
    return DtypeRow(*sides)


def _rule_written(rule: Rule, table: Callable[[tuple[DtypeRow, ...]], object]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "outputs": list(map(_pattern_written, rule.outputs)),
        "requires": list(map(show, rule.requires)),
        "constants": dict(rule.constants),
        "parameters": [[name, *map(show, sizes)] for name, sizes in rule.parameters],
        "macs": show(rule.macs),
        "provenance": rule.provenance.value,
        "support": rule.support,
        "counter_examples": rule.counter_examples,
    }
    if rule.learned is None or rule.inputs != _usual_inputs(rule.learned.signature):
        document["inputs"] = list(map(_pattern_written, rule.inputs))
    if rule.learned is not None:
        document |= _learned_written(rule.learned, table)
    return {key: value for key, value in document.items() if key not in _USUAL or value != _USUAL[key]}


def _learned_written(learned: Learned, table: Callable[[tuple[DtypeRow, ...]], object]) -> dict[str, Any]:
    call = learned.signature
    return {
        "call": [[name, slot_to_json(identifier(name), slot)] for name, slot in call.arguments],
        "positional": call.positional,
        "dtypes": table(learned.dtypes),
        "reals": [[entry.name, real_to_json(entry.least), real_to_json(entry.most)] for entry in learned.reals],
        "aliases": list(learned.aliases),
        "mutates": list(learned.mutates),
        "fill": learned.fill,
        "precision": learned.precision,
        "recall": learned.recall,
        "source": learned.source,
        "form": learned.form,
    }


_USUAL: Mapping[str, object] = MappingProxyType(
    {
        "requires": [], "constants": {}, "parameters": [], "macs": "0", "provenance": "confirmed",
        "support": 0, "counter_examples": 0, "reals": [], "aliases": [], "mutates": [], "fill": "normal",
        "precision": None, "recall": None, "source": "", "form": "",
    }
)  # fmt: skip
"""Fields of a rule that are left out where they have this value."""

_FURTHER = frozenset({"inputs", "call", "positional", "dtypes", *_USUAL})


def _rule_read(fields: Mapping[str, Any], operator: str, table: Tables) -> Rule:
    demand_keys(fields, {"outputs"}, _FURTHER)
    whole = {**_USUAL, **fields}
    learned = _learned_read(whole, operator, table) if "call" in fields else None
    if "inputs" in fields or learned is None:
        inputs = each("inputs", _pattern_read, whole.get("inputs"))
    else:
        inputs = _usual_inputs(learned.signature)
    return Rule(
        operator,
        inputs,
        each("outputs", _pattern_read, whole["outputs"]),
        each("requires", _expr, whole["requires"]),
        field("constants", _constants, whole["constants"]),
        each("parameters", _parameter, whole["parameters"]),
        field("macs", _expr, whole["macs"]),
        field("provenance", _provenance, whole["provenance"]),
        field("support", count_of, whole["support"]),
        field("counter_examples", count_of, whole["counter_examples"]),
        learned,
    )


def _learned_read(whole: Mapping[str, Any], operator: str, table: Tables) -> Learned:
    arguments = each("call", argument_from_json, whole["call"])
    signature = Signature(operator, arguments, field("positional", count_of, whole.get("positional")))
    if signature.positional > len(signature.arguments):
        raise ValueError(f"positional: at most the {len(signature.arguments)} arguments; got {signature.positional}")
    dtypes = field("dtypes", table, whole.get("dtypes"))
    names = signature.dtypes
    if any(len(row.taken) != len(names) for row in dtypes):
        raise ValueError(f"dtypes: a row takes one for each of {', '.join(names) or 'nothing'}")
    return Learned(
        signature,
        dtypes,
        each("reals", _bounds_read, whole["reals"]),
        each("aliases", _place_or_none, whole["aliases"]),
        each("mutates", count_of, whole["mutates"]),
        field("fill", text_of, whole["fill"]),
        field("precision", _share, whole["precision"]),
        field("recall", _share, whole["recall"]),
        field("source", text_of, whole["source"]),
        field("form", text_of, whole["form"]),
    )


def _usual_inputs(signature: Signature) -> tuple[TensorPattern, ...]:
    """What the inputs of a learned rule look like, unless it says otherwise."""
    return tuple(
        TensorPattern(f"T{place}", tuple(map(Sym, slot.sizes))) for place, slot in enumerate(signature.tensors)
    )


def _pattern_written(entry: TensorPattern) -> list[str]:
    return [entry.dtype, *map(show, entry.dims)]


def _pattern_read(entry: object) -> TensorPattern:
    match entry:
        case [str(dtype), *dims] if dtype.isidentifier():
            return TensorPattern(dtype, tuple(map(_expr, dims)))
    raise ValueError(f'a tensor reads ["R0", "size", ...]; got {shortened(entry)}')


def _parameter(entry: object) -> tuple[str, tuple[Expr, ...]]:
    match entry:
        case [str(name), *sizes]:
            return name, tuple(map(_expr, sizes))
    raise ValueError(f'a parameter reads ["name", "size", ...]; got {shortened(entry)}')


def _expr(text: object) -> Expr:
    return _expr_of(text_of(text))


@lru_cache(maxsize=1 << 16)
def _expr_of(text: str) -> Expr:
    if text.isidentifier() and not iskeyword(text):  # most are a symbol or a number, and need no parser
        return Sym(text)
    return Lit(int(text)) if text.isdecimal() and text.isascii() else parse(text)


def _bounds_read(entry: object) -> Bounds:
    match entry:
        case [str(name), least, most]:
            return Bounds(name, real_from_json(least), real_from_json(most))
    raise ValueError(f'bounds read ["name", least, most]; got {shortened(entry)}')


def _constants(document: object) -> tuple[tuple[str, Scalar], ...]:
    given = mapping_of(document)
    wrong = next((name for name, value in given.items() if not isinstance(value, int | float | str)), None)
    if wrong is not None:
        raise ValueError(f"{wrong} must be a number, boolean or text; got {shortened(given[wrong])}")
    return tuple(sorted(given.items()))


def _place_or_none(value: object) -> int | None:
    return None if value is None else count_of(value)


def _share(value: object) -> float | None:
    match value:
        case None:
            return None
        case int() | float() if not isinstance(value, bool) and 0 <= value <= 1:
            return value
    raise ValueError(f"must be a number from 0 to 1, or null; got {shortened(value)}")


def _provenance(value: object) -> Provenance:
    if value not in {entry.value for entry in Provenance}:
        raise ValueError(f"must be one of {', '.join(Provenance)}; got {shortened(value)}")
    return Provenance(str(value))
