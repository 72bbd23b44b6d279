"""Milestones of projects. They are made and changed below their project; by themselves they are read."""

from collections.abc import Sequence

from crosswalk.unified.known import JSON, Known, Wire
from crosswalk.unified.mapping import Noun, to_unified
from crosswalk.unified.maps import Plain, Ref

MILESTONES = Noun(
    name="milestones",
    wire="Milestones",
    object="Milestone",
    rows=(
        Plain(name="id", field="MILESTONE_ID", kind="id", writes=False),
        Plain(name="title", field="TITLE", writes=False),
        Plain(name="is_completed", field="COMPLETED", kind="boolean", writes=False),
        Plain(name="due_date", field="DUE_DATE", kind="day", writes=False),
        Plain(name="completed_at", field="COMPLETED_DATE_UTC", kind="moment", writes=False),
        Ref(name="project", field="PROJECT_ID", object="Project", writes=False),
        Ref(name="owner", field="OWNER_USER_ID", reference="users", writes=False),
        Ref(name="assignee", field="RESPONSIBLE_USER", reference="users", writes=False),
        Plain(name="created_at", field="DATE_CREATED_UTC", kind="moment", writes=False),
        Plain(name="updated_at", field="DATE_UPDATED_UTC", kind="moment", writes=False),
    ),
)


def show_milestones(items: Sequence[Wire], known: Known) -> JSON:
    """A project's milestones in their unified shape."""
    return [to_unified(MILESTONES, item, known) for item in items]
