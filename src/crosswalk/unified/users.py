"""Users, as a CRM has them and as a directory has them. Insightly lets nobody write them."""

from collections.abc import Sequence

from crosswalk.unified.known import JSON, Known, Wire
from crosswalk.unified.mapping import Noun
from crosswalk.unified.maps import Computed, Constant, Plain
from crosswalk.unified.people import read_name
from crosswalk.unified.timezones import read_timezone
from crosswalk.unified.value import read_value

CREATED = Plain(name="created_at", field="DATE_CREATED_UTC", kind="moment", writes=False)
UPDATED = Plain(name="updated_at", field="DATE_UPDATED_UTC", kind="moment", writes=False)
CURRENCY = Plain(name="currency", field="USER_CURRENCY", writes=False)
NAMES = ("FIRST_NAME", "LAST_NAME")
UNTOLD = ("identifiers", "is_2fa_enabled", "last_login_at", "avatar", "languages")

USERS = Noun(
    name="users",
    wire="Users",
    object="User",
    rows=(
        Plain(name="id", field="USER_ID", kind="id", writes=False),
        Computed(name="name", made=read_name, natives=NAMES),
        Plain(name="first_name", field="FIRST_NAME", writes=False),
        Plain(name="last_name", field="LAST_NAME", writes=False),
        Plain(name="email", field="EMAIL_ADDRESS", writes=False),
        Plain(name="is_active", field="ACTIVE", kind="boolean", writes=False),
        CURRENCY,
        CREATED,
        UPDATED,
    ),
)


def _emails(wire: Wire, known: Known) -> JSON:
    email = wire.get("EMAIL_ADDRESS")
    return [{"email": email, "type": "work", "is_primary": True}] if email else []


def _status(wire: Wire, known: Known) -> JSON:
    return "active" if wire.get("ACTIVE") else "inactive"


def _type(wire: Wire, known: Known) -> JSON:
    return "admin" if wire.get("ADMINISTRATOR") or wire.get("ACCOUNT_OWNER") else "user"


def _roles(wire: Wire, known: Known) -> JSON:
    pairs = (("role", wire.get("ROLE_ID")), ("profile", wire.get("PROFILE_ID")))
    return [{"id": str(value), "name": None, "type": kind} for kind, value in pairs if value]


def _groups(wire: Wire, known: Known) -> JSON:
    members = [each for each in _seats(known) if each.get("MEMBER_USER_ID") == wire.get("USER_ID")]
    mine = {each.get("TEAM_ID") for each in members} - {None}
    teams = [each for each in known.references.get("teams", ()) if each.get("TEAM_ID") in mine]
    return [{"id": str(each["TEAM_ID"]), "name": each.get("TEAM_NAME")} for each in teams]


def _seats(known: Known) -> Sequence[Wire]:
    """Who is in which team."""
    return known.references.get("team_members", ())


def _organizations(wire: Wire, known: Known) -> JSON:
    text = read_value("id", wire.get("INSTANCE_ID"))
    names = [each.get("INSTANCE_NAME") for each in known.references.get("instance", ())]
    return [] if text is None else [{"id": text, "name": names[0] if names else None}]


def _licenses(wire: Wire, known: Known) -> JSON:
    plans = [each.get("PLAN_NAME") for each in known.references.get("instance", ())]
    return [{"name": plan} for plan in plans if plan]


def _instance_id(wire: Wire, known: Known) -> JSON:
    """The instance's id, which only users tell."""
    return next((read_value("id", each.get("INSTANCE_ID")) for each in known.references.get("me", ())), None)


def _members(wire: Wire, known: Known) -> JSON:
    inside = {each.get("MEMBER_USER_ID") for each in _seats(known) if each.get("TEAM_ID") == wire.get("TEAM_ID")}
    users = [each for each in known.references.get("users", ()) if each.get("USER_ID") in inside - {None}]
    return [{"id": str(each["USER_ID"]), "name": read_name(each, known)} for each in users]


DIRECTORY_USERS = Noun(
    name="users",
    wire="Users",
    object="User",
    rows=(
        Plain(name="id", field="USER_ID", kind="id", writes=False),
        Computed(name="name", made=read_name, natives=NAMES),
        Plain(name="first_name", field="FIRST_NAME", writes=False),
        Plain(name="last_name", field="LAST_NAME", writes=False),
        Computed(name="emails", made=_emails, natives=("EMAIL_ADDRESS",)),
        Plain(name="username", field="EMAIL_ADDRESS", writes=False),
        Computed(name="status", made=_status, natives=("ACTIVE",)),
        Computed(name="type", made=_type, natives=("ADMINISTRATOR", "ACCOUNT_OWNER")),
        Plain(name="is_owner", field="ACCOUNT_OWNER", kind="boolean", writes=False),
        Computed(name="roles", made=_roles, natives=("ROLE_ID", "PROFILE_ID")),
        Computed(name="groups", made=_groups, references=("teams", "team_members")),
        Computed(name="organizations", made=_organizations, natives=("INSTANCE_ID",), references=("instance",)),
        Computed(
            name="timezone",
            made=read_timezone,
            natives=("TIMEZONE_ID",),
            note="IANA's name for Insightly's",
        ),
        Plain(name="native_timezone", field="TIMEZONE_ID", writes=False, note="as Insightly spells it"),
        Plain(name="external_id", field="CONTACT_ID", kind="id", writes=False, note="the linked contact"),
        CURRENCY,
        Computed(name="licenses", made=_licenses, references=("instance",), note="the plan, which is the instance's"),
        *(Constant(name=name, value=None, note="Insightly does not tell") for name in UNTOLD),
        CREATED,
        UPDATED,
    ),
)
GROUPS = Noun(
    name="groups",
    wire="Teams",
    object="Team",
    rows=(
        Plain(name="id", field="TEAM_ID", kind="id", writes=False),
        Plain(name="name", field="TEAM_NAME", writes=False),
        Plain(name="is_anonymous", field="ANONYMOUS_TEAM", kind="boolean", writes=False),
        Computed(name="members", made=_members, references=("team_members", "users")),
        CREATED,
        UPDATED,
    ),
)
ORGANIZATIONS = Noun(
    name="organizations",
    wire="Instance",
    object="Instance",
    rows=(
        Computed(name="id", made=_instance_id, references=("me",), note="told by the key's own user"),
        Plain(name="name", field="INSTANCE_NAME", writes=False),
        Plain(name="subdomain", field="INSTANCE_SUBDOMAIN", writes=False),
        Plain(name="plan", field="PLAN_NAME", writes=False),
        Plain(name="has_new_experience", field="NEW_USER_EXPERIENCE_ENABLED", kind="boolean", writes=False),
    ),
    note="the one instance that the account's key belongs to",
)
