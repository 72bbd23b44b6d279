"""Mapping rules: what a field is made of, what happens on the way, and what is refused before any call."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.contract import load
from crosswalk.delivery.cell import BadValue
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.mapping import Cast, Lookup, Rule, cast_to, check_rule, read_format
from crosswalk.delivery.payload import Invalid, Payload, make_payload
from crosswalk.delivery.plan import Plan, Rows
from crosswalk.delivery.planning import settle_plan
from crosswalk.delivery.references import Entry, References
from crosswalk.delivery.settings import Settings, list_differences, make_plan, preview
from crosswalk.delivery.template import find_template
from crosswalk.insightly.custom_fields import (
    CustomField,
    CustomFieldDependency,
    CustomFieldOption,
    CustomFieldOptionsFilter,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def options(*names):
    """Options numbered from 1."""
    return tuple(CustomFieldOption(option_id=i, option_value=name) for i, name in enumerate(names, 1))


CUSTOM = {
    "Tier__c": CustomField(field_name="Tier__c", field_type="DROPDOWN", custom_field_options=options("Gold", "Silver")),
    "Hobbies__c": CustomField(
        field_name="Hobbies__c", field_type="MULTISELECT", custom_field_options=options("Music", "Rock; Roll", "Chess")
    ),
    "Score__c": CustomField(field_name="Score__c", field_type="PERCENT"),
    "Since__c": CustomField(field_name="Since__c", field_type="DATE"),
    "Vip__c": CustomField(field_name="Vip__c", field_type="BIT"),
    "Number__c": CustomField(field_name="Number__c", field_type="AUTONUMBER"),
    "Shut__c": CustomField(field_name="Shut__c", field_type="TEXT", editable=False),
    "Perk__c": CustomField(
        field_name="Perk__c",
        field_type="DROPDOWN",
        custom_field_options=options("Car", "Bike"),
        dependency=CustomFieldDependency(
            controlling_field_id="Tier__c",
            options_filters=(
                CustomFieldOptionsFilter(controlling_value="Gold", option_ids=(1, 2)),
                CustomFieldOptionsFilter(controlling_value="Silver", option_ids=(2,)),
            ),
        ),
    ),
}
REFERENCES = References(
    {
        "users": {
            "ann@x.example": (Entry(1, "ann@x.example"),),
            "ann lee": (Entry(1, "Ann Lee"), Entry(2, "Ann Lee")),
            "bo ray": (Entry(2, "Bo Ray"),),
            "#2": (Entry(2, "2"),),
        },
        "pipelines": {"sales": (Entry(7, "Sales"),)},
        "stages": {"won": (Entry(30, "Won", 7), Entry(40, "Won", 8)), "lost": (Entry(41, "Lost", 8),)},
    }
)


def made(mapping, cells, *, template="create-contact", id_column=None, **known):
    """What one row becomes under a mapping."""
    plan = Plan(call=find_template(template), mapping=tuple(mapping.items()), id_column=id_column)
    known = {"custom": CUSTOM, "references": REFERENCES} | known
    return make_payload(settle_plan(plan, load(), Rows(tuple(cells)), base_url=None, now=NOW, **known), cells)


def body(rule, cell, field="LAST_NAME", **known):
    """The value that one rule makes of the cell `c`, or why it is refused."""
    mapping = {"FIRST_NAME": Rule(constant="x"), field: rule}
    answer = made(mapping, {"c": cell}, **known)
    if isinstance(answer, Invalid):
        return answer.reason
    custom = {entry["FIELD_NAME"]: entry["FIELD_VALUE"] for entry in answer.body.get("CUSTOMFIELDS", ())}
    return (answer.body | custom).get(field)


C = Rule(column="c")


@pytest.mark.parametrize(
    ("field", "rule", "cell", "expected"),
    [
        ("LAST_NAME", C, "Lee", "Lee"),
        ("LAST_NAME", Rule(column="c.d"), {"d": "Lee"}, "Lee"),
        ("LAST_NAME", Rule(constant="Lee"), None, "Lee"),
        ("LAST_NAME", Rule(expression="$uppercase(c)"), "Lee", "LEE"),
        ("LAST_NAME", Rule(column="c", default="?"), "", "?"),
        ("LAST_NAME", Rule(column="c", default="?"), "Lee", "Lee"),
        ("LAST_NAME", Rule(expression="nothing", default="?"), "Lee", "?"),
        ("LAST_NAME", C, "", None),
        ("EMAIL_OPTED_OUT", C, "yes", True),
        ("EMAIL_OPTED_OUT", Rule(constant=False), "", False),
        (
            "DATE_OF_BIRTH",
            Rule(column="c", cast=Cast(to="date", format="dd/MM/yyyy")),
            "31/01/1990",
            "1990-01-31 00:00:00",
        ),
        (
            "DATE_OF_BIRTH",
            Rule(column="c", cast=Cast(to="datetime", format="d.M.yy HH:mm")),
            "31.1.90 08:05",
            "1990-01-31 08:05:00",
        ),
        (
            "TAGS",
            Rule(column="c", cast=Cast(to="list", separator="|")),
            "a| b|",
            [{"TAG_NAME": "a"}, {"TAG_NAME": "b"}],
        ),
        ("OWNER_USER_ID", Rule(column="c", lookup=Lookup(table="users")), " ANN@x.example ", 1),
        ("OWNER_USER_ID", Rule(column="c", lookup=Lookup(table="users")), 2, 2),
        ("OWNER_USER_ID", Rule(constant="Bo Ray", lookup=Lookup(table="users")), None, 2),
        ("ORGANISATION_ID", Rule(column="c", cast=Cast(to="integer")), "1,234", 1234),
        ("Tier__c", C, "gold", "Gold"),
        ("Hobbies__c", C, ["music", "Chess"], "Music;Chess"),
        ("Hobbies__c", C, "rock; roll;music", "Rock; Roll;Music"),
        ("Score__c", C, "12.5", 12.5),
        ("Since__c", C, "2026-01-31", "2026-01-31 00:00:00"),
        ("Vip__c", C, "y", True),
    ],
)
def test_values(field, rule, cell, expected):
    """A value comes from its column, constant or expression, then default, cast and lookup, to its field's type."""
    assert expected == body(rule, cell, field)


