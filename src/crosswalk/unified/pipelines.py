"""Pipelines: the roads that opportunities and projects go, each a row of stages. Insightly lets nobody write them."""

from crosswalk.unified.known import JSON, Known, Wire
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import Computed, Plain, Ref

FLAGS = (("opportunity", "FOR_OPPORTUNITIES"), ("project", "FOR_PROJECTS"))


def _entities(wire: Wire, known: Known) -> JSON:
    return [name for name, flag in FLAGS if wire.get(flag)]


def _entity(wire: Wire, known: Known) -> JSON:
    return next((name for name, flag in FLAGS if wire.get(flag)), None)


def _stages(wire: Wire, known: Known) -> JSON:
    found = [each for each in known.references.get("stages", ()) if each.get("PIPELINE_ID") == wire.get("PIPELINE_ID")]
    ordered = sorted(found, key=lambda stage: int(str(stage.get("STAGE_ORDER") or 0)))
    return [{"id": str(stage.get("STAGE_ID")), "name": stage.get("STAGE_NAME")} for stage in ordered]


PIPELINES = Noun(
    name="pipelines",
    wire="Pipelines",
    object="Pipeline",
    rows=(
        Plain(name="id", field="PIPELINE_ID", kind="id", writes=False),
        Plain(name="name", field="PIPELINE_NAME", writes=False),
        Computed(name="entity", made=_entity, note="the first of entities"),
        Computed(name="entities", made=_entities, natives=("FOR_OPPORTUNITIES", "FOR_PROJECTS")),
        Computed(name="stages", made=_stages, references=("stages",), note="from PipelineStages, in their order"),
        Ref(name="owner", field="OWNER_USER_ID", reference="users", writes=False, note="null is everyone"),
    ),
)
