"""Linking: a key is tried, shown, and kept once by whoever agreed first."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from crosswalk.accounts.accounts import Accounts, Wanted
from crosswalk.accounts.audit import read_lines
from crosswalk.accounts.errors import (
    CredentialRefused,
    InsightlySilent,
    KeyMissing,
    LinkEnded,
    OtherInstance,
    UnusableAccount,
)
from crosswalk.accounts.linking import Linking
from crosswalk.accounts.links import LinkDraft, LinkTokens
from crosswalk.accounts.tokens import Caller
from crosswalk.accounts.vault import Secret, Vault
from crosswalk.api.capabilities import judge_scopes
from crosswalk.store.accounts import credentials
from crosswalk.store.database import Database
from fixtures.scripted import FORBIDDEN, GOOD, KEY, Scripted, scripted

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
EVERY = Caller(id="1", name="app", scopes=(), accounts=None, expires_at=None)
GOOD_KEY = Secret(KEY)


@pytest.fixture
def insightly() -> Iterator[Scripted]:
    """An Insightly that answers well."""
    with scripted(GOOD) as script:
        yield script


@pytest.fixture
def linking(database: Database, insightly: Scripted, tmp_path: Path) -> Linking:
    """No accounts, no tokens; the scripted Insightly is the one place to look at."""
    accounts = Accounts(
        database=database,
        vault=Vault((b"k" * 32,)),
        allow_hosts=(insightly.host, "127.0.0.1:1"),
        timeout=5,
        now=lambda: NOW,
        pace_folder=tmp_path / "pace",
    )
    tokens = LinkTokens(database=database, now=lambda: NOW)
    return Linking(accounts=accounts, tokens=tokens, places=(insightly.base_url,))


async def make(linking: Linking, tenant: str | None = "t1", account: str | None = None, **more: object) -> str:
    """The text of a new link token."""
    draft = LinkDraft(tenant_id=tenant, integrated_account_id=account, **more)
    return (await linking.tokens.create(draft, EVERY))[1].reveal()


async def test_link(linking: Linking):
    """A checked key that the customer agreed to becomes an active account of the tenant, with the context given."""
    token = await make(linking, context={"seat": 7})
    account = await linking.confirm(token, (await linking.check(token, GOOD_KEY)).proof)
    assert ("t1", "t1", "active", 4711, "Acme", "Ada Byron", True, {"seat": 7}) == (
        account.name,
        account.tenant_id,
        account.status,
        account.instance_id,
        account.instance_name,
        account.user_name,
        account.administrator,
        (await linking.accounts.find(account.id)).context,
    )


async def test_audited(linking: Linking):
    """Linking is written into the audit log: by whose link, which account."""
    token = await make(linking)
    account = await linking.confirm(token, (await linking.check(token, GOOD_KEY)).proof)
    lines = [line async for line in read_lines(linking.accounts.database)]
    assert [("link of token app", "account.link", account.id)] == [
        (line.actor, line.action, line.account_id) for line in lines
    ]


async def test_four_calls(linking: Linking, insightly: Scripted):
    """The account is asked four times in all; agreeing asks nothing more."""
    token = await make(linking)
    await linking.confirm(token, (await linking.check(token, GOOD_KEY)).proof)
    assert 4 == len(insightly.calls)


async def test_opens_a_client(linking: Linking):
    """The key that was kept is the key that was pasted, without the blanks around it."""
    token = await make(linking)
    account = await linking.confirm(token, (await linking.check(token, Secret(f" {KEY}\n"))).proof)
    async with linking.accounts.connect(account) as crm:
        assert 200 == (await crm.request("GET", "/Instance")).status


async def test_wrong_then_right(linking: Linking):
    """A refused key leaves nothing and ends nothing: the next may be right."""
    token = await make(linking)
    with pytest.raises(CredentialRefused, match="does not take this key"):
        await linking.check(token, Secret("another"))
    assert [] == await linking.accounts.list()
    assert "active" == (await linking.confirm(token, (await linking.check(token, GOOD_KEY)).proof)).status


async def test_silent(linking: Linking):
    """No answer refuses, with what to do."""
    token = await make(linking)
    with pytest.raises(InsightlySilent, match="Check the API URL"):
        await linking.check(token, GOOD_KEY, "http://127.0.0.1:1/v3.1")


@pytest.mark.parametrize("key", ["", " ", "a key", "a:b", "k\u00e9y", "x" * 201, "k\x00y"])
async def test_no_key(linking: Linking, insightly: Scripted, key: str):
    """What no key can be is refused without a call."""
    token = await make(linking)
    with pytest.raises(UnusableAccount, match="no API key"):
        await linking.check(token, Secret(key))
    assert [] == insightly.calls


async def test_plan_is_a_line(linking: Linking, insightly: Scripted):
    """What the plan does not answer is a line of the report, and links all the same."""
    insightly.answers["/Permissions"] = FORBIDDEN
    token = await make(linking)
    found = await linking.check(token, GOOD_KEY)
    assert ["permissions"] == [each.what for each in found.report.findings if not each.works]
    assert "active" == (await linking.confirm(token, found.proof)).status


async def test_not_insightly(linking: Linking, insightly: Scripted):
    """A place that answers nothing as Insightly does links nothing."""
    insightly.answers.clear()
    token = await make(linking)
    with pytest.raises(UnusableAccount, match="answers as Insightly does"):
        await linking.check(token, GOOD_KEY)


async def test_single_use(linking: Linking):
    """A used token links nothing more."""
    token = await make(linking)
    proof = (await linking.check(token, GOOD_KEY)).proof
    await linking.confirm(token, proof)
    with pytest.raises(LinkEnded):
        await linking.confirm(token, proof)
    with pytest.raises(LinkEnded):
        await linking.check(token, GOOD_KEY)


async def test_single_use_of_two_at_once(linking: Linking):
    """Of several that agree at the same time one links, and there is one account."""
    token = await make(linking)
    proof = (await linking.check(token, GOOD_KEY)).proof
    told = await asyncio.gather(*(linking.confirm(token, proof) for _ in range(4)), return_exceptions=True)
    refused = [each for each in told if isinstance(each, LinkEnded)]
    assert (3, 1) == (len(refused), len(await linking.accounts.list()))


async def test_expired_meanwhile(linking: Linking):
    """A token that ends between the check and the agreement links nothing."""
    token = await make(linking)
    proof = (await linking.check(token, GOOD_KEY)).proof
    late = replace(linking, tokens=replace(linking.tokens, now=lambda: NOW + timedelta(hours=1)))
    with pytest.raises(LinkEnded):
        await late.confirm(token, proof)
    assert [] == await linking.accounts.list()


async def test_proof_of_another_token(linking: Linking):
    """What was found by one token cannot be kept by another, and nothing made up can be."""
    one, other = await make(linking), await make(linking, "t2")
    proof = (await linking.check(one, GOOD_KEY)).proof
    for wrong in (proof, "", "AAAA", "\u00e9"):
        with pytest.raises(UnusableAccount, match="Check the key first"):
            await linking.confirm(other, wrong)


async def test_no_key_in_the_proof(linking: Linking):
    """What the browser holds between the two does not show the key, nor does what is found."""
    found = await linking.check(await make(linking), GOOD_KEY)
    assert KEY not in found.proof + repr(found)


async def test_relink(linking: Linking, insightly: Scripted):
    """A new key takes the old one's place; id, name, tenant and context stay, and the account is active again."""
    token = await make(linking, context={"seat": 7})
    first = await linking.confirm(token, (await linking.check(token, GOOD_KEY)).proof)
    insightly.key = "a-new-key"
    with pytest.raises(CredentialRefused):
        await linking.accounts.check(first.id)
    again = await make(linking, None, first.id)
    account = await linking.confirm(again, (await linking.check(again, Secret("a-new-key"))).proof)
    async with linking.accounts.connect(account) as crm:
        await crm.request("GET", "/Instance")
    assert (first.id, "t1", "t1", {"seat": 7}, "active") == (
        account.id,
        account.name,
        account.tenant_id,
        account.context,
        account.status,
    )


