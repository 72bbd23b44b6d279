"""Rows that every noun with a history shares: who made it, when it changed, what happens to it next."""

from crosswalk.unified.etag import etag
from crosswalk.unified.links import read_links
from crosswalk.unified.maps import Choice, Computed, Plain, Ref, Row

STAMPS: tuple[Row, ...] = (
    Ref(name="created_by", field="CREATED_USER_ID", reference="users", writes=False),
    Plain(name="created_at", field="DATE_CREATED_UTC", kind="moment", writes=False),
    Plain(name="updated_at", field="DATE_UPDATED_UTC", kind="moment", writes=False),
)
ACTIVITY: tuple[Row, ...] = (
    Plain(name="last_activity_at", field="LAST_ACTIVITY_DATE_UTC", kind="moment", writes=False),
    Plain(name="next_activity_at", field="NEXT_ACTIVITY_DATE_UTC", kind="moment", writes=False),
)
OWNER = Ref(name="owner", field="OWNER_USER_ID", reference="users")
ASSIGNEE = Ref(name="assignee", field="RESPONSIBLE_USER_ID", reference="users")
VISIBILITY: tuple[Row, ...] = (
    Choice(
        name="visibility", field="VISIBLE_TO", values=(("everyone", "EVERYONE"), ("owner", "OWNER"), ("team", "TEAM"))
    ),
    Ref(name="visible_team", field="VISIBLE_TEAM_ID", reference="teams", note="goes with the visibility team"),
)
ETAG = Computed(name="etag", made=etag, note="of all that the record holds; send it as If-Match")
LINKS = Computed(
    name="links",
    made=read_links,
    natives=("LINKS",),
    note="every link with its id; written by the fields of their kinds",
)
