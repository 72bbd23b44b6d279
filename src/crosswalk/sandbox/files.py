"""File attachments: up as multipart forms, down as bytes, metadata on request."""

from crosswalk.sandbox.answers import answer_record, find_in_path, read_id, table_of
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.forms import Part, read_form
from crosswalk.sandbox.instance import Blob, Instance
from crosswalk.sandbox.query import answer_rows, test_updated
from crosswalk.sandbox.refusals import Invalid, failed, refuse
from crosswalk.sandbox.table import Row
from crosswalk.sandbox.values import format_moment

MAX_NAME = 500


def list_files(instance: Instance, call: Call) -> Answer:
    """Answer the metadata of a record's files, oldest first."""
    owner = (table_of(instance, call).schema.key, find_in_path(instance, table_of(instance, call), call).id)
    table = instance.tables["file_attachments"]
    passes = test_updated(table, call)
    ids = [number for number, end in instance.extras.owners.items() if end == owner]
    return answer_rows(instance, call, table, ids=[i for i in ids if passes is None or passes(table.rows[i])])


def upload_file(instance: Instance, call: Call) -> Answer:
    """Keep a file on a record. Raises `Refusal`: 402 when the storage is full, 417 for a file without bytes."""
    table = table_of(instance, call)
    owner = (table.schema.key, find_in_path(instance, table, call).id)
    form = read_form(call)
    part = form.get("file") or next((part for part in form.values() if part.filename is not None), None)
    if part is None:
        raise Invalid(("file", "The file field is required."))
    row = keep_file(instance, call, owner=owner, blob=_blob(form, part), category=_category(instance, form))
    return answer_record(instance, call, instance.tables["file_attachments"], row=row)


def _blob(form: dict[str, Part], part: Part) -> Blob:
    name = form["file_name"].text if "file_name" in form else part.filename
    if not name or len(name) > MAX_NAME:
        raise Invalid(("file_name", f"The file_name field is required, with a maximum length of {MAX_NAME}."))
    return Blob(name, form["content_type"].text if "content_type" in form else part.content_type, part.data)


def _category(instance: Instance, form: dict[str, Part]) -> int | None:
    text = form["file_category_id"].text if "file_category_id" in form else ""
    number = read_id(text, "file_category_id") if text else None
    if number and number not in instance.tables["file_categories"].rows:
        raise Invalid(("file_category_id", f"The value '{number}' is not a valid file_category_id."))
    return number or None


def keep_file(
    instance: Instance, call: Call, *, owner: tuple[str, int], blob: Blob, category: int | None = None
) -> Row:
    """Keep bytes as a file of a record."""
    if not blob.data:
        raise failed()
    if len(blob.data) + sum(len(other.data) for other in instance.extras.blobs.values()) > instance.storage_limit:
        raise refuse(402, "Storage limit reached.")
    table, now = instance.tables["file_attachments"], format_moment(call.now)
    facts = {
        "FILE_NAME": blob.name,
        "CONTENT_TYPE": blob.content_type,
        "FILE_SIZE": len(blob.data),
        "FILE_CATEGORY_ID": category,
        "OWNER_USER_ID": call.user.id,
        "DATE_CREATED_UTC": now,
        "DATE_UPDATED_UTC": now,
        "URL": f"/v3.1/FileAttachments/{table.next_id}",
    }
    values = [facts.get(name) for name in table.schema.names]
    row = table.add(values, version=instance.next_version(), born=call.now.timestamp())
    instance.extras.owners[row.id] = owner
    instance.extras.blobs[f"file_attachments/{row.id}/"] = blob
    return row


def download_file(instance: Instance, call: Call) -> Answer:
    """Answer a file's bytes, or its metadata for `?format=JSON`."""
    table = table_of(instance, call)
    row = find_in_path(instance, table, call)
    if call.query.get("format", "").lower() == "json":
        return answer_record(instance, call, table, row=row)
    blob = instance.extras.blobs[f"file_attachments/{row.id}/"]
    name = blob.name.encode("ascii", "replace").decode().replace('"', "'").replace("\r", " ").replace("\n", " ")
    header = ("Content-Disposition", f'attachment; filename="{name}"')
    return Answer(200, blob.data, content_type=media_type(blob.content_type), headers=(header,))


def media_type(text: str) -> str:
    """Give a content type that can stand in a header; uploads may claim anything."""
    return text if text.isascii() and text.isprintable() and "/" in text else "application/octet-stream"
