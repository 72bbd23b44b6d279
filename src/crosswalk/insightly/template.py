"""The template of a path: what of it the contract knows, and `{}` for the rest, which may be somebody's data."""

from functools import cache

from crosswalk.contract import load


def template_of(path: str) -> str:
    """`/Contacts/7/Tags/vip` is `/Contacts/{}/Tags/{}`: few texts, none of them of people."""
    known = _words()
    parts = path.partition("?")[0].split("/")
    return "/".join(part if not part or part.lower() in known else "{}" for part in parts)


@cache
def _words() -> frozenset[str]:
    """Every fixed part of the contract's paths, in lower case."""
    operations = (each for resource in load().resources.values() for each in resource.operations)
    parts = (part for each in operations for part in each.path.split("/"))
    return frozenset(part.lower() for part in parts if part and "{" not in part)
