"""The settings of a seeded instance: users, teams, pipelines, categories, custom fields, and the fixed lists."""

from crosswalk.sandbox import names
from crosswalk.sandbox.custom_fields import CustomFields, Definition, FieldType
from crosswalk.sandbox.instance import RECORDS
from crosswalk.sandbox.lead_settings import CONVERTED
from crosswalk.sandbox.planting import Planting
from crosswalk.sandbox.table import Table
from crosswalk.sandbox.teams import show_members

USERS = (
    ("Avery", "Okafor", True, True),
    ("Bruno", "Lindström", True, False),
    ("Carmen", "Núñez", False, False),
    ("Dai", "Kobayashi", False, False),
)
STAGES = ("Qualify", "Meet", "Propose", "Negotiate", "Commit")
STEPS = ("Plan", "Build", "Review", "Hand over")
PIPELINES = (
    ("Sales", True, False, STAGES),
    ("Delivery", False, True, STEPS),
    ("Renewals", True, True, ("Remind", "Renew", "Thank")),
)
CATEGORIES = {
    "file_categories": ("Contract", "Invoice", "Picture"),
    "opportunity_categories": ("New business", "Upgrade", "Renewal"),
    "project_categories": ("Internal", "Customer", "Research"),
    "task_categories": ("Phone call", "E-mail", "To do", "Meeting"),
}
COLORS = ("2f9a84", "c94f4f", "5b7fd1", "e0a030")
SOURCES = ("Web", "Referral", "Trade fair", "Cold call", "Partner")
STATUSES = (("New", 1), ("Contacted", 1), ("Qualified", 1), ("Disqualified", 2), ("Converted", CONVERTED))
REASONS = (
    ("Best offer", "WON"),
    ("Long relationship", "WON"),
    ("Price", "LOST"),
    ("Went to a competitor", "LOST"),
    ("No answer", "ABANDONED"),
    ("Budget frozen", "SUSPENDED"),
    ("Reopened by customer", "OPEN"),
)
RELATIONSHIPS = (
    ("Employer", "is the employer of", "Employee", "is employed by", True, True),
    ("Parent company", "is the parent company of", "Subsidiary", "is a subsidiary of", False, True),
    ("Spouse", "is the spouse of", "Spouse", "is the spouse of", True, False),
    ("Supplier", "supplies", "Customer", "buys from", False, True),
    ("Assistant", "assists", "Manager", "is assisted by", True, False),
)
TASKS = 2  # of an activity set; then comes an event
FIRST_FRUIT = 66_000_001
KEYED = ("contacts", "leads", "organisations", "opportunities")
COLOURS = ("Red", "Green", "Blue")
FIELDS: tuple[tuple[str, FieldType, tuple[str, ...]], ...] = (
    ("CROSSWALK_KEY__c", "TEXT", ()),
    ("Hobby__c", "TEXT", ()),
    ("Remarks__c", "MULTILINETEXT", ()),
    ("Score__c", "NUMERIC", ()),
    ("Discount__c", "PERCENT", ()),
    ("Newsletter__c", "BIT", ()),
    ("First_Met__c", "DATE", ()),
    ("Last_Call__c", "DATETIME", ()),
    ("Tier__c", "DROPDOWN", ("Bronze", "Silver", "Gold")),
    ("Interests__c", "MULTISELECT", ("Music", "Sports", "Technology", "Travel")),
    ("Serial__c", "AUTONUMBER", ()),
    ("Photo__c", "TEXT", ()),
)
FEW: tuple[tuple[str, FieldType, tuple[str, ...]], ...] = (
    ("Photo__c", "TEXT", ()),
    ("Colour__c", "DROPDOWN", COLOURS),
    ("Weight__c", "NUMERIC", ()),
)


def plant(planting: Planting) -> None:
    """Put the settings in."""
    _plant_users(planting)
    _plant_pipelines(planting)
    _plant_lists(planting)
    _plant_activity_sets(planting)
    _plant_fields(planting)


