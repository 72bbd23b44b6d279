"""Knowledge articles, their categories and folders."""

from msgspec import UNSET, UnsetType, field

from crosswalk.insightly.links import Tag
from crosswalk.insightly.record import Custom, Flag, Loose, Record, Text, Time, Whole


class KnowledgeArticle(Record, frozen=True, kw_only=True):
    """A knowledge article."""

    article_id: Whole = UNSET
    category_id: Whole = UNSET
    folder_id: Whole = UNSET
    article_no: Whole = UNSET
    article_version: Loose = field(default=UNSET, name="ArticleVersion")
    status: Text = field(default=UNSET, name="Status")
    language: Text = field(default=UNSET, name="Language")
    title: Text = field(default=UNSET, name="Title")
    body: Text = field(default=UNSET, name="Body")
    url_slug: Text = UNSET
    downvote_count: Whole = UNSET
    upvote_count: Whole = UNSET
    promoted: Flag = UNSET
    first_published_date_utc: Time = UNSET
    last_published_date_utc: Time = UNSET
    archived_date_utc: Text = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    owner_user_id: Whole = UNSET
    created_user_id: Whole = UNSET
    external_link_count: Loose = field(default=UNSET, name="ExternalLinkCount")
    custom_fields: Custom = field(default=UNSET, name="CUSTOMFIELDS")
    tags: tuple[Tag, ...] | UnsetType | None = UNSET
    etag: Text = field(default=UNSET, name="ETag")


class KnowledgeArticleCategory(Record, frozen=True, kw_only=True):
    """A knowledge article category."""

    category_id: Whole = UNSET
    category_name: Text = UNSET
    description: Text = UNSET
    created_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET


class KnowledgeArticleFolder(Record, frozen=True, kw_only=True):
    """A knowledge article folder."""

    folder_id: Whole = UNSET
    folder_name: Text = UNSET
    category_id: Loose = UNSET
    visibility: Text = UNSET
    order_articles: Text = UNSET
    created_user_id: Whole = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
