"""Tags: words on a record, each once in any case, in the order they came."""

from collections.abc import Iterable

from crosswalk.sandbox.refusals import Invalid

MAX_LENGTH = 255


def take_tag(entry: object, where: str) -> str:
    """Read one tag out of a body. Raises `Invalid`."""
    keys = {str(key).upper(): value for key, value in entry.items()} if isinstance(entry, dict) else {}
    name = keys.get("TAG_NAME")
    if not isinstance(name, str) or not name.strip():
        raise Invalid((f"{where}.TAG_NAME", "The TAG_NAME field is required."))
    if len(name) > MAX_LENGTH:
        message = f"The field TAG_NAME must be a string with a maximum length of {MAX_LENGTH}."
        raise Invalid((f"{where}.TAG_NAME", message))
    return name.strip()


def take_tags(body: object, where: str) -> list[object] | None:
    """Read a whole set of tags: an array, or one tag alone. Raises `Invalid`."""
    entries = body if isinstance(body, list) else [] if body is None else [body]
    return unite(take_tag(entry, f"{where}[{i}]") for i, entry in enumerate(entries))


def unite(tags: Iterable[object]) -> list[object] | None:
    """Keep each tag once, whatever its case; `None` when there is none."""
    found: dict[str, object] = {}
    for tag in tags:
        found.setdefault(str(tag).lower(), tag)
    return list(found.values()) or None
