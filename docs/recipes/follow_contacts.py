"""Keep a copy of an account's contacts up to date from events."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Call = Callable[..., Any]


def watch_contacts(call: Call, account: str) -> None:
    """Let Crosswalk follow the account's contacts; what is there now is not announced."""
    call("POST", "/v1/watches", json={"integrated_account_id": account, "resource": "contacts", "every": 60})


def read_stream(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The events in the lines of `GET /v1/events/stream`, each with its number."""
    number, data = 0, ""
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            number = int(value)
        elif name == "data":
            data = value
        elif not line and data and number:
            yield number, json.loads(data)
            number, data = 0, ""


def apply(copy: dict[str, dict[str, Any]], event: dict[str, Any]) -> None:
    """Bring the copy to what an event tells. Doing it twice does no harm."""
    change = event["data"]
    if event["type"] == "record:deleted":
        copy.pop(change["id"], None)
    elif event["type"].startswith("record:"):
        copy[change["id"]] = change["record"]
