"""What a stream of records looks like, and what changed."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.delivery.schema import (
    CLOSELY,
    COLUMNS,
    DISTINCT,
    Change,
    ColumnAdded,
    ColumnGone,
    NullabilityChanged,
    Schema,
    Survey,
    TypeChanged,
    describe,
    differ,
    merge,
    widest,
)

TYPES = ["null", "boolean", "integer", "number", "date", "datetime", "email", "string", "array", "object", "mixed"]
values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5), st.lists(st.integers())
)
records = st.lists(st.dictionaries(st.sampled_from("abc"), values, max_size=3), max_size=8)


def survey(*rows):
    """The schema of some records."""
    made = Survey()
    made.note_all(rows)
    return made.schema


@pytest.mark.parametrize(
    ("value", "kind", "looks"),
    [
        (1, "integer", "integer"),
        (1.5, "number", "number"),
        (True, "boolean", "boolean"),
        ([1], "array", "array"),
        ({"b": 1}, "object", "object"),
        ("12", "string", "integer"),
        ("-1.50", "string", "number"),
        ("007", "string", "string"),
        ("+49 30 1", "string", "string"),
        ("true", "string", "boolean"),
        ("2026-01-31", "string", "date"),
        ("2026-01-31T12:00:00Z", "string", "datetime"),
        ("2026-01-31 12:00:00", "string", "datetime"),
        ("ann@example.com", "string", "email"),
        ("Ann", "string", "string"),
        (None, "null", "null"),
    ],
)
def test_types(value, kind, looks):
    """A column says its JSON type, and what its texts look like."""
    (column,) = survey({"a": value}).columns
    assert (kind, looks) == (column.type, column.looks)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("integer", "number", "number"),
        ("date", "datetime", "datetime"),
        ("email", "string", "string"),
        ("integer", "string", "mixed"),
        ("null", "array", "array"),
    ],
)
def test_widest(one, other, both):
    """Two types meet in the narrowest that holds both."""
    assert {both} == {widest(one, other), widest(other, one)}


@given(st.sampled_from(TYPES), st.sampled_from(TYPES), st.sampled_from(TYPES))
def test_widest_holds_what_it_took(one, other, third):
    """A type that was taken in changes nothing when it comes again, in whichever order."""
    both = widest(one, other)
    assert both == widest(both, one) == widest(both, other)
    assert "mixed" in (both, widest(both, third)) or widest(both, third) == widest(widest(both, third), both)


def test_empty_and_absent_values_make_a_column_nullable():
    """Null, an empty text and an absent column are all told apart from a value."""
    schema = survey({"a": 1, "b": "", "c": None}, {"a": 2, "b": "x"})
    assert [False, True, True] == [column.nullable for column in schema.columns]
    assert [0.0, 0.5, 1.0] == [column.null_share for column in schema.columns]


def test_late_null_is_noticed():
    """A null among many thousand rows is noticed, though most values are not looked at closely."""
    rows = [{"a": 1}] * (CLOSELY + 4) + [{"a": None}]
    assert survey(*rows).column("a").nullable


def test_examples_are_few_different_and_short():
    """Three different examples are kept, long ones cut."""
    (column,) = survey(*({"a": "x" * 500} for _ in range(3)), {"a": "y"}, {"a": "z"}, {"a": "w"}).columns
    assert ("x" * 100 + "…", "y", "z") == column.examples
    assert (500, 4) == (column.longest, column.distinct)


def test_many_different_values_are_many():
    """Beyond a hundred, different values are no longer counted."""
    assert survey(*({"a": number} for number in range(DISTINCT + 1))).column("a").distinct is None


def test_columns_are_bounded():
    """Records that are maps of ids do not fill the memory."""
    assert COLUMNS == len(survey({str(number): 1 for number in range(COLUMNS + 5)}).columns)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([{"a": 1}], [{"a": 2}], ()),
        ([{"a": 1}], [{"a": 2, "b": "x"}], (ColumnAdded("b", "string"),)),
        ([{"a": 1, "b": "x"}], [{"a": 2}], (ColumnGone("b", "string"),)),
        ([{"a": "1"}], [{"a": "x"}], (TypeChanged("a", "integer", "string"),)),
        ([{"a": 1}], [{"a": "1"}], (TypeChanged("a", "integer", "mixed"),)),
        ([{"a": "x"}], [{"a": "a@b.c"}], ()),
        ([{"a": 1.5}], [{"a": 1}], ()),
        ([{"a": 1}], [{"a": None}, {"a": 2}], (NullabilityChanged("a", nullable=True),)),
        ([{"a": None}], [{"a": 2}], ()),
        ([{"a": 1}], [], ()),
    ],
)
def test_differ(old, new, expected):
    """Only what an earlier reading could not hold is a change."""
    assert expected == differ(survey(*old), survey(*new))


def test_nullability_ends_only_for_sure():
    """A column stops being nullable only after many values."""
    old = survey(*[{"a": None}, {"a": 1}] * CLOSELY)
    assert (NullabilityChanged("a", nullable=False),) == differ(old, survey(*[{"a": 1}] * CLOSELY))


@given(records, records)
def test_merged_schema_holds_both(one, other):
    """What was merged in differs no longer, but for columns that one of the two lacks."""
    old, new = survey(*one), survey(*other)
    both = merge(old, new)
    assert both.rows == old.rows + new.rows
    assert [] == [each for each in differ(both, new) if isinstance(each, ColumnAdded | TypeChanged)]


@given(records)
def test_schema_survives_json(rows):
    """A schema is kept as JSON and comes back the same."""
    schema = survey(*rows)
    assert msgspec.json.encode(schema) == msgspec.json.encode(
        msgspec.json.decode(msgspec.json.encode(schema), type=Schema)
    )


def test_changes_are_sentences_and_json():
    """Every change can be told to a person, and kept."""
    changes = [ColumnAdded("a", "integer"), ColumnGone("b", "string"), TypeChanged("c", "integer", "mixed")]
    changes += [NullabilityChanged("d", nullable=flag) for flag in (True, False)]
    assert 5 == len({describe(change) for change in changes})
    assert changes == msgspec.json.decode(msgspec.json.encode(changes), type=list[Change])
