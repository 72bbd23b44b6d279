"""Users, teams, and what a user may do."""

from msgspec import UNSET, UnsetType, field

from crosswalk.insightly.record import Flag, Loose, Record, Text, Time, Whole


class User(Record, frozen=True, kw_only=True):
    """A user."""

    user_id: Whole = UNSET
    contact_id: Whole = UNSET
    first_name: Text = UNSET
    last_name: Text = UNSET
    timezone_id: Text = UNSET
    email_address: Text = UNSET
    email_dropbox_identifier: Text = UNSET
    email_dropbox_address: Text = UNSET
    administrator: Flag = UNSET
    account_owner: Flag = UNSET
    active: Flag = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    user_currency: Text = UNSET
    contact_display: Text = UNSET
    contact_order: Loose = UNSET
    task_week_start: Whole = UNSET
    instance_id: Whole = UNSET
    profile_id: Whole = UNSET
    role_id: Whole = UNSET


class TeamMember(Record, frozen=True, kw_only=True):
    """A team member."""

    permission_id: Whole = UNSET
    team_id: Whole = UNSET
    member_user_id: Whole = UNSET


class Team(Record, frozen=True, kw_only=True):
    """A team."""

    team_id: Whole = UNSET
    team_name: Text = UNSET
    date_created_utc: Time = UNSET
    date_updated_utc: Time = UNSET
    team_members: tuple[TeamMember, ...] | UnsetType | None = field(default=UNSET, name="TEAMMEMBERS")
    anonymous_team: Flag = UNSET


class ObjectPermissions(Record, frozen=True, kw_only=True):
    """What the user may do with one kind of record."""

    object_type: Text = UNSET
    permissions_state: Text = UNSET
    can_read: Flag = UNSET
    can_create: Flag = UNSET
    can_edit: Flag = UNSET
    can_delete: Flag = UNSET


class Permissions(Record, frozen=True, kw_only=True):
    """What the user may do."""

    permissions_state: Text = UNSET
    object_permissions: tuple[ObjectPermissions, ...] | UnsetType | None = UNSET
