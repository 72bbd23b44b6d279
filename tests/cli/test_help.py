"""Help: every command has it, and it says something."""

import click
import pytest
from click.testing import CliRunner

from crosswalk.cli import COMMANDS, main


def paths(command: click.Command, *names: str) -> list[tuple[str, ...]]:
    """Every command below one, as the words that call it."""
    if not isinstance(command, click.Group):
        return [names]
    ctx = click.Context(command)
    below = [(name, command.get_command(ctx, name)) for name in command.list_commands(ctx)]
    return [names, *(path for name, each in below if each is not None for path in paths(each, *names, name))]


@pytest.mark.parametrize("words", paths(main), ids=" ".join)
def test_every_command_has_help(words):
    """`--help` works for every command, with a sentence on each."""
    done = CliRunner().invoke(main, [*words, "--help"])
    assert 0 == done.exit_code, done.output
    assert len(done.output.splitlines()) > 4


def test_every_command_is_listed():
    """The table of commands is what the help shows."""
    out = " ".join(CliRunner().invoke(main, ["--help"]).output.split())
    assert all(f"{name} {says}" in out for name, (_, says) in COMMANDS.items())


def test_unknown_command():
    """A slip is status 2 and one line."""
    done = CliRunner().invoke(main, ["sned"])
    assert (2, True) == (done.exit_code, "No such command" in done.output)
