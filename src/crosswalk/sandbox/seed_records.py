"""The records of a seeded instance: organisations, contacts, leads, opportunities, projects, and what was done."""

from datetime import datetime, timedelta

from crosswalk.sandbox import names
from crosswalk.sandbox.mailboxes import make_address
from crosswalk.sandbox.planting import Planting
from crosswalk.sandbox.table import Row

Facts = dict[str, object]
STATES = ("OPEN", "OPEN", "OPEN", "WON", "LOST", "ABANDONED", "SUSPENDED")
BIDS = (("Fixed Bid", None), ("Per Month", 12), ("Per Hour", 40))
PROJECT_STATES = ("NOT STARTED", "IN PROGRESS", "IN PROGRESS", "COMPLETED", "DEFERRED")
PARENTS = ("contacts", "organisations", "opportunities", "projects", "leads")


def plant(planting: Planting) -> None:
    """Put the records in, those that others point at first."""
    for key, make in (
        ("organisations", _organisation),
        ("contacts", _contact),
        ("leads", _lead),
        ("opportunities", _opportunity),
        ("projects", _project),
    ):
        n = planting.sizes.get(key, 0)
        for i in range(n):
            make(planting, i, n)
    for key, done in (("tasks", _task), ("events", _event), ("notes", _note), ("emails", _email)):
        n = planting.sizes.get(key, 0)
        for i in range(n):
            done(planting, i, n)


def _organisation(planting: Planting, i: int, n: int) -> None:
    firm = names.FIRMS[i % len(names.FIRMS)]
    city, state, code, country = planting.choose(names.CITIES)
    domain = f"{_ascii(firm)}{i}.example.com"
    facts: Facts = {
        "ORGANISATION_NAME": f"{firm} {names.FORMS[i // len(names.FIRMS) % len(names.FORMS)]}",
        "BACKGROUND": planting.choose(names.REMARKS) if planting.happens(0.3) else None,
        "VISIBLE_TO": "EVERYONE",
        "PHONE": _phone(planting),
        "WEBSITE": f"https://www.{domain}/",
        "ADDRESS_BILLING_STREET": planting.choose(names.STREETS),
        "ADDRESS_BILLING_CITY": city,
        "ADDRESS_BILLING_STATE": state,
        "ADDRESS_BILLING_POSTCODE": code,
        "ADDRESS_BILLING_COUNTRY": country,
        "EMAIL_DOMAIN": domain,
        "EMAILDOMAINS": [
            {"EMAIL_DOMAIN_ID": planting.instance.next_number("EMAIL_DOMAIN_ID", 5_200_001), "EMAIL_DOMAIN": domain}
        ],
        "TAGS": _tags(planting),
        "CUSTOMFIELDS": _custom(planting, "organisations"),
    }
    planting.add("organisations", facts, i=i, n=n)


def _contact(planting: Planting, i: int, n: int) -> None:
    first, last = planting.choose(names.FIRST), planting.choose(names.LAST)
    city, state, code, country = planting.choose(names.CITIES)
    facts: Facts = {
        "SALUTATION": planting.choose(names.SALUTATIONS),
        "FIRST_NAME": first,
        "LAST_NAME": last,
        "VISIBLE_TO": "EVERYONE",
        "PHONE": _phone(planting),
        "EMAIL_ADDRESS": f"{_ascii(first)}.{_ascii(last)}{i}@example.com",
        "ADDRESS_MAIL_STREET": planting.choose(names.STREETS),
        "ADDRESS_MAIL_CITY": city,
        "ADDRESS_MAIL_STATE": state,
        "ADDRESS_MAIL_POSTCODE": code,
        "ADDRESS_MAIL_COUNTRY": country,
        "ORGANISATION_ID": planting.one_of("organisations", 0.7),
        "TITLE": planting.choose(names.TITLES),
        "TAGS": _tags(planting),
        "CUSTOMFIELDS": _custom(planting, "contacts"),
    }
    if i % 10 == 0:
        facts["DATES"] = [_birthday(planting)]
    row = planting.add("contacts", facts, i=i, n=n)
    if i % 3 == 0:
        organisation = facts["ORGANISATION_ID"]
        far = organisation if isinstance(organisation, int) else None
        planting.link(("contacts", row.id), ("organisations", far), role=names.TITLES[0])


