"""Saved overrides: in layers, in versions, known in every process, never used when they cannot work."""

import msgspec
import pytest
from sqlalchemy import update

from crosswalk.accounts.audit import Act, append, list_lines
from crosswalk.accounts.audit import Wanted as Lines
from crosswalk.store.database import open_database
from crosswalk.store.mappings import mappings as table
from crosswalk.unified.errors import MappingBroken, MappingTaken, Refused, UnknownVersion
from crosswalk.unified.mapping import to_unified
from crosswalk.unified.mappings import Draft, Mappings, Spot, Whose
from crosswalk.unified.nouns import CRM
from crosswalk.unified.overrides import Override

OURS, THEIRS, ALONE = Whose("ours", "north"), Whose("theirs", "south"), Whose("alone")
WIRE = {"ORGANISATION_ID": 7, "ORGANISATION_NAME": "Acme", "BACKGROUND": "made of tin", "WEBSITE": "acme.example"}


def service(database, **more) -> Mappings:
    """The saved overrides of a database, with an evaluator that writes large."""
    return Mappings(database=database, evaluate=lambda name, context: str(context[name]).upper(), check=str, **more)


@pytest.fixture
def mappings(database) -> Mappings:
    """The saved overrides of one process."""
    return service(database)


def draft(layer="account", subject="ours", resource="accounts", seen=None, whose=None, **overrides) -> Draft:
    """Overrides that somebody saves."""
    return Draft(spot=Spot(layer, subject, resource), overrides=overrides, by="Ada", seen=seen, whose=whose)


async def shown(mappings: Mappings, whose: Whose) -> dict:
    """A record as an account has it."""
    return to_unified(await mappings.noun("accounts", whose), WIRE)


async def test_the_narrowest_layer_wins(mappings):
    """The account's word goes over its tenant's, that over the base's; others see what is theirs."""
    await mappings.save(draft("base", "", origin=Override(constant="base"), website=Override(hidden=True)))
    await mappings.save(draft("environment", "north", origin=Override(constant="north")))
    await mappings.save(draft(origin=Override(field="BACKGROUND"), whose=OURS))
    ours, theirs, alone = [await shown(mappings, each) for each in (OURS, THEIRS, ALONE)]
    assert ("made of tin", "base", "base") == (ours["origin"], theirs["origin"], alone["origin"])
    assert set() == {"website"} & (set(ours) | set(theirs) | set(alone))
    other_of_north = await shown(mappings, Whose("other", "north"))
    assert "north" == other_of_north["origin"]


async def test_a_narrow_layer_takes_away_what_a_wide_one_adds(mappings):
    """A field that only an override has can be hidden below it; where nobody has it there is nothing to hide."""
    with pytest.raises(Refused):
        await mappings.save(draft(origin=Override(hidden=True), whose=OURS))
    await mappings.save(draft("base", "", origin=Override(constant="base")))
    await mappings.save(draft(origin=Override(hidden=True), whose=OURS))
    assert ("origin" in await shown(mappings, OURS), "origin" in await shown(mappings, THEIRS)) == (False, True)


async def test_versions_and_rollback(mappings):
    """Every save is a version that stays; a rollback is one more; the same again is none."""
    for word in ("a", "b", "b"):
        await mappings.save(draft(origin=Override(constant=word)))
    back = await mappings.roll_back(draft(), 1)
    assert ([3, 2, 1], "a", "Ada") == (
        [each.number for each in await mappings.versions(back.spot)],
        (await shown(mappings, OURS))["origin"],
        back.made_by,
    )
    assert [2] == [each.number for each in await mappings.versions(back.spot, before=3, most=1)]
    with pytest.raises(UnknownVersion, match="no version 9"):
        await mappings.roll_back(draft(), 9)
    assert 4 == (await mappings.save(draft())).number
    assert "origin" not in await shown(mappings, OURS)


