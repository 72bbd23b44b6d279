"""`crosswalk client`: types of an account's own records, for programs."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crosswalk.cli.status import run

if TYPE_CHECKING:
    from crosswalk.unified.typed import Typed

LANGS = ("python", "typescript")


@click.group()
def client() -> None:
    """Write types of an account's own records, custom fields and options too, for your programs."""


@client.command(epilog="Example: crosswalk client generate --account acme --lang python --to acme.py")
@click.option("--account", required=True, metavar="NAME", help="The linked account: its name or id.")
@click.option("--lang", type=click.Choice(LANGS), default="python", show_default=True, help="The language.")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="The file; standard output unless given.")
def generate(*, account: str, lang: str, to: Path | None) -> None:
    """Write the types of an account's records in one file, read from the account as it is now.

    The account is asked what works and which custom fields it has: a few calls. Python gets a module of typed
    dictionaries and collections for `crosswalk.Crosswalk`, TypeScript a module of interfaces. Write it again when
    fields change; what was written before is replaced.
    """
    from crosswalk.unified.typed import WRITERS

    name, typed = run(_describe(account))
    text = WRITERS[lang](typed, f"Types of the records of {name}.")
    if to is None:
        click.echo(text, nl=False)
        return
    to.write_text(text, encoding="utf-8")
    click.echo(f"{to}: {len(typed.declared)} types of {len(typed.collections)} collections.", err=True)


async def _describe(account: str) -> "tuple[str, Typed]":
    from crosswalk.accounts.doctor import Doctor
    from crosswalk.api.capabilities import APIS, collections
    from crosswalk.app import open_hub
    from crosswalk.unified.mapping import verbs
    from crosswalk.unified.typed import describe

    async with open_hub() as hub:
        found = await hub.accounts.find(account)
        examined = await Doctor(accounts=hub.accounts).examine(found, collections())
    if examined.refused is not None:
        raise click.ClickException(f"{found.name}: {examined.refused}")
    custom = {path: opened.custom_fields for path, opened in examined.opened.items()}
    able = {"create", "update", "upsert"}
    return found.name, describe(APIS, custom, writes=lambda noun, api: api == "crm" and bool(able & verbs(noun)))
