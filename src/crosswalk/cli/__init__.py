"""The command line: every command is a module of its own, loaded only when it is called."""

import click

COMMANDS = {
    "accounts": ("accounts", "Link Insightly accounts, list, check and remove them."),
    "create": ("records", "Create one record, straight in Insightly."),
    "delete": ("records", "Delete one record, straight in Insightly."),
    "demo": ("demo", "Start a sandbox and a hub, and send 300 records between them."),
    "describe": ("describe", "Show a resource of Insightly: its fields and operations."),
    "destinations": ("destinations", "Say where rows go and as what: make, list, activate, pause, remove."),
    "get": ("records", "Get one record, straight from Insightly."),
    "list": ("records", "List records, straight from Insightly."),
    "migrate": ("migrate", "Bring the database to the schema of this version."),
    "runs": ("runs", "List runs and show what became of every row."),
    "sandbox": ("sandbox", "Serve an Insightly of your own on this machine."),
    "search": ("records", "Search records, straight in Insightly."),
    "send": ("send", "Send the rows of a file to Insightly."),
    "serve": ("serve", "Serve the hub's HTTP API."),
    "tokens": ("tokens", "Make API tokens, list and revoke them."),
    "update": ("records", "Update one record, straight in Insightly."),
}


class Lazy(click.Group):
    """A group whose commands are imported when they are called, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, in order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command by name; `None` when there is none of that name."""
        from importlib import import_module

        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"crosswalk.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_" if cmd_name == "list" else cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table above, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, says) in sorted(COMMANDS.items())])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="crosswalk")
def main() -> None:
    """Deliver records into Insightly CRM, call it, and test against a sandbox of it.

    New here? `crosswalk demo` shows the whole of it on this machine, with no account.
    """
