"""A realistic sample for demos: organisations, people who work there, and what is being sold to them."""

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

from msgspec import Struct

FIRST = (
    "Ada", "Ana", "Björn", "Chiara", "Chidi", "Dana", "Elif", "Émile", "Fatima", "Grace", "Hana", "Ines",
    "Ivan", "Jörg", "José", "Kenji", "Leila", "Liam", "Małgorzata", "Mei", "Nadia", "Noah", "Olu", "Özge",
    "Priya", "Rafael", "Sanne", "Søren", "Tariq", "Uma", "Victor", "Wanjiru", "Xenia", "Yusuf", "Zoë",
)  # fmt: skip
LAST = (
    "Adeyemi", "Andersen", "Baker", "Castillo", "Çelik", "Dubois", "Eriksson", "Fischer", "García", "Haddad",
    "Ivanova", "Jansen", "Kowalski", "Lindqvist", "Müller", "Nakamura", "Novák", "O'Brien", "Okafor", "Patel",
    "Quispe", "Rossi", "Santos", "Šimić", "Tanaka", "Ueda", "Vargas", "Weiß", "Xu", "Yavuz", "Zhang",
)  # fmt: skip
BRAND = (
    "Alder", "Beacon", "Cobalt", "Delta", "Ember", "Fjord", "Granite", "Harbour", "Indigo", "Juniper",
    "Kestrel", "Lumen", "Meridian", "Northwind",
)  # fmt: skip
TRADE = ("Bakeries", "Dental Care", "Freight, Ltd", "Instruments", "Law & Partners", "Outdoor", "Robotics", "Solar")
CITY = (
    ("Aarhus", "Denmark"),
    ("Bristol", "United Kingdom"),
    ("Córdoba", "Argentina"),
    ("Gdańsk", "Poland"),
    ("Nairobi", "Kenya"),
    ("Osaka", "Japan"),
    ("Portland", "United States"),
    ("Zürich", "Switzerland"),
)
WORK = ("renewal", "pilot", "rollout", "support plan", "training", "migration", '"gold" upgrade')
JOB = ("Buyer", "Engineer", "Founder", "Head of Operations", "Office Manager", "Partner")


class Sheet(Struct, frozen=True):
    """One file of the sample: what it holds, the template that sends it, and which column goes to which field."""

    noun: str
    template: str
    fields: tuple[tuple[str, str], ...]
    rows: tuple[dict[str, str], ...]

    def write(self, folder: Path) -> Path:
        """Write the rows as CSV and answer the file's path."""
        path = folder / f"{self.noun}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*self.rows[0]])
            writer.writeheader()
            writer.writerows(self.rows)
        return path


def make_sample(rng: Random, today: date, *, records: int = 300) -> tuple[Sheet, ...]:
    """Make about `records` records in three sheets: a fifth organisations, half contacts, the rest opportunities."""
    companies = tuple(_companies(rng, max(1, records // 5)))
    people = tuple(_people(rng, max(1, records // 2)))
    deals = tuple(_deals(rng, companies, today, max(1, records - len(companies) - len(people))))
    return (
        Sheet("organisations", "create-organisation", COMPANY_FIELDS, companies),
        Sheet("contacts", "create-contact", PERSON_FIELDS, people),
        Sheet("opportunities", "create-opportunity", DEAL_FIELDS, deals),
    )


COMPANY_FIELDS = (
    ("ORGANISATION_NAME", "company"),
    ("WEBSITE", "site"),
    ("PHONE", "phone"),
    ("ADDRESS_BILLING_CITY", "city"),
    ("ADDRESS_BILLING_COUNTRY", "country"),
)
PERSON_FIELDS = (
    ("FIRST_NAME", "first"),
    ("LAST_NAME", "last"),
    ("EMAIL_ADDRESS", "email"),
    ("PHONE", "phone"),
    ("TITLE", "job"),
)
DEAL_FIELDS = (
    ("OPPORTUNITY_NAME", "deal"),
    ("BID_AMOUNT", "amount"),
    ("BID_CURRENCY", "currency"),
    ("PROBABILITY", "chance"),
    ("FORECAST_CLOSE_DATE", "closes"),
)


def _companies(rng: Random, count: int) -> Iterator[dict[str, str]]:
    for number in range(count):
        brand = rng.choice(BRAND)
        city, country = rng.choice(CITY)
        yield {
            "company": f"{brand} {rng.choice(TRADE)}",
            "site": f"https://{brand.lower()}-{number}.example",
            "phone": _phone(rng) if rng.random() < 0.9 else "",  # noqa: PLR2004 (some cells are empty, as in life)
            "city": city,
            "country": country,
        }


def _people(rng: Random, count: int) -> Iterator[dict[str, str]]:
    for number in range(count):
        first, last = rng.choice(FIRST), rng.choice(LAST)
        yield {
            "first": first,
            "last": last,
            "email": f"person{number}@{rng.choice(BRAND).lower()}.example",
            "phone": _phone(rng),
            "job": rng.choice(JOB),
        }


def _deals(rng: Random, companies: tuple[dict[str, str], ...], today: date, count: int) -> Iterator[dict[str, str]]:
    for _ in range(count):
        yield {
            "deal": f"{rng.choice(companies)['company']}: {rng.choice(WORK)}",
            "amount": f"{rng.randrange(500, 90_000)}.{rng.choice(('00', '50', '99'))}",
            "currency": rng.choice(("USD", "EUR", "GBP")),
            "chance": str(rng.randrange(0, 101, 10)),
            "closes": (today + timedelta(days=rng.randrange(1, 200))).isoformat(),
        }


def _phone(rng: Random) -> str:
    return f"+1 555 {rng.randrange(100, 1000)} {rng.randrange(1000, 10_000)}"
