"""Teams and who is in them."""

from crosswalk.sandbox.answers import DELETED, answer_record, find, find_in_path, read_id, table_of
from crosswalk.sandbox.bodies import read_object
from crosswalk.sandbox.call import Answer, Call, User
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.refusals import Invalid, missing
from crosswalk.sandbox.removal import remove
from crosswalk.sandbox.rules import Draft
from crosswalk.sandbox.table import Row
from crosswalk.sandbox.writing import check_rights, create, rules_of

Member = tuple[int, int]


def prepare(draft: Draft) -> None:
    """Check that the members given are users. Raises `Invalid`."""
    given = draft["TEAMMEMBERS"]
    if "TEAMMEMBERS" not in draft.given or given is None:
        return
    if not isinstance(given, list):
        raise Invalid((draft.name("TEAMMEMBERS"), "TEAMMEMBERS must be an array."))
    draft["TEAMMEMBERS"] = list(dict.fromkeys(_take_member(draft, entry) for entry in given))


def _take_member(draft: Draft, entry: object) -> int:
    keys = {str(key).upper(): value for key, value in entry.items()} if isinstance(entry, dict) else {}
    number = keys.get("MEMBER_USER_ID")
    if isinstance(number, bool) or not isinstance(number, int) or number not in draft.instance.tables["users"].rows:
        message = f"The value '{number}' is not a valid MEMBER_USER_ID."
        raise Invalid((draft.name("TEAMMEMBERS.MEMBER_USER_ID"), message))
    return number


def settle(draft: Draft, row: Row) -> None:
    """Make the team's members what the body said."""
    given, members = draft["TEAMMEMBERS"], draft.instance.tables["team_members"]
    if "TEAMMEMBERS" in draft.given:
        wanted = given if isinstance(given, list) else []
        for member in list(members.where("TEAM_ID", row.id)):
            if members.get(member, "MEMBER_USER_ID") not in wanted:
                members.drop(member)
        there = {members.get(member, "MEMBER_USER_ID") for member in members.where("TEAM_ID", row.id)}
        for user in (user for user in wanted if user not in there):
            values: list[object] = [None, row.id, user]
            members.add(values, version=draft.instance.next_version(), born=draft.now.timestamp())
    show_members(draft.instance, row)


def prepare_member(draft: Draft) -> None:
    """Check that a member is given a team, once. Raises `Invalid`."""
    if draft["TEAM_ID"] is None:
        raise Invalid((draft.name("TEAM_ID"), "The TEAM_ID field is required."))
    for row in draft.table.where("TEAM_ID", draft["TEAM_ID"]):
        if draft.table.get(row, "MEMBER_USER_ID") == draft["MEMBER_USER_ID"]:
            raise Invalid((draft.name("MEMBER_USER_ID"), f"User {draft['MEMBER_USER_ID']} is in this team already."))


def settle_member(draft: Draft, row: Row) -> None:
    """Show a new member in the team."""
    team = draft.instance.tables["teams"].rows[int(str(draft["TEAM_ID"]))]
    show_members(draft.instance, team)


def part_member(instance: Instance, row: Row, user: User) -> None:
    """Show a team without a member that leaves."""
    members, teams = instance.tables["team_members"], instance.tables["teams"]
    team = teams.rows.get(int(str(members.get(row, "TEAM_ID"))))
    if team is not None:
        show_members(instance, team, without=row.id)


def show_members(instance: Instance, team: Row, *, without: int = 0) -> None:
    """Write a team's members into its record."""
    members, teams = instance.tables["team_members"], instance.tables["teams"]
    rows = [row for row in members.where("TEAM_ID", team.id) if row.id != without]
    values = list(team.values)
    shown = [dict(zip(members.schema.names, row.values, strict=True)) for row in rows]
    values[teams.schema.place["teammembers"]] = shown
    teams.replace(team, values, version=instance.next_version())


def add_member(instance: Instance, call: Call) -> Answer:
    """Add a member to the team that the path names."""
    team = find_in_path(instance, table_of(instance, call), call)
    table = instance.tables["team_members"]
    row = create(instance, call, table, body=read_object(call, table.schema.head), fixed={"TEAM_ID": team.id})
    return answer_record(instance, call, table, row=row)


def remove_member(instance: Instance, call: Call) -> Answer:
    """Take a member out of the team that the path names."""
    team = find_in_path(instance, table_of(instance, call), call)
    table = instance.tables["team_members"]
    check_rights(call, rules_of(instance, table))
    row = find(table, read_id(call.params["permissionId"], "permissionId"))
    if table.get(row, "TEAM_ID") != team.id:
        raise missing(table.schema.record, row.id)
    remove(instance, table, row, user=call.user)
    return DELETED
