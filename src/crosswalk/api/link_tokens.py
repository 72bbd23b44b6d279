"""Link tokens over HTTP: made for a customer's browser, which links an account with it once."""

from datetime import datetime

from litestar import Router, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation
from msgspec import Struct

from crosswalk.accounts.links import LinkDraft, LinkTokens
from crosswalk.accounts.tokens import Caller
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs


class NewLinkToken(Struct, frozen=True):
    """A link token's text, which is shown this once; `path` is the page below this hub's address that takes it."""

    link_token: str
    path: str
    expires_at: datetime


@post("/", summary="Make a link token", security=needs("accounts:create"), responses=problems(404))
async def create_link_token(
    *,
    data: JSONBody[LinkDraft],
    links: NamedDependency[SkipValidation[LinkTokens]],
    caller: NamedDependency[SkipValidation[Caller]],
) -> NewLinkToken:
    """Make leave to link one account, once: a new one of `tenant_id`, or `integrated_account_id` again.

    The customer opens it in a frame or popup of `origin`, or is sent to `path` and comes back to `redirect_uri`.
    """
    token, text = await links.create(data, caller)
    return NewLinkToken(text.reveal(), f"/link/{text.reveal()}", token.expires_at)


ROUTES = Router("/link-token", route_handlers=[create_link_token], tags=["accounts"])