async def test_relink_steps_the_revision(linking: Linking):
    """Whoever holds an open client for the account learns that its key changed."""
    token = await make(linking)
    first = await linking.confirm(token, (await linking.check(token, GOOD_KEY)).proof)
    again = await make(linking, None, first.id)
    account = await linking.confirm(again, (await linking.check(again, GOOD_KEY)).proof)
    assert account.revision > first.revision


@pytest.mark.parametrize(
    "user",
    [
        {"USER_ID": 7, "INSTANCE_ID": 9999},
        {"USER_ID": 7},
    ],
)
async def test_relink_other_instance(linking: Linking, insightly: Scripted, user: dict[str, int]):
    """A key of another instance, or of one that cannot be told, is refused; the old key stays."""
    token = await make(linking)
    first = await linking.confirm(token, (await linking.check(token, GOOD_KEY)).proof)
    insightly.answers["/Users/Me"] = (200, user)
    insightly.answers["/Instance"] = (200, {"INSTANCE_NAME": "Other"})
    again = await make(linking, None, first.id)
    with pytest.raises(OtherInstance, match="another Insightly instance, Other"):
        await linking.check(again, GOOD_KEY)
    assert first.instance_id == (await linking.accounts.find(first.id)).instance_id


async def test_same_tenant_again(linking: Linking):
    """A tenant that links its instance once more keeps its one account."""
    ids = []
    for _ in range(2):
        token = await make(linking)
        ids.append((await linking.confirm(token, (await linking.check(token, GOOD_KEY)).proof)).id)
    assert 1 == len(set(ids))


