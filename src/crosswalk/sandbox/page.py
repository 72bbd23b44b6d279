"""The page at `/_sandbox`: what is in the sandbox and what was called, for people. No script, everything escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import islice

import msgspec

from crosswalk.sandbox.account import Account
from crosswalk.sandbox.auth import mask_key
from crosswalk.sandbox.log import Entry
from crosswalk.sandbox.sandbox import Sandbox

LAST = 50
STYLE = (
    "body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1c2330}"
    "h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;padding:.2rem .6rem;border-bottom:1px solid #dde2ea}"
    "code{background:#eef1f5;padding:0 .3em}"
)


def draw_page(sandbox: Sandbox) -> str:
    """Draw the whole page."""
    still = ", which stands still" if sandbox.clock.stopped is not None else ""
    parts = [
        f"<h1>Sandbox</h1><p>{sandbox.clock.now:%Y-%m-%d %H:%M:%S} UTC by its clock{still}.</p>",
        *(draw_account(account, sandbox) for account in sandbox.accounts.values()),
        "<h2>Faults</h2>",
        draw_faults(sandbox),
        f"<h2>Last calls</h2><p>The newest first, {LAST} at most; all at <code>GET /_sandbox/log</code>.</p>",
        draw_calls(list(islice(reversed(sandbox.log.entries), LAST))),
    ]
    return (
        "<!DOCTYPE html><html lang=en><head><meta charset=utf-8><meta http-equiv=refresh content=5>"
        f"<title>Sandbox</title><style>{STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def draw_account(account: Account, sandbox: Sandbox) -> str:
    """Draw one account: users, limits, records, switches that differ from their default."""
    limits, switches = account.limiter.limits, account.switches
    left = account.limiter.remaining(account.instance.users[0].key, switches, sandbox.clock.now)
    users = ", ".join(
        f"{user.id} ({mask_key(user.key)}{', administrator' if user.administrator else ''}"
        f"{', no API access' if user.id in account.barred else ''})"
        for user in account.instance.users
    )
    pace = f"{limits.per_second} a second, {left} of {limits.per_day} left today" if limits.enabled else "off"
    changed = {
        name: value
        for name, value in msgspec.to_builtins(switches).items()
        if value != getattr(account.recipe.switches, name)
    }
    rows = [
        ("Plan", account.plan.name),
        ("Users", users),
        ("Limits", pace),
        ("Switches changed", ", ".join(f"{name}={value}" for name, value in changed.items()) or "none"),
    ]
    counts = [(name, str(count)) for name, count in account.instance.counts().items() if count]
    return f"<h2>{escape(account.name)}</h2>{draw_table((), rows)}{draw_table(('Resource', 'Records'), counts)}"


def draw_faults(sandbox: Sandbox) -> str:
    """Draw the script of faults."""
    rows = [(msgspec.json.encode(rule.show()).decode(),) for rule in sandbox.script.rules]
    return draw_table((), rows) if rows else "<p>None.</p>"


def draw_calls(entries: Sequence[Entry]) -> str:
    """Draw some calls of the log."""
    head = ("Time", "Account", "User", "Call", "Status", "Faults", "ms")
    rows = [
        (
            f"{entry.time:%H:%M:%S}",
            entry.account or "",
            "" if entry.user is None else str(entry.user),
            f"{entry.method} {entry.path}{'?' if entry.query else ''}{entry.query}",
            "none" if entry.status is None else str(entry.status),
            ", ".join(entry.faults),
            f"{entry.ms:.1f}",
        )
        for entry in entries
    ]
    return draw_table(head, rows)


def draw_table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """Draw a table, escaping every cell."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"
