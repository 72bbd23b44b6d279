"""Translations of knowledge articles and of custom objects' records: one further version a language."""

import re

from crosswalk.sandbox.answers import find_in_path, success, table_of
from crosswalk.sandbox.bodies import read_object
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.refusals import Invalid, missing
from crosswalk.sandbox.rules import Draft, change
from crosswalk.sandbox.table import Row, Table
from crosswalk.sandbox.writing import fill

LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def get_translation(instance: Instance, call: Call) -> Answer:
    """Answer a record in a language: an empty list when there is no such translation."""
    table, row, held = _find(instance, call)
    values = held.get(_language(call))
    return Answer(200, b"[]") if values is None else _answer(instance, call, table, row=row, values=values)


def add_translation(instance: Instance, call: Call) -> Answer:
    """Add a translation to a record. Raises `Invalid` when there is one in this language."""
    table, row, held = _find(instance, call)
    language = _language(call)
    if language in held:
        raise Invalid(("language", f"{table.schema.record} {row.id} has a translation in {language} already."))
    return _write(instance, call, table, row=row, base=row.values)


def put_translation(instance: Instance, call: Call) -> Answer:
    """Change a translation of a record."""
    table, row, held = _find(instance, call)
    base = held.get(_language(call))
    if base is None:
        raise missing("Translation", _language(call))
    return _write(instance, call, table, row=row, base=base)


def _find(instance: Instance, call: Call) -> tuple[Table, Row, dict[str, list[object]]]:
    table = table_of(instance, call)
    row = find_in_path(instance, table, call)
    return table, row, instance.extras.translations.get(f"{table.schema.key}/{row.id}/", {})


def _language(call: Call) -> str:
    text = call.params["language"]
    if not LANGUAGE.fullmatch(text):
        raise Invalid(("language", f"The value '{text}' is not a valid language."))
    return text.lower()


def _write(instance: Instance, call: Call, table: Table, *, row: Row, base: list[object]) -> Answer:
    draft = Draft(instance, table, base, list(base), call.user, call.now)
    fill(draft, table.schema.put, read_object(call, table.schema.head), call=call, whole=False)
    if "language" in table.schema.place:
        draft["Language"] = _language(call)
    held = instance.extras.translations.setdefault(f"{table.schema.key}/{row.id}/", {})
    held[_language(call)] = draft.new
    change(instance, call, table, row=row, values={})
    return _answer(instance, call, table, row=row, values=draft.new)


def _answer(instance: Instance, call: Call, table: Table, *, row: Row, values: list[object]) -> Answer:
    shown = Row(row.id, values, version=row.version, born=row.born)
    return Answer(success(call), b"[" + instance.encode(table.schema, shown) + b"]")
