"""Destinations: drafts that are activated and paused, settings in versions, and rows shown as calls."""

from datetime import UTC, datetime

import msgspec
import pytest

from crosswalk.delivery.destinations import Destinations, Difference, Draft
from crosswalk.delivery.errors import DestinationTaken, PlanError, UnknownDestination, UnknownTemplate, WrongState
from crosswalk.delivery.plan import Manual, Plan
from crosswalk.delivery.settings import Batches, Call, Refused, Settings, make_plan
from crosswalk.store.accounts import ADD_ACCOUNT, REMOVE_ACCOUNT
from crosswalk.store.database import Database

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
BASE = "https://api.na1.insightly.com/v3.1"
CREATE = Settings(template="create-contact", fields={"FIRST_NAME": "first"})
OTHER = Settings(template="create-contact", fields={"FIRST_NAME": "given"}, match="FIRST_NAME")
DRAFT = Draft(name="people", account="acme", settings=CREATE)
NOTE = Settings(
    method="POST",
    url=f"{BASE}/Contacts/{{record.id}}/Notes",
    headers={"X-From": "{record.id}"},
    fields={"TITLE": "title"},
)


@pytest.fixture
async def destinations(database: Database) -> Destinations:
    """No destinations, and two accounts to make some for."""
    async with database.begin() as connection:
        for key, name in (("1", "acme"), ("2", "other")):
            row = {"id": key, "name": name, "base_url": BASE, "status": "active", "created_at": NOW}
            await connection.execute(ADD_ACCOUNT, row)
    return Destinations(database=database, who="test", now=lambda: NOW)


def within(destinations: Destinations, *accounts: str) -> Destinations:
    """The same for someone who may use these accounts only."""
    return Destinations(database=destinations.database, who="other", reach=frozenset(accounts), now=lambda: NOW)


def test_settings_hold_all_of_a_plan():
    """Whatever a plan can say, settings can say."""
    own = {"template", *Manual.__struct_fields__} - {"type"}
    beside = {"nexla"}
    assert {*Plan.__struct_fields__} - {"call"} | own == {*Settings.__struct_fields__} - beside


@pytest.mark.parametrize("settings", [CREATE, OTHER, NOTE, Settings(template="update-task", id_column="id")])
def test_settings_survive_storing(settings: Settings):
    """Settings are the same after a trip through JSON, and so is their plan."""
    again = msgspec.json.decode(msgspec.json.encode(settings), type=Settings)
    assert (settings, make_plan(settings)) == (again, make_plan(again))


async def test_made_as_a_draft(destinations: Destinations):
    """A new destination is a draft at its first version, found by name and by id."""
    made = await destinations.create(DRAFT)
    found = await destinations.find(made.id)
    assert ("draft", 1, "1", CREATE, found, [found]) == (
        made.state,
        made.version,
        made.account_id,
        made.settings,
        await destinations.find("people"),
        await destinations.list(),
    )


@pytest.mark.parametrize(
    ("draft", "error", "says"),
    [
        (Draft(name="a b", account="acme", settings=CREATE), PlanError, "cannot be named"),
        (Draft(name="a", account="nobody", settings=CREATE), PlanError, "no account 'nobody'"),
        (Draft(name="a", account="acme", settings=Settings()), PlanError, "a template, or a method and a url"),
        (Draft(name="a", account="acme", settings=Settings(template="x", url="y")), PlanError, "one of the two"),
        (Draft(name="a", account="acme", settings=Settings(template="crate-contact")), UnknownTemplate, "create-cont"),
        (
            Draft(name="a", account="acme", settings=Settings(template="create-contact", fields={"FRIST_NAME": "x"})),
            PlanError,
            "Did you mean FIRST_NAME",
        ),
        (
            Draft(name="a", account="acme", settings=Settings(method="POST", url="https://evil.example/v3.1/Contacts")),
            PlanError,
            "Its key goes nowhere else",
        ),
    ],
)
async def test_refused(destinations: Destinations, draft: Draft, error: type[Exception], says: str):
    """Settings that can work for no row are refused when they are saved, and nothing is kept."""
    with pytest.raises(error, match=says):
        await destinations.create(draft)
    assert [] == await destinations.list()


async def test_name_taken(destinations: Destinations):
    """Two destinations never share a name."""
    await destinations.create(DRAFT)
    with pytest.raises(DestinationTaken):
        await destinations.create(DRAFT)


async def test_change_adds_a_version(destinations: Destinations):
    """A change makes a version; the one before stays as it was, with whoever made it."""
    await destinations.create(DRAFT)
    changed = await destinations.change("people", OTHER, version=1)
    found = [(each.version, each.settings, each.made_by) for each in await destinations.versions("people")]
    assert (2, OTHER, [(2, OTHER, "test"), (1, CREATE, "test")]) == (changed.version, changed.settings, found)


async def test_same_settings_add_none(destinations: Destinations):
    """Saving what is there already makes no version."""
    await destinations.create(DRAFT)
    assert 1 == (await destinations.change("people", CREATE)).version


