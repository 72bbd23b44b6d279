"""Closed-won kickoff: what is made, when, once, and how it is taken back."""

import os
from datetime import date
from random import Random

import pytest

from crosswalk.automations.errors import FiringRefused, UnusableInput, UnusableSettings
from crosswalk.automations.kinds import RECIPES
from fixtures.killing import Fuse, kill

HARD = bool(os.environ.get("CROSSWALK_TEST_HARD"))
TEMPLATE = {
    "name": "{name}: delivery",
    "details": "Sold by {owner.name}",
    "milestones": [{"title": "Go live", "due": 10}],
    "tasks": [
        {"title": "Call {name}", "due": 1, "priority": "high", "assignee": "lead"},
        {"title": "Set up", "due": 3, "milestone": "Go live"},
    ],
    "roles": {"lead": "owner"},
}


async def work(ground, worker=None):
    """Look and carry until nothing is due."""
    worker = worker or ground.worker()
    ground.later(minutes=6)
    while await worker.step():
        pass


async def only_firing(ground, automation):
    """The one firing that there is."""
    [firing] = await ground.firings.list(automation)
    return firing


async def deal_with_company(ground, name="Acme roll-out"):
    """An open deal of an organisation, with a contact."""
    organisation = ground.rows("organisations", "ORGANISATION_ID")[0][0]
    contact = ground.rows("contacts", "CONTACT_ID")[0][0]
    deal = await ground.open_deal(name, ORGANISATION_ID=organisation)
    link = {"LINK_OBJECT_NAME": "Contact", "LINK_OBJECT_ID": contact}
    await ground.call("POST", f"Opportunities/{deal}/Links", json=link)
    return deal, organisation, contact


async def test_win_becomes_a_project_once(ground):
    """A win makes the project with links, milestone and tasks; winning again, and looking again, make nothing more."""
    automation = await ground.make("kick", "kickoff", **TEMPLATE)
    deal, organisation, contact = await deal_with_company(ground)
    before = len(ground.rows("projects", "PROJECT_ID"))
    await work(ground)
    assert [] == await ground.firings.list(automation), "an open deal fires nothing"
    await ground.win(deal)
    await work(ground)
    firing = await only_firing(ground, automation)
    assert ("done", None) == (firing.state, firing.reason)
    project = await ground.call("GET", f"Projects/{firing.result['made']['project']}")
    assert "Acme roll-out: delivery" == project["PROJECT_NAME"]
    ends = {(link["LINK_OBJECT_NAME"], link["LINK_OBJECT_ID"]) for link in project["LINKS"]}
    assert {("Opportunity", deal), ("Organisation", organisation), ("Contact", contact)} <= ends
    tasks = [row for row in ground.rows("tasks", "PROJECT_ID", "TITLE", "PRIORITY", "MILESTONE_ID", "DUE_DATE")
             if row[0] == project["PROJECT_ID"]]  # fmt: skip
    milestone = int(firing.result["made"]["milestone 1"])
    assert [("Call Acme roll-out", 3, None), ("Set up", 2, milestone)] == [row[1:4] for row in tasks]
    assert all(date.fromisoformat(row[4][:10]).weekday() < 5 for row in tasks)
    for state in ("LOST", "WON"):
        await ground.win(deal, state)
        await work(ground)
    assert (1, before + 1) == (len(await ground.firings.list(automation)), len(ground.rows("projects", "PROJECT_ID")))


async def test_undo_and_replay(ground):
    """Undo takes back all that was made, and nothing else; replay makes it once more, and only then."""
    automation = await ground.make("kick", "kickoff", **TEMPLATE)
    deal, _, _ = await deal_with_company(ground)
    await ground.win(deal)
    kinds = ("projects", "tasks", "milestones")
    before = {kind: ground.rows(kind) for kind in kinds}
    await work(ground)
    firing = await only_firing(ground, automation)
    with pytest.raises(FiringRefused, match="is done"):
        await ground.firings.replay(firing)
    await ground.firings.undo(firing)
    await work(ground)
    firing = await only_firing(ground, automation)
    assert ("undone", before) == (firing.state, {kind: ground.rows(kind) for kind in kinds})
    await ground.firings.replay(firing)
    await work(ground)
    assert "done" == (await only_firing(ground, automation)).state
    assert len(before["tasks"]) + 2 == len(ground.rows("tasks"))


