"""Every operation of the contract has its verb."""

import re

import pytest

from crosswalk.contract import load
from crosswalk.insightly import Insightly, NotOffered
from crosswalk.insightly.activity_sets import ActivitySetAssignment
from crosswalk.insightly.call import Answer

CONTRACT = load()
OPERATIONS = [(resource, op) for resource in CONTRACT.resources.values() for op in resource.operations]
SAMPLE = {"customObjectName": "Fruit__c", "objectName": "Fruit__c", "id": "7", "user_id": "1"}


class Recorder:
    """A network that answers an empty record to everything, and keeps what it was asked."""

    def __init__(self):
        self.calls = []

    async def call(self, call):
        self.calls.append(call)
        return Answer(status=200, body=b"[{}]")


def on_collection(crm, resource, op, verb):
    """The verb for an operation on the collection or on one record of it."""
    noun = crm.custom_object("Fruit__c") if resource.key == "custom_object_records" else crm.resource(resource.name)
    calls = {
        "GET": noun.read,
        "GET /Search": noun.search,
        "GET /SearchByTag": lambda: noun.search_by_tag("x"),
        "GET /Me": noun.me,
        "POST": lambda: noun.create({}),
        "PUT": lambda: noun.update(7, {}),
        "DELETE": lambda: noun.delete(7),
        "GET /{}": lambda: noun.read("Fruit__c" if "{id}" not in op.path else 7),
        "DELETE /{}": lambda: noun.delete(7),
    }
    return calls.get(verb)


def on_one(one, op, below):
    """The verb for an operation below one record."""
    name = below.partition("/")[0]
    special = {
        "GET Follow": one.following,
        "POST Follow": one.follow,
        "DELETE Follow": one.unfollow,
        "PUT Pipeline": lambda: one.set_pipeline(1, 2),
        "DELETE Pipeline": one.clear_pipeline,
        "PUT PipelineStage": lambda: one.set_stage(2),
        "PUT StateChange": lambda: one.set_state("WON", 3),
        "PUT Pricebook": lambda: one.set_pricebook(4),
        "POST ActivitySetAssignment": lambda: one.assign_activity_set(ActivitySetAssignment(activityset_id=1)),
        "GET LinkEmailAddress": one.link_email_address,
        "POST FileAttachments": lambda: one.attach("a.txt", b"x", category=1),
        "GET Image": one.image,
        "PUT Image": lambda: one.set_image("a.png", b"x"),
        "DELETE Image": one.remove_image,
        "GET ImageField": lambda: one.image("X__c"),
        "PUT ImageField": lambda: one.set_image("a.png", b"x", field="X__c"),
        "DELETE ImageField": lambda: one.remove_image("X__c"),
        "POST MergeDocument": lambda: one.merge_document(5, output="PDF"),
        "POST Merge": lambda: one.merge_into(9),
        "PUT Sync": one.sync,
    }
    found = special.get(f"{op.verb} {name}")
    if found:
        return found
    children = one.translations("en") if name == "Translations" else one.below(name)
    if op.verb == "DELETE":
        return (lambda: children.remove({})) if op.body else (lambda: children.delete(5))
    put = (lambda: children.replace([{}])) if op.body_many else (lambda: children.update({}))
    return {"GET": children.list, "POST": lambda: children.create({}), "PUT": put}[op.verb]


def verb_for(crm, resource, op):
    """Our verb for an operation of the contract."""
    if resource.key == "custom_fields" and op.path.endswith("/Search"):
        return lambda: crm.request("GET", "/CustomFields/Fruit__c/Search", params={"fieldName": "X__c"})
    if resource.key == "cti":
        name = "tickets" if "tickets" in op.path else "Contact"
        return lambda: crm.display(1, name, 2)
    rest = op.path.removeprefix(resource.path)
    found = on_collection(crm, resource, op, re.sub(r"\{\w+\}", "{}", f"{op.verb} {rest}".strip()))
    if found:
        return found
    noun = crm.custom_object("Fruit__c") if resource.key == "custom_object_records" else crm.resource(resource.name)
    return on_one(noun.at(7), op, rest.removeprefix("/{id}/"))


@pytest.mark.parametrize(("resource", "op"), OPERATIONS, ids=[f"{op.verb} {op.path}" for _, op in OPERATIONS])
async def test_every_operation(resource, op, monkeypatch):
    """Each of the contract's 530 operations is called by a verb, with its method, its path and its required query."""
    crm, recorder = Insightly("0", pod="na1"), Recorder()
    monkeypatch.setattr(Insightly, "call", lambda _, call, **_more: recorder.call(call))  # the network's edge
    await verb_for(crm, resource, op)()
    (call,) = recorder.calls
    pattern = "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{\w+\})", op.path))
    assert (op.verb, True) == (call.method, re.fullmatch(pattern, call.path) is not None)
    assert set(op.requires) - {"record_type"} <= set(call.params) | {"fieldName"}
    assert (op.verb == "GET") == call.reads
    assert bool(op.form) == bool(call.form)


async def test_all_of_them():
    """The contract's operations are all here."""
    assert 530 == len(OPERATIONS)


async def test_names_below_are_listed():
    """What does not hang below a record is refused with what does."""
    with pytest.raises(NotOffered, match=r"Below one of Leads it has ActivitySetAssignment, Emails"):
        await Insightly("0", pod="na1").leads.at(7).links.list()


async def test_replacing_one_by_many():
    """Where PUT changes one, all cannot be replaced."""
    with pytest.raises(NotOffered, match="changes one"):
        await Insightly("0", pod="na1").contacts.at(7).links.replace([])
