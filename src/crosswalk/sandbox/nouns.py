"""Which kind of record asks what beyond the contract."""

from collections.abc import Mapping

from crosswalk.sandbox.rules import Draft, Rules


def caller(draft: Draft) -> int:
    """Give the calling user's id: who makes a record owns it."""
    return draft.user.id


OWNED = {"OWNER_USER_ID": caller, "VISIBLE_TO": "EVERYONE"}
SEEN = {"OWNER_USER_ID": "users", "VISIBLE_TEAM_ID": "teams"}

RULES: Mapping[str, Rules] = {
    "contacts": Rules(defaults=OWNED, refers=SEEN | {"ORGANISATION_ID": "organisations"}),
    "organisations": Rules(defaults=OWNED, refers=SEEN),
}
