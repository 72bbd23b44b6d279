"""`crosswalk describe`: any resource of the contract as a table."""

import sys
from collections.abc import Sequence

import click

from crosswalk.contract import Contract, Field, Operation, Resource, UnknownResource, load


@click.command(epilog="Example: crosswalk describe Contacts")
@click.argument("resource", required=False, shell_complete=lambda _ctx, _param, start: _names(start))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def describe(resource: str | None, *, as_json: bool) -> None:
    """Show what Insightly's API offers.

    Without RESOURCE, every resource in a line. With one, its fields (type, length, where they may be written) and its
    operations, each contested fact with its evidence.
    """
    contract = load()
    try:
        found = contract.resource(resource) if resource else None
    except UnknownResource as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        _print_json(contract, found)
    elif found is None:
        _print_all(contract)
    else:
        _print_one(found)


def _names(start: str) -> list[str]:
    return [name for name in load().resources if name.lower().startswith(start.lower())]


def _print_json(contract: Contract, found: Resource | None) -> None:
    import msgspec

    shown = found or tuple(contract.resources.values())
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(shown), indent=2) + b"\n")


def _print_all(contract: Contract) -> None:
    rows = [
        (r.name, r.id or "", str(len(r.fields)), str(len(r.operations)), ", ".join(r.verbs))
        for r in contract.resources.values()
    ]
    _print_table(("resource", "id", "fields", "operations", "verbs"), rows)


def _print_one(resource: Resource) -> None:
    click.echo(f"{resource.name}  {resource.path}  id {resource.id or 'none'}")
    for note in resource.notes:
        click.echo(f"  {note}")
    if resource.fields:
        click.echo()
        _print_table(("field", "type", "length", "written", "says"), [_field_row(f) for f in resource.fields])
    click.echo()
    _print_table(("verb", "path", "answers", "query", "says"), [_operation_row(op) for op in resource.operations])


def _field_row(field: Field) -> tuple[str, ...]:
    kind = f"{field.type} of {field.items}" if field.items else field.format or field.type
    written = [verb for verb, can in (("POST", field.post), ("PUT", field.put)) if can and not field.read_only]
    says = ["required"] if field.required else []
    says += [" | ".join(map(str, field.values))] if field.values else []
    says += [f"{e.about}: {e.kind} ({e.source})" for e in field.evidence]
    return (field.name, kind, str(field.max_length or ""), " ".join(written) or "never", "; ".join(says))


def _operation_row(operation: Operation) -> tuple[str, ...]:
    answers = f"{operation.status} {operation.answers or ''}{'[]' if operation.many else ''}".strip()
    says = "; ".join(f"{e.about}: {e.kind} ({e.source}), {e.says}" for e in operation.evidence)
    return (operation.verb, operation.path, answers, ",".join(operation.query), says)


def _print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head) - 1)]
    for row in (head, tuple("-" * len(h) for h in head), *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        click.echo("  ".join([*cells, row[-1]]).rstrip())
