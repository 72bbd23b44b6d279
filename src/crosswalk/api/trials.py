"""Tests of destinations over HTTP: one real call, and what it made deleted again."""

from datetime import UTC, datetime
from random import SystemRandom

from litestar import Router, delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, SkipValidation

from crosswalk.accounts.accounts import Accounts
from crosswalk.api.errors import problems
from crosswalk.api.guard import needs
from crosswalk.delivery.destinations import Destinations
from crosswalk.delivery.trial import Ask, Trial, Trials
from crosswalk.outgoing.office import Office

UPDATE = needs("delivery.destinations:update")
DELETE = needs("delivery.destinations:delete")

Place = FromPath[str]
Known = NamedDependency[SkipValidation[Destinations]]
Told = NamedDependency[SkipValidation[Office]]
Linked = NamedDependency[SkipValidation[Accounts]]


@post("/", summary="Send a test", status_code=200, security=UPDATE, responses=problems(404, 409, 422))
async def send_test(*, place: Place, data: JSONBody[Ask], destinations: Known, accounts: Linked, office: Told) -> Trial:
    """Make one real call, of rows given, of a sample, or as edited; it is journalled and counted as a test."""
    return await _trials(destinations, accounts, office).send(place, data)


@delete("/{run:str}", summary="Delete what a test made", status_code=200, security=DELETE,
        responses=problems(404, 409, 422))  # fmt: skip
async def undo_test(*, place: Place, run: FromPath[str], destinations: Known, accounts: Linked, office: Told) -> Trial:
    """Delete the record that a test made: that one, and once."""
    return await _trials(destinations, accounts, office).undo(place, run)


def _trials(destinations: Destinations, accounts: Accounts, office: Office) -> Trials:
    return Trials(
        database=destinations.database,
        accounts=accounts,
        destinations=destinations,
        now=lambda: datetime.now(UTC),
        rng=SystemRandom(),
        endpoints=office.endpoints(destinations.reach),
    )


ROUTES = Router("/destinations/{place:str}/tests", route_handlers=[send_test, undo_test], tags=["destinations"])
