"""An instance made of a number: users, settings and linked records that make sense together."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from random import Random

from crosswalk.sandbox import seed_records, seed_service, seed_settings
from crosswalk.sandbox.activity import refresh_activity
from crosswalk.sandbox.call import User
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.nouns import RULES
from crosswalk.sandbox.planting import Planting
from crosswalk.sandbox.schema import load_schemas
from crosswalk.sandbox.table import Table

DEFAULT_SIZES: Mapping[str, int] = {
    "contacts": 100,
    "organisations": 30,
    "leads": 40,
    "opportunities": 40,
    "projects": 15,
    "tasks": 60,
    "events": 20,
    "notes": 40,
    "emails": 20,
    "product": 10,
    "quotation": 8,
    "ticket": 12,
    "prospect": 15,
    "knowledge_article": 5,
    "community_posts": 6,
    "marketing_visits": 10,
}
# Resources without stored records of their own.
HOLLOW = frozenset(
    {
        "cti",
        "custom_fields",
        "custom_object_records",
        "follows",
        "instance",
        "marketing_custom_event",
        "permissions",
        "tags",
    }
)
FIRST_ID = 70_000_001
FIRST_USER_ID = 1_000_001
STRIDE = 4_000_003


def make_instance(
    name: str,
    *,
    seed: int = 1,
    sizes: Mapping[str, int] | None = None,
    now: datetime,
    api_key: str | None = None,
) -> Instance:
    """Make one customer's Insightly: the same for the same name, seed, sizes and moment.

    The first user is the administrator who owns the account, with `api_key` or a key of the seed's. `sizes` are counts
    by resource key, laid over the defaults.
    """
    instance = Instance(name, schemas=load_schemas(), rules=RULES)
    for i, (key, schema) in enumerate(load_schemas().items()):
        if key not in HOLLOW:
            instance.tables[key] = Table(schema, first_id=FIRST_ID + STRIDE * i)
    instance.tables["users"].next_id = FIRST_USER_ID
    planting = Planting(instance, seed=seed, sizes={**DEFAULT_SIZES, **(sizes or {})}, now=now)
    seed_settings.plant(planting)
    seed_records.plant(planting)
    seed_service.plant(planting)
    for end in instance.links.by_end:
        refresh_activity(instance, end, now=now)
    instance.users = _make_users(instance, seed=seed, api_key=api_key)
    return instance


def _make_users(instance: Instance, *, seed: int, api_key: str | None) -> tuple[User, ...]:
    rng = Random(f"{seed}/{instance.name}/keys")  # noqa: S311 (a fake service's keys open nothing)
    table = instance.tables["users"]
    users: list[User] = []
    for row in table.all():
        made = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        key = api_key if api_key is not None and not users else made
        users.append(User(row.id, key, administrator=bool(table.get(row, "ADMINISTRATOR"))))
    return tuple(users)
