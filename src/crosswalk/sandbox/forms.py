"""Multipart forms, as file uploads send them."""

import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from typing import NamedTuple

from crosswalk.sandbox.call import Call
from crosswalk.sandbox.refusals import Invalid

SPACE = re.compile(rb"\r?\n\r?\n")
"""What ends the headers of a part."""


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
    boundary = read_headers(f"Content-Type: {kind}".encode("latin-1", "replace")).get_boundary()
    if not boundary:
        raise Invalid(("file", "The request must be multipart/form-data with a boundary."))
    parts: dict[str, Part] = {}
    for headers, data in split_form(call.body, boundary):
        name = headers.get_param("name", header="content-disposition")
        if isinstance(name, str):
            parts[name.lower()] = Part(headers.get_filename(), headers.get_content_type(), data)
    return parts


def split_form(body: bytes, boundary: str) -> Iterator[tuple[EmailMessage, bytes]]:
    """Yield the headers and bytes of each part; what a part holds is never looked into: a mail is a file too."""
    line = rb"\r?\n--" + re.escape(boundary.encode("latin-1", "replace"))
    _, *parts = re.split(line, b"\n" + body)
    for part in parts[:-1]:
        head, _, data = SPACE.sub(b"\n\n", part, count=1).partition(b"\n\n")
        yield read_headers(head.lstrip()), data


def read_headers(head: bytes) -> EmailMessage:
    """Read the headers of a part."""
    return BytesParser(EmailMessage, policy=HTTP).parsebytes(head + b"\r\n\r\n", headersonly=True)