def _birthday(planting: Planting) -> Facts:
    return {
        "DATE_ID": planting.instance.next_number("DATE_ID", 5_200_001),
        "OCCASION_NAME": "Birthday",
        "OCCASION_DATE": planting.day(-planting.rng.randrange(8_000, 22_000)),
        "REPEAT_YEARLY": True,
        "CREATE_TASK_YEARLY": False,
    }


def _lead(planting: Planting, i: int, n: int) -> None:
    first, last = planting.choose(names.FIRST), planting.choose(names.LAST)
    city, state, code, country = planting.choose(names.CITIES)
    user, statuses = planting.choose(planting.ids("users")), planting.ids("lead_statuses")
    facts: Facts = {
        "SALUTATION": planting.choose(names.SALUTATIONS),
        "FIRST_NAME": first,
        "LAST_NAME": last,
        "LEAD_SOURCE_ID": planting.one_of("lead_sources"),
        "LEAD_STATUS_ID": planting.choose(statuses[:-1]) if (i + 1) % 9 else statuses[-1],
        "TITLE": planting.choose(names.TITLES),
        "EMAIL": f"{_ascii(first)}.{_ascii(last)}.lead{i}@example.com",
        "EMPLOYEE_COUNT": planting.rng.randrange(500),
        "INDUSTRY": planting.choose(names.INDUSTRIES),
        "LEAD_RATING": planting.choose((1, 2, 3, None)),
        "OWNER_USER_ID": user,
        "CREATED_USER_ID": user,
        "PHONE": _phone(planting),
        "RESPONSIBLE_USER_ID": user,
        "ADDRESS_STREET": planting.choose(names.STREETS),
        "ADDRESS_CITY": city,
        "ADDRESS_STATE": state,
        "ADDRESS_POSTCODE": code,
        "ADDRESS_COUNTRY": country,
        "VISIBLE_TO": "EVERYONE",
        "ORGANISATION_NAME": planting.choose(names.FIRMS),
        "TAGS": _tags(planting),
        "CUSTOMFIELDS": _custom(planting, "leads"),
        "LINKED_EMAIL_ADDRESS": make_address(planting.instance.name, "L", planting.table("leads").next_id),
    }
    if facts["LEAD_STATUS_ID"] == statuses[-1]:
        facts["CONVERTED"], facts["CONVERTED_DATE_UTC"] = True, planting.day(-1)
        facts["CONVERTED_CONTACT_ID"] = planting.one_of("contacts")
    planting.add("leads", facts, i=i, n=n)


