"""Two tenants of one hub, on every route that the document has: neither sees the other, nor learns that it is there."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from fixtures.document import ENDLESS, document, fitting
from fixtures.standing import Standing, standing

OWN = {"globex", "people"}
"""Names of the stranger's own: its account, and the dataset that its one destination was made to read."""
NOBODY = "01a204e9-c405-78c8-b1f1-680e5454afc1"
"""An id that nothing has."""
OPEN = {"/", "/ping", "/health/live", "/health/ready"}
"""What is answered to anybody alike."""
EVERY = [(method.upper(), path) for path, item in document()["paths"].items() for method in item if path not in OPEN]
OF_ALL = {"/metrics", "/v1/audit", "/v1/audit/verify", "/v1/notices/channels", "/v1/notices/channels/{channel}",
          "/v1/notices/channels/{channel}/test"}  # fmt: skip
"""What tells of, or to, every account: closed to a token of some."""
GIVEN = {
    "/v1/destinations/{place}/runs": {"rows": [{"first_name": "Ada"}]},
    "/v1/automations/{place}": {"settings": {}},
    "/v1/automations/{place}/dry-run": {"input": {}},
    "/v1/automations/{place}/fire": {"input": {}},
}
"""Bodies where one with something under every required key is none that the route takes."""
ASKED = {"/v1/destinations/{place}/versions/compare": {"before": "1", "after": "2"}}
"""Parameters that a route needs beside the account."""
Ask = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """A hub with the accounts of several tenants; nearly all that it has is of `acme`."""
    with standing(tmp_path_factory.mktemp("tenants") / "home") as found:
        yield found


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """A connection, whoever asks on it."""
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


@pytest.fixture(scope="module")
def asking(hub: Standing, session: requests.Session) -> Callable[[str], Ask]:
    """Makes somebody who asks with this token."""

    def by(token: str) -> Ask:
        headers = {"Authorization": f"Bearer {token}"}
        return lambda method, path, **more: session.request(method, hub.url + path, headers=headers, **more)

    return by


@pytest.fixture(scope="module")
def theirs(hub: Standing, asking: Callable[[str], Ask]) -> dict[tuple[str, str], str]:
    """Ids and names of acme's things, by the collection they are in and the place of a path that takes them."""
    admin = asking(hub.token)

    def make(path: str, body: dict[str, Any]) -> dict[str, Any]:
        made = admin("POST", path, json=body)
        assert made.status_code == 201, made.text
        return made.json()

    account = hub.accounts["acme"]
    make("/v1/automations", {"name": "theirs", "kind": "kickoff", "account": "acme"})
    admin("GET", "/unified/crm/users", params={"integrated_account_id": account})
    token = make("/v1/tokens", {"name": "theirs", "scopes": ["*:*"], "accounts": ["acme"]})
    watch = make("/v1/watches", {"integrated_account_id": account, "resource": "contacts"})
    subscription = make("/v1/subscriptions", {"endpoint": "crm", "integrated_account_id": account})
    return {
        ("tokens", "token_id"): token["id"],
        ("watches", "place"): watch["id"],
        ("subscriptions", "subscription"): subscription["id"],
        ("requests", "request_id"): first(admin, "/v1/requests"),
        ("sources", "place"): "people",
        ("datasets", "place"): "people",
        ("destinations", "place"): "people-to-contacts",
        ("runs", "run_id"): hub.ids["run_id"],
        ("deliveries", "run_id"): hub.ids["run_id"],
        ("dead-letters", "run_id"): hub.ids["run_id"],
        ("webhooks", "place"): "crm",
        ("webhooks", "message"): hub.ids["message"],
        ("notices", "notice"): first(admin, "/v1/notices"),
        ("automations", "place"): "theirs",
        ("integrated-account", "account_id"): account,
    }


def first(ask: Ask, path: str) -> str:
    """The id of a list's first item; the request log is written a moment after its requests were answered."""
    for _ in range(1000):
        if found := ask("GET", path).json()["result"]:
            return found[0].get("id") or found[0]["request"]
    raise AssertionError(f"{path} stays empty")


