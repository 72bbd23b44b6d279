"""Events: one ends no earlier than it starts."""

from crosswalk.sandbox.refusals import Invalid
from crosswalk.sandbox.rules import Draft


def prepare(draft: Draft) -> None:
    """Check the order of start and end. Raises `Invalid`."""
    start, end = draft["START_DATE_UTC"], draft["END_DATE_UTC"]
    if isinstance(start, str) and isinstance(end, str) and end < start:
        raise Invalid((draft.name("END_DATE_UTC"), "END_DATE_UTC must not be before START_DATE_UTC."))
