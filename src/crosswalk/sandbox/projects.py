"""Projects and their milestones: a completed one has a date."""

from crosswalk.sandbox.mailboxes import give_mailbox
from crosswalk.sandbox.rules import Draft
from crosswalk.sandbox.values import format_moment


def prepare(draft: Draft) -> None:
    """Date the completion of a project, and give a new one its mailbox."""
    if draft["STATUS"] == "COMPLETED" and draft["COMPLETED_DATE"] is None:
        draft["COMPLETED_DATE"] = f"{format_moment(draft.now)[:10]} 00:00:00"
    give_mailbox(draft, "P")


def prepare_milestone(draft: Draft) -> None:
    """Date the completion of a milestone."""
    if not draft["COMPLETED"]:
        draft["COMPLETED_DATE_UTC"] = None
    elif draft["COMPLETED_DATE_UTC"] is None:
        draft["COMPLETED_DATE_UTC"] = format_moment(draft.now)
