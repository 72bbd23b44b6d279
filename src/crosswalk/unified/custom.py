"""Custom fields typed both ways, checked against the account's own definitions before any call. Pure."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches

from msgspec import UNSET

from crosswalk.insightly.custom_fields import CustomField, FieldTypes
from crosswalk.insightly.wire import to_custom, to_plain
from crosswalk.unified.errors import Fault
from crosswalk.unified.known import JSON, Wire
from crosswalk.unified.place import Place, entries
from crosswalk.unified.plan import Draft
from crosswalk.unified.value import Unfit, read_value, write_value

CUSTOM = "CUSTOMFIELDS"
NUMBERS = frozenset({"NUMERIC", "PERCENT", "CURRENCY"})


def read_custom(values: JSON, types: FieldTypes | None) -> JSON:
    """A record's custom fields by name; every field of the object where its definitions are known."""
    given = {str(item["FIELD_NAME"]): item.get("FIELD_VALUE") for item in entries(values) if "FIELD_NAME" in item}
    if types is None:
        return dict(given)
    found: dict[str, JSON] = {name: _typed(types, name, given.get(name)) for name in types.fields}
    return found | {name: value for name, value in given.items() if name not in found}


def _typed(types: FieldTypes, name: str, value: JSON) -> JSON:
    if value is None or value == "":
        return None
    field = types.fields[name]
    if field.field_type == "DATETIME":
        return read_value("moment", value)
    try:
        typed = FieldTypes({name: field}).typed({name: value})[name]
    except ValueError:
        return None  # what its definition cannot read stays in the remote data
    if isinstance(typed, float) and typed.is_integer():
        return int(typed)
    return to_plain(typed)


def put_custom(values: Mapping[str, JSON], draft: Draft, place: Place, *, pointer: str) -> list[Fault]:
    """Put custom fields into a draft's list, beside those that are there; gives what of them cannot be sent."""
    types, faults = place.known.custom, list[Fault]()
    kept: dict[str, JSON] = {str(entry["FIELD_NAME"]): entry for entry in entries(draft.wire.get(CUSTOM))}
    for name, given in values.items():
        try:
            spelt = to_custom(given) if types is None else _spell(types, name, given)
            if types is not None:
                _check_dependency(types, name, spelt, {**_values(place.present), **values})
        except Unfit as error:
            faults.append(_fault(error, name, pointer))
        else:
            kept[name] = {"FIELD_NAME": name, "FIELD_VALUE": spelt}
    draft.wire[CUSTOM] = list(kept.values())
    return faults


def _fault(error: Unfit, name: str, pointer: str) -> Fault:
    return Fault(
        pointer=f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}",
        code=error.code,
        detail=f"custom_fields.{name}: {error}",
        field="custom_fields",
        native_field=name,
        near=error.near,
    )


def depends(values: JSON, types: FieldTypes | None) -> bool:
    """Whether a change must know the record first: the field that governs a choice's options is not in the body."""
    if types is None or not isinstance(values, dict):
        return False
    governing = (_governor(types.fields[name]) for name in values if name in types.fields)
    return any(name in types.fields and name not in values for name in governing if name is not None)


def is_written(entry: Wire, types: FieldTypes | None) -> bool:
    """Whether a record's entry can be sent back: Insightly makes some custom fields itself."""
    field = None if types is None else types.fields.get(str(entry.get("FIELD_NAME")))
    return field is None or field.editable is not False


def _governor(field: CustomField) -> str | None:
    found = field.dependency
    if found is UNSET or found is None or not isinstance(found.controlling_field_id, str):
        return None
    return found.controlling_field_id


def _values(present: Wire | None) -> Mapping[str, JSON]:
    found = entries((present or {}).get(CUSTOM))
    return {str(entry.get("FIELD_NAME")): entry.get("FIELD_VALUE") for entry in found}


def _check_dependency(types: FieldTypes, name: str, spelt: JSON, values: Mapping[str, JSON]) -> None:
    """Refuse an option that the governing field's value rules out; a value that no filter names rules out nothing."""
    field = types.fields[name]
    governor, found = _governor(field), field.dependency
    if governor is None or found is UNSET or found is None or spelt is None:
        return
    ruling = str(values.get(governor) or "").casefold()
    filters = [each for each in found.options_filters or () if str(each.controlling_value).casefold() == ruling]
    if not filters:
        return
    ids = {one for each in filters for one in each.option_ids or ()}
    allowed = [str(each.option_value) for each in field.custom_field_options or () if each.option_id in ids]
    chosen = FieldTypes({name: field}).typed({name: spelt})[name]
    wrong = [str(each) for each in (chosen if isinstance(chosen, tuple) else (chosen,)) if str(each) not in allowed]
    if wrong:
        told = f"{', '.join(map(repr, wrong))} does not go with {governor} = {values.get(governor)!r}"
        raise Unfit(
            "picklist_dependency_violation", f"{told}; these do: {', '.join(allowed) or 'none'}", tuple(allowed)
        )


def _spell(types: FieldTypes, name: str, value: JSON) -> JSON:
    field = types.fields.get(name)
    if field is None:
        near = get_close_matches(name, types.fields, n=3, cutoff=0.5)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise Unfit("unknown_field", f"is no custom field.{hint}", tuple(near))
    if field.editable is False:
        raise Unfit("read_only", "is made by Insightly and cannot be written")
    if value is None:
        return None
    return _WRITERS.get(str(field.field_type), _write_plain)(field, value)


def _write_plain(field: CustomField, value: JSON) -> JSON:
    if isinstance(value, dict | list):
        raise Unfit("wrong_type", f"takes a plain value, not {value!r}")
    return value


def _write_choice(field: CustomField, value: JSON) -> JSON:
    for option in _options(field):
        if str(value).casefold() == option.casefold():
            return option
    near = tuple(get_close_matches(str(value), _options(field), n=3, cutoff=0.4))
    raise Unfit("unknown_value", f"{value!r} is none of its options: {', '.join(_options(field))}", near)


def _write_choices(field: CustomField, value: JSON) -> JSON:
    chosen = value if isinstance(value, list) else [value]
    return to_custom([_write_choice(field, item) for item in chosen])


def _options(field: CustomField) -> list[str]:
    return [str(option.option_value) for option in field.custom_field_options or ()]


_WRITERS: Mapping[str, Callable[[CustomField, JSON], JSON]] = {
    "DROPDOWN": _write_choice,
    "MULTISELECT": _write_choices,
    "BIT": lambda _, value: write_value("boolean", value),
    "DATE": lambda _, value: write_value("day", value),
    "DATETIME": lambda _, value: write_value("moment", value),
    **{kind: lambda _, value: write_value("number", value) for kind in NUMBERS},
}
