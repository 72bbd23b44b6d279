"""`crosswalk keys`: the master keys that seal what is secret. Keys themselves are never shown."""

import sys
from typing import TYPE_CHECKING

import click

from crosswalk.cli.status import DONE, SOME_FAILED, WrongUse, print_json, run

if TYPE_CHECKING:
    from crosswalk.accounts.rotation import Ring, Tally

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def keys() -> None:
    """List and rotate the master keys that seal accounts' keys and other secrets. Keys are never shown."""


@keys.command("list")
@JSON
def list_(*, as_json: bool) -> None:
    """List master keys by id, newest first, each with how many secrets it seals."""
    found = run(_list())
    if as_json:
        print_json(found)
        return
    for each in found:
        kind = "newest" if each.newest else "older" if each.given else "not given"
        seals = ", ".join(f"{count:,} {name}" for name, count in sorted(each.seals.items())) or "nothing"
        click.echo(f"{each.id}  {kind:9}  seals {seals}")


@keys.command(epilog="Example: crosswalk keys rotate")
@JSON
def rotate(*, as_json: bool) -> None:
    """Seal every secret anew under the newest key, while the hub runs.

    Without CROSSWALK_MASTER_KEY a new key is made in the home's master.key first, unless an earlier rotation was cut
    short: then that one goes on. With CROSSWALK_MASTER_KEY, put the new key first in the list, keep the old one after
    it, and start the hub again with that list before you rotate; where the list is file:PATH, changing the file is
    enough. Status 1 when a secret could not be opened.
    """
    made, tallies = run(_rotate())
    if as_json:
        print_json({"newest": made, "shelves": tallies})
    else:
        click.echo(f"Newest key: {made}")
        for each in tallies:
            click.echo(f"{each.shelf:18} {each.resealed:,} sealed anew, {each.already:,} were already")
    failures = [why for each in tallies for why in each.failed]
    for why in failures:
        click.echo(why, err=True)
    if not as_json and not failures:
        click.echo("Keep the older key until `crosswalk keys list` shows that it seals nothing; then drop it.")
    sys.exit(SOME_FAILED if failures else DONE)


@keys.command(epilog="Example: crosswalk keys drop 0f3a9c21d4be")
@click.argument("key_id", metavar="KEY_ID")
@JSON
def drop(*, key_id: str, as_json: bool) -> None:
    """Take an older key that seals nothing out of the home's master.key.

    Backups made before the rotation need it: keep a copy as long as you keep them.
    """
    run(_drop(key_id))
    if as_json:
        print_json({"id": key_id, "dropped": True})
    else:
        click.echo(f"Dropped {key_id}.")


async def _list() -> "list[Ring]":
    from crosswalk.accounts.rotation import count_keys
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        return await count_keys(hub.database, hub.accounts.vault)


async def _rotate() -> "tuple[str, list[Tally]]":
    from crosswalk.accounts.home_key import add_home_key
    from crosswalk.accounts.rotation import count_keys
    from crosswalk.accounts.rotation import rotate as seal_anew
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        vault = hub.accounts.vault
        if not hub.settings.master_keys:
            rings = await count_keys(hub.database, vault)
            if not any(each.seals and not each.newest for each in rings):
                add_home_key(hub.settings.home)
        tallies = [tally async for tally in seal_anew(hub.database, vault)]
        return vault.ids[0], tallies


async def _drop(key_id: str) -> None:
    from crosswalk.accounts.home_key import drop_home_key
    from crosswalk.accounts.rotation import count_keys
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        if hub.settings.master_keys:
            raise WrongUse("The keys are given by CROSSWALK_MASTER_KEY; take the old one out of that list")
        found = next((each for each in await count_keys(hub.database, hub.accounts.vault) if each.id == key_id), None)
        if found is not None and found.seals:
            raise WrongUse(
                f"Key {key_id} still seals {sum(found.seals.values()):,} secrets. `crosswalk keys rotate` first"
            )
        drop_home_key(hub.settings.home, key_id)