def _plant_users(planting: Planting) -> None:
    for i, (first, last, administrator, owner) in enumerate(USERS):
        words = f"{first}.{last}".lower().encode("ascii", "ignore").decode()
        facts = {
            "FIRST_NAME": first,
            "LAST_NAME": last,
            "TIMEZONE_ID": "Central Standard Time",
            "EMAIL_ADDRESS": f"{words}@example.com",
            "EMAIL_DROPBOX_IDENTIFIER": f"DROP{i:03d}",
            "EMAIL_DROPBOX_ADDRESS": f"drop{i:03d}@mailbox.insight.ly",
            "ADMINISTRATOR": administrator,
            "ACCOUNT_OWNER": owner,
            "ACTIVE": True,
            "USER_CURRENCY": "USD",
            "CONTACT_DISPLAY": "FirstLast",
            "CONTACT_ORDER": "FirstLast",
            "TASK_WEEK_START": 1,
            "INSTANCE_ID": 400_001,
            "PROFILE_ID": 1 if administrator else 2,
            "ROLE_ID": 1,
        }
        planting.add("users", facts, i=i, n=200)
    for i, name in enumerate(("Sales", "Service", "Everyone else")):
        team = planting.add("teams", {"TEAM_NAME": name}, i=i, n=100)
        for user in planting.ids("users")[i : i + 2]:
            planting.add("team_members", {"TEAM_ID": team.id, "MEMBER_USER_ID": user})
        show_members(planting.instance, team)


def _plant_pipelines(planting: Planting) -> None:
    for name, opportunities, projects, stages in PIPELINES:
        facts = {"PIPELINE_NAME": name, "FOR_OPPORTUNITIES": opportunities, "FOR_PROJECTS": projects}
        pipeline = planting.add("pipelines", facts)
        for order, stage in enumerate(stages, 1):
            facts = {"PIPELINE_ID": pipeline.id, "STAGE_NAME": stage, "STAGE_ORDER": order}
            planting.add("pipeline_stages", facts)


def _plant_lists(planting: Planting) -> None:
    for key, words in CATEGORIES.items():
        for word, color in zip(words, COLORS, strict=False):
            planting.add(key, {"CATEGORY_NAME": word, "ACTIVE": True, "BACKGROUND_COLOR": color})
    for i, source in enumerate(SOURCES, 1):
        planting.add("lead_sources", {"LEAD_SOURCE": source, "DEFAULT_VALUE": i == 1, "FIELD_ORDER": i})
    for i, (status, kind) in enumerate(STATUSES, 1):
        facts = {"LEAD_STATUS": status, "DEFAULT_STATUS": i == 1, "STATUS_TYPE": kind, "FIELD_ORDER": i}
        planting.add("lead_statuses", facts)
    for reason, state in REASONS:
        planting.add("opportunity_state_reasons", {"STATE_REASON": reason, "FOR_OPPORTUNITY_STATE": state})
    for country in names.COUNTRIES:
        planting.add("countries", {"COUNTRY_NAME": country})
    for code, symbol in names.CURRENCIES:
        planting.add("currencies", {"CURRENCY_CODE": code, "CURRENCY_SYMBOL": symbol})
    columns = ("FORWARD_TITLE", "FORWARD", "REVERSE_TITLE", "REVERSE", "FOR_CONTACTS", "FOR_ORGANISATIONS")
    for relationship in RELATIONSHIPS:
        planting.add("relationships", dict(zip(columns, relationship, strict=True)))


def _plant_activity_sets(planting: Planting) -> None:
    for name in ("First contact", "Hand over"):
        flags: dict[str, object] = {
            f"FOR_{k.upper()}": True for k in ("contacts", "organisations", "opportunities", "projects", "leads")
        }
        row = planting.add("activity_sets", {"NAME": name} | flags)
        table = planting.table("activity_sets")
        activities = [_activity(planting, row.id, order) for order in range(TASKS + 1)]
        row.values[table.schema.place["activities"]] = activities
    stages, place = planting.table("pipeline_stages"), planting.table("pipeline_stages").schema.place["activityset_id"]
    stages.rows[stages.order[0]].values[place] = planting.ids("activity_sets")[0]


