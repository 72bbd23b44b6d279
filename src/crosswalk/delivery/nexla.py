"""Nexla's portable keys of a REST destination, read into settings and written back. Pure.

What was imported is kept beside the settings, so that an export answers the same keys and values; a key whose meaning
was changed since is written anew.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from crosswalk.contract import load
from crosswalk.delivery.envelope import ResponseWebhook
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.grouping import MOST, Algorithm
from crosswalk.delivery.headers import format_headers, parse_headers
from crosswalk.delivery.macros import MACRO
from crosswalk.delivery.plan import Manual
from crosswalk.delivery.route import Method, route_template
from crosswalk.delivery.settings import Batches, Settings, make_plan

Scalar: TypeAlias = str | int | bool
Portable: TypeAlias = dict[str, Scalar]

KEYS = (
    "url.template",
    "method",
    "content.type",
    "body.template",
    "request.headers",
    "batch.mode",
    "max.poll.records",
    "body.transform.function",
    "create.datasource",
)
WRAPPERS = ("data_sink", "sink_config", "config")
WHOLE = "{message.json}"
JSON_TYPE = "application/json"
SIZE = 100
LABELS: Mapping[str, Algorithm] = {
    "json array": "json_array",
    "property inside json object": "property_in_object",
    "object keyed by attribute": "keyed_object",
}
CERTIFICATES = "ignore.ssl.cert.validation"
MODES = frozenset({"auth.type", "auth.mode", "credential.mode", "credentials.type", "credentials_type"})
OURS = frozenset({"BASIC"})
SAID = frozenset(
    {"nexla", "url", "method", "template", "headers", "fields", "constants", "grouping", "id_column"}
    | {"response_webhook"}
)


class Imported(Struct, frozen=True, kw_only=True):
    """What a document became; `notes` name what could not be kept."""

    settings: Settings
    notes: tuple[str, ...] = ()


class Exported(Struct, frozen=True, kw_only=True):
    """Settings as Nexla's keys; `notes` name what has no key there."""

    config: Portable
    notes: tuple[str, ...] = ()


def import_sink(document: Mapping[str, Any]) -> Imported:
    """Read a sink's configuration, flat or nested, bare or in its document. Raises `PlanError` with the reason."""
    config, notes = _unwrap(document)
    flat = dict(_flatten(config))
    kept: Portable = {}
    for name, value in flat.items():
        if name in KEYS:
            kept[name] = _scalar(name, value)
        else:
            notes.extend(_judge_other(name, value))
    settings, more = _read(kept)
    return Imported(settings=replace(settings, nexla=kept), notes=(*notes, *more))


def export_sink(settings: Settings, *, base_url: str) -> Exported:
    """Write settings as Nexla's keys: those imported as they were, but where their meaning was changed since."""
    now = _write(settings, base_url)
    before = _write(_read(settings.nexla)[0], base_url) if settings.nexla else {}
    config: Portable = {}
    for key in KEYS:
        if settings.nexla and before.get(key) == now.get(key):
            if key in settings.nexla:
                config[key] = settings.nexla[key]
        elif key in now:
            config[key] = now[key]
    return Exported(config=config, notes=tuple(_list_losses(settings)))


