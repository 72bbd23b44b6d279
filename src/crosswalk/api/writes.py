"""Writes of the unified API: carried out once under their key, each call told where something is left undone."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.params import HeaderParameter, QueryParameter
from msgspec import UNSET, Struct, UnsetType

from crosswalk.api.asking import Asking
from crosswalk.api.errors import Problem, tell
from crosswalk.api.form import Form
from crosswalk.insightly.errors import InsightlyError, ResponseUnknown
from crosswalk.unified.errors import UnifiedError
from crosswalk.unified.idempotency import MOST_CHARACTERS, Claim, Kept
from crosswalk.unified.mapping import Noun
from crosswalk.unified.service import Asker
from crosswalk.unified.writing import Order, StepReport, StepStatus, Undecided, Written, write

OnFailure = Literal["keep", "compensate"]
Key = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=MOST_CHARACTERS,
        description="A text of your own: the same write under the same key is done once, for 24 hours.",
    ),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", max_length=500, description="The `etag` that you saw; another one is a 412."),
]
Failing = Annotated[
    OnFailure,
    QueryParameter(description="When a later call of a creation fails: `keep` the record, or `compensate`: delete it."),
]
Steps = Annotated[bool, QueryParameter(description="Answer with `result`, `status` and `steps` in any case.")]
REPLAYED = "Idempotency-Replayed"


class Step(Struct, frozen=True, kw_only=True):
    """One call to Insightly that a write takes."""

    name: str
    native_call: str
    status: StepStatus
    problem: Problem | UnsetType = UNSET


class Composite(Struct, frozen=True, kw_only=True):
    """A write told call by call. `partial`: send it again with the same key, and only what is undone is done."""

    result: dict[str, Any] | None
    status: Literal["done", "partial"]
    steps: list[Step]
    warnings: list[str]


class Done(Struct, frozen=True):
    """What a write is answered with."""

    status: int
    body: bytes
    etag: str | None = None
    replayed: bool = False

    def respond(self, headers: Mapping[str, str]) -> Response[Any]:
        """The HTTP answer."""
        more = {"ETag": f'"{self.etag}"'} if self.etag else {}
        more |= {REPLAYED: "true"} if self.replayed else {}
        content = self.body or None
        return Response(content, status_code=self.status, media_type="application/json", headers=dict(headers) | more)


async def perform(
    asking: Asking, noun: Noun, order: Order, *, key: str | None, form: Form, steps: bool = False
) -> Response[Any]:
    """Carry out one write and answer it."""
    async with asking.open() as asker:
        done = await carry(asking, asker=asker, noun=noun, order=order, key=key, form=form, steps=steps)
    return done.respond(asking.headers(asker.crm))


async def carry(
    asking: Asking, *, asker: Asker, noun: Noun, order: Order, key: str | None, form: Form, steps: bool
) -> Done:
    """Carry out one write under its key, if it has one.

    Raises what `write` raises; `Undecided` in place of `ResponseUnknown` where a key lets the hub find out.
    """
    if key is None:
        return _tell(await write(asking.service, asker, noun, order), form=form, steps=steps)
    digest = sha256(msgspec.json.encode([noun.name, order], order="deterministic")).digest()
    claim = await asking.backing.keys.claim(asking.account, key, digest)
    if isinstance(claim, Kept):
        return Done(claim.status, (claim.body or "").encode(), replayed=True)
    try:
        written = await write(asking.service, asker, noun, order, claim)
    except ResponseUnknown as error:
        await claim.wonder()
        seconds = int(asking.backing.keys.settle_after.total_seconds())
        what = f"{error} Send the same request again with the same key in {seconds} s, and the hub finds out."
        raise Undecided(what, retry_after=seconds) from error
    except Undecided:
        await claim.wonder()
        raise
    except (InsightlyError, UnifiedError):
        await _give_up(claim)
        raise
    done = _tell(written, form=form, steps=steps)
    if written.is_whole:
        await claim.finish(done.status, done.body.decode())
    else:
        await claim.leave()
    return done


async def _give_up(claim: Claim) -> None:
    """Nothing more was done: the key is free, or what was done stays for the next try."""
    if claim.done:
        await claim.leave()
    else:
        await claim.forget()


def _tell(written: Written, *, form: Form, steps: bool) -> Done:
    record = None if written.shown is None else dict(form.one(written.shown))
    etag = None if written.shown is None else written.shown.record.get("etag")
    status = 201 if written.created else 200
    if written.is_whole and not steps:
        if record is None:
            return Done(204, b"")
        return Done(status, msgspec.json.encode(record), str(etag) if etag else None)
    told = [_step(report) for report in written.steps]
    composite = Composite(
        result=record,
        status="done" if written.is_whole else "partial",
        steps=told,
        warnings=[f"{step.name} ({step.native_call}) is {step.status}" for step in told if step.status != "done"],
    )
    return Done(status, msgspec.json.encode(composite), str(etag) if etag else None)


def _step(report: StepReport) -> Step:
    problem = None if report.error is None else tell(report.error)
    return Step(name=report.name, native_call=report.call, status=report.status, problem=problem or UNSET)
