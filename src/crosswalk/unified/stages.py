"""Stages of pipelines, in their order. Insightly lets nobody write them."""

from crosswalk.unified.known import JSON, Known, Wire
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import Computed, Plain, Ref


def _active(wire: Wire, known: Known) -> JSON:
    return "active"


STAGES = Noun(
    name="stages",
    wire="PipelineStages",
    object="PipelineStage",
    rows=(
        Plain(name="id", field="STAGE_ID", kind="id", writes=False),
        Plain(name="name", field="STAGE_NAME", writes=False),
        Plain(name="position", field="STAGE_ORDER", kind="integer", writes=False),
        Ref(name="pipeline", field="PIPELINE_ID", reference="pipelines", writes=False),
        Computed(name="status", made=_active, note="Insightly tells of active stages only"),
        Ref(name="activity_set", field="ACTIVITYSET_ID", object="ActivitySet", writes=False),
        Ref(name="owner", field="OWNER_USER_ID", reference="users", writes=False),
    ),
)
