"""The unified CRM API: every resource's routes, made from its mapping table, and the answers' envelope."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.di import Provide
from litestar.exceptions import NotFoundException, ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Stream

from crosswalk.api.asking import Asking, KnownAsking
from crosswalk.api.body import ApiRequest
from crosswalk.api.described import body_schema, list_type, record_type, told
from crosswalk.api.errors import problems
from crosswalk.api.form import Envelope, Form, KnownForm, provide_form, provide_one_form
from crosswalk.api.guard import needs
from crosswalk.api.once import Once
from crosswalk.api.page import DEFAULT, Limit
from crosswalk.api.query import FILTERED, known_parameters
from crosswalk.api.writes import Failing, IfMatch, Key, Steps, perform
from crosswalk.unified.cursor import CursorInvalid
from crosswalk.unified.errors import Refused
from crosswalk.unified.filters import Filter, parse_filters
from crosswalk.unified.known import ContentFormat
from crosswalk.unified.mapping import Noun, verbs
from crosswalk.unified.service import Asker, Wish
from crosswalk.unified.writing import Order

ERRORS = (402, 404, 409, 422, 424, 429, 502, 503, 504)
OPTIONS = {FILTERED: True}
TWO_CURSORS = {"key": "prev_cursor", "message": "goes on or back; send one of the two cursors", "source": "query"}
NOT_AN_ID = "There is no {noun} with the id {id!r}: ids are whole numbers"

RecordId = FromPath[str]
Cursor = Annotated[
    str | None,
    QueryParameter(description="`next_cursor` or `prev_cursor` of the answer before; empty or absent at the start."),
]
Expand = Annotated[str | None, QueryParameter(description="Fields whose linked records are named, commas between.")]
Contents = Annotated[ContentFormat, QueryParameter(description="How texts that may hold HTML are shown.")]
Consistency = Annotated[
    Literal["fast", "complete"],
    QueryParameter(description="`complete` tells at the list's end what changed while it was read."),
]
Strict = Annotated[bool, QueryParameter(description="Refuse filters that Insightly cannot do.")]
Sort = Annotated[Literal["id"] | None, QueryParameter(description="Lists are in id order; nothing else is honoured.")]
Match = Annotated[str | None, QueryParameter(description="Fields to find the record by, commas between.")]


def collection(noun: Noun, at: str = "crm") -> Once:
    """The routes of one resource, for the verbs that Insightly can serve."""
    made = [_list_route(noun, at), _get_route(noun, at)]
    able = verbs(noun) if at == "crm" else frozenset()
    made += [_create_route(noun)] if "create" in able else []
    made += [_update_route(noun)] if "update" in able else []
    made += [_delete_route(noun)] if "delete" in able else []
    made += [_upsert_route(noun)] if "upsert" in able else []
    return Once(f"/{noun.name}", route_handlers=made, tags=[f"unified {noun.name}"])


def scope(noun: Noun, verb: str, at: str = "crm") -> str:
    """The scope that a verb of a resource needs."""
    return f"unified.{at}.{noun.name}:{verb}"


def _list_route(noun: Noun, at: str) -> HTTPRouteHandler:
    @get(
        "/",
        summary=f"List {noun.name}",
        operation_id=_name("list", noun, at),
        security=needs(scope(noun, "read", at)),
        opt=OPTIONS,
        dependencies={"form": Provide(provide_form, sync_to_thread=False)},
        responses={200: told(list_type(noun), "A part of the list."), **problems(*ERRORS)},
    )
    async def show_list(
        *,
        request: ApiRequest,
        asking: KnownAsking,
        form: KnownForm,
        limit: Limit = DEFAULT,
        next_cursor: Cursor = None,
        prev_cursor: Cursor = None,
        expand: Expand = None,
        content_format: Contents = "original",
        consistency: Consistency = "fast",
        strict: Strict = False,
        sort: Sort = None,
    ) -> Response[Envelope]:
        """Records of the account in the unified shape, in id order. Any field of theirs filters, as `field=value`."""
        if next_cursor and prev_cursor:
            raise ValidationException("Two cursors", extra=[TWO_CURSORS])
        own = await asking.noun(noun, at)
        wish = Wish(
            limit=limit,
            cursor=next_cursor or prev_cursor,
            filters=read_filters(request, own),
            strict=strict,
            complete=consistency == "complete",
        )
        texts = Texts(expand, content_format)
        try:
            return await answer_list(asking, own, wish, form=form, texts=texts)
        except CursorInvalid as error:
            raise CursorInvalid(str(error), "next_cursor" if next_cursor else "prev_cursor") from error

    return show_list


class Texts(msgspec.Struct, frozen=True):
    """What of a record's words and links is asked for."""

    expand: str | None = None
    content_format: ContentFormat = "original"

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields to expand."""
        return tuple(name for each in (self.expand or "").split(",") if (name := each.strip()))


async def answer_list(asking: Asking, noun: Noun, wish: Wish, *, form: Form, texts: Texts = Texts()) -> Response[Any]:
    """Answer a part of a list, or all of it as a stream."""
    form.check(noun)
    if form.format == "stream":
        return await _stream(asking, noun, wish, form=form, texts=texts)
    now = datetime.now(UTC)
    asking.service.read_cursor(asking.account, noun, wish, now=now)  # a wrong one is refused before anything is opened
    async with asking.open() as opened:
        asker = _with(opened, texts)
        listing = await asking.service.list(asker, noun, wish, now=now)
    envelope = form.many(listing, asking.calls) if asking.explain else form.many(listing)
    return Response(envelope, headers=dict(asking.headers(asker.crm, listing.age)))


async def _stream(asking: Asking, noun: Noun, wish: Wish, *, form: Form, texts: Texts) -> Response[Any]:
    """Every record as a line of JSON; the first page is read before anything is answered, so that it can be refused."""
    if wish.cursor:
        raise ValidationException(
            "A stream has no cursor",
            extra=[{"key": "next_cursor", "message": "a stream gives the whole list; leave it out", "source": "query"}],
        )
    if asking.explain:
        raise ValidationException(
            "A stream is not explained",
            extra=[{"key": "explain", "message": "a stream answers before its calls are made", "source": "query"}],
        )
    lines = _lines(asking, noun, wish, form=form, texts=texts)
    first = await anext(lines, b"")

    async def whole() -> AsyncIterator[bytes]:
        async with aclosing(lines):
            yield first
            async for more in lines:
                yield more

    return Stream(whole(), media_type="application/x-ndjson")


async def _lines(asking: Asking, noun: Noun, wish: Wish, *, form: Form, texts: Texts) -> AsyncGenerator[bytes, None]:
    encoder = msgspec.json.Encoder()
    async with (
        asking.open(patient=True) as opened,
        aclosing(asking.service.stream(_with(opened, texts), noun, wish)) as pages,
    ):
        async for page in pages:
            yield encoder.encode_lines([form.one(shown) for shown in page])


def _with(asker: Asker, texts: Texts) -> Asker:
    return replace(asker, expand=texts.fields, content_format=texts.content_format)


def _get_route(noun: Noun, at: str) -> HTTPRouteHandler:
    @get(
        "/{record_id:str}",
        summary=f"Get one of the {noun.name}",
        operation_id=_name("get", noun, at),
        security=needs(scope(noun, "read", at)),
        dependencies={"form": Provide(provide_one_form, sync_to_thread=False)},
        responses={200: told(record_type(noun), "The record."), **problems(*ERRORS)},
    )
    async def show_record(
        *,
        record_id: RecordId,
        asking: KnownAsking,
        form: KnownForm,
        expand: Expand = None,
        content_format: Contents = "original",
    ) -> Response[Any]:
        """One record in the unified shape."""
        own = await asking.noun(noun, at)
        return await answer_one(asking, own, record_id, form=form, texts=Texts(expand, content_format))

    return show_record


async def answer_one(
    asking: Asking, noun: Noun, record_id: str, *, form: Form, texts: Texts = Texts()
) -> Response[Any]:
    """Answer one record."""
    form.check(noun)
    check_id(noun, record_id)
    async with asking.open() as opened:
        asker = _with(opened, texts)
        shown = await asking.service.get(asker, noun, record_id)
    headers = dict(asking.headers(asker.crm, shown.age))
    if etag := shown.record.get("etag"):
        headers["ETag"] = f'"{etag}"'
    return Response(form.one(shown), headers=headers)


def _create_route(noun: Noun) -> HTTPRouteHandler:
    @post(
        "/",
        summary=f"Make one of the {noun.name}",
        operation_id=f"create_{noun.name}",
        security=needs(scope(noun, "create")),
        dependencies={"form": Provide(provide_one_form, sync_to_thread=False)},
        responses={201: told(record_type(noun), "The record."), **problems(*ERRORS)},
    )
    async def create_record(
        *,
        data: Annotated[dict[str, Any], Body(schema_extra=body_schema(noun))],
        asking: KnownAsking,
        form: KnownForm,
        idempotency_key: Key = None,
        on_failure: Failing = "keep",
        steps: Steps = False,
    ) -> Response[Any]:
        """Make a record with all that belongs to it: links, pipeline, stage, state."""
        own = await asking.noun(noun)
        form.check(own)
        order = Order(verb="create", body=data, compensate=on_failure == "compensate")
        return await perform(asking, own, order, key=idempotency_key, form=form, steps=steps)

    return create_record


def _update_route(noun: Noun) -> HTTPRouteHandler:
    @patch(
        "/{record_id:str}",
        summary=f"Change one of the {noun.name}",
        operation_id=f"update_{noun.name}",
        security=needs(scope(noun, "update")),
        dependencies={"form": Provide(provide_one_form, sync_to_thread=False)},
        responses={200: told(record_type(noun), "The record."), **problems(*ERRORS, 412)},
    )
    async def update_record(
        *,
        record_id: RecordId,
        data: Annotated[dict[str, Any], Body(schema_extra=body_schema(noun))],
        asking: KnownAsking,
        form: KnownForm,
        idempotency_key: Key = None,
        if_match: IfMatch = None,
        steps: Steps = False,
    ) -> Response[Any]:
        """Change the fields that the body names, and no others; with `If-Match` only the version that you saw."""
        own = await asking.noun(noun)
        form.check(own)
        check_id(own, record_id)
        order = Order(verb="update", id=record_id, body=data, if_match=if_match)
        return await perform(asking, own, order, key=idempotency_key, form=form, steps=steps)

    return update_record


def _delete_route(noun: Noun) -> HTTPRouteHandler:
    @delete(
        "/{record_id:str}",
        summary=f"Delete one of the {noun.name}",
        operation_id=f"delete_{noun.name}",
        security=needs(scope(noun, "delete")),
        status_code=204,
        responses=problems(*ERRORS, 412),
    )
    async def delete_record(
        *, record_id: RecordId, asking: KnownAsking, idempotency_key: Key = None, if_match: IfMatch = None
    ) -> Response[None]:
        """Delete a record; with `If-Match` only the version that you saw."""
        check_id(noun, record_id)
        own = await asking.noun(noun)
        order = Order(verb="delete", id=record_id, if_match=if_match)
        return await perform(asking, own, order, key=idempotency_key, form=Form())

    return delete_record


def _upsert_route(noun: Noun) -> HTTPRouteHandler:
    @post(
        "/upsert",
        summary=f"Make or change one of the {noun.name}",
        operation_id=f"upsert_{noun.name}",
        security=[*needs(scope(noun, "create")), *needs(scope(noun, "update"))],
        status_code=200,
        dependencies={"form": Provide(provide_one_form, sync_to_thread=False)},
        responses={
            200: told(record_type(noun), "The record that was changed."),
            201: told(record_type(noun), "The record that was made."),
            **problems(*ERRORS),
        },
    )
    async def upsert_record(
        *,
        data: Annotated[dict[str, Any], Body(schema_extra=body_schema(noun))],
        asking: KnownAsking,
        form: KnownForm,
        match: Match = None,
        idempotency_key: Key = None,
        steps: Steps = False,
    ) -> Response[Any]:
        """Change the one record that `match` finds, make one where it finds none; several are a 409 that names them."""
        own = await asking.noun(noun)
        form.check(own)
        keys = tuple(name for each in (match or "").split(",") if (name := each.strip()))
        order = Order(verb="upsert", body=data, match=keys)
        return await perform(asking, own, order, key=idempotency_key, form=form, steps=steps)

    return upsert_record


def _name(verb: str, noun: Noun, at: str) -> str:
    return f"{verb}_{noun.name}" if at == "crm" else f"{verb}_directory_{noun.name}"


def read_filters(request: ApiRequest, noun: Noun) -> tuple[Filter, ...]:
    """The conditions among a list's parameters. Raises a 400 that names each parameter which is none."""
    known = known_parameters(request.app)[request.method, request.scope["path_template"]]
    given = [(name, value) for name, value in request.query_params.multi_items() if name not in known]
    try:
        return parse_filters(noun, given)
    except Refused as exc:
        faults = [{"key": fault.field or "", "message": fault.detail, "source": "query"} for fault in exc.faults]
        raise ValidationException("Unknown parameters", extra=faults) from exc


def check_id(noun: Noun, text: str) -> None:
    """Raise a 404 for what can be no id, so that it never becomes part of a path."""
    if not (text.isascii() and text.isdigit()):
        raise NotFoundException(NOT_AN_ID.format(noun=noun.object.lower(), id=text))
