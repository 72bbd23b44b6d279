"""A lead with an instant task: found or made, assigned by a rule, once for a key."""

import asyncio
import os
from random import Random

import pytest

from crosswalk.automations.errors import InputChanged, UnusableInput, UnusableSettings
from fixtures.killing import Fuse, kill

HARD = bool(os.environ.get("CROSSWALK_TEST_HARD"))


def lead(name, email, **more):
    """What a call gives."""
    return {"lead": {"last_name": name, "email_addresses": [{"email": email}], **more}}


def users(ground):
    """E-mail addresses of users, and ids by them."""
    return {row[1]: row[0] for row in ground.rows("users", "USER_ID", "EMAIL_ADDRESS")}


async def test_lead_and_task_at_once(ground):
    """One call makes the lead with its source, status and custom fields, and a task for the user, linked with it."""
    email, user = next(iter(users(ground).items()))
    source = ground.rows("lead_sources", "LEAD_SOURCE_ID", "LEAD_SOURCE")[1]
    automation = await ground.make("capture", "lead_task", assign={"user": email}, source=source[1])
    firing, new = await ground.worker().fire(automation, lead("Hopper", "grace@example.com"), "form-1")
    made = firing.result["made"]
    record = await ground.call("GET", f"Leads/{made['lead']}")
    task = await ground.call("GET", f"Tasks/{made['task']}")
    assert ("done", True, source[0], user) == (
        firing.state,
        new,
        record["LEAD_SOURCE_ID"],
        record["RESPONSIBLE_USER_ID"],
    )
    assert ("Follow up Hopper", 3, user) == (task["TITLE"], task["PRIORITY"], task["RESPONSIBLE_USER_ID"])
    assert int(made["lead"]) in {link["LINK_OBJECT_ID"] for link in task["LINKS"]}
    again, new = await ground.worker().fire(automation, lead("Hopper", "grace@example.com"), "form-1")
    assert (firing.id, False) == (again.id, new)
    with pytest.raises(InputChanged, match="another input"):
        await ground.worker().fire(automation, lead("Other", "o@example.com"), "form-1")


async def test_one_lead_an_address(ground):
    """Two calls about one address at one time make one lead and two tasks; `refuse` makes none, `update` changes it."""
    automation = await ground.make("capture", "lead_task", assign={"in_turn": list(users(ground))})
    worker, before = ground.worker(), len(ground.rows("leads"))
    await asyncio.gather(
        worker.fire(automation, lead("One", "Ann@example.com"), "a"),
        worker.fire(automation, lead("One", "ann@example.com"), "b"),
    )
    ground.later(seconds=10)
    while await worker.step():
        pass
    firings = await ground.firings.list(automation)
    assert (["done"] * 2, before + 1) == ([each.state for each in firings], len(ground.rows("leads")))
    tasks = [await ground.call("GET", f"Tasks/{each.result['made']['task']}") for each in firings]
    assert 2 == len({task["RESPONSIBLE_USER_ID"] for task in tasks}), "they take turns"
    for rule, says in (("refuse", "skipped"), ("update", "done")):
        await ground.automations.change("capture", {"existing": rule})
        automation = await ground.automations.get("capture")
        firing, _ = await worker.fire(automation, lead("Two", "ann@example.com"), rule)
        assert says == firing.state, firing.reason
    names = [row[0] for row in ground.rows("leads", "LAST_NAME", "EMAIL") if str(row[1]).lower() == "ann@example.com"]
    assert ["Two"] == names


async def test_assigned_by_a_field(ground):
    """The user stands under the field's value; where nobody does, and nobody is named, it fails and says so."""
    (first, user), *_ = users(ground).items()
    rule = {"field": "industry", "users_by": {"Health": first}}
    automation = await ground.make("capture", "lead_task", assign=rule)
    firing, _ = await ground.worker().fire(automation, lead("H", "h@example.com", industry="health"), "1")
    task = await ground.call("GET", f"Tasks/{firing.result['made']['task']}")
    assert user == task["RESPONSIBLE_USER_ID"]
    failed, _ = await ground.worker().fire(automation, lead("X", "x@example.com", industry="Steel"), "2")
    assert ("failed", True) == (failed.state, "nobody has industry 'Steel'" in failed.reason)
    await ground.automations.change("capture", {"assign": {**rule, "otherwise": first}})
    automation = await ground.automations.get("capture")
    again, _ = await ground.worker().fire(automation, lead("X", "x@example.com", industry="Steel"), "2")
    assert (failed.id, "done") == (again.id, again.state)


async def test_wrong_settings_and_input_are_refused(ground):
    """One rule says who gets the task; what is no lead is refused when it is given."""
    for assign in ({}, {"user": "a", "in_turn": ["b"]}, {"field": "industry"}):
        with pytest.raises(UnusableSettings, match="assign"):
            await ground.make("capture", "lead_task", assign=assign)
    automation = await ground.make("capture", "lead_task", assign={"user": "nobody@example.com"})
    with pytest.raises(UnusableInput, match="lead"):
        await ground.worker().fire(automation, {"name": "x"}, "1")
    firing, _ = await ground.worker().fire(automation, lead("X", "x@example.com"), "1")
    assert ("failed", True) == (firing.state, "nobody@example.com" in firing.reason)


@pytest.mark.hard
async def test_killed_anywhere_makes_each_once(ground):
    """Killed at any place and called again with the same key: one lead, one task, linked."""
    automation = await ground.make("capture", "lead_task", assign={"user": next(iter(users(ground)))})
    rng, worker, kills = Random(5), ground.worker(), 200 if HARD else 5
    for number in range(kills):
        key = f"form {number}"
        given = lead(f"P{number}", f"p{number}@example.com")
        await kill(ground, Fuse(rng.randrange(1, 26)), lambda hurt, g=given, k=key: hurt.fire(automation, g, k))
        firing = None
        for _ in range(6):
            ground.later(minutes=5)
            firing, _ = await worker.fire(automation, given, key)
            if firing.state == "done":
                break
        assert "done" == firing.state, firing.reason
    emails = [row[0] for row in ground.rows("leads", "EMAIL")]
    titles = [row[0] for row in ground.rows("tasks", "TITLE")]
    assert [(1, 1)] * kills == [
        (emails.count(f"p{number}@example.com"), titles.count(f"Follow up P{number}")) for number in range(kills)
    ]
