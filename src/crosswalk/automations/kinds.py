"""The kinds of automation that there are, by name."""

from collections.abc import Mapping

from crosswalk.automations.kickoff import Kickoff
from crosswalk.automations.recipe import Recipe

RECIPES: Mapping[str, Recipe] = {"kickoff": Kickoff()}
