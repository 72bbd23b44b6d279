"""Which kind of record asks what beyond the contract: defaults, references, and rules of its own."""

from collections.abc import Mapping

from crosswalk.sandbox import (
    categories,
    community,
    events,
    knowledge,
    lead_settings,
    leads,
    opportunities,
    products,
    projects,
    quotations,
    tasks,
    teams,
    tickets,
)
from crosswalk.sandbox.activity import note_activity
from crosswalk.sandbox.rules import Draft, Rules


def caller(draft: Draft) -> int:
    """Give the calling user's id: who makes a record owns it."""
    return draft.user.id


OWNER = {"OWNER_USER_ID": caller}
OWNED = {"OWNER_USER_ID": caller, "VISIBLE_TO": "EVERYONE"}
OWNER_REFERS = {"OWNER_USER_ID": "users"}
SEEN_REFERS = {"OWNER_USER_ID": "users", "VISIBLE_TEAM_ID": "teams"}
ITEM_REFERS = {"PRICEBOOK_ENTRY_ID": "pricebook_entry"}
CATEGORY = Rules(defaults={"ACTIVE": True}, prepare=categories.prepare, administrators=True)
LEAD_DEFAULTS = OWNED | {
    "RESPONSIBLE_USER_ID": caller,
    "EMAIL": "",
    "EMPLOYEE_COUNT": 0,
    "ADDRESS_COUNTRY": "United States",
}
TASK_DEFAULTS = OWNER | {
    "STATUS": "NOT STARTED",
    "PRIORITY": 2,
    "PERCENT_COMPLETE": 0,
    "RESPONSIBLE_USER_ID": caller,
    "PUBLICLY_VISIBLE": True,
}
TASK_REFERS = OWNER_REFERS | {
    "CATEGORY_ID": "task_categories",
    "MILESTONE_ID": "milestones",
    "RESPONSIBLE_USER_ID": "users",
    "EMAIL_ID": "emails",
    "PROJECT_ID": "projects",
    "PARENT_TASK_ID": "tasks",
    "OPPORTUNITY_ID": "opportunities",
    "ASSIGNED_TEAM_ID": "teams",
}
QUOTATION_REFERS = {
    "OPPORTUNITY_ID": "opportunities",
    "CONTACT_ID": "contacts",
    "ORGANISATION_ID": "organisations",
    "PRICEBOOK_ID": "pricebook",
}

