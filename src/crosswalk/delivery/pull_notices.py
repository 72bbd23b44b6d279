"""What people are told of a pull that ended: that it failed, that it brought nothing, that columns changed."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from crosswalk.delivery.kinds import File, Http, Kind, Records, Sql, Webhook
from crosswalk.delivery.notices import Notices
from crosswalk.delivery.reading import Mark
from crosswalk.delivery.schema import Change, describe
from crosswalk.delivery.sources import source_from_row
from crosswalk.store.datasets import DRIFTS_SINCE
from crosswalk.store.sources import FIND_SOURCE

MOST_SHOWN = 5
"""Changes that one notice names."""


async def tell_pull(connection: AsyncConnection, notices: Notices, pull: RowMapping) -> None:
    """Tell of a pull in the transaction that ends it. A failure and an emptiness are over with the next good pull."""
    row = (await connection.execute(FIND_SOURCE, {"key": pull["source_id"]})).mappings().one_or_none()
    if row is None:
        return
    source = source_from_row(row)
    if pull["state"] == "failed":
        why = str(pull["reason"]).rstrip(".")
        message = f"Source {source.name} could not be read: {why}. Then: crosswalk sources run {source.name}"
        await notices.write(connection, "source.failed", source.id, message, account=source.account_id)
        return
    await notices.end_in(connection, source.id, "source.failed")
    mark = Mark() if row["cursor"] is None else msgspec.json.decode(row["cursor"], type=Mark)
    if pull["rows"]:
        await notices.end_in(connection, source.id, "source.empty")
    elif should_have_rows(source.settings, mark):
        message = f"Source {source.name} was read to its end and has no rows."
        await notices.write(connection, "source.empty", source.id, message, account=source.account_id)
    if pull["first"] is not None and pull["first"] > 1:
        asked = {"dataset": source.dataset_id, "since": pull["started_at"]}
        changes = [msgspec.json.decode(each, type=Change) for each in await connection.scalars(DRIFTS_SINCE, asked)]
        await tell_changes(connection, notices, source.dataset_id, changes, account=source.account_id)


async def tell_changes(
    connection: AsyncConnection, notices: Notices, dataset: str, changes: Sequence[Change], *, account: str | None
) -> None:
    """Tell of a dataset's new, gone and other columns, all in one notice."""
    if not changes:
        return
    shown = "; ".join(dict.fromkeys(describe(each) for each in changes[:MOST_SHOWN]))
    more = f"; and {len(changes) - MOST_SHOWN} more" if len(changes) > MOST_SHOWN else ""
    message = f"The columns of dataset {dataset} changed: {shown}{more}. See: crosswalk datasets show {dataset}"
    await notices.write(connection, "schema.changed", dataset, message, account=account)


def should_have_rows(settings: Kind, mark: Mark) -> bool:
    """Whether a pull without rows means an empty source: one that is read whole, and not only for what is new."""
    match settings:
        case File():
            return mark.row == 0  # else the file is the same as before
        case Sql(cursor_column=column):
            return column is None
        case Records(full=full):
            return full
        case Http():
            return True
        case Webhook():
            return False
