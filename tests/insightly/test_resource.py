"""The verbs, against the sandbox."""

import asyncio
import contextlib
import random
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from crosswalk.contract import UnknownResource, load
from crosswalk.insightly import (
    BadAnswer,
    BadRequest,
    Contact,
    Insightly,
    Link,
    Note,
    NotFound,
    NotOffered,
    StaleRecord,
    Tag,
    Turns,
    UnknownField,
)
from crosswalk.insightly.pace import start
from crosswalk.sandbox.limits import Limits
from crosswalk.sandbox.sandbox import Sandbox, make_recipes
from crosswalk.sandbox.seed import DEFAULT_SIZES
from crosswalk.sandbox.server import serve


async def test_one_record_from_birth_to_death(crm):
    """Create, read, change, clear, delete: each answers the record as Insightly has it."""
    made = await crm.contacts.create({"first_name": "Ada", "PHONE": "1", "Title": "Countess"})
    assert made == msgspec.structs.replace(await crm.contacts.get(made.contact_id))
    changed = await crm.contacts.update(made.contact_id, Contact(phone=None, last_name="Byron"))
    assert ("Ada", "Byron", None, "Countess") == (changed.first_name, changed.last_name, changed.phone, changed.title)
    await crm.contacts.delete(made.contact_id)
    with pytest.raises(NotFound, match="No Contact with ID"):
        await crm.contacts.get(made.contact_id)


async def test_a_whole_record_back(crm):
    """A record that was read may be sent back: Insightly ignores what it sets itself."""
    contact = (await crm.contacts.list(top=1))[0]
    again = await crm.contacts.update(contact.contact_id, msgspec.structs.replace(contact, phone="1"))
    assert "1" == again.phone


async def test_put_names_the_record_in_its_body(crm, sandbox, calls):
    """PUT goes to the collection with the id in the body: nothing else is documented."""
    contact = (await crm.contacts.list(top=1))[0]
    await crm.contacts.update(str(contact.contact_id), {"phone": "1"})
    sent = msgspec.json.decode(sandbox.state.log.bodies[-1].request)
    assert {"CONTACT_ID": contact.contact_id, "PHONE": "1"} == sent
    assert calls()[-1].endswith("/Contacts")


async def test_list_pages(crm):
    """One page has what was asked for, in id order."""
    everyone = await crm.contacts.list()
    assert everyone[5:8] == await crm.contacts.list(top=3, skip=5)


async def test_brief(crm):
    """A brief list leaves parts out."""
    contact = (await crm.contacts.list(top=1, brief=True))[0]
    assert not contact.links


async def test_search(crm):
    """A search finds equal values of a standard field."""
    made = await crm.contacts.create({"first_name": "Ada", "email_address": "ada@example.com"})
    assert (made,) == await crm.contacts.search("EMAIL_ADDRESS", "ada@example.com")


async def test_search_by_tag(crm):
    """A search by tag finds the records that carry it."""
    contact = (await crm.contacts.list(top=1))[0]
    await crm.contacts.at(contact.contact_id).tags.create(Tag(tag_name="rare & odd"))
    assert [contact.contact_id] == [each.contact_id for each in await crm.contacts.search_by_tag("rare & odd")]


async def test_updated_after(crm, calls):
    """Changes are asked of Search, since a plain list ignores the time."""
    before = datetime.now(UTC) - timedelta(minutes=1)
    made = await crm.contacts.create({"first_name": "Ada"})
    assert (made,) == await crm.contacts.list(updated_after=before)
    assert calls()[-1].endswith("/Contacts/Search")


async def test_count(crm):
    """Counting is one call."""
    assert 20 == await crm.contacts.count()


async def test_count_without_a_total(connect, odd):
    """An Insightly that tells no total cannot be asked for one."""

    async def handler(request):
        return web.json_response([])

    async with connect(await odd(handler)) as crm:
        with pytest.raises(BadAnswer, match="tells no total"):
            await crm.contacts.count()


