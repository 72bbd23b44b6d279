"""The options that say how a file is read: the same for `send` and for runs of a destination."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypedDict, TypeVar

import click

if TYPE_CHECKING:
    from crosswalk.delivery.row import Options

Command = TypeVar("Command", bound=Callable[..., object])


class Reading(TypedDict):
    """The options as click gives them; what is `None` is found out."""

    form: str | None
    delimiter: str | None
    encoding: str | None
    first_line: bool | None
    sheet: str | None
    inside: str | None


OPTIONS = (
    click.option("--format", "form", metavar="NAME", help="csv, jsonl, parquet, …, where the ending does not say."),
    click.option("--delimiter", help="One character, or tab; found out unless said."),
    click.option("--encoding", help="Such as utf-8 or cp1252; found out unless said."),
    click.option(
        "--has-header/--no-header",
        "first_line",
        default=None,
        help="Whether the first line names the columns; found out unless said.",
    ),
    click.option("--sheet", help="The sheet of a workbook; the first unless said."),
    click.option("--path", "inside", metavar="A.B", help="Where the array lies in a JSON document."),
)


def reading_options(command: Command) -> Command:
    """Give a command these options."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def read_options(chosen: Reading) -> "Options":
    """How the file is to be read."""
    from crosswalk.delivery.row import Options

    return Options(
        format=chosen["form"],
        delimiter=chosen["delimiter"],
        encoding=chosen["encoding"],
        header=chosen["first_line"],
        sheet=chosen["sheet"],
        path=chosen["inside"],
    )
