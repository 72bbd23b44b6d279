"""Lines of the audit log about what the command line changed."""

import os
import pwd

import click

GROUPS = frozenset(
    {
        "accounts",
        "automations",
        "datasets",
        "dead-letters",
        "destinations",
        "events",
        "keys",
        "mapping",
        "notices",
        "runs",
        "sources",
        "webhooks",
    }
)
VERBS = frozenset(
    {
        "activate",
        "add",
        "cancel",
        "change",
        "create",
        "decide",
        "disable",
        "discard",
        "drop-hint",
        "edit",
        "enable",
        "fire",
        "forget",
        "hint-url",
        "import",
        "move",
        "pause",
        "prune",
        "release",
        "relink",
        "remove",
        "replay",
        "resume",
        "rollback",
        "rotate",
        "run",
        "save",
        "schedule",
        "subscribe",
        "undo",
        "unsubscribe",
        "unwatch",
        "update",
        "watch",
    }
)
"""Commands that change something. Tokens write their lines in their own transactions."""


def is_audited(context: click.Context | None) -> bool:
    """Whether the command that runs changes something that the audit log tells of."""
    words = [] if context is None else context.command_path.split()[1:]
    return len(words) > 1 and words[0] in GROUPS and words[-1] in VERBS


async def witness(context: click.Context) -> None:
    """Write the line of a command that went well; say where that cannot be done."""
    from datetime import UTC, datetime

    from crosswalk.accounts.audit import COMMAND_LINE, Act, write
    from crosswalk.app import open_hub
    from crosswalk.store.errors import StoreError

    words = context.command_path.split()[1:]
    named = [str(context.params[each.name]) for each in context.command.params if _is_argument(each)]
    act = Act(
        actor=COMMAND_LINE,
        action=f"{words[0].removesuffix('s')}.{words[-1]}",
        object=" ".join(named) or words[0],
        detail={"user": _user(), "command": " ".join(words)},
    )
    try:
        async with open_hub() as hub:
            await write(hub.database, act, at=datetime.now(UTC))
    except StoreError as exc:
        click.echo(f"It is done, and the audit log lacks it: {exc}", err=True)


def _is_argument(param: click.Parameter) -> bool:
    """Whether a word names what the command is about; options may hold secrets."""
    return isinstance(param, click.Argument) and param.name is not None


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
