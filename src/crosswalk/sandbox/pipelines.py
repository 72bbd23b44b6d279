"""Pipelines and their stages: where an opportunity, a project or a lead stands."""

import msgspec

from crosswalk.contract import load
from crosswalk.sandbox.activity_sets import assign, take_assignment
from crosswalk.sandbox.answers import DELETED, find_in_path, success, table_of
from crosswalk.sandbox.bodies import read_object, take_shape
from crosswalk.sandbox.call import Answer, Call
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.refusals import Invalid
from crosswalk.sandbox.rules import change
from crosswalk.sandbox.table import Row, Table

OPEN_TO = {"opportunities": "FOR_OPPORTUNITIES", "projects": "FOR_PROJECTS"}
Place = tuple[int | None, int | None]


def change_pipeline(instance: Instance, call: Call) -> Answer:
    """Put a record into a pipeline: at the stage that the body names, else at the first."""
    table = table_of(instance, call)
    row = find_in_path(instance, table, call)
    body = take_shape(load().shape("PipelineChange"), read_object(call, "apiPipelineChange"), "apiPipelineChange")
    pipeline = _find_pipeline(instance, call, body["PIPELINE_ID"])
    inner = body["PIPELINE_STAGE_CHANGE"]
    wanted = _take_stage_change(inner) if inner is not None else {"STAGE_ID": None, "ACTIVITYSET_ASSIGNMENT": None}
    stage = _find_stage(instance, pipeline, wanted["STAGE_ID"])
    shown = _move(instance, call, table, row=row, place=(pipeline, stage), assignment=wanted["ACTIVITYSET_ASSIGNMENT"])
    return _answer(call, {"PIPELINE_ID": pipeline, "PIPELINE_STAGE_CHANGE": shown})


def change_stage(instance: Instance, call: Call) -> Answer:
    """Move a record to another stage of its pipeline."""
    table = table_of(instance, call)
    row = find_in_path(instance, table, call)
    wanted = _take_stage_change(read_object(call, "apiPipelineStageChange"))
    pipeline, _ = place_of(instance, table, row)
    if pipeline is None:
        raise Invalid(("apiPipelineStageChange.STAGE_ID", f"{table.schema.record} {row.id} is in no pipeline."))
    if wanted["STAGE_ID"] is None:
        raise Invalid(("apiPipelineStageChange.STAGE_ID", "The STAGE_ID field is required."))
    stage = _find_stage(instance, pipeline, wanted["STAGE_ID"])
    shown = _move(instance, call, table, row=row, place=(pipeline, stage), assignment=wanted["ACTIVITYSET_ASSIGNMENT"])
    return _answer(call, shown)


def leave_pipeline(instance: Instance, call: Call) -> Answer:
    """Take a record out of its pipeline."""
    table = table_of(instance, call)
    _put(instance, call, table, row=find_in_path(instance, table, call), place=(None, None))
    return DELETED


def place_of(instance: Instance, table: Table, row: Row) -> Place:
    """Give a record's pipeline and stage. Leads carry neither in their fields, so theirs are kept aside."""
    if table.schema.key == "leads":
        return instance.extras.stages.get(row.id, (None, None))
    pipeline, stage = table.get(row, "PIPELINE_ID"), table.get(row, "STAGE_ID")
    return (pipeline if isinstance(pipeline, int) else None, stage if isinstance(stage, int) else None)


def stages_of(instance: Instance, pipeline: object) -> list[int]:
    """Give the stages of a pipeline in their order."""
    table = instance.tables["pipeline_stages"]
    found = table.where("PIPELINE_ID", pipeline)
    return [row.id for row in sorted(found, key=lambda row: int(str(table.get(row, "STAGE_ORDER"))))]


def _take_stage_change(body: object) -> dict[str, object]:
    return take_shape(load().shape("PipelineStageChange"), body, "apiPipelineStageChange")


def _find_pipeline(instance: Instance, call: Call, number: object) -> int:
    table = instance.tables["pipelines"]
    row = table.rows.get(number) if isinstance(number, int) else None
    flag = OPEN_TO.get(call.resource.key)
    if row is None or (flag is not None and not table.get(row, flag)):
        raise Invalid(("apiPipelineChange.PIPELINE_ID", f"The value '{number}' is not a valid PIPELINE_ID."))
    return row.id


def _find_stage(instance: Instance, pipeline: int, number: object) -> int:
    stages = stages_of(instance, pipeline)
    stage = stages[0] if number is None else number
    if stage not in stages or not isinstance(stage, int):
        known = ", ".join(map(str, stages))
        message = f"Pipeline {pipeline} has no stage {number}. Its stages: {known}."
        raise Invalid(("apiPipelineStageChange.STAGE_ID", message))
    return stage


def _move(
    instance: Instance, call: Call, table: Table, *, row: Row, place: tuple[int, int], assignment: object
) -> dict[str, object]:
    taken = None if assignment is None else take_assignment(instance, call, assignment)
    _put(instance, call, table, row=row, place=place)
    if taken is not None:
        assign(instance, call, taken)
    return {"STAGE_ID": place[1], "ACTIVITYSET_ASSIGNMENT": taken}


def _put(instance: Instance, call: Call, table: Table, *, row: Row, place: Place) -> None:
    pipeline, stage = place
    if table.schema.key != "leads":
        change(instance, call, table, row=row, values={"PIPELINE_ID": pipeline, "STAGE_ID": stage})
        return
    if pipeline is None or stage is None:
        instance.extras.stages.pop(row.id, None)
    else:
        instance.extras.stages[row.id] = (pipeline, stage)
    change(instance, call, table, row=row, values={})


def _answer(call: Call, shown: dict[str, object]) -> Answer:
    return Answer(success(call), msgspec.json.encode([shown] if call.operation.many else shown))
