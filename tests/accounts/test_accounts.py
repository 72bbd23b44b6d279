"""Linking accounts: the key is checked before it is stored, and only a 401 or silence refuses."""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text, update

from crosswalk.accounts.accounts import Accounts, Wanted
from crosswalk.accounts.errors import (
    CredentialRefused,
    InsightlySilent,
    MasterKeyMissing,
    NameTaken,
    SealBroken,
    UnknownAccount,
    UnusableAccount,
)
from crosswalk.accounts.vault import Secret, Vault
from crosswalk.store.accounts import ANY_CREDENTIAL, credentials
from crosswalk.store.database import Database, open_database
from fixtures.scripted import DENIED, FORBIDDEN, GOOD, KEY, Scripted, scripted

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
PATHS = ["/Users/Me", "/Instance", "/Permissions", "/CustomFields/Contacts"]


@pytest.fixture
def insightly() -> Iterator[Scripted]:
    """An Insightly that answers well."""
    with scripted(GOOD) as script:
        yield script


@pytest.fixture
def accounts(database: Database, insightly: Scripted, tmp_path: Path) -> Accounts:
    """No accounts, and leave to use the scripted Insightly."""
    hosts = (insightly.host, "127.0.0.1:1")
    vault = Vault((b"k" * 32,))
    return Accounts(
        database=database, vault=vault, allow_hosts=hosts, timeout=5, now=lambda: NOW, pace_folder=tmp_path / "pace"
    )


@pytest.fixture
def wanted(insightly: Scripted) -> Wanted:
    """An account at the scripted Insightly."""
    return Wanted(name="acme", api_key=Secret(KEY), base_url=insightly.base_url, tenant_id="t1", rate=5, daily=1000)


async def test_add(accounts: Accounts, wanted: Wanted):
    """A good key links an active account that knows its instance, plan and user."""
    account, _ = await accounts.add(wanted)
    assert ("active", 4711, "Acme", "Professional", 7, True, NOW, 5, 1000) == (
        account.status,
        account.instance_id,
        account.instance_name,
        account.plan,
        account.user_id,
        account.administrator,
        account.last_good_call_at,
        account.rate,
        account.daily,
    )


async def test_report(accounts: Accounts, wanted: Wanted):
    """The report says what the key may do, a line for each thing asked."""
    _, report = await accounts.add(wanted)
    assert [
        ("user", True, "Ada Byron (7), administrator"),
        ("instance", True, "Acme, plan Professional"),
        ("permissions", True, "may not create: LEAD"),
        ("delivery key", True, "contacts have CROSSWALK_KEY__c"),
    ] == [(finding.what, finding.works, finding.says) for finding in report.findings]


async def test_stored(accounts: Accounts, wanted: Wanted):
    """What was added is found again, by name and by id, and listed."""
    account, _ = await accounts.add(wanted)
    assert (account, account, [account]) == (
        await accounts.find("acme"),
        await accounts.find(account.id),
        await accounts.list(),
    )


async def test_connect(accounts: Accounts, wanted: Wanted, insightly: Scripted):
    """A client for a linked account uses the stored key."""
    account, _ = await accounts.add(wanted)
    async with accounts.connect(account) as crm:
        answer = await crm.request("GET", "/Instance")
    assert (200, [*PATHS, "/Instance"]) == (answer.status, insightly.calls)


async def test_wrong_key(accounts: Accounts, wanted: Wanted, insightly: Scripted):
    """A 401 refuses the account after one call, and nothing is stored."""
    with pytest.raises(CredentialRefused):
        await accounts.add(replace(wanted, api_key=Secret("another")))
    assert (["/Users/Me"], []) == (insightly.calls, await accounts.list())


async def test_key_refused_later(accounts: Accounts, wanted: Wanted, insightly: Scripted):
    """A 401 to any of the calls refuses the account."""
    insightly.answers["/Permissions"] = DENIED
    with pytest.raises(CredentialRefused):
        await accounts.add(wanted)


