"""The model whole: what the tables say there is, and that a record survives the way there and back."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crosswalk.insightly.custom_fields import CustomField, CustomFieldOption, FieldTypes
from crosswalk.unified.known import Known
from crosswalk.unified.links import Linked
from crosswalk.unified.mapping import plan_create, plan_update, to_unified
from crosswalk.unified.maps import Choice, Custom, Plain, Ref
from crosswalk.unified.nouns import CRM, DIRECTORY, SINGLES
from crosswalk.unified.parts import Addresses, Dated, Listed, Several, Tags
from crosswalk.unified.value import LARGEST

NAMED = {
    "accounts": (
        "id name owner description website industry number_of_employees addresses phone_numbers urls tags "
        "custom_fields last_activity_at next_activity_at created_at updated_at created_by email_domains links "
        "dates"
    ),
    "contacts": (
        "id first_name last_name name title salutation account email_addresses phone_numbers addresses urls owner "
        "tags custom_fields last_activity_at created_at updated_at etag background date_of_birth assistant_name "
        "email_opted_out image_url links dates"
    ),
    "leads": (
        "id first_name last_name title company email_addresses phone_numbers addresses lead_source status "
        "lead_type owner assignee contact account converted_at converted_contact converted_account "
        "converted_opportunity urls industry number_of_employees rating description email_opted_out custom_fields "
        "tags pipeline stage created_at updated_at"
    ),
    "opportunities": (
        "id name description amount currency amount_basis owner assignee account contact stage pipeline status "
        "status_reason status_changed_at probability close_date forecast_close_date actual_close_date category "
        "tags custom_fields created_at updated_at line_items pricebook linked_email"
    ),
    "projects": (
        "id name description amount currency owner assignee account contact opportunity stage pipeline status "
        "close_date start_date category tags custom_fields milestones"
    ),
    "tasks": (
        "id subject content type status native_status owner assignee team due_date start_date completed_at "
        "priority percent_complete opportunity project milestone parent_task contact account lead reminder_at "
        "recurrence custom_fields etag created_at updated_at"
    ),
    "notes": (
        "id title content content_format owner contact account opportunity lead project created_at updated_at "
        "comments attachments"
    ),
    "pipelines": "id name entity entities stages owner",
    "stages": "id name position pipeline status activity_set",
    "users": "id name email is_active created_at updated_at currency",
}
"""What the unified model names, resource by resource."""
DIRECTORY_NAMED = (
    "id name first_name last_name emails username status type is_owner roles groups organizations licenses timezone "
    "identifiers external_id is_2fa_enabled last_login_at avatar languages created_at updated_at currency"
)
TAG = "Insightly's own version; etag is ours"
UNMAPPED = {
    "accounts": {"ETag": TAG, "EMAIL_DOMAIN": "the first of EMAILDOMAINS"},
    "contacts": {"ETag": TAG},
    "leads": {"ETag": TAG},
    "notes": {"ETag": TAG},
    "opportunities": {"ETag": TAG},
    "projects": {"ETag": TAG},
    "tasks": {
        "ETag": TAG,
        "EMAIL_ID": "the e-mail that a task came from; nothing else of e-mails is in the model",
        "REMINDER_SENT": "what Insightly did, not what the task is",
        "STAGE_ID": "the stage whose activity set made the task",
    },
    "users": {
        "ACCOUNT_OWNER": "in the directory",
        "ADMINISTRATOR": "in the directory",
        "CONTACT_DISPLAY": "a setting of the user's screen",
        "CONTACT_ID": "in the directory",
        "CONTACT_ORDER": "a setting of the user's screen",
        "EMAIL_DROPBOX_ADDRESS": "whoever knows it can write into the account",
        "EMAIL_DROPBOX_IDENTIFIER": "whoever knows it can write into the account",
        "INSTANCE_ID": "in the directory",
        "PROFILE_ID": "in the directory",
        "ROLE_ID": "in the directory",
        "TASK_WEEK_START": "a setting of the user's screen",
        "TIMEZONE_ID": "in the directory",
    },
}
"""Fields of Insightly's that no unified field shows, with the reason; `remote_data` has them all."""


