"""The command line: every command is a module of its own, loaded only when it is called."""

import click

COMMANDS = {
    "accounts": ("accounts", "Link Insightly accounts, list, check and remove them."),
    "automations": ("automations", "Let things happen by themselves: kickoffs, leads with tasks, notes, stages."),
    "client": ("client", "Write types of an account's own records, for programs."),
    "console": ("console", "Sign in to the web console: links, the password, sessions."),
    "backup": ("backup", "Write everything that is kept into one file."),
    "copy": ("backup", "Copy everything into another database."),
    "audit": ("audit", "Read who did what when from where, and prove the log whole."),
    "create": ("records", "Create one record, straight in Insightly."),
    "dead-letters": ("dead_letters", "Put rows right that could not be delivered, and send them again."),
    "datasets": ("datasets", "Show datasets: their columns, records and drift."),
    "delete": ("records", "Delete one record, straight in Insightly."),
    "deliveries": ("deliveries", "Find rows that were sent, and tell their whole story."),
    "demo": ("demo", "Start a sandbox and a hub, and send 300 records between them."),
    "describe": ("describe", "Show a resource of Insightly: its fields and operations."),
    "destinations": ("destinations", "Say where rows go and as what: make, list, activate, pause, remove."),
    "doctor": ("doctor", "Look whether this installation can work."),
    "events": ("events", "Find out what changes at Insightly, and tell endpoints of it."),
    "get": ("records", "Get one record, straight from Insightly."),
    "keys": ("keys", "List and rotate the master keys that seal what is secret."),
    "list": ("records", "List records, straight from Insightly."),
    "log": ("requests", "Find requests and the calls to Insightly that they became."),
    "mapping": ("overrides", "Suggest a mapping of columns; override the unified model's."),
    "mcp": ("mcp", "Serve an account's tools to an agent, on standard input and output."),
    "migrate": ("migrate", "Bring the database to the schema of this version."),
    "notices": ("notices", "Read what happened, and choose who is told."),
    "restore": ("backup", "Put a backup into an empty database."),
    "runs": ("runs", "List runs and show what became of every row."),
    "sandbox": ("sandbox", "Serve an Insightly of your own on this machine."),
    "search": ("records", "Search records, straight in Insightly."),
    "send": ("send", "Send the rows of a file to Insightly."),
    "serve": ("serve", "Serve the hub's HTTP API."),
    "templates": ("templates", "Show the ready-made calls that rows can become."),
    "sources": ("sources", "Say what fills datasets: files, databases, HTTP, webhooks, Insightly."),
    "tokens": ("tokens", "Make API tokens, list, rotate and revoke them."),
    "update": ("records", "Update one record, straight in Insightly."),
    "worker": ("worker", "Send runs and read sources, as one of many workers on PostgreSQL."),
    "webhooks": ("webhooks", "Tell endpoints of what happens, by signed POSTs."),
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
        command: click.Command = getattr(module, f"{cmd_name}_" if cmd_name == "list" else cmd_name.replace("-", "_"))
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
