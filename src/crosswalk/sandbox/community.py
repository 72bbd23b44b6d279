"""Community posts and comments: a comment stands in its post's forum, and the post counts it."""

from crosswalk.sandbox.call import User
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.rules import Draft
from crosswalk.sandbox.table import Row

COUNTS = ("COMMENT_COUNT", "VIEW_COUNT", "FOLLOWER_COUNT", "UPVOTE_COUNT", "DOWNVOTE_COUNT")


def prepare_post(draft: Draft) -> None:
    """Start a new post's counts."""
    if draft.old is None:
        for name in COUNTS:
            draft[name] = "0"


def settle_comment(draft: Draft, row: Row) -> None:
    """Count a post's comments."""
    count_comments(draft.instance, draft["POST_ID"], without=0)


def part_comment(instance: Instance, row: Row, user: User) -> None:
    """Count a post's comments without the one that leaves."""
    count_comments(instance, instance.tables["community_comments"].get(row, "POST_ID"), without=row.id)


def count_comments(instance: Instance, number: object, *, without: int) -> None:
    """Write the number of comments into a post."""
    posts, comments = instance.tables["community_posts"], instance.tables["community_comments"]
    post = posts.rows.get(number) if isinstance(number, int) else None
    if post is not None:
        values = list(post.values)
        count = sum(1 for row in comments.where("POST_ID", number) if row.id != without)
        values[posts.schema.place["comment_count"]] = str(count)
        posts.replace(post, values, version=instance.next_version())