def _opportunity(planting: Planting, i: int, n: int) -> None:
    state, (bid, duration) = planting.choose(STATES), planting.choose(BIDS)
    amount = planting.rng.randrange(5, 900) * 100
    pipelines = planting.ids("pipelines")
    pipeline = planting.choose((pipelines[0], pipelines[0], pipelines[2], None))
    closed = state in {"WON", "LOST", "ABANDONED"}
    facts: Facts = {
        "OPPORTUNITY_NAME": f"{planting.choose(names.DEALS)} / {planting.choose(names.FIRMS)}",
        "OPPORTUNITY_DETAILS": planting.choose(names.REMARKS),
        "OPPORTUNITY_STATE": state,
        "RESPONSIBLE_USER_ID": planting.one_of("users"),
        "CATEGORY_ID": planting.one_of("opportunity_categories", 0.6),
        "BID_CURRENCY": "USD",
        "BID_AMOUNT": amount,
        "BID_TYPE": bid,
        "BID_DURATION": duration,
        "ACTUAL_CLOSE_DATE": planting.day(-planting.rng.randrange(1, 90)) if closed else None,
        "VISIBLE_TO": "EVERYONE",
        "OPPORTUNITY_VALUE": amount * (duration or 1),
        "PROBABILITY": planting.rng.randrange(0, 101, 5),
        "FORECAST_CLOSE_DATE": planting.day(planting.rng.randrange(-60, 120)),
        "PIPELINE_ID": pipeline,
        "STAGE_ID": _stage(planting, pipeline),
        "ORGANISATION_ID": planting.one_of("organisations", 0.8),
        "TAGS": _tags(planting),
        "CUSTOMFIELDS": _custom(planting, "opportunities"),
        "LINKED_EMAIL_ADDRESS": make_address(planting.instance.name, "O", planting.table("opportunities").next_id),
    }
    row = planting.add("opportunities", facts, i=i, n=n)
    planting.link(("opportunities", row.id), ("contacts", planting.one_of("contacts", 0.8)), role="Decision maker")
    planting.link(("opportunities", row.id), ("organisations", planting.one_of("organisations", 0.5)))
    for moment in dict.fromkeys(("OPEN", state)):
        made = {
            "OPPORTUNITY_ID": row.id,
            "DATE_CHANGED_UTC": planting.table("opportunities").get(row, "DATE_CREATED_UTC"),
        }
        planting.add("state_history", made | {"FOR_OPPORTUNITY_STATE": moment}, i=i, n=n)


def _stage(planting: Planting, pipeline: int | None) -> int | None:
    stages = planting.table("pipeline_stages")
    mine = [row.id for row in stages.where("PIPELINE_ID", pipeline)]
    return planting.choose(mine) if mine else None


def _project(planting: Planting, i: int, n: int) -> None:
    status, pipelines = planting.choose(PROJECT_STATES), planting.ids("pipelines")
    pipeline = planting.choose((pipelines[1], pipelines[2], None))
    facts: Facts = {
        "PROJECT_NAME": f"{planting.choose(names.DEALS)} {i + 1}",
        "STATUS": status,
        "PROJECT_DETAILS": planting.choose(names.REMARKS),
        "STARTED_DATE": planting.day(-200) if status != "NOT STARTED" else None,
        "COMPLETED_DATE": planting.day(-20) if status == "COMPLETED" else None,
        "OPPORTUNITY_ID": planting.one_of("opportunities", 0.3),
        "CATEGORY_ID": planting.one_of("project_categories", 0.6),
        "PIPELINE_ID": pipeline,
        "STAGE_ID": _stage(planting, pipeline),
        "RESPONSIBLE_USER_ID": planting.one_of("users"),
        "TAGS": _tags(planting),
        "CUSTOMFIELDS": _few(planting),
        "LINKED_EMAIL_ADDRESS": make_address(planting.instance.name, "P", planting.table("projects").next_id),
    }
    row = planting.add("projects", facts, i=i, n=n)
    planting.link(("projects", row.id), ("organisations", planting.one_of("organisations", 0.7)))
    for days, title in ((-30, "Specification agreed"), (60, "Accepted")):
        made: Facts = {"TITLE": title, "DUE_DATE": planting.day(days), "PROJECT_ID": row.id, "COMPLETED": days < 0}
        made |= {
            "RESPONSIBLE_USER": planting.one_of("users"),
            "COMPLETED_DATE_UTC": planting.day(-31) if days < 0 else None,
        }
        planting.add("milestones", made, i=i, n=n)


def _task(planting: Planting, i: int, n: int) -> None:
    done = planting.happens(0.4)
    user = planting.one_of("users")
    facts: Facts = {
        "TITLE": planting.choose(names.CHORES),
        "CATEGORY_ID": planting.one_of("task_categories", 0.7),
        "DUE_DATE": planting.day(planting.rng.randrange(-90, 60)),
        "COMPLETED_DATE_UTC": planting.day(-2) if done else None,
        "COMPLETED": done,
        "STATUS": "COMPLETED" if done else planting.choose(("NOT STARTED", "IN PROGRESS", "WAITING")),
        "PRIORITY": planting.choose((1, 2, 2, 3)),
        "PERCENT_COMPLETE": 100 if done else 0,
        "RESPONSIBLE_USER_ID": user,
        "ASSIGNED_BY_USER_ID": user,
        "PROJECT_ID": planting.one_of("projects", 0.2),
        "PUBLICLY_VISIBLE": True,
        "CUSTOMFIELDS": _few(planting),
    }
    row = planting.add("tasks", facts, i=i, n=n)
    _attach(planting, "tasks", row)


