"""`crosswalk mapping …`: overrides of the unified model, explained, tried on records, saved and rolled back."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crosswalk.cli.mapping import mapping
from crosswalk.cli.status import WrongUse, print_json, run

if TYPE_CHECKING:
    from crosswalk.app import Hub
    from crosswalk.unified.mappings import Draft, Mappings, Spot, Version, Whose
    from crosswalk.unified.overrides import Explanation, Override
    from crosswalk.unified.trying import Preview

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
RESOURCE = click.argument("resource")
FILE = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))


def of_layer(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that pick a layer."""
    for option in (
        click.option("--base", is_flag=True, help="The layer of the whole installation."),
        click.option("--tenant", metavar="ID", help="The environment of a tenant: all its accounts."),
        click.option("--account", metavar="NAME", help="The layer of one account."),
    ):
        command = option(command)
    return command


@mapping.command(epilog="Example: crosswalk mapping explain contacts --account acme")
@RESOURCE
@click.option("--account", metavar="NAME", required=True, help="The account that has the mapping.")
@JSON
def explain(resource: str, *, account: str, as_json: bool) -> None:
    """Say of each field of a unified RESOURCE which layer says what it is made of, and of which of Insightly's."""
    found = run(_explain(resource, account))
    if as_json:
        print_json(found)
        return
    for each in found:
        over = f", over {', '.join(each.beneath)}" if each.beneath else ""
        click.echo(f"{each.field:24} {each.layer:12} {each.source:13} {' '.join(each.natives)}{over}")


@mapping.command(epilog="Example: crosswalk mapping versions contacts --account acme --json")
@RESOURCE
@of_layer
@JSON
def versions(resource: str, *, account: str | None, tenant: str | None, base: bool, as_json: bool) -> None:
    """List what was saved for a unified RESOURCE in one layer, newest first."""
    found = run(_versions(resource, _pick(account, tenant, base=base)))
    if as_json:
        print_json([_told(each) for each in found])
        return
    for each in found:
        click.echo(
            f"{each.number:5}  {each.made_at:%Y-%m-%d %H:%M}  {each.made_by}  {', '.join(each.overrides) or '-'}"
        )


@mapping.command(epilog="Example: crosswalk mapping preview contacts overrides.json --account acme")
@RESOURCE
@FILE
@of_layer
@click.option("--on", "on", metavar="NAME", help="Whose records, where the layer is no account's.")
@click.option("--id", "ids", metavar="ID", multiple=True, help="Try this record. Repeatable; else the newest.")
@click.option("--limit", type=click.IntRange(1, 20), default=5, show_default=True, help="How many of the newest.")
@JSON
def preview(
    resource: str,
    file: Path,
    *,
    account: str | None,
    tenant: str | None,
    base: bool,
    on: str | None,
    ids: tuple[str, ...],
    limit: int,
    as_json: bool,
) -> None:
    """Try the overrides of FILE, a JSON object by field, on real records. Nothing is saved; exits 1 where one fails."""
    picked = _pick(account, tenant, base=base)
    if on is None and account is None:
        raise WrongUse("Say --on NAME: overrides are tried on an account's records")
    if not all(each.isdigit() for each in ids):
        raise WrongUse("Ids are whole numbers")
    found = run(_preview(resource, _read(file), picked, on=on or account or "", ids=ids, limit=limit))
    if as_json:
        print_json(found)
    for difference in () if as_json else found.differences:
        click.echo(f"{difference.id}  {difference.field}: {difference.before!r} -> {difference.after!r}")
    for failure in found.failures:
        click.echo(f"{failure.id}  {failure.field}: {failure.detail}", err=True)
    if not as_json and not found.differences:
        click.echo(f"{len(found.records)} records would say the same as now.")
    if found.failures:
        raise SystemExit(1)


@mapping.command(epilog="Example: crosswalk mapping save contacts overrides.json --account acme")
@RESOURCE
@FILE
@of_layer
@JSON
def save(resource: str, file: Path, *, account: str | None, tenant: str | None, base: bool, as_json: bool) -> None:
    """Save the overrides of FILE, a JSON object by field, as the layer's next version; {} takes all of them away."""
    _tell(run(_save(resource, _pick(account, tenant, base=base), overrides=_read(file))), as_json=as_json)


@mapping.command(epilog="Example: crosswalk mapping rollback contacts 3 --account acme")
@RESOURCE
@click.argument("version", type=click.IntRange(min=1))
@of_layer
@JSON
def rollback(
    resource: str, version: int, *, account: str | None, tenant: str | None, base: bool, as_json: bool
) -> None:
    """Save what VERSION held as the layer's newest version."""
    _tell(run(_save(resource, _pick(account, tenant, base=base), back_to=version)), as_json=as_json)


Picked = tuple[str, str]
"""The layer, and what names its subject: an account, a tenant, nothing."""


