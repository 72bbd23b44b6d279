"""Where a customer's Insightly is: read from what a person pastes, and never anywhere else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.accounts.errors import UnusableAccount
from crosswalk.accounts.where import PLACES, pod_of, read_place

NA1 = "https://api.na1.insightly.com/v3.1"
HOST = r"https://api(\.[a-z0-9-]{1,32})?\.insightly\.com/v3\.1"


@pytest.mark.parametrize(
    "text",
    [
        NA1,
        f" {NA1}/ ",
        "https://api.na1.insightly.com/v2.1/",
        "http://api.na1.insightly.com",
        "api.na1.insightly.com",
        "API.NA1.insightly.com/v3.1/Help",
        "na1",
        "NA1",
    ],
)
def test_means_one_place(text: str):
    """The API URL in any version, its host and its pod alone mean one base URL, always over https."""
    assert NA1 == read_place(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://crm.na1.insightly.com/",
        "https://api.na1.insightly.com.evil.example/v3.1",
        "https://evil.example/?api.na1.insightly.com",
        "https://api.na1.insightly.com@evil.example/v3.1",
        "https://me:secret@api.na1.insightly.com/v3.1",
        "https://api.na1.insightly.com:8443/v3.1",
        "http://127.0.0.1:8931/v3.1",
        "https://[",
        "not a pod",
        "x" * 301,
    ],
)
def test_no_place(text: str):
    """What is not Insightly's host is refused, with what to do."""
    with pytest.raises(UnusableAccount, match="Copy the API URL from"):
        read_place(text)


def test_operators_host():
    """A host that the operator listed is one more place."""
    assert "http://127.0.0.1:8931/v3.1" == read_place("http://127.0.0.1:8931/v3.1", ("127.0.0.1:8931",))


@given(st.text(alphabet="aip.nstghlycom1-:/@?#\\v3 []%", max_size=60))
def test_never_elsewhere(text: str):
    """Whatever is pasted, a key goes to Insightly's host over https or nowhere."""
    try:
        place = read_place(text)
    except UnusableAccount:
        return
    assert re.fullmatch(HOST, place)


def test_pods():
    """A base URL tells its pod where it has one."""
    assert ["na1", None, None] == [pod_of(each) for each in (NA1, PLACES[0], "http://127.0.0.1:1/v3.1")]