@pytest.mark.parametrize("name", NAMED)
def test_every_field_of_the_model_is_there(name):
    """Every unified field that the model names has a row."""
    assert set() == set(NAMED[name].split()) - set(CRM[name].row)


def test_every_field_of_the_directory_is_there():
    """Every field of a directory's user, of a group and of an organisation has a row."""
    assert set() == set(DIRECTORY_NAMED.split()) - set(DIRECTORY["users"].row)
    assert {"id", "name", "members"} <= set(DIRECTORY["groups"].row)
    assert {"id", "name"} <= set(SINGLES["organizations"].noun.row)


@pytest.mark.parametrize("noun", CRM.values(), ids=CRM)
def test_every_field_of_insightly_is_shown(noun):
    """What no unified field shows is listed, with its reason; all the rest is mapped."""
    shown = {native for row in noun.rows for native in row.natives}
    assert set(UNMAPPED.get(noun.name, {})) == set(noun.resource.field) - shown


@pytest.mark.parametrize("noun", CRM.values(), ids=CRM)
def test_what_can_be_sent_is_written(noun):
    """Every field that Insightly takes is written by some row, but for those that are listed."""
    written = {native for row in noun.rows if row.writes for native in row.natives}
    taken = {field.name for field in noun.resource.fields if (field.post or field.put) and not field.read_only}
    assert set() == taken - written - {noun.id_field} - set(UNMAPPED.get(noun.name, {})) - READ_ALONE.get(
        noun.name, set()
    )


READ_ALONE = {
    "contacts": {"IMAGE_URL"},
    "leads": {"IMAGE_URL"},
    "notes": {"DATE_CREATED_UTC", "DATE_UPDATED_UTC", "OWNER_USER_ID"},
}
"""Fields that the document has among a body's, and that Insightly sets itself."""

TEXT = st.text(string.ascii_letters + "äß<&;,'\"😀 ", min_size=1, max_size=20).filter(str.strip)
IDS = st.integers(1, LARGEST["int64"]).map(str)
DAYS = st.dates().map(lambda day: day.isoformat())
KINDS = {
    "text": TEXT,
    "integer": st.integers(0, 100),
    "number": st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9),
    "boolean": st.booleans(),
    "moment": st.datetimes().map(lambda moment: f"{moment.isoformat(timespec='seconds')}Z"),
    "day": DAYS,
    "id": IDS,
}
OPTIONS = ("Music", "Music; loud", "Sports")
CUSTOM = {
    "Text__c": ("TEXT", TEXT),
    "Number__c": ("NUMERIC", st.integers(-(10**6), 10**6)),
    "Bit__c": ("BIT", st.booleans()),
    "Date__c": ("DATE", DAYS),
    "Moment__c": ("DATETIME", KINDS["moment"]),
    "One__c": ("DROPDOWN", st.sampled_from(OPTIONS)),
    "Some__c": ("MULTISELECT", st.lists(st.sampled_from(OPTIONS), unique=True, min_size=1)),
}
TYPES = FieldTypes(
    {
        name: CustomField(
            field_name=name,
            field_type=kind,
            custom_field_options=tuple(CustomFieldOption(option_value=option) for option in OPTIONS),
        )
        for name, (kind, _) in CUSTOM.items()
    }
)
KNOWN = Known(custom=TYPES)
SINGLE = {
    "notes": {"content": TEXT},
    "opportunities": {"status": st.sampled_from(["open", "won", "lost"]), "amount": st.integers(0, 10**6)},
    "tasks": {"native_status": st.sampled_from(["not_started", "waiting", "completed"])},
}
"""Rows with a way of their own, whose values stand for themselves."""


