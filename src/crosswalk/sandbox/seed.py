"""An instance made of a number: users, settings and linked records that make sense together."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random

from crosswalk.sandbox.call import User
from crosswalk.sandbox.instance import Instance
from crosswalk.sandbox.nouns import RULES
from crosswalk.sandbox.schema import load_schemas
from crosswalk.sandbox.table import Table
from crosswalk.sandbox.values import format_moment


def make_instance(
    name: str,
    *,
    seed: int = 1,
    sizes: Mapping[str, int] | None = None,
    now: datetime,
    api_key: str | None = None,
) -> Instance:
    """Make one customer's Insightly: the same for the same seed, name, sizes and moment."""
    rng = Random(f"{seed}/{name}")  # noqa: S311 (made-up data, not a secret)
    instance = Instance(name, schemas=load_schemas(), rules=RULES)
    for i, (key, schema) in enumerate(load_schemas().items()):
        instance.tables[key] = Table(schema, first_id=1_000_001 * (i + 10))
    key = api_key or str(uuid.UUID(int=rng.getrandbits(128), version=4))
    instance.users = (User(1_000_001, key, administrator=True),)
    users = instance.tables["users"]
    users.next_id = 1_000_001
    users.add(list(users.schema.blank), version=1, born=0.0)
    contacts = instance.tables["contacts"]
    for i in range((sizes or {}).get("contacts", 100)):
        values = list(contacts.schema.blank)
        made = format_moment(now - timedelta(days=30, seconds=-i))
        for field, value in {
            "FIRST_NAME": f"Ada{i}",
            "LAST_NAME": "Example",
            "EMAIL_ADDRESS": f"a{i}@example.com",
            "VISIBLE_TO": "EVERYONE",
            "OWNER_USER_ID": 1_000_001,
            "CREATED_USER_ID": 1_000_001,
            "DATE_CREATED_UTC": made,
            "DATE_UPDATED_UTC": made,
        }.items():
            values[contacts.schema.place[field.lower()]] = value
        contacts.add(values, version=instance.next_version(), born=0.0)
    return instance
