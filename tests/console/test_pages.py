"""Pages: each answers its data as JSON too, tells what is wrong, and does what its buttons say."""

import httpx
import pytest

from crosswalk.delivery.history import DeliveryFilter, Place, find_delivery, find_run, group_dead, list_deliveries
from fixtures.showcase import HTML, Showcase, csrf_of, enter, open_showcase

LONGEST_FIRST_LOAD = 150_000
pytestmark = pytest.mark.asyncio(loop_scope="module")
PLACES = (
    "/home", "/accounts", "/accounts/new", "/accounts/acme", "/runs", "/runs/{run}", "/deliveries",
    "/deliveries/{run}/{dead}", "/deliveries/{run}/{held}", "/dead-letters", "/sources", "/sources/people",
    "/sources/new", "/sources/new?kind=sql", "/sources/new?kind=http", "/sources/new?kind=webhook",
    "/datasets/people", "/destinations", "/destinations/people-to-contacts",
    "/accounts/acme/requests", "/audit", "/notices", "/settings", "/mapper",
)  # fmt: skip


def path_of(pattern: str, case: Showcase) -> str:
    """A page of the showcase."""
    return pattern.format(run=case.run, dead=case.dead, held=case.held)


@pytest.mark.parametrize("pattern", PLACES)
async def test_page_and_its_data(showcase: Showcase, reader: httpx.AsyncClient, pattern: str):
    """A page is whole HTML with strict headers; asked for JSON, the same address answers its data."""
    path = path_of(pattern, showcase)
    page = await reader.get(path)
    assert (200, True) == (page.status_code, page.text.rstrip().endswith("</html>"))
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert ("no-store", "no-referrer") == (page.headers["cache-control"], page.headers["referrer-policy"])
    data = await reader.get(path, headers={"Accept": "application/json"})
    assert isinstance(data.json(), dict)
    assert data.json().keys() == (await reader.get(path, params={"as": "json"})).json().keys()


async def test_run_reconciles(showcase: Showcase, reader: httpx.AsyncClient):
    """What a run read is the sum of its states, on the page as in the journal."""
    run = (await reader.get(f"/runs/{showcase.run}", params={"as": "json"})).json()["run"]
    assert run["read"] == sum(run["counts"].values()) == 60
    assert f"Read {run['read']} =" in (await reader.get(f"/runs/{showcase.run}")).text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "held"}, 1),
        ({"state": "dead"}, 6),
        ({"status": "400"}, 2),
        ({"text": "last summer"}, 4),
        ({"text": "nobody is called so"}, 0),
    ],
)
async def test_search(reader: httpx.AsyncClient, query: dict[str, str], found: int):
    """Deliveries are found by state, status and text."""
    assert found == len((await reader.get("/deliveries", params={**query, "as": "json"})).json()["deliveries"])


async def test_list_goes_on(reader: httpx.AsyncClient):
    """The next page of a list has the filters of the first, and its end has no next."""
    first = (await reader.get("/deliveries", params={"state": "delivered", "as": "json"})).json()
    rest = (await reader.get(first["older"])).json()
    assert (50, 3, None) == (len(first["deliveries"]), len(rest["deliveries"]), rest["older"])


@pytest.mark.parametrize("path", ["/runs/none", "/accounts/none", "/destinations/none", "/deliveries/none/1"])
async def test_nothing_there(reader: httpx.AsyncClient, path: str):
    """What is not there is a page that says so and leads back; to scripts a problem."""
    page = await reader.get(path)
    assert (404, True) == (page.status_code, "There is nothing here" in page.text)
    problem = await reader.get(path, headers={"Accept": "application/json"})
    assert (404, "not_found") == (problem.status_code, problem.json()["code"])


async def test_bad_cursor(reader: httpx.AsyncClient):
    """A cursor that no list gave is told, not a crash."""
    assert 400 == (await reader.get("/runs", params={"next_cursor": "nonsense"})).status_code


