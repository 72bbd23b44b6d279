"""The form of a source: what each kind asks for, and the draft that an answer makes. Pure."""

import msgspec
from msgspec import Struct

from crosswalk.contract import Contract
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.kinds import MEGABYTE, File, Http, Kind, Records, Sql, Webhook
from crosswalk.delivery.pull_http import Paging, Style
from crosswalk.delivery.row import Options
from crosswalk.delivery.sources import Draft

KINDS: dict[str, str] = {
    "upload": "Upload a file",
    "path": "File on the server",
    "sql": "Database",
    "http": "HTTP API",
    "webhook": "Webhook",
    "insightly": "Insightly",
}
"""Every kind of the form, in its order, with its title. The first two are both files."""
SCHEDULES = ("every 15m", "every 1h", "every 6h", "every 24h", "cron 0 6 * * 1-5 UTC")
"""Schedules that are proposed."""


USUAL = Webhook()


class SourceForm(Struct, frozen=True, kw_only=True):
    """The form as it was sent: every field a text, of which each kind reads its own; a box that is ticked is `on`."""

    kind: str = "upload"
    name: str = ""
    dataset: str = ""
    account: str = ""
    key: str = ""
    schedule: str = ""
    now: str = ""
    path: str = ""
    format: str = ""
    delimiter: str = ""
    encoding: str = ""
    header: str = ""
    sheet: str = ""
    inside: str = ""
    connection: str = ""
    query: str = ""
    cursor_column: str = ""
    url: str = ""
    style: str = "none"
    records: str = ""
    cursor: str = ""
    parameter: str = ""
    size_parameter: str = ""
    size: str = ""
    headers: str = ""
    signature: str = "none"
    signature_header: str = ""
    secret: str = ""
    megabytes: str = ""
    include_headers: str = ""
    include_url_params: str = ""
    resource: str = ""
    full: str = ""


def read_source(form: SourceForm) -> Draft:
    """The source that a form describes. Raises `PlanError` for what no source can be made of."""
    return Draft(
        name=form.name.strip(),
        settings=_read_kind(form),
        account=form.account or None,
        dataset=form.dataset.strip() or None,
        schedule=None if form.kind == "webhook" else form.schedule.strip() or None,
        secret=_read_secret(form),
    )


def _read_kind(form: SourceForm) -> Kind:
    key = form.key.strip() or None
    match form.kind:
        case "upload" | "path":
            if form.kind == "upload" and not form.path:
                raise PlanError("Choose a file to upload")
            return File(path=form.path.strip(), options=_read_options(form), key=key)
        case "sql":
            return Sql(
                query=form.query, connection=form.connection or None, cursor_column=_text(form.cursor_column), key=key
            )
        case "http":
            return Http(url=form.url.strip(), paging=_read_paging(form), key=key)
        case "webhook":
            return _read_webhook(form, key)
        case "insightly":
            return Records(resource=form.resource, full=bool(form.full), key=key)
        case _:
            raise PlanError(f"There is no kind of source {form.kind!r}; kinds are {', '.join(KINDS)}")


def _read_options(form: SourceForm) -> Options:
    return Options(
        format=_text(form.format),
        delimiter=form.delimiter or None,
        encoding=_text(form.encoding),
        header={"yes": True, "no": False}.get(form.header),
        sheet=_text(form.sheet),
        path=_text(form.inside),
    )


def _read_paging(form: SourceForm) -> Paging:
    try:
        style = msgspec.convert(form.style, Style)
    except msgspec.ValidationError:
        raise PlanError(f"There is no paging {form.style!r}") from None
    return Paging(
        style=style,
        records=_text(form.records),
        cursor=_text(form.cursor),
        parameter=_text(form.parameter),
        size_parameter=_text(form.size_parameter),
        size=_number("The page's size", form.size),
    )


def _read_webhook(form: SourceForm, key: str | None) -> Webhook:
    most = _number("The largest post in megabytes", form.megabytes)
    told = {
        "kind": "webhook",
        "key": key,
        "max_bytes": (most or 1) * MEGABYTE,
        "signature": form.signature,
        "signature_header": form.signature_header.strip() or USUAL.signature_header,
        "include_headers": bool(form.include_headers),
        "include_url_params": bool(form.include_url_params),
    }
    try:
        return msgspec.convert(told, Webhook)
    except msgspec.ValidationError as error:
        raise PlanError(f"No webhook can be made like that: {error}") from error


def _read_secret(form: SourceForm) -> str | None:
    """What the kind keeps sealed: a webhook's signing key, or an API's headers, written a line each."""
    if form.kind == "webhook":
        return form.secret.strip() or None
    if form.kind != "http" or not form.headers.strip():
        return None
    headers: dict[str, str] = {}
    for line in filter(None, map(str.strip, form.headers.splitlines())):
        name, colon, value = line.partition(":")
        if not colon:
            raise PlanError("Write a header a line, as Authorization: Bearer …")
        headers[name.strip()] = value.strip()
    return msgspec.json.encode(headers).decode()


def _text(text: str) -> str | None:
    return text.strip() or None


def _number(what: str, text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal() or not int(text):
        raise PlanError(f"{what} is a whole number above zero, not {text!r}")
    return int(text)


def list_resources(contract: Contract) -> list[str]:
    """What an Insightly source may read: every collection that has a list."""
    return sorted(each.name for each in contract.resources.values() if each.serves("GET"))