async def test_each_win_fires_where_asked(ground):
    """With `each_win` a deal that is lost and won again fires twice; the choice cannot be changed later."""
    automation = await ground.make("kick", "kickoff", again="each_win")
    deal = await ground.open_deal("Twice")
    for state in ("WON", "LOST", "WON"):
        await ground.win(deal, state)
        await work(ground)
    firings = await ground.firings.list(automation)
    assert len({firing.key for firing in firings}) == len(firings)
    with pytest.raises(UnusableSettings, match="again cannot be changed"):
        await ground.automations.change("kick", {"again": "never"})


async def test_stages_fire_but_for_those_that_stood_there(ground):
    """A chosen stage fires for deals that reach it; those that stood there before are skipped until replayed."""
    stages = ground.rows("pipeline_stages", "STAGE_ID", "STAGE_NAME", "PIPELINE_ID")
    pipelines = dict(ground.rows("pipelines", "PIPELINE_ID", "PIPELINE_NAME"))
    open_to = {row[0] for row in ground.rows("pipelines", "PIPELINE_ID", "FOR_OPPORTUNITIES") if row[1]}
    stage, name, pipeline = next(row for row in stages if row[2] in open_to)
    body = {"PIPELINE_ID": pipeline, "PIPELINE_STAGE_CHANGE": {"STAGE_ID": stage}}
    old, new = await ground.open_deal("Old"), await ground.open_deal("New")
    await ground.call("PUT", f"Opportunities/{old}/Pipeline", json=body)
    standing = sum(1 for row in ground.rows("opportunities", "STAGE_ID") if row[0] == stage)
    automation = await ground.make("kick", "kickoff", pipeline=pipelines[pipeline], stages=[name])
    await work(ground)
    assert [("skipped")] * standing == [each.state for each in await ground.firings.list(automation)]
    await ground.call("PUT", f"Opportunities/{new}/Pipeline", json=body)
    await ground.call("PUT", "Opportunities", json={"OPPORTUNITY_ID": old, "OPPORTUNITY_DETAILS": "changed"})
    await work(ground)
    states = {each.input["opportunity"]: each.state for each in await ground.firings.list(automation)}
    assert ("done", "skipped") == (states[str(new)], states[str(old)])


async def test_activity_set_is_assigned_and_taken_back(ground):
    """The account's own activity set makes its tasks; undo takes those back too."""
    name = next(
        row[0] for row in ground.rows("activity_sets", "NAME", "FOR_PROJECTS", "ACTIVITIES") if row[1] and row[2]
    )
    automation = await ground.make("kick", "kickoff", activity_set=name, tasks=[{"title": "Ours"}])
    deal = await ground.open_deal("With a set")
    before = (ground.rows("tasks"), ground.rows("events"))
    await ground.win(deal)
    await work(ground)
    firing = await only_firing(ground, automation)
    made = next(step.made for step in await ground.firings.steps(firing.id) if step.step.settling == "assigned")
    assert ("done", len(made) > 0) == (firing.state, True)
    assert len(before[0]) + len(before[1]) + len(made) + 1 == len(ground.rows("tasks")) + len(ground.rows("events"))
    await ground.firings.undo(firing)
    await work(ground)
    assert before == (ground.rows("tasks"), ground.rows("events"))


async def test_dry_run_tells_every_call_and_makes_none(ground):
    """A rehearsal names the calls that a firing makes, and nothing is written."""
    automation = await ground.make("kick", "kickoff", **TEMPLATE)
    deal, _, _ = await deal_with_company(ground)
    before = len(ground.rows("projects"))
    planned = await ground.worker().carrier.rehearse(automation, {"opportunity": str(deal)})
    await ground.win(deal)
    assert before == len(ground.rows("projects"))
    firing, _ = await ground.worker().fire(automation, {"opportunity": str(deal)}, "")
    steps = await ground.firings.steps(firing.id)
    assert [step.name for step in planned.steps] == [each.step.name for each in steps]


