"""The sandbox as one bare ASGI application: whose call, may it, what is it, do it, answer, write it down."""

import asyncio
from dataclasses import dataclass
from typing import assert_never

from crosswalk.sandbox.account import Account
from crosswalk.sandbox.auth import mask_key
from crosswalk.sandbox.call import Answer, Call, Refusal
from crosswalk.sandbox.conduct import conduct
from crosswalk.sandbox.control import control
from crosswalk.sandbox.denials import (
    UNAUTHORIZED,
    deny_burst,
    deny_collection,
    deny_day,
    deny_path,
    deny_record,
    deny_verb,
)
from crosswalk.sandbox.faults import Fault, RateLimit, fault_name
from crosswalk.sandbox.limits import Admitted, Burst, Spent
from crosswalk.sandbox.log import Entry
from crosswalk.sandbox.operations import perform
from crosswalk.sandbox.reply import Budget, send_answer
from crosswalk.sandbox.request import Gone, Receive, Request, Scope, Send, read_body, read_request
from crosswalk.sandbox.routes import Found, Route, Unknown, WrongVerb, make_routes
from crosswalk.sandbox.sandbox import Guest, Sandbox

BASE = "v3.1"
CONTROL = "_sandbox"
BARE_HOST = "api.insightly.com"
FORBIDDEN = 403


@dataclass(slots=True)
class Visit:
    """One call on its way through, and what is known of it so far. `status` 500 stands until it is settled."""

    request: Request
    at: float
    began: float
    guest: Guest | None = None
    budget: Budget | None = None
    faults: tuple[Fault, ...] = ()
    body: bytes = b""
    answer: Answer | None = None
    status: int | None = 500


