"""Passes: tokens that pages of the console get to call the API with, since a session opens none.

A pass is for one account and an hour. It stands in the list of tokens as any other, and is revoked there.
"""

from collections.abc import Sequence

from msgspec import Struct

from crosswalk.accounts.tokens import Draft
from crosswalk.console.desk import Desk
from crosswalk.store.ids import new_id

LASTS = "1h"


class Given(Struct, frozen=True):
    """The token of a page, and its name in the list."""

    token: str
    name: str


async def make_pass(desk: Desk, page: str, account: str, scopes: Sequence[str]) -> Given:
    """A token for a page, named after it. Raises `UnknownAccount`."""
    found = await desk.accounts.find(account)
    name = f"{page}-{new_id(desk.now(), desk.accounts.rng)[:23]}"
    draft = Draft(name=name, scopes=tuple(scopes), accounts=(found.id,), expires=LASTS)
    token, secret = await desk.tokens.create(draft)
    return Given(secret.reveal(), token.name)