async def test_change_on_top_of_another(destinations: Destinations):
    """A change that was made for an older version is refused."""
    await destinations.create(DRAFT)
    await destinations.change("people", OTHER)
    with pytest.raises(WrongState, match="at version 2, not 1"):
        await destinations.change("people", CREATE, version=1)


async def test_bad_change_leaves_all(destinations: Destinations):
    """A change of no use leaves the destination as it was."""
    await destinations.create(DRAFT)
    made = await destinations.find("people")
    with pytest.raises(PlanError):
        await destinations.change("people", Settings(template="create-contact", id_column="id"))
    assert made == await destinations.find("people")


async def test_compare(destinations: Destinations):
    """Two versions are compared setting by setting."""
    await destinations.create(DRAFT)
    await destinations.change("people", OTHER)
    assert [
        Difference("fields", {"FIRST_NAME": "first"}, {"FIRST_NAME": "given"}),
        Difference("match", None, "FIRST_NAME"),
    ] == await destinations.compare("people", 1, 2)


async def test_roll_back(destinations: Destinations):
    """Going back makes the old settings a new version, so that no history is lost."""
    await destinations.create(DRAFT)
    await destinations.change("people", OTHER)
    back = await destinations.roll_back("people", 1)
    assert (3, CREATE) == (back.version, back.settings)


async def test_no_such_version(destinations: Destinations):
    """A version that was never made is refused."""
    await destinations.create(DRAFT)
    with pytest.raises(UnknownDestination, match="no version 9"):
        await destinations.roll_back("people", 9)


async def test_states(destinations: Destinations):
    """Activate and pause may be repeated, and go back and forth."""
    await destinations.create(DRAFT)
    steps = (destinations.activate, destinations.activate, destinations.pause, destinations.pause)
    assert ["active", "active", "paused", "paused", "active"] == [
        (await step("people")).state for step in (*steps, destinations.activate)
    ]


async def test_draft_is_not_paused(destinations: Destinations):
    """A draft sends nothing, so that there is nothing to pause."""
    await destinations.create(DRAFT)
    with pytest.raises(WrongState, match="is a draft"):
        await destinations.pause("people")


async def test_active_is_not_removed(destinations: Destinations):
    """An active destination is paused before it is removed; its versions go with it."""
    await destinations.create(DRAFT)
    await destinations.activate("people")
    with pytest.raises(WrongState, match="pause it first"):
        await destinations.remove("people")
    await destinations.pause("people")
    await destinations.remove("people")
    with pytest.raises(UnknownDestination):
        await destinations.versions("people")


async def test_account_removed(destinations: Destinations):
    """A destination whose account is gone is still there, and is not activated."""
    await destinations.create(DRAFT)
    async with destinations.database.begin() as connection:
        await connection.execute(REMOVE_ACCOUNT, {"account": "1"})
    with pytest.raises(WrongState, match="account of destination people was removed"):
        await destinations.activate("people")


async def test_reach(destinations: Destinations):
    """Someone of another account sees, makes and changes none of this one's."""
    await destinations.create(DRAFT)
    foreign = within(destinations, "2")
    with pytest.raises(PlanError, match="no account 'acme'"):
        await foreign.create(Draft(name="mine", account="acme", settings=CREATE))
    with pytest.raises(UnknownDestination):
        await foreign.change("people", OTHER)
    assert [] == await foreign.list()


async def test_preview(destinations: Destinations):
    """Rows are shown as the exact calls they would become; a bad row with its reason."""
    await destinations.create(DRAFT)
    shown = await destinations.preview("people", [{"first": "Zoë"}, {"first": ""}])
    headers = {"Authorization": "***", "Content-Type": "application/json; charset=utf-8"}
    call = Call(rows=(1,), method="POST", url=f"{BASE}/Contacts", headers=headers, body='{"FIRST_NAME":"Zoë"}')
    assert ([call], [Refused(2, "FIRST_NAME is required and empty")]) == (shown.calls, shown.refused)


async def test_preview_of_unsaved_settings(destinations: Destinations):
    """Settings that are not saved yet are shown, and stay unsaved."""
    await destinations.create(DRAFT)
    made = await destinations.find("people")
    shown = await destinations.preview("people", [{"id": 7, "title": "Hi"}], NOTE)
    assert ([f"{BASE}/Contacts/7/Notes"], ["7"], made) == (
        [call.url for call in shown.calls],
        [call.headers["X-From"] for call in shown.calls],
        await destinations.find("people"),
    )


async def test_preview_of_batches(destinations: Destinations):
    """Batches are shown as they would go out, with the rows that each holds."""
    await destinations.create(DRAFT)
    batches = Settings(
        method="POST",
        url=f"{BASE}/Contacts",
        fields={"FIRST_NAME": "first"},
        grouping=Batches(algorithm="json_array", size=2),
    )
    shown = await destinations.preview("people", [{"first": name} for name in ("A", "B", "C")], batches)
    assert [((1, 2), '[{"FIRST_NAME":"A"},{"FIRST_NAME":"B"}]'), ((3,), '[{"FIRST_NAME":"C"}]')] == [
        (call.rows, call.body) for call in shown.calls
    ]
