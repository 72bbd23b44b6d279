"""Denials, networks, rotation, and the tokens of widgets."""

from datetime import UTC, datetime, timedelta

import pytest

from crosswalk.accounts.callers import Callers, Shown, Unidentified
from crosswalk.accounts.errors import MoreThanAllowed, UnusableScope, UnusableToken
from crosswalk.accounts.scopes import parse_scope, respell
from crosswalk.accounts.tokens import Caller, Draft, Tokens, to_caller
from crosswalk.accounts.vault import Secret, Vault
from crosswalk.accounts.widgets import Ask, mint
from crosswalk.store.database import Database
from crosswalk.store.tokens import FIND_TOKEN

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
ORIGIN = "https://app.example.com"


class Clock:
    """Time as a test wants it."""

    at = NOW

    def now(self) -> datetime:
        """The time."""
        return self.at

    def seconds(self) -> float:
        """The same, as seconds that only go forward."""
        return self.at.timestamp()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def vault() -> Vault:
    """A vault."""
    return Vault((b"k" * 32,))


@pytest.fixture
def tokens(database: Database, clock: Clock) -> Tokens:
    """No tokens."""
    return Tokens(database=database, now=clock.now)


@pytest.fixture
def callers(database: Database, clock: Clock, vault: Vault) -> Callers:
    """The living tokens."""
    return Callers(database, vault, now=clock.now, clock=clock.seconds)


def bearer(secret: Secret, **shown: str) -> Shown:
    """A request with a token."""
    return Shown(f"Bearer {secret.reveal()}", **shown)


async def caller_of(tokens: Tokens, key: str) -> Caller:
    """Whoever shows a token."""
    async with tokens.database.read() as connection:
        return to_caller((await connection.execute(FIND_TOKEN, {"key": key})).mappings().one())


@pytest.mark.parametrize(
    ("deny", "scope", "may"),
    [
        ("proxy.Users:*", "proxy.users:read", False),
        ("proxy.Organization:*", "proxy.organisations:read", False),
        ("proxy:delete", "proxy.contacts:delete", False),
        ("proxy:delete", "proxy.contacts:*", False),
        ("proxy.Users:*", "proxy.contacts:read", True),
        ("proxy:delete", "proxy.contacts:read", True),
    ],
)
async def test_denied(tokens: Tokens, deny: str, scope: str, *, may: bool):
    """What is denied cannot be done, whatever is allowed; the rest can."""
    await tokens.create(Draft(name="a", scopes=("proxy:*",), deny=(deny,)))
    assert may == (await caller_of(tokens, "a")).may(respell(parse_scope(scope)))


async def test_denial_of_nothing(tokens: Tokens):
    """A denial of a resource that Insightly does not have would deny nothing: it is refused."""
    with pytest.raises(UnusableScope):
        await tokens.create(Draft(name="a", scopes=("proxy:*",), deny=("proxy.Contakts:*",)))


@pytest.mark.parametrize(
    ("ip", "taken"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("11.1.2.3", False), ("", False), ("::1", False)],
)
async def test_networks(tokens: Tokens, callers: Callers, ip: str, *, taken: bool):
    """A token with networks is taken from them alone."""
    _, secret = await tokens.create(Draft(name="a", scopes=("proxy:*",), networks=("10.0.0.0/8",)))
    try:
        await callers.identify(bearer(secret, ip=ip))
        got = True
    except Unidentified:
        got = False
    assert taken == got


@pytest.mark.parametrize("network", ["10.0.0.0/33", "10.0.0.1/8", "here", ""])
async def test_no_network(tokens: Tokens, network: str):
    """What is no network is refused by name."""
    with pytest.raises(UnusableToken):
        await tokens.create(Draft(name="a", scopes=("proxy:*",), networks=(network,)))


async def test_maker_limits(tokens: Tokens):
    """A token hands its denials and networks down, and makes none that is taken from elsewhere."""
    await tokens.create(Draft(name="a", scopes=("*:*",), deny=("proxy.Users:*",), networks=("10.0.0.0/8",)))
    maker = await caller_of(tokens, "a")
    made, _ = await tokens.create(Draft(name="b", scopes=("proxy:*",)), maker)
    assert (("proxy.users:*",), ("10.0.0.0/8",)) == (made.deny, made.networks)
    with pytest.raises(MoreThanAllowed):
        await tokens.create(Draft(name="c", scopes=("proxy:*",), networks=("0.0.0.0/0",)), maker)


