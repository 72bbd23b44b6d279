"""The one bulk route that Insightly does not have: an array in, an array of results out, behind the switch `bulk`."""

from crosswalk.contract import Operation, Resource, load


def _make_bulk(resource: Resource) -> Operation:
    return Operation(
        verb="POST",
        path=f"{resource.path}/Bulk",
        status=201,
        answers=resource.record,
        many=True,
        errors=(400, 401, 402),
        body=resource.record,
        body_many=True,
    )


BULK: tuple[tuple[Resource, Operation], ...] = tuple(
    (resource, _make_bulk(resource))
    for resource in load().resources.values()
    if resource.serves("POST") and resource.serves("GET", "/{id}") and not resource.path.startswith("/{")
)
"""Every resource whose records can be posted and read again, with its bulk operation."""