async def test_somebody_else_saved(mappings):
    """Who names the version that it saw saves over that one only."""
    await mappings.save(draft(seen=0, origin=Override(constant="a")))
    with pytest.raises(MappingTaken, match="at version 1, saved by Ada"):
        await mappings.save(draft(seen=0, origin=Override(constant="b")))
    assert 2 == (await mappings.save(draft(seen=1, origin=Override(constant="b")))).number


async def test_refused_is_not_saved(mappings):
    """What cannot be is refused as a whole, and what was saved before stays."""
    await mappings.save(draft(origin=Override(constant="a")))
    with pytest.raises(Refused):
        await mappings.save(draft(origin=Override(constant="b"), name=Override(hidden=True)))
    assert ("a", 1) == (
        (await shown(mappings, OURS))["origin"],
        (await mappings.find(Spot("account", "ours", "accounts"))).number,
    )


async def test_a_version_and_its_audit_line_are_one(mappings, database):
    """What goes with a version is written with it, or neither is."""

    async def note(connection, version):
        await append(
            connection, Act(actor="Ada", action="mapping.save", object=str(version.number)), at=version.made_at
        )

    async def fail(connection, version):
        await note(connection, version)
        raise RuntimeError("the process dies here")

    await mappings.save(draft(origin=Override(constant="a")), note)
    with pytest.raises(RuntimeError):
        await mappings.save(draft(origin=Override(constant="b")), fail)
    lines = await list_lines(database, Lines(), most=10)
    assert (["1"], "a") == ([each.object for each in lines], (await shown(mappings, OURS))["origin"])


async def test_another_process_learns_of_it(mappings, database_url):
    """A process reads nothing while its knowledge is fresh, and has what others saved when it no longer is."""
    async with open_database(database_url) as second:
        at = [100.0]
        other = service(second, clock=lambda: at[0])
        assert "origin" not in await shown(other, OURS)
        await mappings.save(draft(origin=Override(constant="a")))
        assert "origin" not in await shown(other, OURS)
        at[0] += 1.0
        assert "a" == (await shown(other, OURS))["origin"]


@pytest.mark.parametrize("kept", ['{"origin": {"spell": "x"}}', '{"origin": {"field": "GONE"}}', "no JSON"])
async def test_what_works_no_longer_is_not_used(mappings, database, kept):
    """Overrides of another Crosswalk refuse by name; saving others, or emptying the layer, mends it."""
    await mappings.save(draft(origin=Override(constant="a")))
    async with database.begin() as connection:
        await connection.execute(update(table).values(overrides=kept))
    again = service(database)
    with pytest.raises(MappingBroken, match="account layer of accounts, version 1"):
        await shown(again, OURS)
    assert "origin" not in await shown(again, THEIRS)
    await again.save(draft())
    assert "origin" not in await shown(again, OURS)


async def test_a_draft_is_what_is_served_afterwards(mappings):
    """The resource with a draft is the one that is served when the draft is saved."""
    await mappings.save(draft("base", "", origin=Override(constant="base"), website=Override(hidden=True)))
    wanted = draft(website=Override(standard=True), shout=Override(expression="ORGANISATION_NAME"), whose=OURS)
    before, after, _ = await mappings.tried(wanted, OURS)
    assert before == await mappings.noun("accounts", OURS)
    promised = to_unified(after, WIRE)
    await mappings.save(wanted)
    assert ("ACME", promised) == (promised["shout"], await shown(mappings, OURS))


async def test_without_overrides_the_table_itself_is_served(mappings):
    """A resource that nobody overrides is the table's, not a copy."""
    assert CRM["accounts"] is await mappings.noun("accounts", OURS)


def test_a_version_is_plain_json():
    """Overrides are kept as they are written over HTTP."""
    overrides = {"origin": Override(constant=None), "website": Override(hidden=True)}
    assert b'{"origin":{"constant":null},"website":{"hidden":true}}' == msgspec.json.encode(overrides)
