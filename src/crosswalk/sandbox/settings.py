"""What an instance says of itself: its plan, the caller and the caller's rights, its custom fields and objects."""

import msgspec

from crosswalk.sandbox.answers import answer_record, success
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.custom_fields import Definition
from crosswalk.sandbox.instance import RECORDS, Instance
from crosswalk.sandbox.links import LINKABLE
from crosswalk.sandbox.query import answer_values
from crosswalk.sandbox.refusals import Invalid, missing, refuse

SECURED = (*LINKABLE, "Product", "Quotation", "Prospect", "Ticket", "KnowledgeArticle")


def get_instance(instance: Instance, call: Call) -> Answer:
    """Answer the instance's name and plan."""
    words = "".join(c if c.isascii() and c.isalnum() else "-" for c in instance.name.lower())
    shown = {
        "INSTANCE_NAME": instance.name,
        "INSTANCE_SUBDOMAIN": words,
        "PLAN_NAME": instance.plan,
        "NEW_USER_EXPERIENCE_ENABLED": True,
    }
    return Answer(success(call), msgspec.json.encode(shown))


def get_me(instance: Instance, call: Call) -> Answer:
    """Answer the calling user."""
    table = instance.tables["users"]
    return answer_record(instance, call, table, row=table.rows[call.user.id])


def get_permissions(instance: Instance, call: Call) -> Answer:
    """Answer what the caller may do, kind by kind."""
    state = "FULL" if call.user.administrator else "CUSTOM"
    rights = {"CAN_READ": True, "CAN_CREATE": True, "CAN_EDIT": True, "CAN_DELETE": True}
    shown = [{"OBJECT_TYPE": record, "PERMISSIONS_STATE": state} | rights for record in SECURED]
    return Answer(success(call), msgspec.json.encode({"PERMISSIONS_STATE": state, "OBJECT_PERMISSIONS": shown}))


def list_custom_fields(instance: Instance, call: Call) -> Answer:
    """Answer the custom fields of one kind; of every kind when the name is unknown (S3)."""
    found = _definitions(instance, call.params["objectName"])
    return answer_values(call, [msgspec.json.encode(definition.describe()) for definition in found])


def find_custom_field(instance: Instance, call: Call) -> Answer:
    """Answer one custom field by name."""
    name = call.query.get("fieldname") or call.query.get("field_name") or ""
    if not name.strip():
        raise Invalid(("fieldName", "The fieldName field is required."))
    for definition in _definitions(instance, call.params["objectName"]):
        if definition.name.lower() == name.strip().lower():
            return Answer(success(call), msgspec.json.encode(definition.describe()))
    raise refuse(404, f"No CustomField with FIELD_NAME = {name}", reason="CustomField Not Found")


def _definitions(instance: Instance, name: str) -> list[Definition]:
    if not name.strip():
        raise Invalid(("objectName", "The objectName field is required."))
    key = key_of(instance, name)
    if key is not None:
        return list(instance.fields_of(key).definitions)
    return [definition for fields in instance.custom.values() for definition in fields.definitions]


def key_of(instance: Instance, name: str) -> str | None:
    """Find a table by any name that its records go by: singular, plural, US spelling, custom object; any case."""
    wanted = name.strip().lower().replace("organization", "organisation")
    for key, table in instance.tables.items():
        if wanted in (key.replace("_", ""), table.schema.record.lower(), f"{table.schema.record.lower()}s"):
            return key
    return f"{RECORDS}:{wanted}" if f"{RECORDS}:{wanted}" in instance.tables else None


def get_custom_object(instance: Instance, call: Call) -> Answer:
    """Answer a custom object's metadata by its name."""
    table, name = instance.tables["custom_objects"], call.params["customObjectName"]
    row = next((r for r in table.all() if str(table.get(r, "OBJECT_NAME")).lower() == name.lower()), None)
    if row is None:
        raise missing("CustomObject", name)
    return answer_record(instance, call, table, row=row)


def display_record(instance: Instance, call: Call) -> Answer:
    """Show a record to a user who takes a telephone call: nothing is answered but that it was taken on."""
    number = _number(call, "user_id")
    if number not in instance.tables["users"].rows:
        raise missing("User", number)
    name, wanted = call.params.get("object_name", "ticket"), _number(call, "record_id", "ticket_id")
    key = key_of(instance, name)
    if key is None:
        raise missing(name, wanted)
    if wanted not in instance.tables[key].rows:
        raise missing(instance.tables[key].schema.record, wanted)
    return Answer(success(call), content_type=None)


def _number(call: Call, *names: str) -> int:
    name = next(name for name in names if name in call.params)
    text = call.params[name]
    if not text.isdecimal():
        raise missing("Record", text)
    return int(text)
