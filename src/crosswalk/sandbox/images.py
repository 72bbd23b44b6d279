"""Images of records and image custom fields: raw bytes up and down."""

from mimetypes import guess_type

from crosswalk.sandbox.answers import DELETED, answer_record, find_in_path, table_of
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Blob, Instance
from crosswalk.sandbox.refusals import Invalid, failed, missing, refuse
from crosswalk.sandbox.rules import change
from crosswalk.sandbox.table import Row, Table

URL_FIELDS = ("image_url", "product_image_url")


def get_image(instance: Instance, call: Call) -> Answer:
    """Answer the bytes of an image."""
    _, row, name = _find(instance, call)
    blob = instance.extras.blobs.get(name)
    if blob is None:
        raise missing("Image", row.id)
    return Answer(200, blob.data, content_type=blob.content_type)


def put_image(instance: Instance, call: Call) -> Answer:
    """Keep the body as an image. Raises `Refusal`: 402 when the storage is full, 417 for no bytes."""
    table, row, name = _find(instance, call)
    if not call.body:
        raise failed()
    if len(call.body) + sum(len(blob.data) for blob in instance.extras.blobs.values()) > instance.storage_limit:
        raise refuse(402, "Storage limit reached.")
    file_name = call.params.get("filename") or call.params.get("fileName") or "image"
    kind = guess_type(file_name)[0] or "application/octet-stream"
    instance.extras.blobs[name] = Blob(file_name, kind, call.body)
    url = f"https://s3.amazonaws.com/insightly.userfiles/{call.params['id']}/{file_name}"[:255]
    change(instance, call, table, row=row, values=_url(call, table, url))
    return answer_record(instance, call, table, row=row)


def delete_image(instance: Instance, call: Call) -> Answer:
    """Remove an image."""
    table, row, name = _find(instance, call)
    if instance.extras.blobs.pop(name, None) is None:
        raise missing("Image", row.id)
    change(instance, call, table, row=row, values=_url(call, table, None))
    return DELETED


def _find(instance: Instance, call: Call) -> tuple[Table, Row, str]:
    table = table_of(instance, call)
    row = find_in_path(instance, table, call)
    field = call.params.get("fieldName")
    if field is None:
        return table, row, f"{table.schema.key}/{row.id}/image"
    if field.lower() not in instance.fields_of(table.schema.key).known:
        raise Invalid(("fieldName", f"'{field}' is not a valid custom field name."))
    return table, row, f"{table.schema.key}/{row.id}/{field.lower()}"


def _url(call: Call, table: Table, url: str | None) -> dict[str, object]:
    if "fieldName" in call.params:
        return {}
    return {name: url for name in URL_FIELDS if name in table.schema.place}
