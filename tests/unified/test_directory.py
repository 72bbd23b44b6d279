"""The directory: users, who asks, teams, and the instance."""

from zoneinfo import available_timezones

import pytest

from crosswalk.unified.known import Known
from crosswalk.unified.mapping import needs_read, to_unified
from crosswalk.unified.nouns import DIRECTORY, SINGLES
from crosswalk.unified.timezones import ZONES

USERS, GROUPS = DIRECTORY["users"], DIRECTORY["groups"]


@pytest.mark.parametrize("name", SINGLES)
async def test_what_is_there_once(desk, name):
    """Who asks is an active user of the instance; the instance has the id that users tell, and a name."""
    single = SINGLES[name]
    known = (await desk.references.learn(desk.crm, "a", needs_read(single.noun), resource=single.noun.wire)).known
    shown = to_unified(single.noun, await desk.get(single.path), known)
    me = await desk.get("/Users/Me")
    if name == "me":
        assert (str(me["USER_ID"]), "active", str(me["INSTANCE_ID"])) == (
            shown["id"],
            shown["status"],
            shown["organizations"][0]["id"],
        )
    else:
        assert (str(me["INSTANCE_ID"]), (await desk.get("/Instance"))["INSTANCE_NAME"]) == (shown["id"], shown["name"])


async def test_users_and_groups_agree(desk):
    """A user's groups are those whose members hold the user."""
    groups = [await desk.read(GROUPS, str(team["TEAM_ID"])) for team in await desk.get("/Teams")]
    seats = {(member["id"], group["id"]) for group in groups for member in group["members"]}
    users = [await desk.read(USERS, str(user["USER_ID"])) for user in await desk.get("/Users")]
    assert len(seats) > 0
    assert seats == {(user["id"], group["id"]) for user in users for group in user["groups"]}


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Central Standard Time", "America/Chicago"),
        ("w. europe standard time", "Europe/Berlin"),
        ("Europe/Madrid", "Europe/Madrid"),
        ("", None),
        (None, None),
    ],
)
def test_time_zones_have_ianas_names(name, zone):
    """Windows's names become IANA's whatever their case; any other name stays."""
    shown = to_unified(USERS, {"TIMEZONE_ID": name}, Known())
    assert (zone, name or None) == (shown["timezone"], shown["native_timezone"])


def test_every_zone_is_one():
    """Every zone of the table is one of IANA's."""
    assert set() == set(ZONES.values()) - available_timezones()