def _activity(planting: Planting, set_id: int, order: int) -> dict[str, object]:
    event = order >= TASKS
    return {
        "ACTIVITY_ID": planting.instance.next_number("ACTIVITY_ID", 880_001),
        "ACTIVITYSET_ID": set_id,
        "ACTIVITY_NAME": names.TALKS[0] if event else names.CHORES[order],
        "ACTIVITY_DETAILS": None,
        "ACTIVITY_TYPE": "Event" if event else "Task",
        "CATEGORY_ID": None if event else planting.ids("task_categories")[order],
        "REMINDER": False,
        "REMINDER_DAYS_BEFORE_DUE": None,
        "REMINDER_TIME": None,
        "PUBLICLY_VISIBLE": True,
        "OWNER_VISIBLE": True,
        "OWNER_USER_ID": planting.ids("users")[0],
        "RESPONSIBLE_USER_ID": None,
        "ASSIGNED_TEAM_ID": None,
        "SKIP_SUN": True,
        **dict.fromkeys(("SKIP_MON", "SKIP_TUE", "SKIP_WED", "SKIP_THU", "SKIP_FRI"), False),
        "SKIP_SAT": True,
        "DUE_DAYS_AFTER_START": None if event else order + 1,
        "DUE_DAYS_BEFORE_END": None,
        "EVENT_DAYS_AFTER_START": 5 if event else None,
        "EVENT_DAYS_BEFORE_END": None,
        "EVENT_TIME": "3:04PM" if event else None,  # the form in which a production client reads it (S4)
        "ALL_DAY": False,
        "DURATION": 1 if event else None,
    }


def _plant_fields(planting: Planting) -> None:
    instance = planting.instance
    for key, table in instance.tables.items():
        if "customfields" in table.schema.place:
            fields = FIELDS if key in KEYED else FEW
            legacy = ((f"{table.schema.record.upper()}_FIELD_1", "TEXT", ()),) if key in KEYED else ()
            instance.custom[key] = _define(table.schema.record.upper(), (*fields, *legacy))
    _plant_fruit(planting)


def _define(record: str, fields: tuple[tuple[str, FieldType, tuple[str, ...]], ...]) -> CustomFields:
    return CustomFields(
        Definition(
            name=name,
            owner=record,
            label=name.removesuffix("__c").replace("_", " ").title(),
            type=kind,
            order=order,
            options=options,
            default="False" if kind == "BIT" else None,
        )
        for order, (name, kind, options) in enumerate(fields, 1)
    )


def _plant_fruit(planting: Planting) -> None:
    instance, key = planting.instance, f"{RECORDS}:fruit__c"
    labels: dict[str, object] = {"OBJECT_NAME": "Fruit__c", "SINGULAR_LABEL": "Fruit", "PLURAL_LABEL": "Fruits"}
    facts = {"RECORD_NAME_LABEL": "Fruit Name", "RECORD_NAME_TYPE": "TEXT", "ENABLE_NAVBAR": True}
    planting.add("custom_objects", labels | facts | {"ENABLE_WORKFLOWS": True})
    instance.tables[key] = Table(instance.schema_of(key), first_id=FIRST_FRUIT)
    instance.custom[key] = _define("FRUIT__C", (("Weight__c", "NUMERIC", ()), ("Color__c", "TEXT", ())))
    for i, (name, color, weight) in enumerate(names.FRUIT):
        values = {k: v for k, v in (("Color__c", color), ("Weight__c", weight)) if v is not None}
        facts = {"RECORD_NAME": name, "VISIBLE_TO": "EVERYONE", "CUSTOMFIELDS": values}
        planting.add(key, facts, i=i, n=len(names.FRUIT))
