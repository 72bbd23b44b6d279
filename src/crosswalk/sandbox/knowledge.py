"""Knowledge articles: numbered, in a folder whose category is theirs."""

from crosswalk.sandbox.rules import Draft
from crosswalk.sandbox.values import format_moment


def prepare(draft: Draft) -> None:
    """Number and publish a new article, and give it the category of its folder."""
    if draft.old is None:
        now = format_moment(draft.now)
        draft["ARTICLE_NO"] = draft.instance.next_number("article", 1001)
        draft["ArticleVersion"], draft["Status"], draft["Language"] = "1", "Published", "en"
        draft["FIRST_PUBLISHED_DATE_UTC"] = draft["LAST_PUBLISHED_DATE_UTC"] = now
        draft["UPVOTE_COUNT"] = draft["DOWNVOTE_COUNT"] = 0
        draft["ExternalLinkCount"] = "0"
    folders, number = draft.instance.tables["knowledge_article_folder"], draft["FOLDER_ID"]
    folder = folders.rows.get(number) if isinstance(number, int) else None
    if folder is not None and draft["CATEGORY_ID"] is None:
        draft["CATEGORY_ID"] = int(str(folders.get(folder, "CATEGORY_ID")))