@pytest.mark.parametrize("page_size", [2, 3, 7, 19, 20, 21, 500])
async def test_iterate(crm, page_size):
    """Every record comes once, in order, whatever the page."""
    assert await crm.contacts.list(top=500) == tuple([c async for c in crm.contacts.iterate(page_size=page_size)])


async def test_iterate_a_search(crm):
    """A filtered reading is paged as well."""
    for _ in range(5):
        await crm.contacts.create({"first_name": "Same"})
    found = [c async for c in crm.contacts.iterate(field_name="FIRST_NAME", field_value="Same", page_size=2)]
    assert ["Same"] * 5 == [c.first_name for c in found]


async def test_iterate_can_be_left(crm, calls):
    """A reading that is left early stops asking."""
    async for _ in crm.contacts.iterate(page_size=2):
        break
    asked = len(calls())
    await asyncio.sleep(0)
    assert asked <= 11


class Restless(Turns):
    """A pacer that deletes and makes contacts before some calls, by a script."""

    def __init__(self, other, state):
        super().__init__(start(None))
        self.other, self.state = other, state
        self.script, self.gone, self.rng = [], set(), random.Random(1)

    def ids(self):
        """What is there now."""
        return sorted(self.state.first.instance.tables["contacts"].rows)

    async def slot(self, call):
        if self.script and "skip" in call.params:
            deletes, creates = self.script.pop()
            there = sorted(set(self.ids()) - self.gone)
            victims = self.rng.sample(there, min(deletes, len(there)))
            self.gone.update(victims)
            await asyncio.gather(*(self.other.contacts.delete(victim) for victim in victims))
            await asyncio.gather(*(self.other.contacts.create({"first_name": "New"}) for _ in range(creates)))
        return await super().slot(call)


EMPTY = dict.fromkeys(DEFAULT_SIZES, 0)
SCRIPTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), max_size=12)


def test_nothing_lost_nothing_doubled():
    """Rows deleted and inserted between any two pages of a real server: none lost, none doubled."""
    state = Sandbox(make_recipes(sizes={**EMPTY, "contacts": 50}, limits=Limits(enabled=False)))
    with asyncio.Runner() as runner, contextlib.ExitStack() as stack:
        running = open_in(runner, stack, serve(state))
        where = {"base_url": running.base_url, "allow_hosts": [running.base_url.split("/")[2]]}
        pacer = Restless(open_in(runner, stack, Insightly(running.key, **where, rate=None)), state)
        crm = open_in(runner, stack, Insightly(running.key, **where, pacer=pacer))

        @settings(max_examples=25, deadline=None)
        @given(SCRIPTS, st.integers(3, 25))
        def check(script, page_size):
            state.reset()
            pacer.script, pacer.gone, before = list(script), set(), set(pacer.ids())
            got = runner.run(read_ids(crm, page_size))
            assert sorted(set(got)) == got
            assert before - pacer.gone <= set(got)

        check()


def open_in(runner, stack, manager):
    """Open an asynchronous context in a loop, to be closed with the stack."""
    stack.callback(lambda: runner.run(manager.__aexit__(None, None, None)))
    return runner.run(manager.__aenter__())


async def read_ids(crm, page_size):
    """Read all contacts."""
    return [c.contact_id async for c in crm.contacts.iterate(page_size=page_size)]


async def test_stale_record(crm):
    """With an ETag an update refuses to overwrite somebody else's."""
    contact = (await crm.contacts.list(top=1))[0]
    await crm.contacts.update(contact.contact_id, {"phone": "1"}, etag=contact.etag)
    with pytest.raises(StaleRecord, match="If-Match"):
        await crm.contacts.update(contact.contact_id, {"phone": "2"}, etag=contact.etag)


async def test_lead_sources_are_deleted_by_query(crm):
    """Where the id of a DELETE stands in the query, it is put there."""
    made = await crm.lead_sources.create({"lead_source": "Word of mouth"})
    await crm.lead_sources.delete(made.lead_source_id)
    assert made not in await crm.lead_sources.list()


