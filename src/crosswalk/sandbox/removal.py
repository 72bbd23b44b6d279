"""What leaves together with a record: its links, its children, its files, and mentions of it elsewhere."""

from crosswalk.sandbox.call import User
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.table import Row, Table

# Records that live inside another: they go when it goes. (child's table, the field that names its parent)
CHILDREN: dict[str, tuple[tuple[str, str], ...]] = {
    "projects": (("milestones", "PROJECT_ID"),),
    "opportunities": (("opportunity_line_item", "OPPORTUNITY_ID"), ("state_history", "OPPORTUNITY_ID")),
    "quotation": (("quotation_line_item", "QUOTE_ID"), ("quotation_documents", "QUOTE_ID")),
    "product": (("pricebook_entry", "PRODUCT_ID"),),
    "notes": (("comments", "NOTE_ID"),),
    "tasks": (("comments", "TASK_ID"),),
    "emails": (("comments", "EMAIL_ID"),),
    "ticket": (("ticket_comments", "TICKET_ID"),),
    "community_forums": (("community_posts", "FORUM_ID"),),
    "community_posts": (("community_comments", "POST_ID"),),
    "teams": (("team_members", "TEAM_ID"),),
}


def remove(instance: Instance, table: Table, row: Row, *, user: User) -> None:
    """Take a record out, with all that hangs on it. Raises `Refusal` where its kind forbids it."""
    key = table.schema.key
    rules = instance.rules.get(key)
    if rules is not None and rules.part is not None:
        rules.part(instance, row, user)
    for child, name in CHILDREN.get(key, ()):
        for inner in list(instance.tables[child].where(name, row.id)):
            remove(instance, instance.tables[child], inner, user=user)
    files = instance.tables["file_attachments"]
    for file in [file for file, owner in instance.extras.owners.items() if owner == (key, row.id)]:
        remove(instance, files, files.rows[file], user=user)
    table.drop(row)
    unlink(instance, key, row.id)
    forget_mentions(instance, key, row.id)
    forget_extras(instance, key, row.id)


def unlink(instance: Instance, key: str, number: int) -> None:
    """Drop every link of a record; the other ends read differently from then on."""
    for link in instance.links.of((key, number)):
        instance.links.drop(link)
        far_key, far_id = link.other((key, number))
        far = instance.tables[far_key].rows.get(far_id)
        if far is not None:
            instance.touch(instance.tables[far_key], far)


def forget_mentions(instance: Instance, key: str, number: int) -> None:
    """Set fields that pointed at a record to null."""
    for owner, rules in instance.rules.items():
        names = [name for name, target in rules.refers.items() if target == key]
        for table in (t for k, t in instance.tables.items() if k.partition(":")[0] == owner):
            for name in names:
                for row in list(table.where(name, number)):
                    values = list(row.values)
                    values[table.schema.place[name.lower()]] = None
                    table.replace(row, values, version=instance.next_version())


def forget_extras(instance: Instance, key: str, number: int) -> None:
    """Drop files, images, follows, list memberships and translations of a record."""
    extras, owner = instance.extras, f"{key}/{number}/"
    for name in [name for name in extras.blobs if name.startswith(owner)]:
        del extras.blobs[name]
    for name in [name for name in extras.translations if name.startswith(owner)]:
        del extras.translations[name]
    for follows in extras.follows.values():
        if (key, number) in follows:
            follows.remove((key, number))
    if key == "file_attachments":
        extras.owners.pop(number, None)
    if key == "prospect":
        extras.lists.pop(number, None)
    if key == "leads":
        extras.stages.pop(number, None)