@pytest.fixture(scope="module")
def stranger(hub: Standing, asking: Callable[[str], Ask]) -> Ask:
    """Whoever may do everything with globex, another tenant's account."""
    draft = {"name": "stranger", "scopes": ["*:*"], "accounts": ["globex"]}
    return asking(asking(hub.token)("POST", "/v1/tokens", json=draft).json()["token"])


def named(path: str) -> tuple[str, str] | None:
    """The thing that a route asks for: its collection, and the first place of the path. What follows are parts of it.

    Where the account is a parameter, that is the thing: what the path names is of each account.
    """
    if "{" in path and takes_account(path):
        return "integrated-account", "account_id"
    parts = path.removeprefix("/v1").strip("/").split("/")
    return next(((parts[0], each.strip("{}")) for each in parts if each.startswith("{")), None)


def ask_for(ask: Ask, method: str, path: str, thing: str) -> requests.Response:
    """Ask for one thing, with a body and parameters that the route takes."""
    asked = dict(ASKED.get(path, {}))
    if takes_account(path):
        filled, asked["integrated_account_id"] = path.format(resource="contacts", layer="account"), thing
    else:
        filled = re.sub(r"{\w+}", "1", re.sub(r"{\w+}", thing, path, count=1))
    takes = "requestBody" in document()["paths"][path][method.lower()]
    body = GIVEN.get(path, fitting(path, method) if takes else None)
    return ask(method, filled, params=asked, json=body)


def takes_account(path: str) -> bool:
    """Whether a route takes the account as a parameter."""
    operations = document()["paths"][path].values()
    return any(each["name"] == "integrated_account_id" for op in operations for each in op.get("parameters", ()))


def told(answer: requests.Response, name: str) -> tuple[int, str]:
    """Status and words of a refusal, without the name that was asked for."""
    return answer.status_code, answer.json()["detail"].replace(name, "…")


ELSEWHERE = OF_ALL | {"/v1/events/{event}"}
"""An event comes of what changes at Insightly: `test_events.py` has some, of two tenants."""
THINGS = [each for each in EVERY if named(each[1]) and not each[1].startswith("/unified") and each[1] not in ELSEWHERE]
LISTS = [
    path
    for method, path in EVERY
    if method == "GET" and "{" not in path and not path.startswith("/unified") and path not in ENDLESS
]


@pytest.mark.parametrize(("method", "path"), THINGS)
def test_what_is_theirs_is_not_there(theirs, stranger: Ask, method: str, path: str):
    """What belongs to another tenant is answered like what never was: neither read nor changed."""
    thing = theirs[named(path)]  # a new collection is told what stands in it, above
    here, nowhere = ask_for(stranger, method, path, thing), ask_for(stranger, method, path, NOBODY)
    assert (404, told(nowhere, NOBODY)) == (here.status_code, told(here, thing))


@pytest.mark.parametrize("path", LISTS)
def test_lists_tell_of_ones_own(theirs, stranger: Ask, hub: Standing, path: str):
    """No list names another tenant's account or anything of theirs; what tells of all accounts is closed."""
    answer = stranger("GET", path)
    names = {*theirs.values(), *hub.accounts, *hub.accounts.values()} - OWN - {hub.accounts["globex"]}
    shown = sorted(each for each in names if f'"{each}"' in answer.text)
    assert (403 if path in OF_ALL else 200, []) == (answer.status_code, shown), answer.text


def test_the_owner_sees_them(theirs, asking: Callable[[str], Ask], hub: Standing):
    """The same things are there for whoever may see them: the tests above ask for what there is."""
    reads = [path for method, path in THINGS if method == "GET" and path.count("{") == 1]
    answers = {path: ask_for(asking(hub.token), "GET", path, theirs[named(path)]) for path in reads}
    assert dict.fromkeys(reads, 200) == {path: answer.status_code for path, answer in answers.items()}