async def test_me_instance_permissions(crm):
    """Who calls, where, and what they may do."""
    me = await crm.users.me()
    assert me == await crm.users.get(me.user_id)
    assert (await crm.instance()).plan_name
    assert (await crm.permissions()).object_permissions


@pytest.mark.parametrize(
    "name", ["Contacts", "contacts", "Contact", "/contacts/", "KnowledgeArticle", "knowledge_article"]
)
def test_resource_by_name(name):
    """Any name that Insightly serves, and ours, finds a resource."""
    assert load().resource(name).path == Insightly("0", pod="na1").resource(name).path


def test_unknown_resource():
    """A slip is told with near names."""
    with pytest.raises(UnknownResource, match="Did you mean Contacts"):
        Insightly("0", pod="na1").resource("Contcts")


def test_custom_object_path():
    """A custom object's name is part of the path, never more."""
    crm = Insightly("0", pod="na1")
    assert ("/Fruit__c", "/Fruit__c") == (crm.custom_object("Fruit__c").path, crm.resource("Fruit__c").path)
    assert "/..%2FUsers__c" == crm.custom_object("../Users__c").path


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"FRIST_NAME": "x"}, "Contacts has no field 'FRIST_NAME'. Did you mean FIRST_NAME"),
        ({"xyzzy": "x"}, "`crosswalk describe Contacts` lists its fields"),
        ({"CONTACT_ID": 7}, "Contacts.CONTACT_ID is read only"),
        ({"date_created_utc": None}, "Contacts.DATE_CREATED_UTC is read only"),
        ({"LINKS": []}, "Contacts.LINKS cannot be set by creating a record"),
    ],
)
async def test_fields_are_checked_before_the_call(crm, calls, values, says):
    """A field that does not exist or cannot be set is refused by name, without a call."""
    with pytest.raises(UnknownField) as caught:
        await crm.contacts.create(values)
    assert (True, []) == (says in str(caught.value), calls())


async def test_custom_fields_in_any_form(crm, sandbox):
    """Custom fields may be flat keys, a mapping, or Insightly's own list."""
    forms = (
        {"CROSSWALK_KEY__c": "k"},
        {"custom_fields": {"CROSSWALK_KEY__c": "k"}},
        {"CUSTOMFIELDS": [{"FIELD_NAME": "CROSSWALK_KEY__c", "FIELD_VALUE": "k"}]},
        Contact(custom_fields={"CROSSWALK_KEY__c": "k"}),
    )
    contact = (await crm.contacts.list(top=1))[0]
    for form in forms:
        await crm.contacts.update(contact.contact_id, form)
        sent = msgspec.json.decode(sandbox.state.log.bodies[-1].request)["CUSTOMFIELDS"]
        assert [{"FIELD_NAME": "CROSSWALK_KEY__c", "FIELD_VALUE": "k"}] == sent


async def test_a_bad_value_is_refused_by_insightly(crm):
    """What only Insightly can know, it says."""
    with pytest.raises(BadRequest) as caught:
        await crm.contacts.create({"first_name": "x" * 300})
    assert caught.value.faults


async def test_what_is_not_offered(crm, calls):
    """What the contract does not have is refused without a call."""
    for call in (crm.notes.create({"title": "x"}), crm.contacts.me()):
        with pytest.raises(NotOffered):
            await call
    assert [] == calls()


async def test_links_both_ways(crm):
    """A link made on one record is seen from the other."""
    contact, organisation = (await crm.contacts.list(top=1))[0], (await crm.organisations.list(top=1))[0]
    made = await crm.contacts.at(contact.contact_id).links.create(
        Link(link_object_name="Organisation", link_object_id=organisation.organisation_id, role="Buyer")
    )
    seen = await crm.organisations.at(organisation.organisation_id).links.list()
    assert made.link_id in {link.link_id for link in seen}
    await crm.contacts.at(contact.contact_id).links.delete(made.link_id)
    assert made.link_id not in {link.link_id for link in await crm.contacts.at(contact.contact_id).links.list()}


