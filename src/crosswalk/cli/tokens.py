"""`crosswalk tokens`: make API tokens, list, rotate and revoke them."""

from typing import TYPE_CHECKING

import click

from crosswalk.cli.status import print_json, run

if TYPE_CHECKING:
    from crosswalk.accounts.tokens import Draft, Token
    from crosswalk.accounts.vault import Secret

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def tokens() -> None:
    """Make API tokens, list, rotate and revoke them. Every call of the HTTP API below /v1 needs one."""


@tokens.command(epilog="Example: crosswalk tokens create --name reports --scope 'delivery:read' --expires 30d")
@click.option("--name", required=True, help="What it is for.")
@click.option(
    "--scope",
    "scopes",
    metavar="SCOPE",
    multiple=True,
    required=True,
    help="What it may do: API[.RESOURCE]:VERB, with * for any. Repeatable.",
)
@click.option("--account", "accounts", metavar="ID", multiple=True, help="An account it reaches; none: every account.")
@click.option("--expires", metavar="WHEN", help="30d, 12h or a date such as 2027-01-31; never unless given.")
@click.option("--deny", metavar="SCOPE", multiple=True, help="What it lacks whatever --scope says. Repeatable.")
@click.option("--network", "networks", metavar="CIDR", multiple=True, help="Whence alone it is taken. Repeatable.")
@JSON
def create(
    *,
    name: str,
    scopes: tuple[str, ...],
    accounts: tuple[str, ...],
    expires: str | None,
    deny: tuple[str, ...],
    networks: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make a token and print it, this once; only its digest is kept.

    APIs: unified, proxy, delivery, accounts, automations, webhooks, admin. Verbs: read, create, update, delete.
    """
    from crosswalk.accounts.tokens import Draft

    draft = Draft(
        name=name,
        scopes=scopes,
        accounts=accounts or None,
        expires=expires,
        deny=deny,
        networks=networks or None,
    )
    _show(*run(_create(draft)), as_json=as_json)


@tokens.command(epilog="Example: crosswalk tokens rotate reports --overlap 12")
@click.argument("token", metavar="NAME")
@click.option(
    "--overlap",
    type=click.IntRange(0, 720),
    default=24,
    show_default=True,
    metavar="HOURS",
    help="How long the old text is taken beside the new one.",
)
@JSON
def rotate(*, token: str, overlap: int, as_json: bool) -> None:
    """Give a token another text and print it, this once; the old one holds on for a while."""
    _show(*run(_rotate(token, overlap)), as_json=as_json)


@tokens.command("list")
@JSON
def list_(*, as_json: bool) -> None:
    """List every token without its secret, revoked ones too."""
    found = run(_list())
    if as_json:
        print_json(found)
        return
    for each in found:
        ends = "revoked" if each.revoked_at else f"until {each.expires_at:%Y-%m-%d %H:%M}" if each.expires_at else ""
        click.echo(f"{each.prefix}  {each.name:20}  {' '.join(each.scopes)}  {ends}".rstrip())


@tokens.command()
@click.argument("token", metavar="NAME")
@JSON
def revoke(*, token: str, as_json: bool) -> None:
    """End a token, by name or id. Whoever uses it is refused within a second."""
    found = run(_revoke(token))
    if as_json:
        print_json(found)
    else:
        click.echo(f"Revoked {found.name} ({found.prefix}).")


def _show(token: "Token", secret: "Secret", *, as_json: bool) -> None:
    if as_json:
        from msgspec.structs import asdict

        print_json({**asdict(token), "token": secret.reveal()})
    else:
        click.echo(secret.reveal())


async def _rotate(key: str, overlap: int) -> "tuple[Token, Secret]":
    from datetime import timedelta

    from crosswalk.accounts.tokens import Tokens
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await Tokens(database=hub.database).rotate(key, timedelta(hours=overlap))


async def _create(draft: "Draft") -> "tuple[Token, Secret]":
    from crosswalk.accounts.tokens import Tokens
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await Tokens(database=hub.database).create(draft)


async def _list() -> "list[Token]":
    from crosswalk.accounts.tokens import Tokens
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await Tokens(database=hub.database).list()


async def _revoke(key: str) -> "Token":
    from crosswalk.accounts.tokens import Tokens
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await Tokens(database=hub.database).revoke(key)