def _unwrap(document: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    """The configuration inside a document, and a note for everything beside it."""
    notes: list[str] = []
    while (name := next((name for name in WRAPPERS if isinstance(document.get(name), dict)), None)) is not None:
        notes += [f"{other} is not kept: it is not part of the configuration" for other in document if other != name]
        document = document[name]
    return document, notes


def _flatten(config: Mapping[str, Any], head: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        path = f"{head}{name}"
        if isinstance(value, dict) and path not in KEYS:
            yield from _flatten(value, f"{path}.")
        else:
            yield path, value


def _scalar(name: str, value: Any) -> Scalar:
    if isinstance(value, (str, int, bool)):
        return value
    raise PlanError(f"{name} is {type(value).__name__}. Write it as text, a whole number, true or false.")


def _judge_other(name: str, value: Any) -> Iterator[str]:
    """A note for a key that is not portable; `PlanError` where leaving it out would change what the calls do."""
    if name == CERTIFICATES:
        if _flag(name, value):
            raise PlanError(f"{name} is true. Crosswalk always checks Insightly's certificate. Take the key out.")
    elif name in MODES:
        if str(value).upper() not in OURS:
            raise PlanError(
                f"{name} is {value!r}. Insightly takes its API key as BASIC only, from the linked account. "
                "Take the key out."
            )
    else:
        yield f"{name} is not kept: it is no portable key"


def _flag(name: str, value: object) -> bool:
    text = str(value).lower()
    if text not in {"true", "false"}:
        raise PlanError(f"{name} is {value!r}. Write true or false.")
    return text == "true"


def _read(kept: Mapping[str, Scalar]) -> tuple[Settings, list[str]]:
    """The settings that portable keys mean, and notes."""
    for name in ("url.template", "method"):
        if not kept.get(name):
            raise PlanError(f"{name} is missing. A sink's configuration names its URL and its method.")
    notes: list[str] = []
    content = str(kept.get("content.type", JSON_TYPE))
    if content.partition(";")[0].strip().lower() != JSON_TYPE:
        raise PlanError(f"content.type is {content!r}. Insightly takes {JSON_TYPE} only.")
    fields, constants = _read_body(str(kept.get("body.template", WHOLE)))
    settings = Settings(
        method=_method(kept["method"]),
        url=str(kept["url.template"]),
        headers=_headers(str(kept.get("request.headers", ""))),
        fields=fields,
        constants=constants,
        grouping=_grouping(kept, notes),
        response_webhook=_responses(kept),
    )
    return settings, notes


def _method(value: Scalar) -> Method:
    for method in get_args(Method):
        if method == str(value).upper():
            found: Method = method
            return found
    raise PlanError(f"method is {value!r}. A destination sends {', '.join(get_args(Method))}.")


def _headers(line: str) -> dict[str, str]:
    pairs = parse_headers(line)
    names = [name.lower() for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise PlanError(f"request.headers names {twice} twice. Name it once.")
    return dict(pairs)


def _read_body(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Fields and constants of a body template: the whole record, or an object of macros and constants."""
    if text.strip() == WHOLE:
        return {}, {}
    try:
        body = msgspec.json.decode(text, type=dict[str, str | int | float | bool])
    except msgspec.DecodeError as error:
        raise PlanError(
            f"body.template {text!r} cannot be kept: {error}. Crosswalk takes {WHOLE}, or a JSON object whose values "
            'are constants or whole macros such as "{record.first}".'
        ) from error
    fields: dict[str, str] = {}
    constants: dict[str, str] = {}
    for name, value in body.items():
        whole = MACRO.fullmatch(value) if isinstance(value, str) else None
        if whole is not None and whole[1].startswith("record."):
            fields[name] = whole[1].removeprefix("record.")
        elif isinstance(value, str) and ("{" in value or "}" in value):
            raise PlanError(f"body.template mixes text and macros in {name}: {value!r}. Use a whole macro, or none.")
        else:
            constants[name] = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return fields, constants


def _grouping(kept: Mapping[str, Scalar], notes: list[str]) -> Batches | None:
    if not _flag("batch.mode", kept.get("batch.mode", False)):
        return None
    size = str(kept.get("max.poll.records", SIZE))
    if not (size.isascii() and size.isdigit() and 1 <= int(size) <= MOST):
        raise PlanError(f"max.poll.records is {size!r}. A batch holds 1 to {MOST} records.")
    name = str(kept.get("body.transform.function", "json_array"))
    algorithm = LABELS.get(name.lower()) or next((each for each in LABELS.values() if each == name), None)
    if algorithm is None or algorithm == "keyed_object":
        raise PlanError(
            f"body.transform.function {name!r} cannot be kept: Crosswalk knows json_array and property_in_object of "
            "it. Take the key out, and choose a grouping here."
        )
    if algorithm == "property_in_object":
        notes.append("The portable keys do not name the list's property: it is 'records'. Change it in the grouping")
    return Batches(algorithm=algorithm, size=int(size))


def _responses(kept: Mapping[str, Scalar]) -> ResponseWebhook | None:
    asked = _flag("create.datasource", kept.get("create.datasource", False))
    return ResponseWebhook() if asked else None


def _write(settings: Settings, base_url: str) -> Portable:
    """The keys that say what settings mean, in one way."""
    method, url = _call(settings, base_url)
    made: Portable = {"url.template": url, "method": method, "content.type": JSON_TYPE}
    made["body.template"] = _write_body(settings)
    if settings.headers:
        made["request.headers"] = format_headers(tuple(settings.headers.items()))
    made["batch.mode"] = settings.grouping is not None
    if settings.grouping is not None:
        made["max.poll.records"] = settings.grouping.size
        made["body.transform.function"] = settings.grouping.algorithm
    if settings.response_webhook is not None:
        made["create.datasource"] = True
    return made


def _call(settings: Settings, base_url: str) -> tuple[str, str]:
    call = make_plan(settings).call
    if isinstance(call, Manual):
        return call.method, call.url
    route = route_template(call, load())
    ends = "" if route.id_in is None else f"/{{record.{settings.id_column or route.resource.id}}}"
    return route.method, f"{base_url}/{route.object}{ends}"


def _write_body(settings: Settings) -> str:
    if not settings.fields and not settings.constants:
        return WHOLE
    macros = {name: f"{{record.{column}}}" for name, column in settings.fields.items()}
    return msgspec.json.encode(macros | settings.constants).decode()


def _list_losses(settings: Settings) -> Iterator[str]:
    """A note for every setting that no key says."""
    said, blank = msgspec.to_builtins(settings), Settings()
    for name in said:
        if name not in SAID and getattr(settings, name) != getattr(blank, name):
            yield f"{name} has no key there, and is left out"
    if settings.response_webhook not in {None, ResponseWebhook()}:
        yield "response_webhook has no settings there: create.datasource only says that there is one"
    if settings.grouping is not None:
        for name in ("property", "constants", "key_attribute", "max_bytes"):
            if getattr(settings.grouping, name) != getattr(Batches(algorithm="json_array"), name):
                yield f"grouping.{name} has no key there, and is left out"