async def test_two_tenants_of_one_instance(linking: Linking):
    """A second tenant of one instance is warned of, and has an account of its own."""
    first, second = await make(linking), await make(linking, "t2")
    mine = await linking.check(first, GOOD_KEY)
    account = await linking.confirm(first, mine.proof)
    its = await linking.check(second, GOOD_KEY)
    other = await linking.confirm(second, its.proof)
    assert (False, True, True) == (mine.twin, its.twin, account.id != other.id)


async def test_names(linking: Linking, insightly: Scripted):
    """A tenant's id becomes a name as far as a name can hold it, and a free one."""
    names = []
    for tenant in ("Acme & Sons!", "Acme + Sons", "\u00fc", "0198c0de-aaaa-bbbb"):
        insightly.answers["/Users/Me"] = (200, {"USER_ID": 7, "INSTANCE_ID": len(names)})
        token = await make(linking, tenant)
        names.append((await linking.confirm(token, (await linking.check(token, GOOD_KEY)).proof)).name)
    assert (["Acme-Sons", "account", "t-0198c0de-aaaa-bbbb"], "Acme-Sons-") == (
        [names[0], names[2], names[3]],
        names[1][:10],
    )


async def test_places_in_turn(linking: Linking, insightly: Scripted):
    """Without an API URL the places are tried in turn, as far as the first that takes the key."""
    with scripted(GOOD) as elsewhere, scripted(GOOD) as never:
        elsewhere.key = never.key = "another"
        hosts = (*linking.accounts.allow_hosts, elsewhere.host, never.host)
        accounts = replace(linking.accounts, allow_hosts=hosts)
        places = (elsewhere.base_url, "http://127.0.0.1:1/v3.1", insightly.base_url, never.base_url)
        looking = replace(linking, accounts=accounts, places=places)
        found = await looking.check(await make(linking), GOOD_KEY)
        assert (insightly.base_url, ["/Users/Me"], 4, []) == (
            found.base_url,
            elsewhere.calls,
            len(insightly.calls),
            never.calls,
        )


async def test_account_removed_meanwhile(linking: Linking, insightly: Scripted):
    """Removing an account ends the link tokens that were to link it again."""
    wanted = Wanted(name="acme", api_key=GOOD_KEY, base_url=insightly.base_url)
    account, _ = await linking.accounts.add(wanted)
    token = await make(linking, None, account.id)
    await linking.accounts.remove(account.id)
    with pytest.raises(Exception, match="not known here"):
        await linking.check(token, GOOD_KEY)


async def test_what_was_asked_for_is_kept(linking: Linking):
    """An account keeps the scopes of its link; a later link without any leaves them, one with others puts those."""
    token = await make(linking, scopes=("unified.crm.contacts:read",))
    account = await linking.confirm(token, (await linking.check(token, GOOD_KEY)).proof)
    kept = [(await linking.accounts.find(account.id)).scopes]
    for scopes in ((), ("proxy:read",)):
        again = await make(linking, tenant=None, account=account.id, scopes=scopes)
        kept.append((await linking.confirm(again, (await linking.check(again, GOOD_KEY)).proof)).scopes)
    assert [("unified.crm.contacts:read",), ("unified.crm.contacts:read",), ("proxy:read",)] == kept


async def test_a_key_that_cannot_do_what_was_asked_for(linking: Linking, insightly: Scripted):
    """Such an account is linked, and says what its key's user lacks; a check with the right heals it."""
    accounts = replace(linking.accounts, judge=judge_scopes)
    linking = replace(linking, accounts=accounts)
    token = await make(linking, scopes=("unified.crm.leads:create", "unified.crm.contacts:create"))
    account = await linking.confirm(token, (await linking.check(token, GOOD_KEY)).proof)
    assert "post_install_error" == account.status
    assert account.status_reason.startswith(
        "unified.crm.leads:create was asked for. The key's user may not create Lead"
    )
    rights = [{"OBJECT_TYPE": "CONTACT", "CAN_CREATE": True}, {"OBJECT_TYPE": "LEAD", "CAN_CREATE": True}]
    insightly.answers = GOOD | {"/Permissions": (200, {"PERMISSIONS_STATE": "FULL", "OBJECT_PERMISSIONS": rights})}
    healed, _ = await accounts.check(account.id)
    assert ("active", None) == (healed.status, healed.status_reason)


async def test_an_account_that_lost_its_key_is_linked_again(linking: Linking):
    """A lost key is said in words, and another takes its place in the same account."""
    token = await make(linking)
    account = await linking.confirm(token, (await linking.check(token, GOOD_KEY)).proof)
    async with linking.accounts.database.begin() as connection:
        await connection.execute(delete(credentials))
    with pytest.raises(KeyMissing, match="has no key"):
        async with linking.accounts.connect(account):
            pass
    again = await make(linking, tenant=None, account=account.id)
    linked = await linking.confirm(again, (await linking.check(again, GOOD_KEY)).proof)
    async with linking.accounts.connect(linked) as crm:
        assert 200 == (await crm.request("GET", "/Users/Me")).status
    assert account.id == linked.id
