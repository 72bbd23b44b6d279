"""The replay of an account's send times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.gate.proof import Proof, replay


@given(st.lists(st.integers(0, 400).map(lambda tenths: tenths / 64), min_size=1, max_size=80))
def test_the_fullest_second(stamps):
    """The replay finds what counting every second that begins with a call finds."""
    proof = replay(stamps)
    counts = {start: sum(start <= each < start + 1 for each in stamps) for start in stamps}
    assert (len(stamps), max(counts.values())) == (proof.calls, proof.most)
    assert proof.most == counts[proof.at]
    assert (min(stamps), max(stamps)) == (proof.began, proof.ended)


@pytest.mark.parametrize(("times", "most"), [([0.0, 0.999], 2), ([0.0, 1.0], 1), ([5.0] * 11, 11)])
def test_edges(times, most):
    """A second holds its beginning and not its end."""
    assert most == replay(times).most


def test_no_calls():
    """Nothing sent proves nothing."""
    assert Proof() == replay([])
