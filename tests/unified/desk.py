"""Somebody who carries plans out against a sandbox, call by call, with nothing between but the client."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from crosswalk.insightly import Insightly
from crosswalk.unified.expand import learn, plan_expansion
from crosswalk.unified.known import JSON, Known, Wire
from crosswalk.unified.mapping import Noun, needs_read, needs_write, plan_create, plan_delete, plan_update, to_unified
from crosswalk.unified.objects import KINDS
from crosswalk.unified.plan import WritePlan
from crosswalk.unified.references import References
from crosswalk.unified.search import searches


@dataclass(frozen=True)
class Desk:
    """One account's client, and what was read of its references."""

    crm: Insightly
    references: References = field(default_factory=References)

    async def create(self, noun: Noun, body: Mapping[str, JSON]) -> str:
        """Make a record; its id."""
        return await self.carry(plan_create(noun, body, await self._to_write(noun, body, creates=True)))

    async def update(self, noun: Noun, record_id: str, body: Mapping[str, JSON]) -> None:
        """Change a record, after a look at it where the plan wants one."""
        known = await self._to_write(noun, body, creates=False)
        plan = plan_update(noun, record_id, body, known)
        if plan.reads:
            plan = plan_update(noun, record_id, body, known, present=await self.wire(noun, record_id))
        await self.carry(plan)

    async def delete(self, noun: Noun, record_id: str) -> None:
        """Delete a record."""
        await self.carry(plan_delete(noun, record_id))

    async def read(self, noun: Noun, record_id: str, *, expand: tuple[str, ...] = ()) -> dict[str, JSON]:
        """A record in the unified shape."""
        wire = await self.wire(noun, record_id)
        known = await self._known(noun, needs_read(noun))
        found = {want: await self.get(want.path) for want in plan_expansion(noun, expand, [wire]).wants}
        return to_unified(noun, wire, learn(known, found))

    async def wire(self, noun: Noun, record_id: str) -> Wire:
        """A record as Insightly has it."""
        return await self.get(f"{noun.resource.path}/{record_id}")

    async def get(self, path: str, **params: str):
        """Whatever stands there."""
        return (await self.crm.request("GET", path, params=params)).json()

    async def any(self, noun: Noun, **wanted: JSON) -> dict[str, JSON]:
        """The first record of a list with these unified values."""
        known = await self._known(noun, needs_read(noun))
        records = [to_unified(noun, wire, known) for wire in await self.get(noun.resource.path, top="500")]
        return next(each for each in records if all(each[name] == value for name, value in wanted.items()))

    async def carry(self, plan: WritePlan) -> str:
        """Make a plan's calls in order; the id of the record."""
        record_id = plan.id or ""
        for step in plan.steps:
            answer = await self.crm.request(step.method, step.path.replace("{id}", record_id), json=step.body)
            record_id = record_id or str(answer.json()[plan.id_field])
        return record_id

    async def known(self, noun: Noun, body: Mapping[str, JSON]) -> Known:
        """What a change wants to know."""
        return await self._to_write(noun, body, creates=False)

    async def _to_write(self, noun: Noun, body: Mapping[str, JSON], *, creates: bool) -> Known:
        known = await self._known(noun, needs_write(noun, body, creates=creates))
        hits = {}
        for each in searches(noun, body):
            path = f"{KINDS[each.object].resource.path}/Search"
            hits[each] = await self.get(path, field_name=each.field, field_value=each.value)
        return replace(known, hits=hits)

    async def _known(self, noun: Noun, wanted) -> Known:
        return (await self.references.learn(self.crm, "a", wanted, resource=noun.wire)).known
