"""A customer links an account: the key is tried, shown what it opens, and kept once the customer agrees.

Between the two the browser holds the key sealed, for its own link token: nothing is stored that nobody agreed to, and
Insightly is asked once.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from contextlib import suppress
from dataclasses import dataclass, replace

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.accounts import audit
from crosswalk.accounts.accounts import Account, Accounts, Claim, Wanted, refuse_other_instance
from crosswalk.accounts.check import Report
from crosswalk.accounts.errors import (
    CredentialRefused,
    InsightlySilent,
    LinkEnded,
    NameTaken,
    UnusableAccount,
    VaultError,
)
from crosswalk.accounts.links import LinkToken, LinkTokens
from crosswalk.accounts.tokens import digest
from crosswalk.accounts.vault import Place, Sealed, Secret
from crosswalk.accounts.where import PLACES, WAY_OUT, read_place
from crosswalk.store.accounts import FIND_TENANT_INSTANCE, SAME_INSTANCE
from crosswalk.store.link_tokens import USE_LINK_TOKEN

FIELD = "checked key"
LONGEST_KEY = 200
NAMES = 5
"""How many names are tried for an account before the tenant's id gives up."""
log = structlog.get_logger()


class Checked(Struct, frozen=True, kw_only=True):
    """A key that was tried: where it belongs and what it opens."""

    api_key: str
    base_url: str
    report: Report

    def __repr__(self) -> str:
        """Show where, not the key."""
        return f"Checked({self.base_url!r}, api_key=***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a key opens, and the sealed proof of it that completes the linking. `twin`: linked already elsewhere."""

    report: Report
    base_url: str
    proof: str
    twin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Linking:
    """Linking by link tokens. `places` are looked at in turn when the customer names none."""

    accounts: Accounts
    tokens: LinkTokens
    places: tuple[str, ...] = PLACES

    async def check(self, text: str, api_key: Secret, api_url: str = "") -> Found:
        """Try a key and say what it opens; nothing is stored.

        Raises `UnknownLink`, `LinkEnded`, `UnusableAccount`, `CredentialRefused`, `InsightlySilent`, and
        `OtherInstance` where the account that is linked again is of another instance.
        """
        token = await self.tokens.live(text)
        key = _read_key(api_key)
        places = (read_place(api_url, self.accounts.allow_hosts),) if api_url.strip() else self.places
        await self.tokens.count_check(text)
        base, report = await self._try_places(key, places)
        if not report.is_insightly:
            raise UnusableAccount(f"Nothing at {base} answers as Insightly does. {WAY_OUT}")
        if token.account_id is not None:
            refuse_other_instance(await self.accounts.find(token.account_id), report)
        checked = Checked(api_key=key.reveal(), base_url=base, report=report)
        return Found(
            report=report, base_url=base, proof=self._seal(checked, token), twin=await self._warn(token, report)
        )

    async def confirm(self, text: str, proof: str) -> Account:
        """Link what was checked, and use the token up. Raises `UnknownLink`, `LinkEnded`, `OtherInstance`."""
        token = await self.tokens.live(text)
        checked = self._open(proof, token)
        wanted = Wanted(
            name=_name(token, 0),
            api_key=Secret(checked.api_key),
            base_url=checked.base_url,
            tenant_id=token.tenant_id,
            context=token.context,
            scopes=token.scopes,
        )

        async def use(connection: AsyncConnection) -> None:
            used = await connection.execute(USE_LINK_TOKEN, {"hashed": digest(text), "at": self.tokens.now()})
            if not used.rowcount:
                raise LinkEnded("This link was used already, or has expired. Go back and start again")

        own = token.account_id or await self._find_own(token, checked.report)
        if own is not None:
            linked = await self.accounts.relink(own, wanted, checked.report, use)
        else:
            linked = await self._keep(wanted, token, checked.report, use=use)
        act = audit.Act(
            actor=f"link of token {token.made_by}",
            action="account.link",
            object=linked.name,
            account_id=linked.id,
            detail={"tenant": linked.tenant_id, "again": own is not None},
        )
        await audit.write(self.accounts.database, act, at=self.tokens.now())
        log.info("account.linked", account=linked.id, tenant=linked.tenant_id, by=token.made_by, again=own is not None)
        return linked

    async def _try_places(self, key: Secret, places: tuple[str, ...]) -> tuple[str, Report]:
        """The first place that takes the key. A refusal says more than silence: it is what is raised in the end."""
        silent: InsightlySilent | None = None
        refused: CredentialRefused | None = None
        for place in places:
            try:
                report = await self.accounts.examine(Wanted(name="link", api_key=key, base_url=place))
            except CredentialRefused as exc:
                refused = exc
            except InsightlySilent as exc:
                silent = exc
            else:
                if report.is_insightly or place == places[-1]:
                    return place, report
        if refused is not None:
            hint = "Copy it again" if len(places) == 1 else "Copy it again, and give its API URL too"
            raise CredentialRefused(f"Insightly does not take this key. {hint} from User Settings") from refused
        raise InsightlySilent("Insightly did not answer. Check the API URL, and try again in a minute") from silent

    async def _keep(self, wanted: Wanted, token: LinkToken, report: Report, *, use: Claim) -> Account:
        """Store under the first free name that the tenant's id gives."""
        for number in range(NAMES - 1):
            with suppress(NameTaken):
                return await self.accounts.keep(replace(wanted, name=_name(token, number)), report, use)
        return await self.accounts.keep(replace(wanted, name=_name(token, NAMES)), report, use)

    async def _find_own(self, token: LinkToken, report: Report) -> str | None:
        """The account that this tenant has at this instance already: it is linked again rather than doubled."""
        async with self.accounts.database.read() as connection:
            asked = {"tenant": token.tenant_id, "instance": report.instance_id}
            row = (await connection.execute(FIND_TENANT_INSTANCE, asked)).one_or_none()
        return None if row is None else str(row.id)

    async def _warn(self, token: LinkToken, report: Report) -> bool:
        """Whether another tenant has linked this instance; who, the log says, and the customer is not told."""
        if report.instance_id is None:
            return False
        own = token.account_id or await self._find_own(token, report) or ""
        async with self.accounts.database.read() as connection:
            asked = {"instance": report.instance_id, "account": own}
            names = [row.name for row in await connection.execute(SAME_INSTANCE, asked)]
        if names:
            log.warning("account.instance_linked_twice", instance=report.instance_id, accounts=names)
        return bool(names)

    def _seal(self, checked: Checked, token: LinkToken) -> str:
        sealed = self.accounts.vault.seal(Secret(msgspec.json.encode(checked).decode()), _place(token))
        return urlsafe_b64encode(msgspec.msgpack.encode((sealed.key_id, sealed.nonce, sealed.sealed))).decode()

    def _open(self, proof: str, token: LinkToken) -> Checked:
        try:
            parts = msgspec.msgpack.decode(urlsafe_b64decode(proof), type=tuple[str, bytes, bytes])
            opened = self.accounts.vault.open(Sealed(*parts), _place(token))
            return msgspec.json.decode(opened.reveal(), type=Checked)
        except (ValueError, NotBase64, msgspec.DecodeError, VaultError) as exc:
            raise UnusableAccount("Check the key first, with this link; then link it") from exc


def _place(token: LinkToken) -> Place:
    return Place(account_id=token.id, field=FIELD)


def _read_key(given: Secret) -> Secret:
    """The key as pasted, without the blanks around it. Raises `UnusableAccount`."""
    key = given.reveal().strip()
    if not key or len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable() or ":" in key or " " in key:
        raise UnusableAccount("This is no API key of Insightly's. Copy it from User Settings, under API")
    return Secret(key)


def _name(token: LinkToken, number: int) -> str:
    """What an account is called on the command line: the tenant's id, as far as a name can hold it."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", token.tenant_id or "account").strip("-._")[:40] or "account"
    if re.match(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-", plain):  # an id's shape
        plain = f"t-{plain}"
    return plain if number == 0 else f"{plain}-{token.id[-4:]}{'' if number == 1 else number}"
