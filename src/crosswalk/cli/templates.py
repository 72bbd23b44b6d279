"""`crosswalk templates`: every ready-made call, with what it asks for."""

import click

from crosswalk.cli.status import print_json
from crosswalk.delivery.errors import UnknownTemplate
from crosswalk.delivery.template import TEMPLATES, Template, find_template


@click.command(epilog="Example: crosswalk templates add-contact-note")
@click.argument("name", required=False, shell_complete=lambda _ctx, _param, start: _names(start))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def templates(name: str | None, *, as_json: bool) -> None:
    """Show the templates: ready-made calls for `send` and for destinations.

    Without NAME, every template in a line. With one, its call, the fields that it requires, the column that it asks
    for, and what to know before picking it.
    """
    try:
        found = find_template(name) if name else None
    except UnknownTemplate as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        print_json(found or [*TEMPLATES.values()])
    elif found is None:
        for each in TEMPLATES.values():
            click.echo(f"{each.name:28}  {each.method} {each.path}")
    else:
        _show(found)


def _names(start: str) -> list[str]:
    return [name for name in TEMPLATES if name.startswith(start)]


def _show(template: Template) -> None:
    click.echo(f"{template.name}: {template.title}")
    click.echo(f"{template.method} {template.path}  (crosswalk describe {template.resource})")
    click.echo(template.says)
    for parameter in template.parameters:
        click.echo(f"{parameter.title}: {parameter.says}, by --id-field")
    if template.required:
        click.echo(f"Required: {', '.join(template.required)}")
    for warning in template.warnings:
        click.echo(f"Mind: {warning}")