async def test_first_load_is_small(reader: httpx.AsyncClient):
    """The first page with all that it loads is below 150 KB."""
    page = (await reader.get("/")).text
    loaded = {text.partition('"')[0] for text in page.split('="')[1:] if text.startswith("/assets/")}
    sizes = [len((await reader.get(path)).content) for path in loaded]
    assert len(sizes) >= 3
    assert len(page) + sum(sizes) < LONGEST_FIRST_LOAD


async def test_files_are_kept(reader: httpx.AsyncClient):
    """A file under its digest is kept for ever; under another digest there is none."""
    page = (await reader.get("/sign-in")).text
    path = page.partition('stylesheet" href="')[2].partition('"')[0]
    assert "immutable" in (await reader.get(path)).headers["cache-control"]
    assert 404 == (await reader.get(path.replace("/assets/", "/assets/0"))).status_code


async def test_text_is_text(reader: httpx.AsyncClient):
    """What people typed is shown as text, never as markup."""
    page = await reader.get("/deliveries", params={"text": '"><script>alert(1)</script>'})
    assert "<script>alert" not in page.text


async def test_dead_letters_are_put_right(tmp_path):
    """A group is previewed, edited and replayed from its page; one row from its own, and discarded with a reason."""
    async with (
        open_showcase(tmp_path / "home", rows=24) as case,
        httpx.AsyncClient(base_url=case.url, headers=HTML, verify=False) as client,
    ):
        await enter(client, case)
        token, database = await csrf_of(client), case.hub.database
        group = next(each for each in await group_dead(database, DeliveryFilter()) if "DATE_OF_BIRTH" in each.reason)
        path, edit = f"/dead-letters/groups/{group.id}", {"token": token, "columns": "born = 1990-01-31"}
        preview = await client.post(path, data={**edit, "act": "preview"})
        assert "1990-01-31" in preview.text
        before = (await find_run(database, case.run)).counts
        assert "go again" in (await client.post(path, data={**edit, "act": "replay"})).text
        after = (await find_run(database, case.run)).counts
        assert (group.count, -group.count) == (after["pending"] - before["pending"], after["dead"] - before["dead"])
        [row, *_] = await list_deliveries(database, DeliveryFilter(state="dead"), most=1)
        own = f"/deliveries/{row.run_id}/{row.number}"
        refused = await client.post(f"{own}/edit", data={"token": token, "row": "{", "act": "edit"})
        assert (422, True) == (refused.status_code, "no JSON object" in refused.text)
        cells = (await client.get(own, params={"as": "json"})).json()["cells"]
        unsaid = await client.post(f"{own}/edit", data={"token": token, "row": cells, "act": "discard"})
        assert 422 == unsaid.status_code
        data = {"token": token, "row": cells, "act": "discard", "why": "a test"}
        assert 303 == (await client.post(f"{own}/edit", data=data)).status_code
        whole = await find_delivery(database, Place(row.run_id, row.number))
        assert ("cancelled", "console", "a test") == (whole.state, whole.decisions[-1].who, whole.decisions[-1].reason)


async def test_held_row_is_decided(tmp_path):
    """A held row is given up only for a reason, and adopted only as a record that is there."""
    async with (
        open_showcase(tmp_path / "home", rows=24) as case,
        httpx.AsyncClient(base_url=case.url, headers=HTML, verify=False) as client,
    ):
        await enter(client, case)
        own = f"/deliveries/{case.run}/{case.held}/decide"
        said = {"token": await csrf_of(client), "decided": "0"}
        assert 422 == (await client.post(own, data={**said, "verdict": "give_up"})).status_code
        unknown = await client.post(own, data={**said, "verdict": "adopt", "remote_id": "1"})
        assert (422, True) == (unknown.status_code, "1" in unknown.text)
        assert 303 == (await client.post(own, data={**said, "verdict": "give_up", "why": "a test"})).status_code
        row = await find_delivery(case.hub.database, Place(case.run, case.held))
        assert "cancelled" == row.state


