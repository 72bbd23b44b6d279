"""Activity sets and their assignment to a record."""

from msgspec import UNSET, UnsetType

from crosswalk.insightly.record import Flag, Record, Text, Time, Whole


class Activity(Record, frozen=True, kw_only=True):
    """One task or event that a set makes."""

    activity_id: Whole = UNSET
    activityset_id: Whole = UNSET
    activity_name: Text = UNSET
    activity_details: Text = UNSET
    activity_type: Text = UNSET
    category_id: Whole = UNSET
    reminder: Flag = UNSET
    reminder_days_before_due: Whole = UNSET
    reminder_time: Text = UNSET
    publicly_visible: Flag = UNSET
    owner_visible: Flag = UNSET
    owner_user_id: Whole = UNSET
    responsible_user_id: Whole = UNSET
    assigned_team_id: Whole = UNSET
    skip_sun: Flag = UNSET
    skip_mon: Flag = UNSET
    skip_tue: Flag = UNSET
    skip_wed: Flag = UNSET
    skip_thu: Flag = UNSET
    skip_fri: Flag = UNSET
    skip_sat: Flag = UNSET
    due_days_after_start: Whole = UNSET
    due_days_before_end: Whole = UNSET
    event_days_after_start: Whole = UNSET
    event_days_before_end: Whole = UNSET
    event_time: Text = UNSET
    all_day: Flag = UNSET
    duration: Whole = UNSET


class ActivitySet(Record, frozen=True, kw_only=True):
    """An activity set."""

    activityset_id: Whole = UNSET
    name: Text = UNSET
    for_contacts: Flag = UNSET
    for_organisations: Flag = UNSET
    for_opportunities: Flag = UNSET
    for_projects: Flag = UNSET
    for_leads: Flag = UNSET
    owner_user_id: Whole = UNSET
    activities: tuple[Activity, ...] | UnsetType | None = UNSET


class ActivityAssignment(Record, frozen=True, kw_only=True):
    """Who does one activity of a set."""

    activity_id: Whole = UNSET
    responsible_user_id: Whole = UNSET
    assigned_team_id: Whole = UNSET


class ActivitySetAssignment(Record, frozen=True, kw_only=True):
    """An activity set for a record, with dates and people."""

    activityset_id: Whole = UNSET
    start_date: Time = UNSET
    end_date: Time = UNSET
    activity_assignments: tuple[ActivityAssignment, ...] | UnsetType | None = UNSET