async def test_wrong_settings_and_input_are_refused(ground):
    """What could never work is refused when it is said; a deal that is not won fires nothing."""
    for settings, says in (
        ({"tasks": [{"title": "x", "milestone": "none"}]}, "no milestone"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"weekend": [0, 1, 2, 3, 4, 5, 6]}, "without a working day"),
        ({"stages": ["a"], "again": "each_win"}, "history of stages"),
        ({"colour": "x"}, "cannot be read"),
    ):
        with pytest.raises(UnusableSettings, match=says):
            await ground.make("kick", "kickoff", **settings)
    automation = await ground.make("kick", "kickoff", name="{nothing.here}")
    deal = await ground.open_deal("Open")
    for given, says in (
        ({"opportunity": str(deal)}, "is OPEN"),
        ({"opportunity": "999999"}, "no opportunity"),
        ({}, "Give"),
    ):
        with pytest.raises(UnusableInput, match=says):
            await ground.worker().fire(automation, given, "")
    await ground.win(deal)
    await work(ground)
    firing = await only_firing(ground, automation)
    assert ("failed", True) == (firing.state, "nothing.here" in firing.reason)
    assert ["automation.stuck"] == [each.kind for each in await ground.notices.list()]
    await ground.automations.change("kick", {"name": "{name}"})
    await ground.firings.replay(firing)
    await work(ground)
    assert "done" == (await only_firing(ground, automation)).state


async def resume(ground, automation, deal):
    """Go on in new processes, each later than the last, until the firing is over."""
    for _ in range(6):
        ground.later(minutes=5)
        while await ground.worker().step():
            pass
        found = [each for each in await ground.firings.list(automation) if each.input["opportunity"] == str(deal)]
        if found and found[0].state == "done":
            return found[0]
    raise AssertionError(f"it never ended: {found}")


async def count_places(ground, automation):
    """In how many places one firing could end."""
    fuse = Fuse(10**9)
    deal = await ground.open_deal("counted")
    await ground.win(deal)
    ground.later(minutes=6)
    await kill(ground, fuse)
    await resume(ground, automation, deal)
    return 10**9 - fuse.left


async def test_waits_for_a_person_and_says_so(ground):
    """What the account may not do is told once, tried again now and then, and goes on when it may."""
    automation = await ground.make("kick", "kickoff", **TEMPLATE)
    deal = await ground.open_deal("Not allowed")
    await ground.win(deal)
    fault = {"fault": "status", "status": 403, "route": "Projects", "method": "POST"}
    await ground.control("PUT", "faults", [fault])
    for _ in range(2):
        await work(ground)
        firing = await only_firing(ground, automation)
        assert ("open", 1) == (firing.state, len(await ground.notices.list())), firing.reason
    await ground.control("PUT", "faults", [])
    await work(ground)
    [notice] = await ground.notices.list()
    assert ("done", True) == ((await only_firing(ground, automation)).state, notice.over_at is not None)


@pytest.mark.hard
async def test_killed_anywhere_makes_each_once(ground):
    """A process killed at any place of a firing, and again while it resumes: one project a deal, its tasks once."""
    name = next(
        row[0] for row in ground.rows("activity_sets", "NAME", "FOR_PROJECTS", "ACTIVITIES") if row[1] and row[2]
    )
    automation = await ground.make("kick", "kickoff", **TEMPLATE, activity_set=name)
    await count_places(ground, automation)  # the first one also learns names, which later ones know
    places = await count_places(ground, automation)
    assert places > 20, places
    rng = Random(7)
    chosen = [1 + n % places for n in range(200)] if HARD else sorted(rng.sample(range(1, places), 5))
    deals, killed = {}, 0
    for number, place in enumerate(chosen):
        deal = await ground.open_deal(f"deal {number}")
        deals[deal] = f"deal {number}: delivery"
        await ground.win(deal)
        ground.later(minutes=6)
        killed += await kill(ground, Fuse(place))
        ground.later(minutes=5)
        await kill(ground, Fuse(rng.randrange(1, places)))
        firing = await resume(ground, automation, deal)
        assert firing.result["made"]["project"]
    assert killed > len(chosen) * 0.9, "a look that has more or less to read moves the last places"
    names = [row[0] for row in ground.rows("projects", "PROJECT_NAME")]
    assert [1] * len(deals) == [names.count(name) for name in deals.values()]
    per_project = {}
    for project, title in ground.rows("tasks", "PROJECT_ID", "TITLE"):
        per_project.setdefault(project, []).append(title)
    for project, name in ground.rows("projects", "PROJECT_ID", "PROJECT_NAME"):
        if name in deals.values():
            assert [f"Call {name.removesuffix(': delivery')}", "Set up"] == per_project[project]
            links = await ground.call("GET", f"Projects/{project}/Links")
            assert len(links) == len({(each["LINK_OBJECT_NAME"], each["LINK_OBJECT_ID"]) for each in links})
    assert "kickoff" in RECIPES
