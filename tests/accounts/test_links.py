"""Link tokens: made within a caller's reach, bound to one page, kept as a digest, ended in time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from crosswalk.accounts.errors import LinkEnded, MoreThanAllowed, UnknownAccount, UnknownLink, UnusableLink
from crosswalk.accounts.links import LinkDraft, LinkTokens, check_origin
from crosswalk.accounts.tokens import Caller
from crosswalk.store.accounts import ADD_ACCOUNT
from crosswalk.store.database import Database
from crosswalk.store.link_tokens import MOST_CHECKS

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
EVERY = Caller(id="1", name="app", scopes=(), accounts=None, expires_at=None)
ACME = {
    "id": "1",
    "name": "acme",
    "base_url": "https://api.na1.insightly.com/v3.1",
    "status": "active",
    "created_at": NOW,
}


@pytest.fixture
def links(database: Database) -> LinkTokens:
    """No link tokens, at a time that stands still."""
    return LinkTokens(database=database, now=lambda: NOW)


async def test_kept(links: LinkTokens):
    """A token is found by its text, with all that was said of it."""
    draft = LinkDraft(
        tenant_id="t1",
        context={"seats": [1]},
        scopes=("unified.crm.contacts:read",),
        origin="https://App.example.com:443",
        redirect_uri="https://app.example.com/done?x=1",
    )
    made, secret = await links.create(draft, EVERY)
    assert (made, "https://app.example.com", NOW + timedelta(minutes=30), {"seats": [1]}) == (
        await links.find(secret.reveal()),
        made.origin,
        made.expires_at,
        made.context,
    )


async def test_no_text_in_the_database(links: LinkTokens, database: Database):
    """The database holds a digest, from which the text cannot be read."""
    _, secret = await links.create(LinkDraft(tenant_id="t1"), EVERY)
    async with database.read() as connection:
        row = (await connection.execute(text("SELECT * FROM link_tokens"))).one()
    assert secret.reveal()[3:] not in repr(tuple(row))


async def test_for_an_account(links: LinkTokens, database: Database):
    """A token to link an account again names it, by its id."""
    async with database.begin() as connection:
        await connection.execute(ADD_ACCOUNT, ACME)
    made, _ = await links.create(LinkDraft(integrated_account_id="acme"), EVERY)
    assert ("1", None) == (made.account_id, made.tenant_id)


async def test_reach(links: LinkTokens, database: Database):
    """A caller of some accounts links those again, sees no others, and adds none."""
    async with database.begin() as connection:
        await connection.execute(ADD_ACCOUNT, ACME)
        await connection.execute(ADD_ACCOUNT, ACME | {"id": "2", "name": "other"})
    some = msgspec.structs.replace(EVERY, accounts=frozenset({"1"}))
    assert "1" == (await links.create(LinkDraft(integrated_account_id="1"), some))[0].account_id
    with pytest.raises(UnknownAccount):
        await links.create(LinkDraft(integrated_account_id="2"), some)
    with pytest.raises(MoreThanAllowed):
        await links.create(LinkDraft(tenant_id="t1"), some)


@pytest.mark.parametrize(
    ("draft", "says"),
    [
        (LinkDraft(), "Give tenant_id"),
        (LinkDraft(tenant_id="t", integrated_account_id="1"), "Give tenant_id"),
        (LinkDraft(tenant_id="t", origin="app.example.com"), "has more than"),
        (LinkDraft(tenant_id="t", origin="https://"), "must begin with https"),
        (LinkDraft(tenant_id="t", origin="http://app.example.com"), "must begin with https"),
        (LinkDraft(tenant_id="t", origin="https://app.example.com/page"), "has more than"),
        (LinkDraft(tenant_id="t", origin="https://*.example.com"), "no address of a page has"),
        (LinkDraft(tenant_id="t", origin="https://a.example; script-src *"), "no address of a page has"),
        (LinkDraft(tenant_id="t", origin="https://a.example\n"), "no address of a page has"),
        (LinkDraft(tenant_id="t", origin="https://a.example:x"), "cannot be read"),
        (LinkDraft(tenant_id="t", redirect_uri="javascript:alert(1)"), "no address|must begin"),
        (LinkDraft(tenant_id="t", redirect_uri="https://a.example/#x"), "fragment"),
        (LinkDraft(tenant_id="t", redirect_uri='https://a.example/"x'), "no address of a page has"),
        (LinkDraft(tenant_id="t", redirect_uri="https://me@a.example/"), "no address of a page has"),
        (LinkDraft(tenant_id="t", scopes=("delivery.runs:read",)), "begin with unified or proxy"),
        (LinkDraft(tenant_id="t", context={"x": "y" * 20_000}), "longer than"),
    ],
)
async def test_unusable(links: LinkTokens, draft: LinkDraft, says: str):
    """A token that could not do its work is refused when it is made."""
    with pytest.raises(UnusableLink, match=says):
        await links.create(draft, EVERY)


def test_loopback_origin():
    """A page of this machine may be plain http, for those who build one."""
    assert "http://localhost:3000" == check_origin("http://localhost:3000/")


@pytest.mark.parametrize("seconds", [59, 7 * 24 * 3600 + 1])
def test_lasts_a_week_at_most(seconds: int):
    """A body that asks for less than a minute or more than a week is refused by its shape."""
    with pytest.raises(msgspec.ValidationError, match="expires_in"):
        msgspec.json.decode(f'{{"tenant_id": "t", "expires_in": {seconds}}}', type=LinkDraft)


async def test_schema_holds_the_week(links: LinkTokens):
    """No row can end later than a week after it was made, whoever writes it."""
    with pytest.raises(IntegrityError):
        await links.create(LinkDraft(tenant_id="t", expires_in=7 * 24 * 3600 + 1), EVERY)


async def test_ends(links: LinkTokens):
    """A token that has expired is told apart from one that never was."""
    _, secret = await links.create(LinkDraft(tenant_id="t1"), EVERY)
    late = replace(links, now=lambda: NOW + timedelta(minutes=30))
    with pytest.raises(LinkEnded, match="ended at"):
        await late.live(secret.reveal())
    with pytest.raises(UnknownLink):
        await late.live("cl_" + "x" * 43)


async def test_tries_end(links: LinkTokens):
    """A token is no way to try out keys: after its tries it has ended."""
    _, secret = await links.create(LinkDraft(tenant_id="t1"), EVERY)
    for _ in range(MOST_CHECKS):
        await links.count_check(secret.reveal())
    with pytest.raises(LinkEnded, match="20 keys were tried"):
        await links.count_check(secret.reveal())


async def test_old_ones_go(links: LinkTokens, database: Database):
    """Tokens that ended more than a week ago are forgotten when another is made."""
    await links.create(LinkDraft(tenant_id="t1"), EVERY)
    late = replace(links, now=lambda: NOW + timedelta(days=8))
    await late.create(LinkDraft(tenant_id="t2"), EVERY)
    async with database.read() as connection:
        rows = (await connection.execute(text("SELECT tenant_id FROM link_tokens"))).scalars().all()
    assert ["t2"] == list(rows)