class App:
    """The ASGI application over a sandbox's state. `closing` says that calls in flight are being ended by us."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.routes = make_routes()
        self.closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = read_request(scope, receive, send)
        if request.segments[:1] == [CONTROL]:
            await control(self.sandbox, request)
        else:
            await self.serve(request)

    async def serve(self, request: Request) -> None:
        """Answer one call to Insightly and write it down, whatever becomes of it."""
        visit = Visit(request, self.sandbox.wall(), self.sandbox.steady())
        try:
            answer = visit.answer = await self.answer(visit)
            visit.status = None if answer is None else answer.status
            if answer is not None:
                budget = visit.budget or self.show_budget(self.sandbox.first)
                await send_answer(request, answer, date=self.sandbox.clock.date, budget=budget, faults=visit.faults)
        except Gone:
            visit.status = None
        except asyncio.CancelledError:
            visit.status = None
            if not self.closing:
                raise
        finally:
            self.write(visit)

    async def answer(self, visit: Visit) -> Answer | None:
        """Find the answer to one call; `None` when there is nobody left to hear it."""
        try:
            guest = visit.guest = self.identify(visit.request)
            self.admit(visit, guest)
            found = self.route(visit.request, guest.account)
            guest.account.flying += 1
            try:
                return await self.work(visit, guest, found)
            finally:
                guest.account.flying -= 1
        except Refusal as refusal:
            return refusal.answer

    def identify(self, request: Request) -> Guest:
        """Find whose call it is. Raises `Refusal` for no key, a wrong one, or the host without a pod."""
        host = request.headers.get("host", "").lower().partition(":")[0]
        if host == BARE_HOST and self.sandbox.first.switches.bare_host == "refused":
            raise Refusal(deny_path(request.uri))
        guest = self.sandbox.admit(request.headers.get("authorization", ""))
        if guest is None:
            raise Refusal(UNAUTHORIZED)
        return guest

    def admit(self, visit: Visit, guest: Guest) -> None:
        """Spend one call of the account's limits. Raises `Refusal` when there is none."""
        account, now = guest.account, self.sandbox.clock.now
        limiter, switches = account.limiter, account.switches
        per_day = limiter.limits.per_day
        match limiter.admit(guest.user.key, switches, at=visit.began, now=now, flying=account.flying):
            case Admitted(remaining):
                visit.budget = Budget(per_day, remaining)
            case Burst(remaining, wait):
                visit.budget = Budget(per_day, remaining)
                raise Refusal(deny_burst(wait if switches.retry_after == "present" else None))
            case Spent():
                visit.budget = Budget(per_day, 0)
                raise Refusal(deny_day(per_day))
            case verdict:
                assert_never(verdict)

    def show_budget(self, account: Account) -> Budget:
        """What is left of the day, for an answer to nobody in particular."""
        limiter = account.limiter
        key = account.instance.users[0].key
        return Budget(limiter.limits.per_day, limiter.remaining(key, account.switches, self.sandbox.clock.now))

    def route(self, request: Request, account: Account) -> Found:
        """Find the operation. Raises `Refusal` for an unknown path, a wrong verb, a collection that the plan closes."""
        base, *segments = request.segments or [""]
        verb = "GET" if request.method == "HEAD" else request.method
        match self.routes.find(verb, segments, request.query) if base.lower() == BASE else Unknown():
            case Found(route=route) as found:
                if route.bulk and account.switches.bulk == "absent":
                    raise Refusal(deny_path(request.uri))
                self.check_plan(route, account, request.uri)
                return found
            case WrongVerb(allowed):
                raise Refusal(deny_verb(verb, allowed))
            case Unknown():
                raise Refusal(deny_path(request.uri))
            case match:
                assert_never(match)

    def check_plan(self, route: Route, account: Account, uri: str) -> None:
        """Raise `Refusal` where the account's plan closes a collection or its number of records is reached."""
        closed = account.plan.closed
        for name in route.touches if closed else ():
            status = closed.get(name)
            if status is not None:
                raise Refusal(deny_collection(name) if status == FORBIDDEN else deny_path(uri))
        most = account.limiter.limits.records
        creates = route.operation.verb == "POST" and route.operation.path == route.resource.path
        if creates and most is not None and sum(account.instance.counts().values()) >= most:
            raise Refusal(deny_record())

    async def work(self, visit: Visit, guest: Guest, found: Found) -> Answer | None:
        """Read the body, act out the faults, do the work. Raises `Gone` when the caller left while it was sending."""
        visit.body = await read_body(visit.request)
        if not self.sandbox.script.rules:
            return self.perform(visit, guest, found)
        script, per_day = self.sandbox.script, guest.account.limiter.limits.per_day
        visit.faults = script.pick(guest.account.name, found.route.operation.verb, found.path)
        if any(isinstance(fault, RateLimit) and fault.day for fault in visit.faults):
            visit.budget = Budget(per_day, 0)
        return await conduct(
            visit.request,
            visit.faults,
            work=lambda lag: self.perform(visit, guest, found, lag=lag),
            per_day=per_day,
            rng=script.rng,
        )

    def perform(self, visit: Visit, guest: Guest, found: Found, *, lag: float = 0.0) -> Answer:
        """Do a call's work on the account's records. Raises `Refusal`."""
        route, request, account = found.route, visit.request, guest.account
        params = found.params(request.query)
        call = Call(
            resource=route.resource,
            operation=route.operation,
            params=params,
            query=request.query,
            headers=request.headers,
            body=visit.body,
            user=guest.user,
            now=self.sandbox.clock.now,
            switches=account.switches,
            search_lag=lag,
            object_name=params.get("objectName", route.resource.name),
        )
        answer = perform(account.instance, call)
        if route.operation.verb != "GET":
            account.changes += 1
        return answer

    def write(self, visit: Visit) -> None:
        """Write one call into the log."""
        request, guest = visit.request, visit.guest
        entry = Entry(
            number=self.sandbox.log.next(),
            at=visit.at,
            time=self.sandbox.clock.shown_at(visit.at),
            account=guest.account.name if guest else None,
            method=request.method,
            path=request.path,
            query=request.query_string,
            status=visit.status,
            user=guest.user.id if guest else None,
            key=mask_key(guest.user.key) if guest else None,
            faults=tuple(fault_name(fault) for fault in visit.faults),
            ms=round((self.sandbox.steady() - visit.began) * 1000, 3),
        )
        self.sandbox.log.add(entry, visit.body, visit.answer.body if visit.answer else b"")
