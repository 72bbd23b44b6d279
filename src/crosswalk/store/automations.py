"""Automations, their firings, each firing's steps, and every statement about them."""

from typing import Literal, get_args

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from crosswalk.store.accounts import accounts
from crosswalk.store.columns import Big, UTCDateTime, one_of, table

AutomationState = Literal["active", "paused"]
FiringState = Literal["open", "done", "failed", "held", "skipped", "undoing", "undone"]
Origin = Literal["insightly", "external"]
StepState = Literal["open", "sent", "done", "failed", "held", "undone"]
UNDER_WAY: tuple[FiringState, ...] = ("open", "undoing")

automations = table(
    "automations",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("account_id", Text, ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False),
    Column("settings", Text, nullable=False),  # JSON, as its kind reads it
    Column("state", Text, CheckConstraint(one_of("state", get_args(AutomationState)), name="state"), nullable=False),
    Column("look_at", UTCDateTime, nullable=False),  # when to look for changes next
    Column("seen_until", UTCDateTime),  # the newest change that was seen, by Insightly's clock
    Column("turn", Integer, nullable=False),  # how often somebody was chosen in turn
    Column("created_at", UTCDateTime, nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
    Index(None, "account_id"),
)

firings = table(
    "firings",
    Column("id", Text, primary_key=True),
    Column("automation_id", Text, ForeignKey(automations.c.id, ondelete="CASCADE"), nullable=False),
    Column("key", Text, nullable=False),  # what it fired for; the same fires once
    Column("subject", Text, nullable=False),  # firings about the same go one after another
    Column("state", Text, CheckConstraint(one_of("state", get_args(FiringState)), name="state"), nullable=False),
    Column("input", Text, nullable=False),  # JSON
    Column("result", Text),  # JSON; null before it was planned
    Column("reason", Text),
    Column("round", Integer, nullable=False),  # how often it was planned anew
    Column("due_at", UTCDateTime),  # null once it is over
    Column("leased_until", UTCDateTime, nullable=False),  # until then somebody works on it
    Column("created_at", UTCDateTime, nullable=False),
    Column("ended_at", UTCDateTime),
    UniqueConstraint("automation_id", "key"),
    CheckConstraint("(state IN ('open', 'undoing')) = (due_at IS NOT NULL)", name="due"),
    CheckConstraint("(state IN ('open', 'undoing')) = (ended_at IS NULL)", name="ended"),
    CheckConstraint("state NOT IN ('failed', 'held', 'skipped') OR reason IS NOT NULL", name="reason"),
    Index(None, "due_at"),
    Index(None, "automation_id", "subject"),
)

firing_steps = table(
    "firing_steps",
    Column("firing_id", Text, ForeignKey(firings.c.id, ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("step", Text, nullable=False),  # JSON: the call as it was planned
    Column("state", Text, CheckConstraint(one_of("state", get_args(StepState)), name="state"), nullable=False),
    Column("remote_id", Text),
    Column("made", Text, nullable=False),  # JSON: paths of what it made, to take it back by
    Column("tries", Integer, nullable=False),
    Column("sent_at", UTCDateTime),
    Column("empty_at", UTCDateTime),  # when a look-up late enough found nothing
    Column("ended_at", UTCDateTime),
    Column("status", Integer),
    Column("reason", Text),
    PrimaryKeyConstraint("firing_id", "number"),
    CheckConstraint("state <> 'sent' OR sent_at IS NOT NULL", name="sent"),
)

synced_stages = table(
    "synced_stages",
    Column("automation_id", Text, ForeignKey(automations.c.id, ondelete="CASCADE"), nullable=False),
    Column("opportunity_id", Text, nullable=False),
    Column("stage_id", Big),  # what both sides have; null: none of the pipeline's
    Column("origin", Text, CheckConstraint(one_of("origin", get_args(Origin)), name="origin"), nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),  # when whoever changed it last did
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("automation_id", "opportunity_id"),
)

# Make an automation.
ADD_AUTOMATION = insert(automations)

# All of them after one, oldest first.
LIST_AUTOMATIONS = select(automations).where(automations.c.id > bindparam("after")).order_by(automations.c.id)

# The automation of this name or id.
FIND_AUTOMATION = select(automations).where(
    or_(automations.c.name == bindparam("key"), automations.c.id == bindparam("key"))
)

# Write changed columns of an automation.
CHANGE_AUTOMATION = update(automations).where(automations.c.id == bindparam("automation"))

# Forget an automation; its firings go with it.
REMOVE_AUTOMATION = delete(automations).where(automations.c.id == bindparam("automation"))

# Active automations that are to look for changes.
DUE_AUTOMATIONS = (
    select(automations)
    .where(automations.c.state == "active", automations.c.look_at <= bindparam("at", type_=UTCDateTime))
    .where(automations.c.kind.in_(bindparam("kinds", expanding=True)))
    .order_by(automations.c.look_at)
)

# Take the next turn; whoever changes the row has it.
TAKE_TURN = (
    update(automations)
    .where(automations.c.id == bindparam("automation"), automations.c.turn == bindparam("have"))
    .values(turn=bindparam("have", type_=Integer) + 1)
)

# Begin a firing.
ADD_FIRING = insert(firings)

# One firing.
FIND_FIRING = select(firings).where(firings.c.id == bindparam("firing"))

# The firing of a key.
FIND_BY_KEY = select(firings).where(
    firings.c.automation_id == bindparam("automation"), firings.c.key == bindparam("of_key")
)

# Firings of an automation, newest first.
LIST_FIRINGS = select(firings).where(firings.c.automation_id == bindparam("automation")).order_by(firings.c.id.desc())

# Firings that somebody should go on with, whose automation is active or that are being undone.
DUE_FIRINGS = (
    select(firings.c.id)
    .join(automations, automations.c.id == firings.c.automation_id)
    .where(
        firings.c.due_at <= bindparam("at", type_=UTCDateTime),
        firings.c.leased_until <= bindparam("at", type_=UTCDateTime),
        or_(automations.c.state == "active", firings.c.state == "undoing"),
    )
    .order_by(firings.c.due_at)
    .limit(bindparam("most"))
)

# An earlier firing about the same that is under way.
FIND_EARLIER = (
    select(firings.c.id)
    .where(
        firings.c.automation_id == bindparam("automation"),
        firings.c.subject == bindparam("of_subject"),
        firings.c.id < bindparam("firing"),
        firings.c.state.in_(UNDER_WAY),
    )
    .limit(1)
)

# What firings about the same came to, newest first.
LIST_RESULTS = (
    select(firings.c.result)
    .where(
        firings.c.automation_id == bindparam("automation"),
        firings.c.subject == bindparam("of_subject"),
        firings.c.state == "done",
    )
    .order_by(firings.c.id.desc())
)

# Take a firing that nobody works on; whoever changes the row has it.
TAKE_FIRING = (
    update(firings)
    .where(
        firings.c.id == bindparam("firing"),
        firings.c.state.in_(UNDER_WAY),
        firings.c.leased_until <= bindparam("at", type_=UTCDateTime),
    )
    .values(leased_until=bindparam("until", type_=UTCDateTime))
)

# Write columns of a firing, by whoever holds the lease.
CHANGE_FIRING = update(firings).where(
    firings.c.id == bindparam("firing"), firings.c.leased_until == bindparam("lease", type_=UTCDateTime)
)

# Bring an ended firing to another state.
REOPEN_FIRING = update(firings).where(
    firings.c.id == bindparam("firing"), firings.c.state.in_(bindparam("states", expanding=True))
)

# Where an opportunity stands, as both sides know it.
FIND_STAGE = select(synced_stages).where(
    synced_stages.c.automation_id == bindparam("automation"), synced_stages.c.opportunity_id == bindparam("opportunity")
)

# Keep where an opportunity stands that was not known.
ADD_STAGE = insert(synced_stages)

# Keep where it stands now; whoever changes the row of this version has it.
CHANGE_STAGE = (
    update(synced_stages)
    .where(
        synced_stages.c.automation_id == bindparam("automation"),
        synced_stages.c.opportunity_id == bindparam("opportunity"),
        synced_stages.c.version == bindparam("have"),
    )
    .values(version=bindparam("have", type_=Integer) + 1)
)

# Write down a firing's steps.
ADD_STEPS = insert(firing_steps)

# A firing's steps in order.
LIST_STEPS = select(firing_steps).where(firing_steps.c.firing_id == bindparam("firing")).order_by(firing_steps.c.number)

# Write columns of one step.
CHANGE_STEP = update(firing_steps).where(
    firing_steps.c.firing_id == bindparam("firing"), firing_steps.c.number == bindparam("of_number")
)

# Let failed and held steps be taken again.
REOPEN_STEPS = (
    update(firing_steps)
    .where(firing_steps.c.firing_id == bindparam("firing"), firing_steps.c.state.in_(("failed", "held")))
    .values(state="open", reason=None, tries=0, empty_at=None)
)

# Forget a firing's steps: it is planned anew.
REMOVE_STEPS = delete(firing_steps).where(firing_steps.c.firing_id == bindparam("firing"))