def _pick(account: str | None, tenant: str | None, *, base: bool) -> Picked:
    given = [("account", account), ("environment", tenant), ("base", "" if base else None)]
    picked = [(layer, key) for layer, key in given if key is not None]
    if len(picked) != 1:
        raise WrongUse("Say whose layer: one of --account NAME, --tenant ID and --base")
    return picked[0]


def _read(file: Path) -> "dict[str, Override]":
    import msgspec

    from crosswalk.unified.overrides import Override

    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Override])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise WrongUse(f"{file} holds no overrides: {exc}") from exc


def _tell(version: "Version", *, as_json: bool) -> None:
    if as_json:
        print_json(_told(version))
    else:
        fields = ", ".join(version.overrides) or "no field"
        click.echo(
            f"The {version.spot.layer} layer of {version.spot.resource} is at version {version.number}: {fields}."
        )


def _told(version: "Version") -> dict[str, object]:
    spot = version.spot
    return {
        "resource": spot.resource,
        "layer": spot.layer,
        "subject": spot.subject,
        "version": version.number,
        "overrides": version.overrides,
        "made_by": version.made_by,
        "made_at": version.made_at,
    }


async def _spot(hub: "Hub", resource: str, picked: Picked) -> "tuple[Spot, Whose | None]":
    from typing import cast

    from crosswalk.unified.mappings import Spot, Whose
    from crosswalk.unified.nouns import MAPPED, find_noun
    from crosswalk.unified.overrides import Layer

    find_noun(resource, MAPPED)
    layer, key = picked
    if layer != "account":
        return Spot(cast("Layer", layer), key, resource), None
    account = await hub.accounts.find(key)
    return Spot("account", account.id, resource), Whose(account.id, account.tenant_id)


def _mappings(hub: "Hub") -> "Mappings":
    from crosswalk.api.asking import make_mappings

    return make_mappings(hub.database)


async def _draft(hub: "Hub", spot: "Spot", whose: "Whose | None", overrides: "dict[str, Override]") -> "Draft":
    """A draft by the command line; an account is asked for its custom fields, in one call."""
    from crosswalk.unified.mapping import needs_read
    from crosswalk.unified.mappings import Draft
    from crosswalk.unified.nouns import MAPPED, find_noun

    custom = None
    noun = find_noun(spot.resource, MAPPED)
    if whose is not None and "custom_fields" in needs_read(noun):
        async with hub.connect(await hub.accounts.find(whose.account)) as crm:
            custom = await crm.custom_fields(noun.wire)
    return Draft(spot=spot, overrides=overrides, by="command line", whose=whose, custom=custom)


async def _explain(resource: str, key: str) -> "list[Explanation]":
    from crosswalk.app import open_hub
    from crosswalk.unified.mappings import Whose, merged
    from crosswalk.unified.nouns import MAPPED, find_noun
    from crosswalk.unified.overrides import explain as told

    noun = find_noun(resource, MAPPED)
    async with open_hub() as hub:
        account = await hub.accounts.find(key)
        layers = merged(await _mappings(hub).layers(resource, Whose(account.id, account.tenant_id)))
    names = dict.fromkeys([*noun.row, *(name for overrides in layers.values() for name in overrides)])
    return [told(noun, name, layers) for name in names]


async def _versions(resource: str, picked: Picked) -> "list[Version]":
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        spot, _ = await _spot(hub, resource, picked)
        return list(await _mappings(hub).versions(spot))


async def _preview(
    resource: str, overrides: "dict[str, Override]", picked: Picked, *, on: str, ids: tuple[str, ...], limit: int
) -> "Preview":
    from crosswalk.app import open_hub
    from crosswalk.unified.mappings import Whose
    from crosswalk.unified.service import Asker, Service
    from crosswalk.unified.trying import try_out

    async with open_hub() as hub:
        spot, _ = await _spot(hub, resource, picked)
        account = await hub.accounts.find(on)
        whose = Whose(account.id, account.tenant_id)
        if spot.subject not in {"", whose.account, whose.tenant}:
            raise WrongUse(f"Account {account.name} is not of this layer; try it on one that is")
        before, after, _ = await _mappings(hub).tried(await _draft(hub, spot, whose, overrides), whose)
        async with hub.connect(account) as crm:
            asker = Asker(account=account.id, crm=crm)
            return await try_out(Service(key=b""), asker, before, after, ids=ids, limit=limit)


async def _save(
    resource: str, picked: Picked, *, overrides: "dict[str, Override] | None" = None, back_to: int | None = None
) -> "Version":
    from crosswalk.app import open_hub

    async with open_hub() as hub:
        spot, whose = await _spot(hub, resource, picked)
        draft = await _draft(hub, spot, whose, overrides or {})
        mappings = _mappings(hub)
        return await (mappings.save(draft) if back_to is None else mappings.roll_back(draft, back_to))
