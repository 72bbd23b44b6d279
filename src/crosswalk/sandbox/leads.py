"""Leads: the source and status that a new one starts with (S3)."""

from crosswalk.sandbox.mailboxes import give_mailbox
from crosswalk.sandbox.rules import Draft


def prepare(draft: Draft) -> None:
    """Give a lead without source or status the default one, and a new lead its mailbox."""
    for name, key, flag in (
        ("LEAD_SOURCE_ID", "lead_sources", "DEFAULT_VALUE"),
        ("LEAD_STATUS_ID", "lead_statuses", "DEFAULT_STATUS"),
    ):
        if draft[name] is None:
            draft[name] = next((row.id for row in draft.instance.tables[key].where(flag, True)), None)
    give_mailbox(draft, "L")