async def test_silent(accounts: Accounts, wanted: Wanted):
    """No answer refuses the account, and nothing is stored."""
    with pytest.raises(InsightlySilent):
        await accounts.add(replace(wanted, base_url="http://127.0.0.1:1/v3.1"))
    assert [] == await accounts.list()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "answer",
    [FORBIDDEN, (404, ""), (500, {"Message": "An error has occurred."}), (200, "<html>"), (200, {}), (200, "7")],
)
async def test_unanswered_is_a_line(
    accounts: Accounts, wanted: Wanted, insightly: Scripted, path: str, answer: tuple[int, object]
):
    """What a plan or version does not answer is a line in the report, within five calls, and refuses nothing."""
    insightly.answers[path] = answer
    account, report = await accounts.add(wanted)
    assert (1, "active", True) == (
        sum(not finding.works for finding in report.findings),
        account.status,
        len(insightly.calls) <= 5,
    )


async def test_not_an_insightly(accounts: Accounts, wanted: Wanted, insightly: Scripted):
    """Where nothing answers as Insightly does, the account is linked as invalid and never as active."""
    insightly.answers = dict.fromkeys(PATHS, (200, "<html><body>Welcome to nginx</body></html>"))
    account, report = await accounts.add(wanted)
    assert ("validation_error", False) == (account.status, report.is_insightly)


async def test_no_delivery_key(accounts: Accounts, wanted: Wanted, insightly: Scripted):
    """An instance without the delivery key's field is told what that means."""
    insightly.answers["/CustomFields/Contacts"] = (200, [])
    _, report = await accounts.add(wanted)
    assert "is held for a person" in report.findings[-1].says


async def test_twin(accounts: Accounts, wanted: Wanted):
    """A second account at the same instance is linked with a warning that names the first."""
    await accounts.add(wanted)
    _, report = await accounts.add(replace(wanted, name="acme-2"))
    assert "also linked as acme:" in report.findings[-1].says


async def test_name_taken(accounts: Accounts, wanted: Wanted, insightly: Scripted):
    """A name is taken once; the second asks Insightly nothing."""
    await accounts.add(wanted)
    insightly.calls.clear()
    with pytest.raises(NameTaken):
        await accounts.add(wanted)
    assert [] == insightly.calls


@pytest.mark.parametrize("name", ["", "a b", "-a", "a" * 65, "a\n", "0190c2f0-0000-7000-8000-000000000000"])
async def test_unusable_name(accounts: Accounts, wanted: Wanted, name: str):
    """A name is short, plain, and not shaped like an id."""
    with pytest.raises(UnusableAccount):
        await accounts.add(replace(wanted, name=name))


async def test_empty_key(accounts: Accounts, wanted: Wanted):
    """An empty key is refused before any call."""
    with pytest.raises(UnusableAccount, match="API key is empty"):
        await accounts.add(replace(wanted, api_key=Secret("")))


async def test_unknown(accounts: Accounts):
    """An unknown name is refused by name."""
    with pytest.raises(UnknownAccount, match="No account is named 'nobody'"):
        await accounts.find("nobody")


async def test_check_learns(accounts: Accounts, wanted: Wanted, insightly: Scripted):
    """A check stores what has changed."""
    await accounts.add(wanted)
    insightly.answers["/Instance"] = (200, {"INSTANCE_NAME": "Acme", "PLAN_NAME": "Enterprise"})
    await accounts.check("acme")
    assert "Enterprise" == (await accounts.find("acme")).plan


async def test_check_forgets_nothing(accounts: Accounts, wanted: Wanted, insightly: Scripted):
    """What a check is not told stays as it was."""
    await accounts.add(wanted)
    insightly.answers["/Instance"] = FORBIDDEN
    await accounts.check("acme")
    assert "Professional" == (await accounts.find("acme")).plan


