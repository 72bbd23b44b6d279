"""Write the generated pages, or with --check say which are stale and end with status 1."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from crosswalk.cli import main as crosswalk
from crosswalk.delivery.template import TEMPLATES, Template
from crosswalk.unified.expand import expandable
from crosswalk.unified.links import Linked
from crosswalk.unified.mapping import Noun, verbs
from crosswalk.unified.maps import Choice, Ref, Row
from crosswalk.unified.nouns import CRM, DIRECTORY, SINGLES
from crosswalk.unified.parts import Addresses, Several

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


def templates(page: Path) -> str:
    """docs/templates.md: its table, from the templates themselves."""
    head = "| template | call | parameter | required | mind |\n|---|---|---|---|---|"
    return between(page, "templates", "\n".join([head, *map(template_row, TEMPLATES.values())]))


def template_row(each: Template) -> str:
    """One template as a line of the table."""
    required = ", ".join(f"`{name}`" for name in each.required)
    parameters = ", ".join(parameter.title for parameter in each.parameters)
    return f"| `{each.name}` | `{each.method} {each.path}` | {parameters} | {required} | {' '.join(each.warnings)} |"


def model(page: Path) -> str:
    """docs/unified-model.md: its tables, from the mapping itself."""
    directory = {noun.name: noun for noun in (*DIRECTORY.values(), SINGLES["organizations"].noun)}
    titles = {**CRM, **{f"{name} of the directory": noun for name, noun in directory.items()}}
    return between(page, "model", "\n\n".join(noun_table(title, noun) for title, noun in titles.items()))


def noun_table(title: str, noun: Noun) -> str:
    """One resource as a table of its fields, under what it can do."""
    able = ", ".join(sorted(verbs(noun))) or "read"
    matched = f" Upserts match by {' or '.join(f'`{name}`' for name in noun.match)}." if noun.match else ""
    expanded = ", ".join(f"`{name}`" for name in expandable(noun))
    said = f"Insightly's {noun.wire}: {able}.{matched}" + (f" Expanded: {expanded}." if expanded else "")
    head = "| field | | Insightly | |\n|---|---|---|---|"
    return "\n".join([f"### {title}", "", said, "", head, *map(row_line, noun.rows)])


def row_line(row: Row) -> str:
    """One field as a line of the table."""
    names = [f"`{name}`" for name in row.natives]
    natives = f"{names[0]} … {names[-1]}" if len(names) > MANY else ", ".join(names)
    told = "; ".join(text for text in (shape(row), row.note) if text)
    return f"| `{row.name}` | {'W' if row.writes else ''} | {natives} | {told} |"


def shape(row: Row) -> str:
    """What values of a field look like, where the name does not say it."""
    match row:
        case Choice(values=values):
            return " ".join(f"`{ours}`" for ours, _ in values)
        case Several(key=key, items=items):
            return f"`type` and `{key}`: one each of {', '.join(kind for kind, _ in items)}"
        case Addresses(items=items):
            return f"one each of {', '.join(kind for kind, _ in items)}"
        case Linked(object=kind, many=many):
            return f"{'links' if many else 'the first link'} with {kind}"
        case Ref(object=str(kind)):
            return f"{kind}"
        case _:
            return ""


MANY = 4
"""Insightly's fields of one unified field beyond which only the first and last are named."""

PAGES: dict[Path, Callable[[Path], str]] = {
    DOCS / "cli.md": command_line,
    DOCS / "sandbox.md": served,
    DOCS / "templates.md": templates,
    DOCS / "unified-model.md": model,
}


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