RULES: Mapping[str, Rules] = {
    "contacts": Rules(defaults=OWNED, refers=SEEN_REFERS | {"ORGANISATION_ID": "organisations"}),
    "organisations": Rules(defaults=OWNED, refers=SEEN_REFERS),
    "leads": Rules(
        defaults=LEAD_DEFAULTS,
        refers=SEEN_REFERS
        | {"LEAD_SOURCE_ID": "lead_sources", "LEAD_STATUS_ID": "lead_statuses", "RESPONSIBLE_USER_ID": "users"},
        prepare=leads.prepare,
    ),
    "opportunities": Rules(
        defaults=OWNED | {"OPPORTUNITY_STATE": "OPEN", "BID_CURRENCY": products.CURRENCY, "BID_TYPE": "Fixed Bid"},
        refers=SEEN_REFERS
        | {
            "RESPONSIBLE_USER_ID": "users",
            "CATEGORY_ID": "opportunity_categories",
            "ORGANISATION_ID": "organisations",
        },
        prepare=opportunities.prepare,
        settle=opportunities.settle,
    ),
    "projects": Rules(
        defaults=OWNER | {"STATUS": "NOT STARTED"},
        refers=OWNER_REFERS | {"RESPONSIBLE_USER_ID": "users", "CATEGORY_ID": "project_categories"},
        prepare=projects.prepare,
    ),
    "milestones": Rules(
        defaults=OWNER,
        refers=OWNER_REFERS | {"RESPONSIBLE_USER": "users"},
        prepare=projects.prepare_milestone,
    ),
    "tasks": Rules(defaults=TASK_DEFAULTS, refers=TASK_REFERS, prepare=tasks.prepare, settle=note_activity),
    "events": Rules(
        defaults=OWNER | {"PUBLICLY_VISIBLE": True},
        refers=OWNER_REFERS,
        prepare=events.prepare,
        settle=note_activity,
    ),
    "notes": Rules(defaults=OWNER),
    "comments": Rules(defaults=OWNER, refers=OWNER_REFERS),
    "custom_object_records": Rules(defaults=OWNED, refers=SEEN_REFERS),
    "file_categories": CATEGORY,
    "opportunity_categories": CATEGORY,
    "project_categories": CATEGORY,
    "task_categories": CATEGORY,
    "lead_sources": Rules(prepare=lead_settings.prepare, settle=lead_settings.settle, administrators=True),
    "lead_statuses": Rules(
        defaults={"STATUS_TYPE": 1}, prepare=lead_settings.prepare, settle=lead_settings.settle, administrators=True
    ),
    "teams": Rules(prepare=teams.prepare, settle=teams.settle, administrators=True),
    "team_members": Rules(
        refers={"TEAM_ID": "teams", "MEMBER_USER_ID": "users"},
        prepare=teams.prepare_member,
        settle=teams.settle_member,
        part=teams.part_member,
        administrators=True,
    ),
    "product": Rules(defaults=OWNER, prepare=products.prepare_product, part=products.part_product),
    "pricebook": Rules(defaults=OWNER, prepare=products.prepare_pricebook),
    "pricebook_entry": Rules(
        defaults={"ACTIVE": True},
        refers={"PRICEBOOK_ID": "pricebook", "PRODUCT_ID": "product"},
        prepare=products.prepare_entry,
        part=products.part_entry,
    ),
    "opportunity_line_item": Rules(defaults={"DISCOUNT": 0}, refers=ITEM_REFERS, prepare=products.prepare_item),
    "quotation": Rules(defaults=OWNER | {"QUOTE_STATUS": "Draft"}, refers=QUOTATION_REFERS, prepare=quotations.prepare),
    "quotation_line_item": Rules(
        defaults={"DISCOUNT": 0},
        refers=ITEM_REFERS,
        prepare=products.prepare_item,
        settle=quotations.settle_item,
        part=quotations.part_item,
    ),
    "ticket": Rules(
        defaults=OWNER | {"PRIORITY": "NORMAL"},
        refers=OWNER_REFERS | {"ORGANISATION_ID": "organisations", "CONTACT_ID": "contacts"},
        prepare=tickets.prepare,
        settle=tickets.settle,
    ),
    "ticket_comments": Rules(
        defaults={"CREATED_USER_ID": caller}, refers={"AUTHOR_CONTACT_ID": "contacts", "CREATED_USER_ID": "users"}
    ),
    "prospect": Rules(defaults=OWNED | {"SCORE": 0, "EMPLOYEE_COUNT": 0}, refers=SEEN_REFERS),
    "knowledge_article": Rules(
        defaults=OWNER,
        refers=OWNER_REFERS | {"CATEGORY_ID": "knowledge_article_category", "FOLDER_ID": "knowledge_article_folder"},
        prepare=knowledge.prepare,
    ),
    "knowledge_article_folder": Rules(refers={"CATEGORY_ID": "knowledge_article_category"}),
    "community_forums": Rules(refers={"FORUM_CATEGORY_ID": "forum_categories"}),
    "community_posts": Rules(refers={"FORUM_ID": "community_forums"}, prepare=community.prepare_post),
    "community_comments": Rules(
        defaults={"UPVOTE_COUNT": "0", "DOWNVOTE_COUNT": "0"},
        refers={"POST_ID": "community_posts", "FORUM_ID": "community_forums"},
        settle=community.settle_comment,
        part=community.part_comment,
    ),
}