async def test_account_and_destination_buttons(tmp_path):
    """An account is checked, limited and removed by its name; a destination asks about what waits, then goes."""
    async with (
        open_showcase(tmp_path / "home", rows=24) as case,
        httpx.AsyncClient(base_url=case.url, headers=HTML, verify=False) as client,
    ):
        await enter(client, case)
        said = {"token": await csrf_of(client)}
        assert "administrator" in (await client.post("/accounts/acme/check", data=said)).text
        wrong = await client.post("/accounts/acme/limits", data={**said, "rate": "many"})
        assert (422, True) == (wrong.status_code, "no number" in wrong.text)
        assert (
            303 == (await client.post("/accounts/acme/limits", data={**said, "rate": "5", "reserve": "20"})).status_code
        )
        account = await case.hub.accounts.find("acme")
        assert (5, 20) == (account.rate, account.reserve)
        asked = await client.post("/destinations/people-to-leads/activate", data=said)
        assert (422, True) == (asked.status_code, "Activate and skip them" in asked.text)
        data = {**said, "backlog": "skip"}
        assert 303 == (await client.post("/destinations/people-to-leads/activate", data=data)).status_code
        assert 303 == (await client.post("/destinations/people-to-leads/pause", data=said)).status_code
        assert (
            303
            == (
                await client.post("/destinations/people-to-contacts/rollback", data={**said, "version": "1"})
            ).status_code
        )
        assert 422 == (await client.post("/accounts/globex/remove", data={**said, "name": "acme"})).status_code
        assert 303 == (await client.post("/accounts/globex/remove", data={**said, "name": "globex"})).status_code
        assert 404 == (await client.get("/accounts/globex")).status_code
        lines = (await client.get("/audit?as=json")).json()["lines"]
        told = [(line["actor"], line["action"], line["object"]) for line in lines]
        assert ("console", "account.remove", "globex") in told
        assert ("console", "destination.pause", "people-to-leads") in told


async def test_relink(tmp_path):
    """A refused account gets another key and works again; a key that Insightly does not know is refused."""
    async with (
        open_showcase(tmp_path / "home", rows=24) as case,
        httpx.AsyncClient(base_url=case.url, headers=HTML, verify=False) as client,
    ):
        await enter(client, case)
        said = {"token": await csrf_of(client)}
        own = case.insightly.keys[3]
        assert 422 == (await client.post("/accounts/initech/relink", data={**said, "api_key": "nobody's"})).status_code
        page = await client.post("/accounts/initech/relink", data={**said, "api_key": own})
        assert (200, "active") == (page.status_code, (await case.hub.accounts.find("initech")).status)


async def test_tokens_and_password(tmp_path):
    """A token is shown once and revoked; the password is set when it was typed twice alike."""
    async with (
        open_showcase(tmp_path / "home", rows=24) as case,
        httpx.AsyncClient(base_url=case.url, headers=HTML, verify=False) as client,
    ):
        await enter(client, case)
        said = {"token": await csrf_of(client)}
        wrong = await client.post("/settings/tokens", data={**said, "name": "t", "scopes": "nonsense:read"})
        assert 422 == wrong.status_code
        made = await client.post(
            "/settings/tokens", data={**said, "name": "t", "scopes": "delivery:read, accounts:read"}
        )
        assert (200, True) == (made.status_code, "cw_" in made.text.partition("Copy the token now")[2])
        found = next(each for each in (await client.get("/settings?as=json")).json()["tokens"] if each["name"] == "t")
        assert 303 == (await client.post(f"/settings/tokens/{found['id']}/revoke", data=said)).status_code
        differ = await client.post("/settings/password", data={**said, "password": "a" * 12, "again": "b" * 12})
        assert (422, True) == (differ.status_code, "differ" in differ.text)
        alike = {**said, "password": "a" * 12, "again": "a" * 12}
        assert "Everybody else was signed out" in (await client.post("/settings/password", data=alike)).text
