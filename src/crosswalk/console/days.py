"""How an account's day stands: its calls as numbers and as a picture."""

from datetime import datetime

from msgspec import Struct

from crosswalk.accounts.accounts import Account
from crosswalk.accounts.errors import AccountError
from crosswalk.console.chart import Strip, draw_strip
from crosswalk.console.desk import Desk
from crosswalk.insightly import InsightlyError


class Day(Struct, frozen=True):
    """An account with what is left of its day; `why` says why nobody knows."""

    account: Account
    quota: int | None = None
    spent: int = 0
    foreign: int = 0
    remaining: int | None = None
    reserved: int = 0
    resets_at: datetime | None = None
    strip: Strip | None = None
    why: str | None = None


async def day_of(desk: Desk, account: Account) -> Day:
    """How an account's day stands; Insightly is not asked."""
    try:
        found = await desk.accounts.budget(account)
    except (AccountError, InsightlyError) as exc:
        return Day(account, why=str(exc))
    strip = draw_strip(
        quota=found.quota,
        spent=found.spent,
        foreign=found.foreign,
        remaining=found.remaining,
        reserved=found.reserved,
    )
    return Day(
        account,
        quota=found.quota,
        spent=found.spent,
        foreign=found.foreign,
        remaining=found.remaining,
        reserved=found.reserved,
        resets_at=found.resets_at,
        strip=strip,
    )
