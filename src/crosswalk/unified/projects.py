"""Projects: the work that follows a deal."""

from crosswalk.unified.dates import ACTIVITY, ASSIGNEE, ETAG, LINKS, OWNER, STAMPS
from crosswalk.unified.known import JSON, Known, Wire
from crosswalk.unified.links import Linked
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import Below, Choice, Computed, Custom, Plain, Ref
from crosswalk.unified.milestones import show_milestones
from crosswalk.unified.parts import Tags
from crosswalk.unified.stage_moves import pipeline_rows

STATUSES = tuple(
    (text.lower().replace(" ", "_"), text)
    for text in ("NOT STARTED", "IN PROGRESS", "DEFERRED", "CANCELLED", "ABANDONED", "COMPLETED")
)

OPPORTUNITY = Linked(name="opportunity", object="Opportunity")


def _deal(wire: Wire, known: Known) -> Wire:
    """The first of a project's deals that an expansion fetched."""
    ids = [wire.get("OPPORTUNITY_ID"), *OPPORTUNITY.ends(wire)]
    found = (known.records.get(("Opportunity", each)) for each in ids if isinstance(each, int))
    return next((each for each in found if each is not None), {})


def _amount(wire: Wire, known: Known) -> JSON:
    return _deal(wire, known).get("OPPORTUNITY_VALUE")


def _currency(wire: Wire, known: Known) -> JSON:
    return _deal(wire, known).get("BID_CURRENCY")


PROJECTS = Noun(
    name="projects",
    wire="Projects",
    object="Project",
    match=("name",),
    preset=(("STATUS", "NOT STARTED"),),
    rows=(
        Plain(name="id", field="PROJECT_ID", kind="id", writes=False),
        Plain(name="name", field="PROJECT_NAME", required=True),
        Plain(name="description", field="PROJECT_DETAILS"),
        OWNER,
        ASSIGNEE,
        Linked(name="account", object="Organisation", many=False),
        Linked(name="contact", object="Contact"),
        OPPORTUNITY,
        LINKS,
        Computed(name="amount", made=_amount, note="of the deal, where opportunity or converted_from is expanded"),
        Computed(name="currency", made=_currency, note="of the deal, where opportunity or converted_from is expanded"),
        Ref(
            name="converted_from",
            field="OPPORTUNITY_ID",
            object="Opportunity",
            writes=False,
            note="set by Insightly when a deal is converted",
        ),
        *pipeline_rows(),
        Choice(name="status", field="STATUS", values=STATUSES),
        Plain(name="start_date", field="STARTED_DATE", kind="day"),
        Plain(name="close_date", field="COMPLETED_DATE", kind="day"),
        Ref(name="category", field="CATEGORY_ID", reference="project_categories"),
        Plain(name="image_url", field="IMAGE_URL"),
        Plain(name="linked_email", field="LINKED_EMAIL_ADDRESS", writes=False),
        Below(name="milestones", path="Milestones", shape=show_milestones),
        Tags(),
        Custom(),
        *ACTIVITY,
        *STAMPS,
        ETAG,
    ),
)
