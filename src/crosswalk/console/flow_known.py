"""What was asked of an account for a flow's sake: custom fields and tables of names, kept for some minutes.

The panel of sample payloads follows every keystroke; asking Insightly each time would spend the account's day.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from crosswalk.accounts.accounts import Account, Accounts
from crosswalk.delivery.known import Known
from crosswalk.delivery.mapping import Table
from crosswalk.delivery.plan import SettledPlan
from crosswalk.delivery.references import References, list_tables, load_references
from crosswalk.insightly.custom_fields import CustomField

KEPT = timedelta(minutes=5)
MOST = 64
"""Answers that are kept; the oldest go first."""
Key = tuple[str, str]


class Answer(Struct, frozen=True):
    """Something that was asked of an account, and when."""

    at: datetime
    value: Mapping[str, CustomField] | References


class Shelf:
    """Answers of accounts, by account and by what was asked."""

    def __init__(self) -> None:
        self._kept: dict[Key, Answer] = {}
        self._turn = asyncio.Lock()

    async def custom(self, accounts: Accounts, account: Account, record: str) -> Mapping[str, CustomField]:
        """The custom fields of an object, by name. Raises `InsightlyError`."""
        async with self._turn:
            found = self._find((account.id, record), accounts.now())
            if not isinstance(found, Mapping):
                async with accounts.connect(account) as crm:
                    found = (await crm.custom_fields(record)).fields
                self._keep((account.id, record), found, accounts.now())
        return found

    async def references(self, accounts: Accounts, account: Account, tables: frozenset[Table]) -> References:
        """Tables of names. Raises `InsightlyError`."""
        key = (account.id, ",".join(sorted(tables)))
        async with self._turn:
            found = self._find(key, accounts.now())
            if not isinstance(found, References):
                async with accounts.connect(account) as crm:
                    found = await load_references(crm, tables)
                self._keep(key, found, accounts.now())
        return found

    async def known(self, accounts: Accounts, account: Account, plan: SettledPlan) -> Known:
        """What a plan needs of its account. Raises `InsightlyError`."""
        custom = await self.custom(accounts, account, plan.route.object) if plan.sends_custom else None
        tables = frozenset(list_tables(plan.lookups))
        references = await self.references(accounts, account, tables) if tables else None
        return Known(custom=custom, references=references)

    def forget(self, account: Account) -> None:
        """Ask anew what is asked next of an account."""
        for key in [key for key in self._kept if key[0] == account.id]:
            del self._kept[key]

    def _find(self, key: Key, now: datetime) -> Mapping[str, CustomField] | References | None:
        answer = self._kept.get(key)
        return answer.value if answer is not None and now - answer.at < KEPT else None

    def _keep(self, key: Key, value: Mapping[str, CustomField] | References, now: datetime) -> None:
        self._kept.pop(key, None)
        self._kept[key] = Answer(now, value)
        while len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]