def _event(planting: Planting, i: int, n: int) -> None:
    start = planting.now.replace(minute=0, second=0) + timedelta(days=planting.rng.randrange(-60, 60))
    facts: Facts = {
        "TITLE": planting.choose(names.TALKS),
        "LOCATION": planting.choose(names.CITIES)[0],
        "START_DATE_UTC": _text(start),
        "END_DATE_UTC": _text(start + timedelta(hours=1)),
        "DETAILS": planting.choose(names.REMARKS),
        "PUBLICLY_VISIBLE": True,
        "CUSTOMFIELDS": _few(planting),
    }
    row = planting.add("events", facts, i=i, n=n)
    _attach(planting, "events", row)


def _note(planting: Planting, i: int, n: int) -> None:
    facts: Facts = {"TITLE": planting.choose(names.TALKS), "BODY": planting.choose(names.REMARKS)}
    row = planting.add("notes", facts, i=i, n=n)
    _attach(planting, "notes", row)
    if i % 5 == 0:
        planting.add("comments", {"BODY": planting.choose(names.REMARKS), "NOTE_ID": row.id}, i=i, n=n)


def _email(planting: Planting, i: int, n: int) -> None:
    first, last = planting.choose(names.FIRST), planting.choose(names.LAST)
    body = planting.choose(names.REMARKS)
    facts: Facts = {
        "EMAIL_FROM": f"{_ascii(first)}.{_ascii(last)}@example.com",
        "EMAIL_TO": "office@example.com",
        "SUBJECT": f"Re: {planting.choose(names.DEALS)}",
        "EMAIL_DATE_UTC": _text(planting.made(i, n)),
        "FORMAT": "html" if body.startswith("<") else "text",
        "SIZE": len(body.encode()),
        "BODY": body,
        "TAGS": _tags(planting),
    }
    row = planting.add("emails", facts, i=i, n=n)
    _attach(planting, "emails", row)


def _attach(planting: Planting, key: str, row: Row) -> None:
    parent = planting.choose(PARENTS)
    planting.link((key, row.id), (parent, planting.one_of(parent)))


def _tags(planting: Planting) -> list[object] | None:
    count = planting.choose((0, 0, 0, 1, 1, 2))
    return list(dict.fromkeys(planting.choose(names.TAGS) for _ in range(count))) or None


def _custom(planting: Planting, key: str) -> Facts:
    rng = planting.rng
    number = planting.instance.next_number(f"{key}.Serial__c")
    found: Facts = {"Serial__c": f"{number:05d}"}
    if planting.happens(0.5):
        found |= {
            "Hobby__c": planting.choose(("Skiing", "Chess", "Café-hopping")),
            "Newsletter__c": planting.happens(0.5),
        }
        found |= {
            "Score__c": planting.choose((12, 3.2, 4601.0)),
            "Tier__c": planting.choose(("Bronze", "Silver", "Gold")),
        }
    if planting.happens(0.2):
        found |= {"Interests__c": "Music;Sports;Travel", "First_Met__c": planting.day(-rng.randrange(30, 900))}
    return dict(sorted(found.items()))


def _few(planting: Planting) -> Facts | None:
    return {"Colour__c": planting.choose(("Red", "Green", "Blue"))} if planting.happens(0.3) else None


def _ascii(text: str) -> str:
    return "".join(c for c in text.lower() if c.isascii() and c.isalnum())


def _phone(planting: Planting) -> str | None:
    number = planting.rng.randrange(10_000)
    return f"+1 555 01{number // 100:02d} {number % 100:02d}" if number % 7 else None


def _text(moment: datetime) -> str:
    return moment.isoformat(" ", "seconds")
