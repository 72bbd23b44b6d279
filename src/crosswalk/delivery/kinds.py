"""The kinds of sources and what each is told. Pure."""

import re
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from crosswalk.contract import Contract, UnknownResource
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.pull_http import Paging
from crosswalk.delivery.row import Options

Signature = Literal["none", "standard", "hmac-sha256"]
MEGABYTE = 1_000_000
MOST_POST = 64 * MEGABYTE
UPLOAD = "upload:"
"""How a path begins that means a file uploaded over HTTP, named by its digest."""
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
READING = re.compile(r"\s*(?:SELECT|WITH|VALUES|TABLE)\b", re.IGNORECASE)
Positive = Annotated[int, Meta(ge=1)]


class Told(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every kind takes: `key` names the column, or the path in it, that says that two records are the same."""

    key: str | None = None


class File(Told, frozen=True, tag="file"):
    """A file, or a folder or pattern of them: read again when its content changed.

    `bounded` ones read only what the operator listed; that is written here, whatever was asked for.
    """

    path: str
    options: Options = Options()
    bounded: bool = False


class Sql(Told, frozen=True, tag="sql"):
    """A query of a database. With `cursor_column` only what lies above the highest value read is read next time."""

    query: str
    connection: str | None = None
    cursor_column: str | None = None


class Http(Told, frozen=True, tag="http"):
    """A paged HTTP API that answers JSON. Every pull reads all of it; with `key` only new records are added."""

    url: str
    paging: Paging = Paging()


class Webhook(Told, frozen=True, tag="webhook"):
    """Records that others post to a secret address."""

    max_bytes: Annotated[int, Meta(ge=1, le=MOST_POST)] = MEGABYTE
    signature: Signature = "none"
    signature_header: str = "X-Signature-256"
    include_headers: bool = False
    include_url_params: bool = False


class Records(Told, frozen=True, tag="insightly"):
    """A resource of a linked Insightly: all of it first, then what changed since, unless `full`."""

    resource: str
    full: bool = False


Kind: TypeAlias = File | Sql | Http | Webhook | Records


def check_kind(kind: Kind, contract: Contract, *, account: str | None) -> None:
    """Raise `PlanError` for what can never work, whoever asks."""
    match kind:
        case File(path=path):
            if not path or "\0" in path:
                raise PlanError("A file source needs the path of its file")
        case Sql(query=query):
            _check_query(query)
        case Http(url=url):
            if not url.startswith(("https://", "http://")):
                raise PlanError(f"{url!r} is no address of an HTTP API; it starts with https://")
        case Webhook():
            if not TOKEN.fullmatch(kind.signature_header):
                raise PlanError(f"{kind.signature_header!r} cannot be the name of a header")
        case Records(resource=resource):
            _check_resource(resource, contract, account)


def _check_resource(resource: str, contract: Contract, account: str | None) -> None:
    if account is None:
        raise PlanError("An insightly source needs an account, the linked one to read")
    try:
        contract.resource(resource)
    except UnknownResource as error:
        raise PlanError(str(error)) from error


def _check_query(query: str) -> None:
    """One statement that reads; what it may read is the database user's own rights."""
    text = query.strip().removesuffix(";")
    if not READING.match(text):
        raise PlanError("A SQL source's query must begin with SELECT, WITH, VALUES or TABLE")
    if ";" in text:  # within quotes too: databases differ in where a literal ends
        raise PlanError(
            "A SQL source's query must be one statement; there is a `;` in it. Write chr(59) for one in text"
        )
