"""Pipelines and stages of a record: they are moved by calls of their own, the pipeline before its stage."""

from crosswalk.unified.known import JSON, Known, Wire
from crosswalk.unified.maps import Acted
from crosswalk.unified.place import Place
from crosswalk.unified.plan import Draft, Step
from crosswalk.unified.reference import find_id, read_reference
from crosswalk.unified.value import Unfit

MOVE = "move to pipeline"


def pipeline_rows(*, shown: bool = True) -> tuple[Acted, Acted]:
    """The rows `pipeline` and `stage`; not `shown` where Insightly takes them and tells nobody, as with leads."""
    return (
        Acted(
            name="pipeline",
            shown=_read_pipeline if shown else _read_nothing,
            act=_move_pipeline,
            reference="pipelines",
            references=("pipelines", "stages"),
            wanted_to_create=True,
            natives=("PIPELINE_ID",) if shown else (),
            equal=_equal_pipeline if shown else None,
            note="moved by a call of its own; without a stage, to its first one; null takes the record off",
        ),
        Acted(
            name="stage",
            shown=_read_stage if shown else _read_nothing,
            act=_move_stage,
            reference="stages",
            references=("pipelines", "stages"),
            wanted_to_create=True,
            natives=("STAGE_ID",) if shown else (),
            equal=_equal_stage if shown else None,
            note="moved by a call of its own",
        ),
    )


def _equal_pipeline(path: tuple[str, ...], value: str) -> tuple[str, str] | None:
    return ("PIPELINE_ID", value) if path in {(), ("id",)} and value.isdigit() else None


def _equal_stage(path: tuple[str, ...], value: str) -> tuple[str, str] | None:
    return ("STAGE_ID", value) if path in {(), ("id",)} and value.isdigit() else None


def _read_nothing(wire: Wire, known: Known) -> JSON:
    return None


def _read_pipeline(wire: Wire, known: Known) -> JSON:
    return read_reference(known, "pipelines", wire.get("PIPELINE_ID"))


def _read_stage(wire: Wire, known: Known) -> JSON:
    return read_reference(known, "stages", wire.get("STAGE_ID"))


def _move_pipeline(value: JSON, draft: Draft, place: Place) -> None:
    path = f"{place.resource.path}/{{id}}/Pipeline"
    if value is None:
        if not draft.creates:
            draft.steps.append(Step(name="leave pipeline", method="DELETE", path=path))
        return
    pipeline = find_id(place.known, "pipelines", value)
    body: Wire = {"PIPELINE_ID": pipeline}
    first = _first_stage(place.known, pipeline)
    if first is not None:
        body["PIPELINE_STAGE_CHANGE"] = {"STAGE_ID": first}
    draft.steps.append(Step(name=MOVE, method="PUT", path=path, body=body))


def _move_stage(value: JSON, draft: Draft, place: Place) -> None:
    """Move to a stage: with the pipeline in the same body, as part of that call; else by one of its own."""
    if value is None:
        return
    move = next((step.body for step in draft.steps if step.name == MOVE), None)
    within = None if move is None else {"PIPELINE_ID": move["PIPELINE_ID"]}
    stage = find_id(place.known, "stages", value, within=within)
    pipeline = _pipeline_of(place.known, stage)
    if move is not None:
        if pipeline is not None and pipeline != move["PIPELINE_ID"]:
            raise Unfit("unknown_value", f"stage {stage} belongs to pipeline {pipeline}, not {move['PIPELINE_ID']}")
        move["PIPELINE_STAGE_CHANGE"] = {"STAGE_ID": stage}
    elif draft.creates or (place.present is not None and place.present.get("PIPELINE_ID") != pipeline):
        if pipeline is None:
            raise Unfit("stage_without_pipeline", f"stage {stage} is in no pipeline of this account")
        path = f"{place.resource.path}/{{id}}/Pipeline"
        body: Wire = {"PIPELINE_ID": pipeline, "PIPELINE_STAGE_CHANGE": {"STAGE_ID": stage}}
        draft.steps.append(Step(name=MOVE, method="PUT", path=path, body=body))
    else:
        path = f"{place.resource.path}/{{id}}/PipelineStage"
        draft.steps.append(Step(name="move to stage", method="PUT", path=path, body={"STAGE_ID": stage}))


def _stages(known: Known) -> list[Wire]:
    return [stage for stage in known.references.get("stages", ()) if isinstance(stage.get("STAGE_ID"), int)]


def _pipeline_of(known: Known, stage: int) -> int | None:
    found = next((each.get("PIPELINE_ID") for each in _stages(known) if each["STAGE_ID"] == stage), None)
    return found if isinstance(found, int) else None


def _first_stage(known: Known, pipeline: int) -> JSON:
    inside = [stage for stage in _stages(known) if stage.get("PIPELINE_ID") == pipeline]
    ordered = sorted(inside, key=lambda stage: int(str(stage.get("STAGE_ORDER") or 0)))
    return ordered[0]["STAGE_ID"] if ordered else None
