"""The API's documentation as one page, written from its own OpenAPI document: no script, nothing from elsewhere."""

from collections.abc import Iterator, Mapping
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from litestar import MediaType, Request, Response, get

STYLE = Path(__file__).with_name("docs.css")
METHODS = ("get", "post", "put", "patch", "delete")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
Node = Mapping[str, Any]
Operation = tuple[str, str, Node]


@get("/docs", include_in_schema=False, media_type=MediaType.HTML)
async def show_docs(request: Request[Any, Any, Any]) -> Response[str]:
    """Answer the page, written once an application."""
    state = request.app.state
    if "docs" not in state:
        state.docs = write_page(request.app.openapi_schema.to_schema())
    return Response(state.docs, headers=HEADERS, media_type=MediaType.HTML)


@get("/docs/style.css", include_in_schema=False, media_type=MediaType.CSS)
async def show_style() -> Response[bytes]:
    """Answer the page's style sheet."""
    return Response(STYLE.read_bytes(), headers=HEADERS, media_type=MediaType.CSS)


def write_page(document: Node) -> str:
    """The whole page."""
    info = document["info"]
    title = escape(f"{info['title']} {info['version']}")
    parts = "\n".join(_write_parts(document))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<header>
<h1>{title}</h1>
<p>{escape(info["description"])} The same as a document: <a href="/openapi.json">openapi.json</a>.</p>
<p>Operations that name a scope take a token: <code>Authorization: Bearer cw_…</code>, made with
<code>crosswalk tokens create</code>. Every error is a problem document (RFC 9457).</p>
</header>
{parts}
</body>
</html>
"""


def _write_parts(document: Node) -> Iterator[str]:
    operations = sorted(_operations(document), key=lambda each: (_tag(each), each[0]))
    groups = [(tag, list(group)) for tag, group in groupby(operations, _tag)]
    items = "".join(f'<li><a href="#{_anchor(tag)}">{escape(tag)}</a></li>' for tag, _ in groups)
    yield f"<nav><ul>{items}<li><a href='#shapes'>shapes</a></li></ul></nav><main>"
    for tag, group in groups:
        yield f'<h2 id="{_anchor(tag)}">{escape(tag)}</h2>'
        yield from (_write_operation(path, method, node) for path, method, node in group)
    yield '<h2 id="shapes">shapes</h2>'
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f'<section id="{_anchor(name)}"><h3>{escape(_short(name))}</h3>{_write_shape(schema)}</section>'
    yield "</main>"


def _operations(document: Node) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        yield from ((path, method, item[method]) for method in METHODS if method in item)


def _tag(operation: Operation) -> str:
    tags: list[str] = operation[2].get("tags", ["hub"])
    return tags[0]


def _write_operation(path: str, method: str, node: Node) -> str:
    scopes = [scope for requirement in node.get("security", ()) for scope in requirement.get("bearer", ())]
    needs = "".join(f'<p class="scope">scope <code>{escape(scope)}</code></p>' for scope in scopes)
    rows = "".join(_write_parameter(each) for each in node.get("parameters", ()))
    table = f"<table><tr><th>parameter</th><th>in</th><th>type</th><th></th></tr>{rows}</table>" if rows else ""
    body = f"<p>Body: {_write_media(node['requestBody'])}</p>" if "requestBody" in node else ""
    answers = "".join(
        f"<li><b>{escape(status)}</b> {escape(answer['description'])} {_write_media(answer)}</li>"
        for status, answer in node["responses"].items()
    )
    return (
        f'<section><h3><span class="{method}">{method.upper()}</span> <code>{escape(path)}</code></h3>'
        f"<p><b>{escape(node.get('summary', ''))}.</b> {escape(node.get('description', ''))}</p>"
        f"{needs}{table}{body}<details><summary>Answers</summary><ul>{answers}</ul></details></section>"
    )


def _write_parameter(node: Node) -> str:
    must = "required" if node.get("required") else ""
    says = escape(" ".join(filter(None, (must, node.get("description", "")))))
    return (
        f"<tr><td><code>{escape(node['name'])}</code></td><td>{escape(node['in'])}</td>"
        f"<td>{_write_type(node['schema'])}</td><td>{says}</td></tr>"
    )


def _write_media(node: Node) -> str:
    return ", ".join(_write_type(media["schema"]) for media in node.get("content", {}).values() if "schema" in media)


def _write_shape(schema: Node) -> str:
    required = schema.get("required", ())
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{_write_type(field)}</td>"
        f"<td>{'always' if name in required else ''}</td></tr>"
        for name, field in schema.get("properties", {}).items()
    )
    says = f"<p>{escape(schema['description'])}</p>" if schema.get("description") else ""
    return f"{says}<table>{rows}</table>" if rows else f"{says}<p>{_write_type(schema)}</p>"


def _write_type(schema: Node) -> str:
    """One type in a few words; another shape is a link to it."""
    match schema:
        case {"$ref": str(ref)}:
            name = ref.rpartition("/")[2]
            return f'<a href="#{_anchor(name)}">{escape(_short(name))}</a>'
        case {"oneOf": [*kinds]} | {"anyOf": [*kinds]}:
            return " or ".join(_write_type(kind) for kind in kinds)
        case {"enum": [*values]}:
            return ", ".join(f"<code>{escape(str(value))}</code>" for value in values)
        case {"const": value}:
            return f"<code>{escape(str(value))}</code>"
        case {"type": "array"}:
            return f"list of {_write_type(schema.get('items', {}))}"
        case _:
            kinds = schema.get("format") or schema.get("type", "anything")
            return escape(kinds if isinstance(kinds, str) else " or ".join(kinds))


def _short(name: str) -> str:
    """`Page_crosswalk.accounts.tokens.Token_` is `Page of Token`: the framework names generic shapes by their path."""
    outer, _, inner = name.partition("_")
    return f"{outer} of {inner.rstrip('_').rpartition('.')[2]}" if inner else name


def _anchor(text: str) -> str:
    return escape(text.replace(" ", "-"))