async def test_note_below_a_parent(crm):
    """A note is made below its parent, and read, changed and deleted by itself."""
    contact = (await crm.contacts.list(top=1))[0]
    note = await crm.contacts.at(contact.contact_id).notes.create(Note(title="Call", body="Text"))
    assert "Text" == (await crm.notes.get(note.note_id)).body
    assert note.note_id in [n.note_id async for n in crm.contacts.at(contact.contact_id).notes.iterate()]
    assert "Other" == (await crm.notes.update(note.note_id, {"title": "Other"})).title
    await crm.notes.delete(note.note_id)


async def test_query_parameters_are_checked(crm, calls):
    """A parameter that a list does not take is refused before the call, and so is a missing one."""
    for call, says in (
        (crm.lead_sources.list(brief=True), "takes no brief"),
        (crm.contacts.list(query={"sort": "x"}), "GET /Contacts takes no sort"),
        (crm.tags.list(), "GET /Tags needs record_type"),
    ):
        with pytest.raises(NotOffered, match=says):
            await call
    assert [] == calls()
    assert isinstance(await crm.tags.list(query={"record_type": "contacts"}), tuple)


async def test_lists_without_pages(crm):
    """A list that is never paged is read in one call, however long."""
    countries = [country async for country in crm.countries.iterate()]
    assert len(countries) == len(await crm.countries.list()) > 50


@pytest.mark.parametrize("side", ["empty", "not_found"])
async def test_unknown_tag(crm, sandbox, side):
    """A tag that nobody carries finds nothing, whichever way Insightly says so."""
    sandbox.state.first.switches = msgspec.structs.replace(sandbox.state.first.switches, search_by_unknown_tag=side)
    assert () == await crm.contacts.search_by_tag("nobody's")
    assert [] == [c async for c in crm.contacts.iterate(tag="nobody's")]


async def test_closed_collection(crm, faults):
    """A collection that the plan does not have stays an error, in readings too."""
    faults({"fault": "status", "status": 404, "body": "", "content_type": "text/plain"})
    with pytest.raises(NotFound, match="plan may not have"):
        [c async for c in crm.contacts.iterate()]


async def test_etag_of_the_header(connect, odd):
    """An ETag that comes as a header only is the record's all the same; one that does not come is not missed."""

    async def handler(request):
        headers = {"ETag": '"v1"'} if request.path.endswith("/7") else {}
        return web.json_response({"CONTACT_ID": 7}, headers=headers)

    async with connect(await odd(handler)) as crm:
        assert ('"v1"', UNSET) == ((await crm.contacts.get(7)).etag, (await crm.contacts.get(8)).etag)


SIDES = [{"put_status": 201}, {"post_status": 200}, {"etag": "absent"}, {"brief": "emptying"}, {"if_match_stale": 412}]
SIDES += [{"error_400": side} for side in ("array", "object", "text")]
SIDES += [{"updated_after": "inclusive"}, {"custom_fields_listed": "all"}, {"put_effect": "replacing"}]


@pytest.mark.parametrize("side", SIDES, ids=str)
async def test_either_side_of_what_is_contested(crm, sandbox, side):
    """The client works on either side of what sources disagree on."""
    sandbox.state.first.switches = msgspec.structs.replace(sandbox.state.first.switches, **side)
    made = await crm.contacts.create({"first_name": "Ada", "CROSSWALK_KEY__c": "k"})
    assert "k" == made.custom_fields["CROSSWALK_KEY__c"]
    assert "1" == (await crm.contacts.update(made.contact_id, {"first_name": "Ada", "phone": "1"})).phone
    assert 21 == len([c async for c in crm.contacts.iterate(brief=True, page_size=7)])
    with pytest.raises(BadRequest, match="FIRST_NAME"):
        await crm.contacts.create({"first_name": "x" * 300})
    if made.etag is not UNSET:
        await crm.contacts.update(made.contact_id, {"first_name": "Eve"})
        with pytest.raises(StaleRecord):
            await crm.contacts.update(made.contact_id, {"first_name": "Ida"}, etag=made.etag)
