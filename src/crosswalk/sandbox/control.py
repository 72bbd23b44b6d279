"""The control plane under `/_sandbox`: seed, clock, log, faults, limits, switches. It asks no key: bind to loopback."""

from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from crosswalk.contract import load
from crosswalk.sandbox.account import Account
from crosswalk.sandbox.call import Answer, Refusal
from crosswalk.sandbox.clock import ClockChange
from crosswalk.sandbox.denials import HTML_TYPE, deny_verb
from crosswalk.sandbox.faults import read_rules
from crosswalk.sandbox.limits import Limits
from crosswalk.sandbox.log import Filter
from crosswalk.sandbox.page import draw_page
from crosswalk.sandbox.plans import PlanName, make_plans
from crosswalk.sandbox.reply import send_plain
from crosswalk.sandbox.request import Gone, Request, read_body
from crosswalk.sandbox.sandbox import Sandbox
from crosswalk.sandbox.switches import Switches


class Seed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `POST /_sandbox/seed` takes: a number, and how many records by resource key."""

    seed: int = 1
    sizes: dict[str, Annotated[int, Meta(ge=0)]] = {}


class PlanChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What `PUT /_sandbox/plan` takes."""

    plan: PlanName


class UserChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What `PUT /_sandbox/users` takes: whose API access is on or off."""

    id: int
    api_access: bool


class Misuse(Exception):
    """A control call that cannot be carried out."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def control(sandbox: Sandbox, request: Request) -> None:
    """Answer one call to the control plane."""
    try:
        body = await read_body(request)
        answer = handle(sandbox, request, body)
    except Gone:
        return
    except Refusal as refusal:
        answer = refusal.answer
    except Misuse as misuse:
        answer = _say(misuse.status, str(misuse))
    except (msgspec.DecodeError, ValueError) as error:
        answer = _say(400, f"The body or query does not fit: {error}")
    await send_plain(request, answer)


def handle(sandbox: Sandbox, request: Request, body: bytes) -> Answer:
    """Find and do what a control call asks for. Raises `Misuse`, `Refusal` and what msgspec raises."""
    name = "/".join(request.segments[1:]).lower()
    verb = "GET" if request.method == "HEAD" else request.method
    if name not in {known for _, known in HANDLERS}:
        known = ", ".join(sorted({name for _, name in HANDLERS if name}))
        raise Misuse(404, f"The control plane has no {name!r}. It has: {known}.")
    handler = HANDLERS.get((verb, name))
    if handler is None:
        return deny_verb(verb, tuple(verb for verb, known in HANDLERS if known == name))
    shown = handler(sandbox, request.query, body)
    return shown if isinstance(shown, Answer) else Answer(200, msgspec.json.encode(shown) + b"\n")


def chosen(sandbox: Sandbox, query: Mapping[str, str]) -> list[Account]:
    """The accounts that a call is about: the one named by `?account=`, or all. Raises `Misuse`."""
    name = query.get("account")
    if name is None:
        return list(sandbox.accounts.values())
    if name not in sandbox.accounts:
        raise Misuse(404, f"There is no account {name!r}. Accounts: {', '.join(sandbox.accounts)}.")
    return [sandbox.accounts[name]]


