"""Look-ups: who a caller, a sender or a visitor is."""

from dataclasses import replace
from typing import Annotated

from litestar import Response, get
from litestar.exceptions import ValidationException
from litestar.params import QueryParameter

from crosswalk.api.asking import KnownAsking
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.api.unified import Contents
from crosswalk.unified.lookup import By, Found, look_up
from crosswalk.unified.nouns import CRM

LONGEST = 30.0
Text = Annotated[str | None, QueryParameter(min_length=1, max_length=255)]
Deadline = Annotated[float, QueryParameter(gt=0, le=LONGEST, description="Seconds for all of it; 5 unless given.")]


@get(
    "/crm/lookup",
    summary="Look up a person or a company",
    security=needs("unified.crm.lookup:read"),
    responses=problems(404, 422, 424, 429, 502, 503, 504),
    tags=["unified lookup"],
)
async def show_lookup(
    *,
    asking: KnownAsking,
    email: Text = None,
    domain: Text = None,
    phone: Text = None,
    deadline: Deadline = 5.0,
    content_format: Contents = "original",
) -> Response[Found]:
    """The contact or lead, its account, open opportunities, projects and recent notes; give one of the three."""
    kinds: tuple[tuple[By, str | None], ...] = (("email", email), ("domain", domain), ("phone", phone))
    given = [(by, value) for by, value in kinds if value is not None]
    if len(given) != 1:
        message = "give email, domain or phone; exactly one of them"
        raise ValidationException("Not one of three", extra=[{"key": "email", "message": message, "source": "query"}])
    nouns = {name: await asking.noun(noun) for name, noun in CRM.items()}
    async with asking.open() as opened:
        asker = replace(opened, content_format=content_format)
        found = await look_up(asking.service, asker, *given[0], deadline=deadline, nouns=nouns)
    return Response(found, headers=dict(asking.headers(opened.crm)))
