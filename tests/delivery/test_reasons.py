"""Reasons in a common form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.delivery.reasons import MOST_CHARACTERS, normalise


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("Contact 7 is gone", "Contact … is gone"),
        ("'O\\'Brien' is no date", "… is no date"),
        ('got "a b" and `c`', "got … and …"),
        ("at 2026-11-22 10:00", "at … …"),
        ("record 01a2042e-bb83-7483-aa23-9d9b16943810 differs", "record … differs"),
        ("holds 'Acme', and none is called so. Near: Acne, Acmed", "holds …, and none is called so"),
        ("holds 'Zy', and none is called so. There are: Acne", "holds …, and none is called so"),
        ("ADDRESS_MAIL_2  is too long\n", "ADDRESS_MAIL_2 is too long"),
    ],
)
def test_normalise(reason: str, expected: str):
    """Ids, quoted values, numbers and dates are left out; names of fields stay."""
    assert expected == normalise(reason)


@given(st.text())
def test_any_reason(reason: str):
    """Whatever a server said comes out short, on one line, and the same when done again."""
    made = normalise(reason)
    assert (True, made) == (len(made) <= MOST_CHARACTERS, " ".join(made.split()))
