"""The command line: every command is a module of its own, loaded only when it is called."""

import click

COMMANDS = {
    "accounts": "crosswalk.cli.accounts:accounts",
    "create": "crosswalk.cli.records:create",
    "delete": "crosswalk.cli.records:delete",
    "demo": "crosswalk.cli.demo:demo",
    "describe": "crosswalk.cli.describe:describe",
    "get": "crosswalk.cli.records:get",
    "list": "crosswalk.cli.records:list_",
    "migrate": "crosswalk.cli.migrate:migrate",
    "runs": "crosswalk.cli.runs:runs",
    "sandbox": "crosswalk.cli.sandbox:sandbox",
    "search": "crosswalk.cli.records:search",
    "send": "crosswalk.cli.send:send",
    "serve": "crosswalk.cli.serve:serve",
    "update": "crosswalk.cli.records:update",
}


class Lazy(click.Group):
    """A group whose commands are imported by name when they are called, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, in order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; `None` when there is none of that name."""
        from importlib import import_module

        where = COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, _, name = where.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="crosswalk")
def main() -> None:
    """Deliver records into Insightly CRM, and read it through one unified API."""
