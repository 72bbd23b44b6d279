"""Activity to note: on the right record, safe, in parts that fit, once by the caller's own id."""

import pytest
from hypothesis import given as those
from hypothesis import settings
from hypothesis import strategies as st

from crosswalk.automations.errors import InputChanged, UnusableInput
from crosswalk.automations.split import split
from crosswalk.unified.formats import from_text


def activity(about, content="They asked for a quote", number="call-1", **more):
    """What a call gives."""
    return {"id": number, "about": about, "content": content, **more}


async def notes_of(ground, path):
    """Titles and bodies of the notes of a record."""
    return [(note["TITLE"], note["BODY"]) for note in await ground.call("GET", f"{path}/Notes")]


async def test_found_by_address_domain_and_id(ground):
    """An address finds the contact, else the lead, else the account of its domain; ids find any kind."""
    contact = (await ground.call("POST", "Contacts", json={"FIRST_NAME": "A", "EMAIL_ADDRESS": "a@x.example"}))[
        "CONTACT_ID"
    ]
    lead = (await ground.call("POST", "Leads", json={"LAST_NAME": "L", "EMAIL": "l@x.example"}))["LEAD_ID"]
    body = {"ORGANISATION_NAME": "X", "EMAILDOMAINS": [{"EMAIL_DOMAIN": "x.example"}]}
    organisation = (await ground.call("POST", "Organisations", json=body))["ORGANISATION_ID"]
    deal = await ground.open_deal("D")
    automation = await ground.make("log", "activity_note")
    cases = (
        ({"email": "a@x.example"}, f"Contacts/{contact}"),
        ({"email": "l@x.example"}, f"Leads/{lead}"),
        ({"email": "nobody@x.example"}, f"Organisations/{organisation}"),
        ({"domain": "x.example"}, f"Organisations/{organisation}"),
        ({"opportunity": str(deal)}, f"Opportunities/{deal}"),
    )
    for number, (about, path) in enumerate(cases):
        firing, _ = await ground.worker().fire(automation, activity(about, f"said {number}", f"c{number}"), None)
        assert ("done", None) == (firing.state, firing.reason)
        assert any(body.startswith(f"said {number}") for _, body in await notes_of(ground, path)), path
    for about, says in (({"email": "nobody@y.example"}, "nobody here"), ({"contact": "999999"}, "no contact")):
        failed, _ = await ground.worker().fire(automation, activity(about, number=says), None)
        assert ("failed", True) == (failed.state, says in failed.reason)
    with pytest.raises(UnusableInput, match="give one of"):
        await ground.worker().fire(automation, activity({}), None)


async def test_once_by_the_callers_id(ground):
    """The same id makes one note, ever; the same id with another text is refused."""
    contact = ground.rows("contacts", "CONTACT_ID")[0][0]
    automation = await ground.make("log", "activity_note")
    given = activity({"contact": str(contact)}, "Same", "ticket-7")
    before = len(ground.rows("notes"))
    fired = [await ground.worker().fire(automation, given, None) for _ in range(3)]
    assert ([True, False, False], before + 1) == ([new for _, new in fired], len(ground.rows("notes")))
    with pytest.raises(InputChanged):
        await ground.worker().fire(automation, given | {"content": "Other"}, None)


async def test_spelt_safely_and_split(ground):
    """Markdown is rendered, scripts are taken out, and a long text becomes several notes that hold all of it."""
    contact = ground.rows("contacts", "CONTACT_ID")[0][0]
    about, path = {"contact": str(contact)}, f"Contacts/{contact}"
    automation = await ground.make("log", "activity_note", most_characters=1200, link_account=False)
    texts = (
        activity(about, "# Call\n\n**Two** seats", "m", content_format="markdown"),
        activity(about, '<p onclick="x()">Hi<script>alert(1)</script></p>', "h", content_format="html"),
        activity(about, "\n".join(f"line {number}" for number in range(300)), "t", title="Transcript"),
    )
    for given in texts:
        firing, _ = await ground.worker().fire(automation, given, None)
        assert ("done", None) == (firing.state, firing.reason)
    notes = await notes_of(ground, path)
    assert any(title == "Call" and "<strong>Two</strong>" in body for title, body in notes)
    assert not any("script" in body or "onclick" in body for _, body in notes)
    parts = [(title, body) for title, body in notes if title.startswith("Transcript (")]
    assert len(parts) > 2
    assert all(len(body) <= 1200 for _, body in parts)
    assert all(any(f"line {number}" in body for _, body in parts) for number in range(300))
    assert f"Transcript (1/{len(parts)})" in {title for title, _ in parts}


@settings(max_examples=40)
@those(st.text(max_size=300), st.integers(12, 60))
def test_split_loses_nothing_and_fits(text, most):
    """The parts fit, and together hold every character but blanks at the cuts."""
    parts = split(text, from_text, most)
    assert all(len(from_text(part)) <= most for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())
