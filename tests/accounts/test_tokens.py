"""Tokens: shown once, kept as a digest, never more than their maker."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from crosswalk.accounts.errors import MoreThanAllowed, NameTaken, UnknownToken, UnusableToken
from crosswalk.accounts.scopes import parse_scope
from crosswalk.accounts.tokens import TOKEN, Caller, Draft, Tokens, digest, parse_expiry
from crosswalk.store.accounts import ADD_ACCOUNT
from crosswalk.store.database import Database
from crosswalk.store.tokens import tokens as table

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
READER = Draft(name="reader", scopes=("delivery:read",))


@pytest.fixture
async def tokens(database: Database) -> Tokens:
    """No tokens, and two accounts to make some for."""
    async with database.begin() as connection:
        for key, name in (("1", "acme"), ("2", "other")):
            row = {"id": key, "name": name, "base_url": "https://x", "status": "active", "created_at": NOW}
            await connection.execute(ADD_ACCOUNT, row)
    return Tokens(database=database, now=lambda: NOW)


def caller(*scopes: str, accounts: set[str] | None = None, expires_at: datetime | None = None) -> Caller:
    """Whoever makes tokens."""
    reach = None if accounts is None else frozenset(accounts)
    parsed = tuple(parse_scope(scope) for scope in scopes)
    return Caller(id="m", name="maker", scopes=parsed, accounts=reach, expires_at=expires_at)


async def test_shown_once(tokens: Tokens):
    """A token has a visible prefix and 256 bits behind it; no row holds its text."""
    token, secret = await tokens.create(READER)
    async with tokens.database.read() as connection:
        row = (await connection.execute(select(table))).mappings().one()
    text = secret.reveal()
    assert (True, True, digest(text), False) == (
        TOKEN.fullmatch(text) is not None,
        text.startswith(f"{token.prefix}_"),
        bytes(row["digest"]),
        any(text in str(value) for value in row.values()),
    )


async def test_secret_is_masked(tokens: Tokens):
    """What holds a token's text shows three stars."""
    assert "***" == repr((await tokens.create(READER))[1])


async def test_as_asked(tokens: Tokens):
    """Accounts are kept by id, an expiry as a time, a scope given twice once."""
    draft = Draft(name="t", scopes=("proxy:*", "proxy:*"), accounts=("acme", "1", "2"), expires="12h")
    token, _ = await tokens.create(draft)
    assert (("proxy:*",), ("1", "2"), NOW + timedelta(hours=12)) == (token.scopes, token.accounts, token.expires_at)


async def test_listed(tokens: Tokens):
    """A token that was made is in the list, and found by its name and its id."""
    token, _ = await tokens.create(READER)
    assert ([token], token, token) == (
        await tokens.list(),
        await tokens.find("reader"),
        await tokens.find(token.id),
    )


async def test_name_is_free_after_revoking(tokens: Tokens):
    """A living token's name is taken; a revoked one's is free, and its row stays."""
    await tokens.create(READER)
    with pytest.raises(NameTaken):
        await tokens.create(READER)
    await tokens.revoke("reader")
    await tokens.create(READER)
    assert {NOW, None} == {token.revoked_at for token in await tokens.list()}


async def test_revoked_twice(tokens: Tokens):
    """A second revoke leaves the first one's time."""
    token, _ = await tokens.create(READER)
    first = await tokens.revoke(token.id)
    later = Tokens(database=tokens.database, now=lambda: NOW + timedelta(days=1))
    assert first == await later.revoke(token.id)


@pytest.mark.parametrize(
    ("draft", "says"),
    [
        (Draft(name="a b", scopes=("proxy:*",)), "cannot be named"),
        (Draft(name="a", scopes=()), "without any scope"),
        (Draft(name="a", scopes=("proxy:*",), accounts=()), "without any account"),
        (Draft(name="a", scopes=("proxy:*",), accounts=("nobody",)), "no account 'nobody'"),
        (Draft(name="a", scopes=("proxy:*",), expires="soon"), "is no 30d"),
        (Draft(name="a", scopes=("proxy:*",), expires="2026-11-22"), "has passed"),
    ],
)
async def test_unusable(tokens: Tokens, draft: Draft, says: str):
    """What a token cannot be is refused by name, and nothing is kept."""
    with pytest.raises(UnusableToken, match=says):
        await tokens.create(draft)
    assert [] == await tokens.list()


@pytest.mark.parametrize(
    ("maker", "draft"),
    [
        (caller("admin:*"), Draft(name="a", scopes=("delivery:read",))),
        (caller("admin:*", "delivery.runs:*"), Draft(name="a", scopes=("delivery:read",))),
        (caller("*:read"), Draft(name="a", scopes=("*:*",))),
        (caller("*:*", accounts={"1"}), Draft(name="a", scopes=("proxy:*",))),
        (caller("*:*", expires_at=NOW + timedelta(days=1)), Draft(name="a", scopes=("proxy:*",), expires="2d")),
    ],
)
async def test_never_more_than_its_maker(tokens: Tokens, maker: Caller, draft: Draft):
    """A token makes none with a wider scope, more accounts or a later end."""
    with pytest.raises(MoreThanAllowed):
        await tokens.create(draft, maker)


async def test_ends_with_its_maker(tokens: Tokens):
    """Without an expiry, a token ends when its maker does."""
    token, _ = await tokens.create(READER, caller("*:*", expires_at=NOW + timedelta(days=1)))
    assert NOW + timedelta(days=1) == token.expires_at


async def test_foreign_account_is_unknown(tokens: Tokens):
    """An account beyond the maker's reach is told apart from none by nothing."""
    maker = caller("*:*", accounts={"1"})
    said = []
    for name in ("other", "nobody"):
        with pytest.raises(UnusableToken) as caught:
            await tokens.create(Draft(name="a", scopes=("proxy:*",), accounts=(name,)), maker)
        said.append(str(caught.value).replace(name, "it"))
    assert said[0] == said[1]


async def test_foreign_tokens_are_unknown(tokens: Tokens):
    """A caller of one account sees, and ends, no token that reaches another."""
    mine, _ = await tokens.create(Draft(name="mine", scopes=("proxy:*",), accounts=("1",)))
    await tokens.create(Draft(name="both", scopes=("proxy:*",), accounts=("1", "2")))
    await tokens.create(READER)
    maker = caller("*:*", accounts={"1"})
    with pytest.raises(UnknownToken):
        await tokens.revoke("both", maker)
    assert [mine] == await tokens.list(maker)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30d", NOW + timedelta(days=30)),
        ("12h", NOW + timedelta(hours=12)),
        ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
        ("2027-01-31T12:00:00+02:00", datetime(2027, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_expiry(text: str, expected: datetime):
    """An expiry is a span or a date; without a zone it is UTC."""
    assert expected == parse_expiry(text, NOW)


@given(st.text() | st.from_regex(r"[0-9]{1,12}[hd]", fullmatch=True) | st.datetimes().map(str))
def test_any_expiry(text: str):
    """Whatever is given is a later time, or refused."""
    try:
        at = parse_expiry(text, NOW)
    except UnusableToken:
        return
    assert at > NOW
