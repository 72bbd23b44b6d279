"""The unified user directory: users, groups, who asks, and the instance."""

from typing import Any

from litestar import Response, get

from crosswalk.api.asking import Asking, KnownAsking
from crosswalk.api.described import list_type, record_type, told
from crosswalk.api.errors import problems
from crosswalk.api.form import Envelope, Form, Meta
from crosswalk.api.guard import needs
from crosswalk.api.once import Once
from crosswalk.api.unified import ERRORS, collection
from crosswalk.insightly.call import Call
from crosswalk.unified.nouns import DIRECTORY, SINGLES
from crosswalk.unified.service import Shown
from crosswalk.unified.wire_list import read_record

AT = "user-directory"


async def _read(asking: Asking, name: str) -> tuple[Shown, dict[str, str]]:
    """One record that is there once."""
    single = SINGLES[name]
    call = Call(method="GET", path=single.path, reads=True)
    noun = await asking.noun(single.noun, AT)
    async with asking.open() as asker:
        wire = read_record(call, await asker.crm.call(call))
        shown = await asking.service.show(asker, noun, wire)
    return shown, dict(asking.headers(asker.crm, shown.age))


@get(
    "/me",
    summary="Show who asks Insightly",
    security=needs("unified.user-directory.me:read"),
    responses={200: told(record_type(SINGLES["me"].noun), "The user of the account's key."), **problems(*ERRORS)},
)
async def show_me(*, asking: KnownAsking) -> Response[Any]:
    """The user whose key the account was linked with."""
    shown, headers = await _read(asking, "me")
    return Response(shown.record, headers=headers)


@get(
    "/organizations",
    summary="List organizations",
    security=needs("unified.user-directory.organizations:read"),
    responses={200: told(list_type(SINGLES["organizations"].noun), "The whole list."), **problems(*ERRORS)},
)
async def show_organizations(*, asking: KnownAsking) -> Response[Envelope]:
    """The instance that the account belongs to: a list of one."""
    shown, headers = await _read(asking, "organizations")
    envelope = Envelope(
        result=[dict(Form().one(shown))], next_cursor=None, prev_cursor=None, result_count=1, meta=Meta(total=1)
    )
    return Response(envelope, headers=headers)


def directory_routes() -> Once:
    """Every route of the directory."""
    made = [collection(noun, AT) for noun in DIRECTORY.values()]
    return Once(f"/{AT}", route_handlers=[show_me, show_organizations, *made], tags=["unified user directory"])