async def test_check_refused(accounts: Accounts, wanted: Wanted, insightly: Scripted):
    """A key that is refused at a check marks its account, and a good check later clears it."""
    await accounts.add(wanted)
    insightly.key = "changed"
    with pytest.raises(CredentialRefused):
        await accounts.check("acme")
    marked = (await accounts.find("acme")).status
    insightly.key = KEY
    await accounts.check("acme")
    assert ("needs_reauth", "active") == (marked, (await accounts.find("acme")).status)


async def test_remove(accounts: Accounts, wanted: Wanted, database: Database):
    """Removing an account destroys its credential."""
    await accounts.add(wanted)
    await accounts.remove("acme")
    async with database.read() as connection:
        assert ([], []) == (await accounts.list(), (await connection.execute(ANY_CREDENTIAL)).all())


async def add_and_remove(wanted: Wanted, host: str, url: str, *, folder: Path) -> bytes:
    """Link an account, remove it, and answer the sealed bytes that were stored in between."""
    async with open_database(url) as database:
        accounts = Accounts(database=database, vault=Vault((b"k" * 32,)), allow_hosts=(host,), pace_folder=folder)
        await accounts.add(wanted)
        async with database.read() as connection:
            sealed: bytes = (await connection.execute(ANY_CREDENTIAL)).one().sealed
        await accounts.remove("acme")
    return sealed


def test_remove_leaves_no_byte(wanted: Wanted, insightly: Scripted, sqlite_url: str, tmp_path: Path):
    """Of a removed credential not even the sealed bytes stay in the file."""
    sealed = asyncio.run(add_and_remove(wanted, insightly.host, sqlite_url, folder=tmp_path))
    assert sealed not in Path(sqlite_url.removeprefix("sqlite:///")).read_bytes()


async def test_copied_row(accounts: Accounts, wanted: Wanted, database: Database):
    """A credential copied to another account does not open there."""
    first, _ = await accounts.add(wanted)
    second, _ = await accounts.add(replace(wanted, name="other"))
    async with database.begin() as connection:
        copied = (await connection.execute(credentials.select().where(credentials.c.account_id == first.id))).one()
        await connection.execute(
            update(credentials)
            .where(credentials.c.account_id == second.id)
            .values(nonce=copied.nonce, sealed=copied.sealed)
        )
    with pytest.raises(SealBroken):
        async with accounts.connect(second):
            pass


async def test_other_master_key(accounts: Accounts, wanted: Wanted):
    """With another master key an account is listed and removed, and not opened."""
    account, _ = await accounts.add(wanted)
    stranger = Accounts(database=accounts.database, vault=Vault((b"x" * 32,)), pace_folder=accounts.pace_folder)
    with pytest.raises(MasterKeyMissing, match="Add that key to CROSSWALK_MASTER_KEY"):
        async with stranger.connect(account):
            pass
    assert [account] == await stranger.list()


async def test_key_shows_nowhere(accounts: Accounts, wanted: Wanted, caplog: pytest.LogCaptureFixture):
    """The key is in no repr and no log line."""
    caplog.set_level(logging.DEBUG)
    account, report = await accounts.add(wanted)
    shown = f"{wanted} {account} {report} {accounts} {caplog.text}"
    async with accounts.connect(account) as crm:
        shown += repr(crm)
    assert KEY not in shown


async def test_key_shows_in_no_error(accounts: Accounts, wanted: Wanted, insightly: Scripted):
    """The key is in no error, even where the answer repeats it."""
    insightly.answers["/Users/Me"] = (401, {"Message": f"The key {KEY} is not known."})
    with pytest.raises(CredentialRefused) as caught:
        await accounts.add(wanted)
    assert KEY not in f"{caught.value} {caught.value.__cause__!r}"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_key_not_in_the_file(accounts: Accounts, wanted: Wanted, database: Database):
    """The key is in no byte of the embedded database's files; a server's files are not ours to read."""
    await accounts.add(wanted)
    async with database.begin() as connection:
        await connection.execute(text("CREATE TABLE after (n INTEGER)"))
    folder = Path(str(database.engine.url.database)).parent
    assert [] == [path.name for path in folder.iterdir() if KEY.encode() in path.read_bytes()]
