"""A dry run of a destination, said to people."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from crosswalk.delivery.rehearsal import Mirrored, Rehearsal


def tell_rehearsal(made: "Rehearsal") -> None:
    """Say what a run would come to."""
    parts = (
        (made.creates, "would be made"),
        (made.updates, "would be changed"),
        (made.deletes, "would be deleted"),
        (made.unchanged, "say nothing new"),
        (made.looks, "would be looked for first, then changed or made"),
        (made.refused, "would be dead letters"),
    )
    click.echo(f"{made.rows:,} rows. Nothing was sent.")
    for count, what in parts:
        if count:
            click.echo(f"  {count:>9,}  {what}")
    for refused in made.reasons:
        click.echo(f"row {refused.row} would be a dead letter: {refused.reason}", err=True)
    if made.refused > len(made.reasons):
        click.echo(f"and {made.refused - len(made.reasons):,} rows more", err=True)
    if made.mirror is not None:
        _tell_mirrored(made.mirror)
    click.echo(f"{made.forecast.says}.")
    for note in made.notes:
        click.echo(note, err=True)


def _tell_mirrored(made: "Mirrored") -> None:
    click.echo(f"The mirror: {made.gone:,} of its {made.own:,} records are gone from the source, {made.share:.1%}.")
    verb = "would be deleted" if made.objection is None else "is gone"
    for each in made.deletions:
        click.echo(f"  record {each.remote_id} {verb}: {each.value}")
    if made.gone > len(made.deletions):
        click.echo(f"  and {made.gone - len(made.deletions):,} more")
    if made.objection is not None:
        click.echo(f"{made.objection}.")