def values(noun, row):  # noqa: C901, PLR0911 (one strategy a kind of row)
    """What may be written into a row; `None` where another row writes the same."""
    match row:
        case Plain(kind=kind) if row.writes:
            return KINDS[kind]
        case Ref() if row.writes:
            return st.builds(lambda record_id: {"id": record_id}, IDS)
        case Choice(values=pairs):
            return st.sampled_from([ours for ours, _ in pairs])
        case Several(key=key, items=items):
            return kept([{"type": st.just(kind), key: TEXT} for kind, _ in items])
        case Addresses(items=items):
            parts = dict.fromkeys(("street_2", "city", "state", "postal_code", "country"), TEXT | st.none())
            return kept([{"type": st.just(kind), "street_1": TEXT, **parts} for kind, _ in items])
        case Tags():
            return st.lists(TEXT, unique=True).map(lambda names: [{"id": name, "name": name} for name in names])
        case Listed():
            return st.lists(TEXT, unique=True)
        case Dated():
            return st.lists(st.fixed_dictionaries({"name": TEXT, "date": DAYS, "repeats_yearly": st.booleans()}))
        case Linked(many=many):
            ids = st.lists(IDS, unique=True, max_size=3).map(lambda found: [{"id": each} for each in found])
            return ids if many else st.builds(lambda record_id: {"id": record_id}, IDS)
        case Custom():
            return st.fixed_dictionaries({}, optional={name: value for name, (_, value) in CUSTOM.items()})
        case _:
            return SINGLE.get(noun.name, {}).get(row.name)


def kept(items):
    """Some of several dictionaries of strategies, each once, in their order."""
    some = st.lists(st.booleans(), min_size=len(items), max_size=len(items))
    whole = st.tuples(*map(st.fixed_dictionaries, items))
    return st.builds(lambda mask, made: [each for keep, each in zip(mask, made, strict=True) if keep], some, whole)


SAME = {"website": "urls", "close_date": "actual_close_date"}
"""Rows that write what another row of the noun writes too."""


@st.composite
def bodies(draw, noun):
    """A body with any of the fields that can be written."""
    able = {row.name: found for row in noun.rows if row.name not in SAME and (found := values(noun, row)) is not None}
    names = draw(st.lists(st.sampled_from(sorted(able)), unique=True))
    body = {name: draw(able[name]) for name in names}
    for row in noun.rows:
        if isinstance(row, Plain) and row.required:
            body.setdefault(row.name, "x")
    if noun.parents:
        body["contact"] = [{"id": "7"}]
    if "project" in body and noun.name == "tasks":
        body.pop("opportunity", None)  # beside a project it is linked alone
    return body


def keep(plan, noun):
    """What Insightly would hold after a plan: its first call's fields, a link for every link's call and parent."""
    first, *rest = plan.steps
    wire, links = dict(first.body), [step.body for step in rest if step.path.endswith("/Links")]
    if noun.parents:
        links.insert(0, {"LINK_OBJECT_NAME": "Contact", "LINK_OBJECT_ID": int(first.path.split("/")[2])})
    wire["OPPORTUNITY_VALUE"] = wire.get("BID_AMOUNT")
    if wire.get("BID_TYPE") not in {None, "Fixed Bid"} and wire.get("BID_DURATION"):
        wire["OPPORTUNITY_VALUE"] = round((wire.get("BID_AMOUNT") or 0) * wire["BID_DURATION"], 6)
    return wire | {"LINKS": links}


def agrees(given, shown):
    """Whether what is shown holds all that was given, and lists no more."""
    match given, shown:
        case dict(), dict():
            return all(agrees(value, shown.get(name)) for name, value in given.items())
        case list(), list():
            return len(given) == len(shown) and all(map(agrees, given, shown))
        case _:
            return given == shown


@pytest.mark.parametrize("name", ["accounts", "contacts", "leads", "notes", "opportunities", "projects", "tasks"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_nothing_is_lost_on_the_way(name, data):
    """A body that is planned, kept and read again has every value that it had."""
    noun = CRM[name]
    body = data.draw(bodies(noun))
    shown = to_unified(noun, keep(plan_create(noun, body, KNOWN), noun), KNOWN)
    assert {} == {field: (body[field], shown[field]) for field in body if not agrees(body[field], shown[field])}


@pytest.mark.parametrize("name", ["accounts", "contacts", "leads", "notes", "opportunities", "projects", "tasks"])
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_a_change_sends_no_more_than_it_names(name, data):
    """A change's PUT holds fields of the rows that the body names, and the id."""
    noun = CRM[name]
    body = data.draw(bodies(noun))
    steps = plan_update(noun, "7", body, KNOWN, present={noun.id_field: 7}).steps
    sent = {field for step in steps if step.name == f"update {noun.object}" for field in step.body} - {noun.id_field}
    assert set() == sent - {native for field in body for native in noun.row[field].natives}
