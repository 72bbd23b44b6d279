"""The kinds of automation that there are, by name."""

from collections.abc import Mapping

from crosswalk.automations.activity_note import ActivityNote
from crosswalk.automations.kickoff import Kickoff
from crosswalk.automations.lead_task import LeadTask
from crosswalk.automations.pipeline_sync import PipelineSync
from crosswalk.automations.recipe import Recipe

RECIPES: Mapping[str, Recipe] = {
    "kickoff": Kickoff(),
    "lead_task": LeadTask(),
    "activity_note": ActivityNote(),
    "pipeline_sync": PipelineSync(),
}
