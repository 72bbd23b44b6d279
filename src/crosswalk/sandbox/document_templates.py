"""Document templates, merged into a file on a record."""

from crosswalk.sandbox.answers import answer_record, find, find_in_path, read_id, table_of
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.files import keep_file
from crosswalk.sandbox.instance import Blob, Instance
from crosswalk.sandbox.refusals import Invalid
from crosswalk.sandbox.table import Row
from crosswalk.sandbox.values import format_moment

FORMATS = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


def merge_document(instance: Instance, call: Call) -> Answer:
    """Fill a template with a record; the result is a file of the record, and a document of a quotation."""
    table = table_of(instance, call)
    row = find_in_path(instance, table, call)
    templates = instance.tables["document_templates"]
    template = find(templates, read_id(call.params["documentTemplateId"], "documentTemplateId"))
    kind = (call.query.get("format") or str(templates.get(template, "TEMPLATE_FILE_TYPE"))).lower()
    if kind not in FORMATS:
        raise Invalid(("format", f"The value '{kind}' is not valid. Valid values: {', '.join(FORMATS)}."))
    if not templates.get(template, "ACTIVE"):
        raise Invalid(("documentTemplateId", f"Document template {template.id} is not active."))
    title = str(templates.get(template, "TEMPLATE_NAME"))
    text = f"{title}: {table.schema.record} {row.id}".encode()
    blob = Blob(f"{title} {row.id}.{kind}", FORMATS[kind], text)
    file = keep_file(instance, call, owner=(table.schema.key, row.id), blob=blob)
    if table.schema.key == "quotation":
        _keep_quotation_document(instance, call, quotation=row, file=file)
    return answer_record(instance, call, table, row=row)


def _keep_quotation_document(instance: Instance, call: Call, *, quotation: Row, file: Row) -> None:
    table, quotations = instance.tables["quotation_documents"], instance.tables["quotation"]
    facts = {
        "QUOTATION_NAME": quotations.get(quotation, "QUOTATION_NAME"),
        "FILE_NAME": instance.tables["file_attachments"].get(file, "FILE_NAME"),
        "OWNER_USER_ID": call.user.id,
        "DATE_CREATED_UTC": format_moment(call.now),
        "QUOTE_ID": str(quotation.id),
        "FILE_ID": str(file.id),
        "CURRENCY_CODE": quotations.get(quotation, "QUOTATION_CURRENCY_CODE"),
    }
    values = [facts.get(name) for name in table.schema.names]
    table.add(values, version=instance.next_version(), born=call.now.timestamp())