@pytest.mark.parametrize(
    ("field", "rule", "cell", "says"),
    [
        ("LAST_NAME", C, "x" * 256, "LAST_NAME holds 256 characters, at most 255 fit (column 'c')"),
        ("VISIBLE_TO", C, "nobody", "VISIBLE_TO is 'nobody', not one of EVERYONE, OWNER, TEAM (column 'c')"),
        ("ORGANISATION_ID", C, "many", "ORGANISATION_ID takes a whole number, not 'many' (column 'c')"),
        ("OWNER_USER_ID", C, str(2**40), "outside"),
        (
            "DATE_OF_BIRTH",
            Rule(column="c", cast=Cast(to="date", format="dd/MM/yyyy")),
            "1990-01-31",
            "written as dd/MM/yyyy",
        ),
        ("OWNER_USER_ID", Rule(column="c", lookup=Lookup(table="users")), "Ann Lee", "a name of 2 user ids: 1, 2"),
        (
            "OWNER_USER_ID",
            Rule(column="c", lookup=Lookup(table="users")),
            "Bo Rey",
            "no user is called so. Near: Bo Ray",
        ),
        ("OWNER_USER_ID", Rule(column="c", lookup=Lookup(table="users")), "3", "no user is called so"),
        ("LAST_NAME", Rule(expression="$number(c)"), "x", "LAST_NAME: the expression fails"),
        ("Tier__c", C, "Gol", "Tier__c is 'Gol', which is none of its options. Did you mean 'Gold'?"),
        ("Hobbies__c", C, "Music;Golf", "Hobbies__c is 'Golf'"),
        ("Score__c", C, "101", "Score__c is 101, outside 0 to 100"),
        ("Since__c", C, "soon", "Since__c takes a date"),
        ("LAST_NAME", C, {"a": "y" * 99}, "…"),
    ],
)
def test_rows_that_are_refused(field, rule, cell, says):
    """A value that does not fit names its field, its column, itself, shortened, and the limit."""
    refused = body(rule, cell, field)
    assert says in refused
    assert len(refused) < 250


