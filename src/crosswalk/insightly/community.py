"""Community forums, posts and comments."""

from msgspec import UNSET

from crosswalk.insightly.record import Flag, Loose, Record, Text, Time, Whole


class CommunityForum(Record, frozen=True, kw_only=True):
    """A community forum."""

    forum_id: Whole = UNSET
    forum_category_id: Whole = UNSET
    forum_name: Text = UNSET
    description: Text = UNSET
    forum_type: Text = UNSET
    visibility: Text = UNSET
    created_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    forum_order: Loose = UNSET


class CommunityPost(Record, frozen=True, kw_only=True):
    """A community post."""

    post_id: Whole = UNSET
    forum_id: Whole = UNSET
    post_name: Text = UNSET
    message: Text = UNSET
    pinned: Flag = UNSET
    featured: Flag = UNSET
    closed: Flag = UNSET
    pending: Flag = UNSET
    status: Text = UNSET
    comment_count: Loose = UNSET
    view_count: Loose = UNSET
    follower_count: Loose = UNSET
    upvote_count: Loose = UNSET
    downvote_count: Loose = UNSET
    ticket_id: Loose = UNSET
    created_contact_id: Whole = UNSET
    edited_contact_id: Whole = UNSET
    date_edited_utc: Time = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    spam: Flag = UNSET


class CommunityComment(Record, frozen=True, kw_only=True):
    """A community comment."""

    comment_id: Whole = UNSET
    body: Text = UNSET
    answer: Flag = UNSET
    spam: Flag = UNSET
    pending: Flag = UNSET
    official: Flag = UNSET
    upvote_count: Loose = UNSET
    downvote_count: Loose = UNSET
    post_id: Whole = UNSET
    created_contact_id: Whole = UNSET
    edited_contact_id: Whole = UNSET
    date_edited_utc: Time = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    forum_id: Whole = UNSET


class ForumCategory(Record, frozen=True, kw_only=True):
    """A forum category."""

    forum_category_id: Whole = UNSET
    category_name: Text = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
