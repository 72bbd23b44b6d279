"""`POST /hooks/{secret}`: records that others post, answered once they are on disk."""

from litestar import post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from litestar.params import FromPath, SkipValidation

from crosswalk.api.body import ApiRequest
from crosswalk.delivery.hook import Inbox, Post, Posted

TOO_LARGE, UNSUPPORTED = 413, 415


@post("/hooks/{secret:str}", status_code=202, include_in_schema=False, request_max_body_size=None)
async def take_post(
    *, secret: FromPath[str], request: ApiRequest, inbox: NamedDependency[SkipValidation[Inbox]]
) -> Posted:
    """One JSON object is one record, an array one each."""
    hook = await inbox.find(secret)
    _refuse_type(request)
    body = await _read(request, hook.settings.max_bytes)
    params = {name: request.query_params.getall(name) for name in request.query_params}
    headers: dict[str, str] = {}
    for name, value in request.headers.multi_items():
        headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
    return await inbox.post(hook, Post(body=body, headers=headers, params=params))


def _refuse_type(request: ApiRequest) -> None:
    kind = request.content_type[0]
    if kind not in {"", "application/json"} and not kind.endswith("+json"):
        raise ClientException(f"This webhook takes application/json, not {kind}", status_code=UNSUPPORTED)
    if request.headers.get("content-encoding", "identity") != "identity":
        raise ClientException("This webhook takes no packed bodies; post plain JSON", status_code=UNSUPPORTED)


async def _read(request: ApiRequest, most: int) -> bytes:
    """The body, of which no more than the limit is ever held."""
    says = request.headers.get("content-length", "")
    if says.isdecimal() and int(says) > most:
        raise _too_large(most)
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > most:
            raise _too_large(most)
    return bytes(body)


def _too_large(most: int) -> ClientException:
    return ClientException(f"This webhook takes at most {most:,} bytes in one post", status_code=TOO_LARGE)
