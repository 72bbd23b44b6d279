"""`crosswalk console`: let people into the web console, and out of it."""

import sys

import click

from crosswalk.cli.status import WrongUse, print_json, run

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def console() -> None:
    """Sign in to the web console: links, the password, sessions. `crosswalk serve` serves it."""


@console.command(epilog="Example: crosswalk console link --url https://hub.example.com")
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Where the hub is served.")
@JSON
def link(*, url: str, as_json: bool) -> None:
    """Make a link that lets one person in, once, within half an hour."""
    if not url.startswith(("http://", "https://")):
        raise WrongUse(f"--url is {url!r}; write the hub's whole address, such as http://127.0.0.1:8080")
    made = run(_make_link(url.rstrip("/")))
    if as_json:
        print_json({"link": made})
    else:
        click.echo(made)


@console.command(epilog="Example: crosswalk console password < password.txt")
@click.option("--remove", is_flag=True, help="Let people in by links only.")
def password(*, remove: bool) -> None:
    """Set the password of the console; it is asked for, or read from standard input."""
    if remove:
        run(_remove_password())
        click.echo("The password is removed; sign in by a link: crosswalk console link")
        return
    text = (
        click.prompt("New password", hide_input=True, confirmation_prompt=True)
        if sys.stdin.isatty()
        else sys.stdin.readline().rstrip("\r\n")
    )
    run(_set_password(text))
    click.echo("The password is set.")


@console.command("sign-out", epilog="Example: crosswalk console sign-out")
@JSON
def sign_out(*, as_json: bool) -> None:
    """End every session of the console."""
    ended = run(_end_sessions())
    if as_json:
        print_json({"ended": ended})
    else:
        click.echo(f"Ended {ended} session{'' if ended == 1 else 's'}.")


async def _make_link(url: str) -> str:
    from crosswalk.app import open_hub
    from crosswalk.cli.serve import sign_in_link

    async with open_hub() as hub:
        return await sign_in_link(hub, url)


async def _set_password(text: str) -> None:
    from crosswalk.app import open_hub
    from crosswalk.console.session import Sessions, WeakPassword

    async with open_hub() as hub:
        try:
            await Sessions(database=hub.database).set_password(text)
        except WeakPassword as exc:
            raise WrongUse(str(exc)) from exc


async def _remove_password() -> None:
    from crosswalk.app import open_hub
    from crosswalk.console.session import Sessions

    async with open_hub() as hub:
        await Sessions(database=hub.database).remove_password()


async def _end_sessions() -> int:
    from crosswalk.app import open_hub
    from crosswalk.console.session import Sessions

    async with open_hub() as hub:
        return await Sessions(database=hub.database).end_others()