@pytest.mark.parametrize(
    ("field", "rule", "says"),
    [
        ("FRIST_NAME", C, "Did you mean FIRST_NAME"),
        ("DATE_CREATED_UTC", C, "cannot be written"),
        ("Teir__c", C, "Did you mean Tier__c"),
        ("Number__c", C, "Insightly fills it"),
        ("Shut__c", C, "cannot be written"),
        ("LAST_NAME", Rule(), "exactly one of column, constant and expression; it has 0"),
        ("LAST_NAME", Rule(column="c", constant="x"), "it has 2"),
        ("LAST_NAME", Rule(column=""), "no column ''"),
        ("LAST_NAME", Rule(column="d"), "no column 'd'"),
        ("LAST_NAME", Rule(constant="x" * 256), "at most 255 fit. It would be so in every row"),
        ("LAST_NAME", Rule(expression="c &"), "expression of LAST_NAME cannot be read"),
        ("OWNER_USER_ID", Rule(constant="Nobody", lookup=Lookup(table="users")), "no user is called so"),
        ("OWNER_USER_ID", Rule(column="c", lookup=Lookup(table="users", pipeline="Sales")), "have no pipeline"),
        ("DATE_OF_BIRTH", Rule(column="c", cast=Cast(to="date", format="dd/QQ")), "'Q' is none of"),
        ("LAST_NAME", Rule(column="c", cast=Cast(to="text", format="dd")), "has no format"),
        ("LAST_NAME", Rule(column="c", cast=Cast(to="list", separator="")), "empty separator"),
        ("LAST_NAME", Rule(column="c", write="only_if_empty"), "updates no single record"),
    ],
)
def test_mappings_that_cannot_work(field, rule, says):
    """What can work for no row is said when the mapping is saved."""
    with pytest.raises(PlanError, match=says.replace("(", r"\(")):
        made({"FIRST_NAME": Rule(constant="x"), field: rule}, {"c": "v"})


def test_an_empty_column_is_refused_before_any_row():
    """A rule without a column's name is refused when it is saved, too."""
    with pytest.raises(PlanError, match="FIRST_NAME names an empty column"):
        check_rule("FIRST_NAME", Rule(column=""))


def test_dependent_options():
    """An option that its controlling field's value does not offer is refused, where a row sends both."""
    mapping = {"FIRST_NAME": Rule(constant="x"), "Tier__c": Rule(column="t"), "Perk__c": Rule(column="p")}
    assert "Perk__c is 'Car', which Tier__c = 'Silver' does not offer. It offers: Bike" == (
        made(mapping, {"t": "silver", "p": "car"}).reason
    )
    assert isinstance(made(mapping, {"t": "gold", "p": "car"}), Payload)
    assert isinstance(made(mapping, {"t": "", "p": "car"}), Payload)


@pytest.mark.parametrize(
    ("pipeline", "stage", "expected"), [("sales", "Won", {"STAGE_ID": 30}), (None, "lost", {"STAGE_ID": 41})]
)
def test_stages_of_a_pipeline(pipeline, stage, expected):
    """A stage's name is looked up among its pipeline's."""
    rule = Rule(column="s", lookup=Lookup(table="stages", pipeline=pipeline))
    payload = made({"STAGE_ID": rule}, {"s": stage, "id": 5}, template="set-opportunity-stage", id_column="id")
    assert ("/Opportunities/5/PipelineStage", expected) == (payload.path, payload.body)


def test_fields_below_an_object():
    """A path that is no field's own name goes into the object that the call takes."""
    mapping = {
        "PIPELINE_ID": Rule(constant=7),
        "PIPELINE_STAGE_CHANGE.STAGE_ID": Rule(column="s", cast=Cast(to="integer")),
    }
    payload = made(mapping, {"s": "30", "id": 5}, template="set-opportunity-pipeline", id_column="id")
    assert {"PIPELINE_ID": 7, "PIPELINE_STAGE_CHANGE": {"STAGE_ID": 30}} == payload.body


