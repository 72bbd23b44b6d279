"""Every unified resource by its name in routes."""

from collections.abc import Mapping
from difflib import get_close_matches

from msgspec import Struct

from crosswalk.unified.accounts import ACCOUNTS
from crosswalk.unified.contacts import CONTACTS
from crosswalk.unified.errors import UnknownNoun
from crosswalk.unified.leads import LEADS
from crosswalk.unified.mapping import Noun
from crosswalk.unified.milestones import MILESTONES
from crosswalk.unified.notes import NOTES
from crosswalk.unified.opportunities import OPPORTUNITIES
from crosswalk.unified.pipelines import PIPELINES
from crosswalk.unified.projects import PROJECTS
from crosswalk.unified.stages import STAGES
from crosswalk.unified.tasks import TASKS
from crosswalk.unified.users import DIRECTORY_USERS, GROUPS, ORGANIZATIONS, USERS

CRM: Mapping[str, Noun] = {
    noun.name: noun
    for noun in (ACCOUNTS, CONTACTS, LEADS, MILESTONES, NOTES, OPPORTUNITIES, PIPELINES, PROJECTS, STAGES, TASKS, USERS)
}
"""What `/unified/crm/` serves beside `fields`, which is no collection of Insightly's."""
DIRECTORY: Mapping[str, Noun] = {noun.name: noun for noun in (DIRECTORY_USERS, GROUPS)}
"""What `/unified/user-directory/` serves as collections."""
MAPPED: Mapping[str, Noun] = {
    **CRM,
    **{f"user-directory.{noun.name}": noun for noun in (*DIRECTORY.values(), ORGANIZATIONS)},
}
"""Every resource that overrides may be laid over, by the name that they are saved under."""


class Single(Struct, frozen=True):
    """One record that is there once: read from `path`, shown as a record of the noun."""

    noun: Noun
    path: str


SINGLES: Mapping[str, Single] = {
    "me": Single(DIRECTORY_USERS, "/Users/Me"),
    "organizations": Single(ORGANIZATIONS, "/Instance"),
}
"""What `/unified/user-directory/` serves beside its collections; `organizations` is a list of this one."""


def find_noun(name: str, nouns: Mapping[str, Noun] = CRM) -> Noun:
    """The resource of this name. Raises `UnknownNoun`, with near names."""
    if name not in nouns:
        near = get_close_matches(name, nouns, n=2)
        hint = f"Did you mean {', '.join(near)}?" if near else f"There are {', '.join(nouns)}."
        raise UnknownNoun(f"There is no unified resource {name!r}. {hint}")
    return nouns[name]
