"""Overrides tried on real records before they are saved: what each record says now, what it would say, what fails."""

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from crosswalk.insightly.walk import Ask
from crosswalk.unified.known import Known, Wire
from crosswalk.unified.mapping import Noun, needs_read, to_unified
from crosswalk.unified.overrides import Difference, Failure, failures, preview
from crosswalk.unified.service import Asker, Service, aside, read_wire
from crosswalk.unified.wire_list import reading

MOST = 20
"""Records that one preview reads."""


class Sample(Struct, frozen=True, kw_only=True):
    """One record as it is served now, and as it would be."""

    id: str
    before: dict[str, Any]
    after: dict[str, Any]


class Preview(Struct, frozen=True, kw_only=True):
    """What overrides would do. `failures` are expressions that fail on a record: the field shows `null` there."""

    records: Sequence[Sample]
    differences: Sequence[Difference]
    failures: Sequence[Failure]


async def try_out(
    service: Service, asker: Asker, before: Noun, after: Noun, *, ids: Sequence[str] = (), limit: int = 5
) -> Preview:
    """Compare two mappings of one resource on these records, or on the newest so many. Nothing is written.

    Costs a call for each id, or two for the newest. Raises `NotFound` and what the client raises.
    """
    wires: Sequence[Wire]
    if ids:
        wires = await asyncio.gather(*(read_wire(asker, before, each) for each in ids))
    else:
        wires = await _newest(asker, before, limit)
    known, _ = await service.learn(asker, before, needs_read(before) | needs_read(after))
    return await aside(after, lambda: compare(before, after, wires, known))


def compare(before: Noun, after: Noun, wires: Sequence[Wire], known: Known) -> Preview:
    """What two mappings of one resource make of records."""
    samples = [
        Sample(
            id=str(wire.get(before.id_field)),
            before=to_unified(before, wire, known),
            after=to_unified(after, wire, known),
        )
        for wire in wires
    ]
    return Preview(
        records=samples,
        differences=list(preview(before, after, wires, known)),
        failures=list(failures(after, wires, known)),
    )


async def _newest(asker: Asker, noun: Noun, limit: int) -> Sequence[Wire]:
    fetch = reading(asker.crm, noun.resource)
    page = await fetch(Ask(0, limit, count=True))
    total = page.rows.total or 0
    return page.records if total <= limit else (await fetch(Ask(total - limit, limit))).records
