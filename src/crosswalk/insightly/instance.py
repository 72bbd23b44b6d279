"""The instance, and what it counts in."""

from msgspec import UNSET

from crosswalk.insightly.record import Flag, Record, Text


class Instance(Record, frozen=True, kw_only=True):
    """The instance."""

    instance_name: Text = UNSET
    instance_subdomain: Text = UNSET
    plan_name: Text = UNSET
    new_user_experience_enabled: Flag = UNSET


class Country(Record, frozen=True, kw_only=True):
    """A country."""

    country_name: Text = UNSET


class Currency(Record, frozen=True, kw_only=True):
    """A currency."""

    currency_code: Text = UNSET
    currency_symbol: Text = UNSET