@pytest.mark.parametrize(
    ("write", "cells", "expected"),
    [
        ("always", {"id": 5, "p": ""}, {"PHONE": None}),
        ("always", {"id": 5, "p": "1"}, {"PHONE": "1"}),
        ("never_null", {"id": 5, "p": ""}, {}),
        ("only_if_empty", {"id": 5, "p": ""}, {}),
    ],
)
def test_empty_values(write, cells, expected):
    """An empty value clears its field by `always`, and is left out otherwise."""
    payload = made({"PHONE": Rule(column="p", write=write)}, cells, template="update-contact", id_column="id")
    assert {"CONTACT_ID": 5} | expected == payload.body
    assert (("PHONE",) if write == "only_if_empty" else ()) == payload.if_empty


def test_what_cannot_be_cleared():
    """A required field is not cleared; a column that a row lacks clears nothing."""
    mapping = {"FIRST_NAME": Rule(column="f", write="always"), "PHONE": Rule(column="p", write="always")}
    refused = made(mapping, {"id": 5, "f": None, "p": 1}, template="update-contact", id_column="id")
    assert "FIRST_NAME is empty, and cannot be cleared" == refused.reason
    plan = Plan(call=find_template("update-contact"), mapping=tuple(mapping.items()), id_column="id")
    settled = settle_plan(plan, load(), Rows(("id", "f", "p"), closed=False), base_url=None, now=NOW)
    assert {"CONTACT_ID": 5, "FIRST_NAME": "x"} == make_payload(settled, {"id": 5, "f": "x"}).body


def test_costs_are_said():
    """Tables that are read, and records that are read before they are written, are notes of the plan."""
    mapping = {
        "OWNER_USER_ID": Rule(column="o", lookup=Lookup(table="users")),
        "PHONE": Rule(column="p", write="only_if_empty"),
    }
    settings = Settings(template="update-contact", mapping=mapping, id_column="id")
    shown = preview(settings, [{"id": 5, "o": "Ann", "p": "1"}], load(), base_url="https://x.example/v3.1", now=NOW)
    assert (
        "Reads the account's users once before the first row: one call for every 500.",
        "Reads each record before it writes it, for PHONE: two calls a row.",
    ) == shown.notes
    assert {"CONTACT_ID": 5, "OWNER_USER_ID": "users: Ann", "PHONE": "1"} == msgspec.json.decode(shown.calls[0].body)


SCALARS = st.none() | st.booleans() | st.integers() | st.text()
RULES = st.builds(
    Rule,
    column=st.none() | st.text(),
    constant=SCALARS,
    expression=st.none() | st.text(),
    default=SCALARS,
    cast=st.none() | st.builds(Cast, to=st.sampled_from(["text", "integer", "number", "boolean", "date", "list"])),
    lookup=st.none() | st.builds(Lookup, table=st.sampled_from(["users", "stages"]), pipeline=st.none() | st.text()),
    write=st.sampled_from(["always", "only_if_empty", "never_null"]),
)


@given(st.dictionaries(st.text(), RULES, max_size=3))
def test_round_trip(mapping):
    """Settings and plans with any mapping survive their journey through JSON, and differ from none at that place."""
    settings = Settings(template="create-contact", mapping=mapping)
    assert settings == msgspec.json.decode(msgspec.json.encode(settings), type=Settings)
    plan = make_plan(settings)
    assert plan == msgspec.json.decode(msgspec.json.encode(plan), type=Plan)
    assert (["mapping"] if mapping else []) == [*list_differences(Settings(template="create-contact"), settings)]


VALUES = st.recursive(
    SCALARS | st.floats(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4
)


@given(st.sampled_from(["text", "integer", "number", "boolean", "date", "datetime", "list"]), VALUES)
def test_any_value_is_cast_or_refused(to, value):
    """No cell of any kind can end a run: a cast answers, or refuses."""
    try:
        made = cast_to(Cast(to=to), value)
    except BadValue as error:
        made = str(error)
    assert isinstance(made, str | int | float | bool | list)


@given(st.dates(), st.sampled_from(["dd/MM/yyyy", "yyyy-MM-dd", "d.M.yyyy", "'on' MM/dd/yyyy", "yyyyMMdd"]))
def test_dates_in_any_format(date, written):
    """A date written in a format is read back by it."""
    text = f"{date.year:04}".join(date.strftime(read_format(written).replace("%Y", "@")).split("@"))
    assert date.isoformat() == cast_to(Cast(to="date", format=written), text)
