"""The options that say what becomes of a row: the same for `send` and for destinations."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import click

from crosswalk.delivery.template import TEMPLATES

if TYPE_CHECKING:
    from crosswalk.delivery.envelope import ResponseWebhook
    from crosswalk.delivery.mapping import Rule
    from crosswalk.delivery.plan import Mirror
    from crosswalk.delivery.settings import Batches, Settings

Pairs = tuple[tuple[str, str], ...]
Command = TypeVar("Command", bound=Callable[..., object])

METHODS = ["POST", "PUT", "PATCH", "DELETE"]
USUAL: dict[str, object] = {"date_format": "yyyy-MM-dd", "time_unit": "Day"}
UNITS = ["Second", "Minute", "Hour", "Day", "Week"]


class Chosen(TypedDict):
    """The options as click gives them."""

    template: str | None
    id_field: str | None
    method: str | None
    url: str | None
    headers: tuple[str, ...]
    date_format: str
    time_unit: str
    fields: Pairs
    constants: Pairs
    mapping: Path | None
    exclude: tuple[str, ...]
    match: str | None
    batch_size: int | None
    grouping: str | None
    options: Pairs
    response_webhook: str | None
    changed_only: bool | None
    verify: bool
    mirror: bool
    max_delete_share: float | None


def _templates(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    return [name for name in TEMPLATES if name.startswith(start)]


def _pairs(_ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> Pairs:
    seen: set[str] = set()
    for value in values:
        name, equals, _ = value.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{value!r} has no '='. Write {param.metavar}.", param=param)
        if name.strip() in seen:
            raise click.BadParameter(f"{name.strip()} is given twice. Give it once.", param=param)
        seen.add(name.strip())
    return tuple((value.partition("=")[0].strip(), value.partition("=")[2]) for value in values)


def _names(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


FILE = click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)
OPTIONS = (
    click.option("--template", metavar="NAME", shell_complete=_templates, help="What each row becomes; see below."),
    click.option("--id-field", metavar="COLUMN", help="The column that holds the record's id, for update and delete."),
    click.option("--method", type=click.Choice(METHODS), help="Instead of a template."),
    click.option("--url", metavar="URL", help="With --method: the complete URL with its pod. May hold macros."),
    click.option("--header", "headers", multiple=True, metavar="'A:B,C:D'", help="With --method: headers to add."),
    click.option("--date-format", metavar="F", default="yyyy-MM-dd", show_default=True, help="How {now} is written."),
    click.option(
        "--time-unit", type=click.Choice(UNITS), default="Day", show_default=True, help="The step of {now-5}."
    ),
    click.option(
        "--map", "fields", multiple=True, callback=_pairs, metavar="FIELD=COLUMN", help="Send only mapped fields."
    ),
    click.option(
        "--set", "constants", multiple=True, callback=_pairs, metavar="FIELD=VALUE", help="The same in every row."
    ),
    click.option("--mapping", type=FILE, help="A JSON file of rules by field: defaults, casts, lookups, expressions."),
    click.option(
        "--exclude", multiple=True, callback=_names, metavar="A,B.C", help="Columns, or paths in them, not to send."
    ),
    click.option(
        "--match", metavar="FIELD", help="The field that finds a record: of every upsert, and of unknown creations."
    ),
    click.option("--batch-size", type=int, metavar="N", help="Most records in a call, 1 to 500. [default: 100]"),
    click.option("--grouping", metavar="NAME", help="How a call holds many records; see below. [default: none]"),
    click.option("--grouping-option", "options", multiple=True, callback=_pairs, metavar="K=V", help="Its settings."),
    click.option(
        "--response-webhook", metavar="NAME|URL", help="Tell a dataset, or a URL, of the answer to each call."
    ),
    click.option(
        "--changed-only/--every-row",
        default=None,
        help="Send only rows that say what was not sent before, or all. [default: changed rows of upserts, else all]",
    ),
    click.option("--verify", is_flag=True, help="Upserts: look for every record, whatever is remembered of it."),
    click.option("--mirror", is_flag=True, help="Upserts of destinations: delete records whose rows are gone."),
    click.option(
        "--max-delete-share",
        type=click.FloatRange(0, 1),
        metavar="SHARE",
        help="With --mirror: delete nothing when more than this share is gone. [default: 0.05]",
    ),
)


def settings_options(command: Command) -> Command:
    """Give a command these options."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def read_settings(chosen: Chosen) -> "Settings":
    """The settings that options stand for. Raises `PlanError` and `UsageError`."""
    import msgspec

    from crosswalk.delivery.headers import parse_headers
    from crosswalk.delivery.settings import Settings

    pairs = tuple(pair for line in chosen["headers"] for pair in parse_headers(line))
    if len({name.lower() for name, _ in pairs}) < len(pairs):
        raise click.UsageError("--header names a header twice. Name it once.")
    asked: dict[str, object] = {
        "template": chosen["template"],
        "method": chosen["method"],
        "url": chosen["url"],
        "headers": dict(pairs),
        "fields": dict(chosen["fields"]),
        "constants": dict(chosen["constants"]),
        "exclude": chosen["exclude"],
        "id_column": chosen["id_field"],
        "match": chosen["match"],
    }
    # What is usual is left out, so that stored settings say only what was chosen.
    asked |= {name: value for name, value in chosen.items() if name in USUAL and value != USUAL[name]}
    plain = msgspec.convert(asked, Settings)
    return msgspec.structs.replace(
        plain,
        mapping=_read_mapping(chosen["mapping"]),
        grouping=_read_grouping(chosen),
        response_webhook=_read_webhook(chosen["response_webhook"]),
        changed_only=chosen["changed_only"],
        verify=chosen["verify"],
        mirror=_read_mirror(chosen),
    )


def is_blank(chosen: Chosen) -> bool:
    """Whether no option says anything."""
    said = (value for name, value in chosen.items() if value != USUAL.get(name))
    return chosen["changed_only"] is None and not any(said)


def _read_mapping(file: Path | None) -> "dict[str, Rule]":
    from crosswalk.delivery.mapping import Rule

    return {} if file is None else read_json(file, dict[str, Rule], "The mapping")


def _read_grouping(chosen: Chosen) -> "Batches | None":
    from msgspec.structs import asdict

    from crosswalk.delivery.grouping import make_grouping
    from crosswalk.delivery.settings import Batches

    made = make_grouping(chosen["grouping"], chosen["batch_size"], chosen["options"])
    return None if made is None else Batches(**asdict(made))


def _read_mirror(chosen: Chosen) -> "Mirror | None":
    from crosswalk.delivery.plan import Mirror

    share = chosen["max_delete_share"]
    if not chosen["mirror"] and share is not None:
        raise click.UsageError("--max-delete-share goes with --mirror.")
    if not chosen["mirror"]:
        return None
    return Mirror() if share is None else Mirror(max_delete_share=share)


def _read_webhook(text: str | None) -> "ResponseWebhook | None":
    from crosswalk.delivery.envelope import ResponseWebhook

    if text is None:
        return None
    return ResponseWebhook(url=text) if "://" in text else ResponseWebhook(dataset=text)


T = TypeVar("T")


def read_json(file: Path, kind: type[T], what: str) -> T:
    """A file's JSON, or standard input's for `-`. Raises `WrongUse` with what is wrong with it."""
    import msgspec

    from crosswalk.cli.status import WrongUse

    with click.open_file(str(file), "rb") as stream:
        text: Any = stream.read()
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise WrongUse(f"{what} {file} cannot be used: {exc}") from exc
