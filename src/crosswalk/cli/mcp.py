"""`crosswalk mcp`: an account's tools for an agent, over standard input and output."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import TYPE_CHECKING

import click

from crosswalk.cli.status import explained, loop_through

if TYPE_CHECKING:
    from crosswalk.accounts.tokens import Draft, Tokens

READS = ("accounts:read", "unified:read", "delivery:read")
WRITES = ("unified:create", "unified:update", "unified:delete")
EPILOG = """\b
In the configuration of an agent's program:
  {"mcpServers": {"insightly": {"command": "crosswalk", "args": ["mcp", "--account", "acme"]}}}

The same tools are served over HTTP by `crosswalk serve`, at /mcp/ACCOUNT-ID, to whoever has a token: docs/agents.md."""


@click.command(epilog=EPILOG)
@click.option("--account", required=True, metavar="NAME", help="The linked account: its name or id.")
@click.option("--write", is_flag=True, help="Offer tools that change something too; each change is confirmed.")
@click.option(
    "--per-minute",
    type=click.IntRange(0),
    default=60,
    show_default=True,
    help="Calls of one tool in a minute; 0 for no end of them.",
)
def mcp(*, account: str, write: bool, per_minute: int) -> None:
    """Serve an account's tools by the Model Context Protocol until the input ends.

    An agent's program starts this command; a person does not. It reads only, unless --write is given. Calls keep to
    the account's pace and budget, and are written in the request log and the audit log under a token of their own,
    which ends with the command.
    """
    with explained():
        loop_through(_serve(account, write=write, per_minute=per_minute))


async def _serve(account: str, *, write: bool, per_minute: int) -> None:
    from crosswalk.accounts.tokens import Draft, Tokens
    from crosswalk.api.agents import Quota
    from crosswalk.api.mcp import Agents, Seat, serve_stdio
    from crosswalk.app import build_api, open_hub

    async with open_hub() as hub:
        found = await hub.accounts.find(account)
        draft = Draft(
            name=f"mcp-{token_hex(4)}",
            scopes=(*READS, *(WRITES if write else ())),
            accounts=(found.id,),
            expires="30d",
        )
        app = build_api(hub)
        async with _lent(Tokens(database=hub.database), draft) as secret, app.lifespan():
            agents = Agents(app, quota=Quota(per_minute or None), write=write)
            await serve_stdio(agents, Seat(found.id, f"Bearer {secret}"))


@asynccontextmanager
async def _lent(tokens: "Tokens", draft: "Draft") -> AsyncIterator[str]:
    """A token for as long as the block runs."""
    token, secret = await tokens.create(draft)
    try:
        yield secret.reveal()
    finally:
        await tokens.revoke(token.id)
