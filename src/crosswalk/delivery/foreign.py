"""Calls that other clients make of an account's day, told once a day: they take from what runs may spend."""

import asyncio
from contextlib import suppress

from crosswalk.accounts.accounts import Account, Accounts
from crosswalk.accounts.errors import AccountError
from crosswalk.delivery.notices import Notices
from crosswalk.gate import Budget
from crosswalk.store.errors import StoreError

LEAST = 10
SHARE = 0.01
"""Of the day's quota; below both, other clients' calls are no news."""
LOOK_EVERY = 60.0
"""Seconds between two looks at the days of all accounts."""


def is_news(budget: Budget) -> bool:
    """Whether another client takes so many of the day's calls that somebody should hear of it."""
    return budget.foreign >= max(LEAST, SHARE * (budget.quota or 0))


async def tell_foreign(notices: Notices, account: Account, budget: Budget) -> None:
    """Tell of another client's calls, once for each day of the account's."""
    if not is_news(budget):
        return
    day = f"{budget.resets_at:%Y-%m-%d}"
    quota = "" if budget.quota is None else f" of {budget.quota:,}"
    message = (
        f"Another client used {budget.foreign:,} calls{quota} of account {account.name} today; {budget.spent:,} were "
        f"ours. Find out who it is, or leave it more of the day: crosswalk accounts change {account.name} --reserve 30"
    )
    await notices.tell("budget.foreign_use", f"{account.id} until {day}", message, account=account.id)


async def look_at_days(accounts: Accounts, notices: Notices) -> None:
    """Look at the day of every account, as its ledger has it; Insightly is not asked."""
    for account in await accounts.list():
        with suppress(AccountError):  # one without a credential has no day
            await tell_foreign(notices, account, await accounts.budget(account))


async def work_days(accounts: Accounts, notices: Notices, stop: asyncio.Event) -> None:
    """Look now and then, until stopped."""
    while not stop.is_set():
        with suppress(StoreError):  # said where it is met first; the next look may find it healed
            await look_at_days(accounts, notices)
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY):
                await stop.wait()