async def test_rotation_with_overlap(tokens: Tokens, callers: Callers, clock: Clock):
    """Both texts are taken while the overlap lasts, then the new one alone."""
    _, old = await tokens.create(Draft(name="a", scopes=("proxy:*",)))
    token, new = await tokens.rotate("a", timedelta(hours=2))
    assert {token.id} == {(await callers.identify(bearer(each))).id for each in (old, new)}
    clock.at += timedelta(hours=2)
    assert token.id == (await callers.identify(bearer(new))).id
    with pytest.raises(Unidentified):
        await callers.identify(bearer(old))


async def test_rotation_of_a_stronger_token(tokens: Tokens):
    """A token rotates none that can do more than itself: the new text would be its own promotion."""
    await tokens.create(Draft(name="strong", scopes=("*:*",)))
    await tokens.create(Draft(name="weak", scopes=("admin.tokens:*",)))
    with pytest.raises(MoreThanAllowed):
        await tokens.rotate("strong", caller=await caller_of(tokens, "weak"))


async def minted(tokens: Tokens, vault: Vault, *, write: bool = False) -> Secret:
    """A widget's token."""
    token, _ = await tokens.create(Draft(name="host", scopes=("unified:*",)))
    ask = Ask(widget="deal-board", account="7", origin=ORIGIN, write=write)
    return mint(ask, token.id, vault, now=NOW)[0]


async def test_widget(tokens: Tokens, callers: Callers, vault: Vault):
    """A widget's token reads its own routes of one account."""
    caller = await callers.identify(bearer(await minted(tokens, vault), origin=ORIGIN))
    reads, updates, others = (
        caller.may(parse_scope(text))
        for text in ("unified.crm.opportunities:read", "unified.crm.opportunities:update", "unified.crm.notes:read")
    )
    assert (True, False, False) == (reads, updates, others)
    assert frozenset({"7"}) == caller.accounts


async def test_widget_writes(tokens: Tokens, callers: Callers, vault: Vault):
    """Minted to write, it writes what the widget writes."""
    caller = await callers.identify(bearer(await minted(tokens, vault, write=True), origin=ORIGIN))
    assert caller.may(parse_scope("unified.crm.opportunities:update"))
    assert not caller.may(parse_scope("unified.crm.opportunities:delete"))


@pytest.mark.parametrize("origin", ["https://evil.example.com", "http://app.example.com", None])
async def test_widget_elsewhere(tokens: Tokens, callers: Callers, vault: Vault, origin: str | None):
    """On another page than its own it is refused."""
    with pytest.raises(Unidentified):
        await callers.identify(Shown(bearer(await minted(tokens, vault)).header, origin=origin))


async def test_widget_ends(tokens: Tokens, callers: Callers, vault: Vault, clock: Clock):
    """After a quarter of an hour it is refused."""
    secret = await minted(tokens, vault)
    clock.at += timedelta(minutes=15)
    with pytest.raises(Unidentified):
        await callers.identify(bearer(secret, origin=ORIGIN))


async def test_widget_ends_with_its_maker(tokens: Tokens, callers: Callers, vault: Vault, clock: Clock):
    """It ends with the token that minted it, within a second."""
    secret = await minted(tokens, vault)
    await tokens.revoke("host")
    clock.at += timedelta(seconds=1)
    with pytest.raises(Unidentified):
        await callers.identify(bearer(secret, origin=ORIGIN))


@pytest.mark.parametrize("place", [5, 60, -1])
async def test_widget_altered(tokens: Tokens, callers: Callers, vault: Vault, place: int):
    """An altered one is unknown."""
    text = (await minted(tokens, vault)).reveal()
    altered = "B" if text[place] != "B" else "C"
    changed = text[:place] + altered + (text[place + 1 :] if place != -1 else "")
    with pytest.raises(Unidentified):
        await callers.identify(Shown(f"Bearer {changed}", origin=ORIGIN))


@pytest.mark.parametrize("origin", ["https://a.example/", "https://A.example", "http://a.example", "null", "x", "*"])
async def test_no_origin(vault: Vault, origin: str):
    """What is no origin of a page that may embed is refused."""
    with pytest.raises(UnusableToken):
        mint(Ask(widget="deal-board", account="7", origin=origin), "1", vault, now=NOW)
