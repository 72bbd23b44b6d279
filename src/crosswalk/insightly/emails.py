"""Emails, and the addresses that file mail under a record."""

from msgspec import UNSET, UnsetType

from crosswalk.insightly.links import Link, Tag
from crosswalk.insightly.record import Record, Text, Time, Whole


class Email(Record, frozen=True, kw_only=True):
    """An email."""

    email_id: Whole = UNSET
    email_from: Text = UNSET
    subject: Text = UNSET
    email_date_utc: Time = UNSET
    format: Text = UNSET
    size: Whole = UNSET
    owner_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    queued_send_date_utc: Time = UNSET
    created_user_id: Whole = UNSET
    tags: tuple[Tag, ...] | UnsetType | None = UNSET
    links: tuple[Link, ...] | UnsetType | None = UNSET
    email_to: Text = UNSET
    email_cc: Text = UNSET
    body: Text = UNSET


class LinkEmailAddress(Record, frozen=True, kw_only=True):
    """The address that files mail under a record."""

    email: Text = UNSET
