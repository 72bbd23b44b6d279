"""`crosswalk get|list|search|create|update|delete`: straight to Insightly, its own JSON out."""

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import IO, TYPE_CHECKING, Any

import click

from crosswalk.cli.status import WrongUse, run

if TYPE_CHECKING:
    from crosswalk.contract import Field
    from crosswalk.insightly import Insightly, Record, Resource

Command = Callable[..., None]
ATTEMPTS = 3
"""Tries of a read: a person waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which Insightly, and with which key: a linked account's, or one given."""

    account: str | None
    pod: str | None
    base_url: str | None
    rate: int | None
    api_key: str | None = field(repr=False)

    def open(self) -> "AbstractAsyncContextManager[Insightly]":
        """A client that is opened with `async with`. Raises `WrongUse`."""
        given = [name for name in ("account", "pod", "base_url") if getattr(self, name) is not None]
        if len(given) != 1:
            raise WrongUse("Say which Insightly: one of --account NAME, --pod P and --base-url URL.")
        if self.account is not None:
            from crosswalk.app import open_account

            return open_account(self.account)
        return self._direct()

    @asynccontextmanager
    async def _direct(self) -> "AsyncIterator[Insightly]":
        from crosswalk.config import settings
        from crosswalk.insightly import Insightly
        from crosswalk.insightly.pods import this_machine

        key = self.api_key or settings().api_key
        if key is None:
            raise WrongUse("No key is given. Set CROSSWALK_API_KEY, or write --api-key-file PATH.")
        async with Insightly(
            key,
            pod=self.pod,
            base_url=self.base_url,
            # whoever types a host of this machine means it
            allow_hosts=(*settings().allowed_hosts, *this_machine(self.base_url)),
            rate=self.rate,
            timeout=settings().request_timeout,
            attempts=ATTEMPTS,
        ) as crm:
            yield crm


def _rate(_ctx: click.Context, _param: click.Parameter, value: str) -> int | None:
    if value == "off":
        return None
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"{value!r} is neither a whole number above 0 nor 'off'.")
    return int(value)


