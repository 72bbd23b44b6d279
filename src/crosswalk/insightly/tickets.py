"""Tickets, comments on them, merging them."""

from msgspec import UNSET, UnsetType, field

from crosswalk.insightly.links import Tag
from crosswalk.insightly.record import Custom, Flag, Record, Text, Time, Whole


class Ticket(Record, frozen=True, kw_only=True):
    """A ticket."""

    ticket_id: Whole = UNSET
    organisation_id: Whole = UNSET
    ticket_type: Text = UNSET
    subject: Text = UNSET
    ticket_status: Text = UNSET
    priority: Text = UNSET
    to_email_address: Text = UNSET
    contact_id: Whole = UNSET
    created_user_id: Whole = UNSET
    owner_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    ticket_number: Text = UNSET
    source: Text = UNSET
    date_solved_utc: Time = UNSET
    date_closed_utc: Time = UNSET
    brand_id: Whole = UNSET
    ticket_comment_body_html: Text = field(default=UNSET, name="TicketCommentBodyHtml")
    custom_fields: Custom = field(default=UNSET, name="CUSTOMFIELDS")
    tags: tuple[Tag, ...] | UnsetType | None = UNSET


class TicketComment(Record, frozen=True, kw_only=True):
    """A ticket comment."""

    ticket_comment_id: Whole = UNSET
    ticket_id: Whole = UNSET
    body_html: Text = UNSET
    public_comment: Flag = UNSET
    channel: Text = UNSET
    author_contact_id: Whole = UNSET
    created_user_id: Whole = UNSET
    date_created_utc: Time = UNSET


class TicketMerge(Record, frozen=True, kw_only=True):
    """The ticket that another is merged into."""

    target_ticket_number: Whole = UNSET
