"""Multipart forms, as file uploads send them."""

from email.parser import BytesParser
from email.policy import HTTP
from typing import NamedTuple

from crosswalk.sandbox.call import Call
from crosswalk.sandbox.refusals import Invalid


class Part(NamedTuple):
    """One part of a form; `filename` is `None` for a plain field."""

    filename: str | None
    content_type: str
    data: bytes

    @property
    def text(self) -> str:
        """The part read as text."""
        return self.data.decode("utf-8", "replace").strip()


def read_form(call: Call) -> dict[str, Part]:
    """Read the parts of a form by name, in lower case. Raises `Invalid` for a body that is no form."""
    kind = call.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise Invalid(("file", "The request must be multipart/form-data."))
    head = f"Content-Type: {kind}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + call.body)
    if not message.is_multipart():
        raise Invalid(("file", "The request must be multipart/form-data with a boundary."))
    parts: dict[str, Part] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        data = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(data, bytes):
            parts[name.lower()] = Part(part.get_filename(), part.get_content_type(), data)
    return parts