def _moment(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    from crosswalk.insightly.wire import to_moment

    try:
        return None if value is None else to_moment(value)
    except ValueError as exc:
        raise click.BadParameter(f"{value!r} is no time. Write 2026-01-31T12:00:00Z.") from exc


def _pairs(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    cut = {value: value.partition("=") for value in values}
    for value, (name, equals, _) in cut.items():
        if not name or not equals:
            raise click.BadParameter(f"{value!r} is not NAME=VALUE.")
    return {name: text for name, _, text in cut.values()}


def _where(command: Command) -> Command:
    """Give a command the options that say which Insightly, as one argument."""

    @click.option("--account", metavar="NAME", help="A linked account.")
    @click.option("--pod", help="Where the instance lives, such as na1: see the API URL in Insightly's user settings.")
    @click.option("--base-url", metavar="URL", help="A whole base URL instead, such as a sandbox's.")
    @click.option("--api-key-file", type=click.File(), help="A file with the key; otherwise CROSSWALK_API_KEY.")
    @click.option("--api-key", metavar="KEY", help="The key itself; other users of this machine may see it.")
    @click.option("--rate", metavar="N|off", default="10", callback=_rate, help="Calls in any second; 10 unless given.")
    @wraps(command)
    def with_where(
        *,
        account: str | None,
        pod: str | None,
        base_url: str | None,
        api_key_file: IO[str] | None,
        api_key: str | None,
        rate: int | None,
        **options: Any,
    ) -> None:
        key = api_key_file.read().strip() if api_key_file else api_key
        where = Where(account=account, pod=pod, base_url=base_url, rate=rate, api_key=key)
        command(where=where, **options)

    return with_where


def _paged(command: Command) -> Command:
    """Give a command the options of a list."""
    for option in (
        click.option("--all", "everything", is_flag=True, help="Every record, page after page."),
        click.option("--skip", type=click.IntRange(0), default=0, show_default=True, help="Records to leave out."),
        click.option("--top", type=click.IntRange(1, 500), default=100, show_default=True, help="Most records."),
        click.option("--updated-after", metavar="TIME", callback=_moment, help="Changed after this; UTC without zone."),
        click.option("--brief", is_flag=True, help="Without custom fields, tags, links and dates."),
    ):
        command = option(command)
    return command


@click.command(epilog="Example: crosswalk get Contacts 7 --pod na1")
@click.argument("resource")
@click.argument("id", required=False)
@_where
def get(*, where: Where, resource: str, id: str | None) -> None:  # noqa: A002 (Insightly's own word for it)
    """Print one record by its ID; Instance and Permissions have none."""

    async def work() -> None:
        async with where.open() as crm:
            _, answer = await _find(crm, resource).read(id)
            _print(answer.body)

    run(work())


@click.command("list", epilog="Example: crosswalk list Leads --all --brief --account acme")
@click.argument("resource")
@click.option("--query", metavar="NAME=VALUE", multiple=True, callback=_pairs, help="Such as record_type=contacts.")
@_paged
@_where
def list_(
    *,
    where: Where,
    resource: str,
    query: dict[str, str],
    brief: bool,
    updated_after: datetime | None,
    top: int,
    skip: int,
    everything: bool,
) -> None:
    """Print records in the order of their ids, as one array."""

    async def work() -> None:
        async with where.open() as crm:
            found = _find(crm, resource)
            if everything:
                await _print_all(found.pages(brief=brief, updated_after=updated_after, query=query))
            else:
                _print_array(
                    await found.list(top=top, skip=skip, brief=brief, updated_after=updated_after, query=query)
                )

    run(work())


@click.command(epilog="Example: crosswalk search Contacts EMAIL_ADDRESS=ada@example.com --pod na1")
@click.argument("resource")
@click.argument("match", metavar="[FIELD=VALUE]", required=False)
@click.option("--tag", help="Records that carry this tag instead.")
@_paged
@_where
def search(
    *,
    where: Where,
    resource: str,
    match: str | None,
    tag: str | None,
    brief: bool,
    updated_after: datetime | None,
    top: int,
    skip: int,
    everything: bool,
) -> None:
    """Print the records whose FIELD, standard or custom, equals VALUE."""
    name, equals, value = (match or "").partition("=")
    if bool(match) == bool(tag) and not (updated_after and not match):
        raise click.UsageError("Say what to look for: FIELD=VALUE, --tag TAG or --updated-after TIME.")
    if match and not equals:
        raise click.UsageError(f"{match!r} is not FIELD=VALUE.")

    async def work() -> None:
        async with where.open() as crm:
            found = _find(crm, resource)
            if everything:
                await _print_all(
                    found.pages(
                        field_name=name or None, field_value=value, tag=tag, updated_after=updated_after, brief=brief
                    )
                )
            elif tag:
                _print_array(await found.search_by_tag(tag, top=top, skip=skip, brief=brief))
            else:
                _print_array(
                    await found.search(
                        name or None, value, updated_after=updated_after, top=top, skip=skip, brief=brief
                    )
                )

    run(work())


@click.command(epilog="Example: crosswalk create Contacts FIRST_NAME=Ada Tier__c=Gold --pod na1")
@click.argument("resource")
@click.argument("values", metavar="[FIELD=VALUE]...", nargs=-1)
@click.option("--json", "source", type=click.File("rb"), help="A JSON object to begin with; - is standard input.")
@_where
def create(*, where: Where, resource: str, values: tuple[str, ...], source: IO[bytes] | None) -> None:
    """Make a record and print it. `FIELD=` is null, `FIELD:=JSON` any JSON."""

    async def work() -> None:
        async with where.open() as crm:
            found = _find(crm, resource)
            record = await found.create(_read_values(found, values, source))
            _print(record.wire)

    run(work())


@click.command(epilog="Example: crosswalk update Contacts 7 PHONE= TITLE=Director --pod na1")
@click.argument("resource")
@click.argument("id")
@click.argument("values", metavar="[FIELD=VALUE]...", nargs=-1)
@click.option("--json", "source", type=click.File("rb"), help="A JSON object to begin with; - is standard input.")
@click.option("--etag", help="Refuse when the record is no longer this version.")
@_where
def update(
    *,
    where: Where,
    resource: str,
    id: str,  # noqa: A002 (Insightly's own word for it)
    values: tuple[str, ...],
    source: IO[bytes] | None,
    etag: str | None,
) -> None:
    """Change the given fields of one record and print it. `FIELD=` clears one, `FIELD:=JSON` sets any JSON."""

    async def work() -> None:
        async with where.open() as crm:
            found = _find(crm, resource)
            record = await found.update(id, _read_values(found, values, source), etag=etag)
            _print(record.wire)

    run(work())


@click.command(epilog="Example: crosswalk delete Contacts 7 --pod na1")
@click.argument("resource")
@click.argument("id")
@_where
def delete(*, where: Where, resource: str, id: str) -> None:  # noqa: A002 (Insightly's own word for it)
    """Delete one record. Prints nothing."""

    async def work() -> None:
        async with where.open() as crm:
            await _find(crm, resource).delete(id)

    run(work())


def _find(crm: "Insightly", name: str) -> "Resource[Record]":
    from crosswalk.contract import UnknownResource

    try:
        return crm.resource(name)
    except UnknownResource as exc:
        raise WrongUse(str(exc)) from exc


def _read_values(found: "Resource[Record]", pairs: Sequence[str], source: IO[bytes] | None) -> dict[str, object]:
    """The object to send: what the file holds, then the pairs. Raises `WrongUse`."""
    fields = {each.name.lower(): each for each in found.about.fields}
    values = _read_object(source) if source else {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.rstrip(":"):
            raise WrongUse(f"{pair!r} is not FIELD=VALUE.")
        if name.endswith(":"):
            values[name[:-1]] = _decode(text, f"{name}=")
        else:
            values[name] = _typed(fields.get(name.lower()), text, name)
    if not values:
        raise WrongUse("Nothing is given to send. Write FIELD=VALUE, or --json FILE.")
    return values


def _read_object(source: IO[bytes]) -> dict[str, object]:
    values = _decode(source.read().decode("utf-8", "replace"), "--json")
    if not isinstance(values, dict):
        raise WrongUse("--json holds no JSON object.")
    return values


def _decode(text: str, where: str) -> Any:
    import msgspec

    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as exc:
        raise WrongUse(f"{where} holds no JSON: {exc}.") from exc


def _typed(about: "Field | None", text: str, name: str) -> object:
    """A value by the contract's type; a custom field's is text, unless `:=` says otherwise."""
    kind = about.type if about else "string"
    if text == "":
        return None
    try:
        match kind:
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case "boolean":
                return {"true": True, "false": False}[text.lower()]
            case "array" | "object":
                raise WrongUse(f"{name} takes JSON: write {name}:=JSON.")
            case _:
                return text
    except (ValueError, KeyError) as exc:
        raise WrongUse(f"{name} takes {kind}, not {text!r}.") from exc


def _print(body: bytes) -> None:
    sys.stdout.buffer.write(body.strip() + b"\n")


def _print_array(records: "Sequence[Record]") -> None:
    _print(b"[" + b",\n".join(record.wire for record in records) + b"]")


async def _print_all(pages: "AsyncIterator[Sequence[Record]]") -> None:
    """One array, written page by page, so that its length does not matter."""
    out, before = sys.stdout.buffer, b"["
    async for records in pages:
        for record in records:
            out.write(before + record.wire)
            before = b",\n"
    out.write((b"[]" if before == b"[" else b"]") + b"\n")
