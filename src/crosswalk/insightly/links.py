"""What ties records together: links, tags, follows, relationships."""

from msgspec import UNSET

from crosswalk.insightly.record import Flag, Record, Text, Whole


class Link(Record, frozen=True, kw_only=True):
    """A link."""

    link_id: Whole = UNSET
    object_name: Text = UNSET
    object_id: Whole = UNSET
    link_object_name: Text = UNSET
    link_object_id: Whole = UNSET
    role: Text = UNSET
    details: Text = UNSET
    relationship_id: Whole = UNSET
    is_forward: Flag = UNSET


class Tag(Record, frozen=True, kw_only=True):
    """A tag."""

    tag_name: Text = UNSET


class Follow(Record, frozen=True, kw_only=True):
    """A follow."""

    record_type: Text = UNSET
    record_id: Whole = UNSET


class Following(Record, frozen=True, kw_only=True):
    """Whether the user follows a record."""

    following: Flag = UNSET


class Relationship(Record, frozen=True, kw_only=True):
    """A relationship."""

    relationship_id: Whole = UNSET
    forward_title: Text = UNSET
    forward: Text = UNSET
    reverse_title: Text = UNSET
    reverse: Text = UNSET
    for_contacts: Flag = UNSET
    for_organisations: Flag = UNSET
