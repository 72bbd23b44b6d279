"""Pipelines, stages, and moving a record along them."""

from msgspec import UNSET, UnsetType

from crosswalk.insightly.activity_sets import ActivitySetAssignment
from crosswalk.insightly.record import Flag, Record, Text, Whole


class Pipeline(Record, frozen=True, kw_only=True):
    """A pipeline."""

    pipeline_id: Whole = UNSET
    pipeline_name: Text = UNSET
    for_opportunities: Flag = UNSET
    for_projects: Flag = UNSET
    owner_user_id: Whole = UNSET


class PipelineStage(Record, frozen=True, kw_only=True):
    """A pipeline stage."""

    stage_id: Whole = UNSET
    pipeline_id: Whole = UNSET
    stage_name: Text = UNSET
    stage_order: Whole = UNSET
    activityset_id: Whole = UNSET
    owner_user_id: Whole = UNSET


class PipelineStageChange(Record, frozen=True, kw_only=True):
    """The stage to move a record to."""

    stage_id: Whole = UNSET
    activityset_assignment: ActivitySetAssignment | UnsetType | None = UNSET


class PipelineChange(Record, frozen=True, kw_only=True):
    """The pipeline to move a record to."""

    pipeline_id: Whole = UNSET
    pipeline_stage_change: PipelineStageChange | UnsetType | None = UNSET
