"""Write the generated pages, or with --check say which are stale and end with status 1."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from crosswalk.cli import main as crosswalk

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def commands(command: click.Command, ctx: click.Context) -> Iterator[str]:
    """The help of a command and of those below it, each as a section."""
    path = ctx.command_path
    yield f"## {path}\n\n```text\n{command.get_help(ctx)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            below = command.get_command(ctx, name)
            if below is not None:
                yield from commands(below, click.Context(below, info_name=name, parent=ctx, max_content_width=110))


INTRODUCTION = """# The command line

Written by `make docs` from the commands themselves. Status: 0 done, 1 some records failed or are held, 2 wrong use or
configuration, 3 could not reach or was refused. `--json` prints for machines; progress goes to standard error.

Completion: `eval "$(_CROSSWALK_COMPLETE=bash_source crosswalk)"`, or `zsh_source`, or `fish_source`.

"""


def command_line(_page: Path) -> str:
    """docs/cli.md: every command's own help."""
    ctx = click.Context(crosswalk, info_name="crosswalk", max_content_width=110)
    return INTRODUCTION + "\n".join(commands(crosswalk, ctx))


def between(page: Path, mark: str, text: str) -> str:
    """A page with the text between its two marks replaced."""
    start, end = f"<!-- {mark}:start -->", f"<!-- {mark}:end -->"
    before, _, rest = page.read_text().partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{page} lacks {start} or {end}")
    return f"{before}{start}\n{text.strip()}\n{end}{after}"


def served(page: Path) -> str:
    """docs/sandbox.md: its table of operations, made by calling every one of them."""
    from operations import table

    return between(page, "operations", table())


PAGES: dict[Path, Callable[[Path], str]] = {DOCS / "cli.md": command_line, DOCS / "sandbox.md": served}


def main() -> int:
    """Write or check every page."""
    stale = [page for page, make in PAGES.items() if not page.exists() or page.read_text() != make(page)]
    if "--check" not in sys.argv:
        for page in stale:
            page.write_text(PAGES[page](page))
    for page in stale:
        print(f"{page.relative_to(ROOT)} {'is stale: make docs' if '--check' in sys.argv else 'written'}")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