def show_page(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """GET /_sandbox: what is in it and what was called, for people."""
    return Answer(200, draw_page(sandbox).encode(), HTML_TYPE)


def reset(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """POST /_sandbox/reset: back to the beginning; one account's records and rules with `?account=`."""
    if "account" in query:
        for account in chosen(sandbox, query):
            account.reset(sandbox.clock.now)
        sandbox.forget_keys()
    else:
        sandbox.reset()
    return show_accounts(sandbox, query, body)


def sow(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """POST /_sandbox/seed: new records from a number; keys stay."""
    wanted = msgspec.json.decode(body or b"{}", type=Seed)
    keys = {resource.key for resource in load().resources.values()}
    unknown = sorted(set(wanted.sizes) - keys)
    if unknown:
        raise Misuse(400, f"sizes has no resource {', '.join(unknown)}. Resources: {', '.join(sorted(keys))}.")
    for account in chosen(sandbox, query):
        account.sow(sandbox.clock.now, seed=wanted.seed, sizes=wanted.sizes)
    sandbox.forget_keys()
    return show_accounts(sandbox, query, body)


def show_accounts(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """GET /_sandbox/accounts: names, keys, users, plans and how many records of each resource."""
    return [
        {
            "name": account.name,
            "plan": account.plan.name,
            "keys": [user.key for user in account.instance.users],
            "users": [
                {
                    "id": user.id,
                    "key": user.key,
                    "administrator": user.administrator,
                    "api_access": user.id not in account.barred,
                }
                for user in account.instance.users
            ],
            "records": account.instance.counts(),
        }
        for account in chosen(sandbox, query)
    ]


def change_user(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """PUT /_sandbox/users: switch a user's API access on or off."""
    change = msgspec.json.decode(body, type=UserChange)
    accounts = [a for a in chosen(sandbox, query) if change.id in {user.id for user in a.instance.users}]
    if not accounts:
        raise Misuse(404, f"There is no user {change.id}. GET /_sandbox/accounts lists them.")
    for account in accounts:
        (account.barred.discard if change.api_access else account.barred.add)(change.id)
    sandbox.forget_keys()
    return show_accounts(sandbox, query, body)


def show_clock(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """GET /_sandbox/clock: the time shown, its seconds ahead of the machine's, and whether it stands still."""
    clock = sandbox.clock
    return {"now": clock.now, "offset": round(clock.seconds - clock.read(), 3), "frozen": clock.stopped is not None}


def change_clock(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """PUT /_sandbox/clock: set, move, stop or start it."""
    sandbox.clock.change(msgspec.json.decode(body, type=ClockChange))
    return show_clock(sandbox, query, body)


def show_log(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """GET /_sandbox/log: the last calls, oldest first."""
    return list(sandbox.log.select(msgspec.convert(dict(query), Filter, strict=False)))


def clear_log(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """DELETE /_sandbox/log: forget every call."""
    sandbox.log.clear()
    return []


def show_faults(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """GET /_sandbox/faults: the script, with how often each line was seen and applied."""
    return [rule.show() for rule in sandbox.script.rules]


def change_faults(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """PUT /_sandbox/faults: a list in place of the old one; `?seed=` starts its generator."""
    rules = read_rules(body)
    unknown = {rule.where.account for rule in rules} - {None, *sandbox.accounts}
    if unknown:
        raise Misuse(400, f"There is no account {unknown.pop()!r}. Accounts: {', '.join(sandbox.accounts)}.")
    sandbox.script.load(rules, seed=int(query.get("seed", "1")))
    return show_faults(sandbox, query, body)


def clear_faults(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """DELETE /_sandbox/faults: none but a standing latency."""
    sandbox.script.load(())
    return show_faults(sandbox, query, body)


def show_limits(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """GET /_sandbox/limits: the limits, and what is used of the day."""
    account = chosen(sandbox, query)[0]
    meter = account.limiter.meter(account.instance.users[0].key, account.switches, sandbox.clock.now)
    return {**_plain(account.limiter.limits), "used": meter.used}


def change_limits(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """PUT /_sandbox/limits: those named change; `used` sets the calls spent today."""
    change = msgspec.json.decode(body, type=dict[str, object])
    used = msgspec.convert(change.pop("used", None), Annotated[int, Meta(ge=0)] | None)
    for account in chosen(sandbox, query):
        limiter = account.limiter
        limiter.limits = msgspec.convert({**_plain(limiter.limits), **change}, Limits)
        if used is not None:
            for user in account.instance.users:
                limiter.meter(user.key, account.switches, sandbox.clock.now).used = used
    return show_limits(sandbox, query, body)


def show_switches(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """GET /_sandbox/switches: how contested behaviour stands."""
    return chosen(sandbox, query)[0].switches


def change_switches(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """PUT /_sandbox/switches: those named change."""
    change = msgspec.json.decode(body, type=dict[str, object])
    for account in chosen(sandbox, query):
        account.switches = msgspec.convert({**_plain(account.switches), **change}, Switches)
    return show_switches(sandbox, query, body)


def show_plan(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """GET /_sandbox/plan: the plan's name, its calls a day, and the collections it closes with their status."""
    return chosen(sandbox, query)[0].plan


def change_plan(sandbox: Sandbox, query: Mapping[str, str], body: bytes) -> object:
    """PUT /_sandbox/plan: change to another plan, and its calls a day."""
    plan = make_plans()[msgspec.json.decode(body, type=PlanChange).plan]
    for account in chosen(sandbox, query):
        account.join(plan)
    return show_plan(sandbox, query, body)


Handler = Callable[[Sandbox, Mapping[str, str], bytes], object]

HANDLERS: Mapping[tuple[str, str], Handler] = {
    ("GET", ""): show_page,
    ("GET", "accounts"): show_accounts,
    ("PUT", "users"): change_user,
    ("POST", "reset"): reset,
    ("POST", "seed"): sow,
    ("GET", "clock"): show_clock,
    ("PUT", "clock"): change_clock,
    ("GET", "log"): show_log,
    ("DELETE", "log"): clear_log,
    ("GET", "faults"): show_faults,
    ("PUT", "faults"): change_faults,
    ("DELETE", "faults"): clear_faults,
    ("GET", "limits"): show_limits,
    ("PUT", "limits"): change_limits,
    ("GET", "switches"): show_switches,
    ("PUT", "switches"): change_switches,
    ("GET", "plan"): show_plan,
    ("PUT", "plan"): change_plan,
}
"""Every control call by verb and name."""


def _say(status: int, message: str) -> Answer:
    return Answer(status, msgspec.json.encode({"message": message}) + b"\n")


def _plain(value: Struct) -> dict[str, object]:
    shown: dict[str, object] = msgspec.to_builtins(value)
    return shown
