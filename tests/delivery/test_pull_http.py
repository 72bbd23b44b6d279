"""Paged APIs as batches of records; answers come from a function, as the outgoing sender's do."""

from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.pull_http import Fetched, Paging, pull_http

URL = "https://example.com/people?active=1"
PEOPLE = [{"id": number} for number in range(5)]


class Api:
    """Answers by a function of the query, and remembers what was asked."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    async def __call__(self, url, headers):
        self.asked.append((url, headers))
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        made = self.answer(query)
        return made if isinstance(made, Fetched) else Fetched(200, {}, msgspec.json.encode(made))


async def pull(api, url=URL, **options):
    """All batches of a pull."""
    return [batch async for batch in pull_http(url, fetch=api, **options)]


def records(batches):
    """Their records."""
    return [record for batch in batches for record in batch.records]


def cut(query, name="page", size=2, first=1):
    """The page that a query asks for."""
    start = (int(query[name]) - first) * size
    return PEOPLE[start : start + size]


async def test_one_answer():
    """Without paging one answer is all; the array may stand below a path; headers go along."""
    api = Api(lambda _: {"data": {"rows": PEOPLE}})
    assert PEOPLE == records(await pull(api, paging=Paging(records="data.rows"), headers={"X-Key": "k"}))
    assert [(URL, {"X-Key": "k"})] == api.asked


async def test_pages_end_with_a_short_one():
    """Pages are numbered from the first on, and a short one is the last: no call is spent on an empty one."""
    api = Api(cut)
    assert PEOPLE == records(await pull(api, paging=Paging(style="page", size=2)))
    assert ["page=1", "page=2", "page=3"] == [url.rpartition("&")[2] for url, _ in api.asked]


async def test_pages_of_unknown_size_end_with_an_empty_one():
    """Where no size is told, the empty page says that it is over."""
    api = Api(lambda query: cut(query, "p", first=0))
    assert PEOPLE == records(await pull(api, paging=Paging(style="page", parameter="p", first=0)))
    assert 4 == len(api.asked)


async def test_offsets_count_what_came():
    """An offset grows by what a page held, even when the API gives less than was asked for."""
    api = Api(lambda query: PEOPLE[int(query["offset"]) :][:2])
    paging = Paging(style="offset")
    assert PEOPLE == records(await pull(api, paging=paging))


async def test_size_is_sent():
    """The page's size goes into the query under its name."""
    api = Api(lambda _: PEOPLE)
    await pull(api, paging=Paging(style="offset", size=100, size_parameter="limit"))
    assert "active=1&limit=100&offset=0" in api.asked[0][0]


async def test_cursors_end_with_null():
    """A cursor in the answer leads to the next page; null, empty or absent ends the list."""
    pages = {None: ("a", PEOPLE[:2]), "a": (7, PEOPLE[2:4]), "7": (None, PEOPLE[4:])}

    def answer(query):
        following, rows = pages[query.get("after")]
        return {"rows": rows, "meta": {"next": following}}

    paging = Paging(style="cursor", records="rows", cursor="meta.next", parameter="after")
    batches = await pull(Api(answer), paging=paging)
    assert (PEOPLE, ["a", "7", None]) == (records(batches), [batch.cursor for batch in batches])


async def test_link_headers_are_followed():
    """A `Link` header names the next page, relative or whole."""

    def answer(query):
        page = int(query.get("page", 1))
        link = f'<https://example.com/x>; rel="prev", </people?page={page + 1}>; rel="next"' if page < 3 else ""
        return Fetched(200, {"link": link}, msgspec.json.encode(cut({"page": page})))

    api = Api(answer)
    assert PEOPLE == records(await pull(api, paging=Paging(style="link-header")))
    assert "https://example.com/people?page=3" == api.asked[2][0]


async def test_pull_goes_on_from_a_batch():
    """A batch's cursor is where the next page is."""
    paging = Paging(style="page", size=2)
    first = (await pull(Api(cut), paging=paging))[0]
    assert PEOPLE[2:] == records(await pull(Api(cut), paging=paging, after=first.cursor))


async def test_what_is_no_object_is_told():
    """An element that is no record is a value of its own."""
    (batch,) = await pull(Api(lambda _: [{"id": 1}, 2]))
    assert ([{"id": 1}], [(2, "2")]) == (batch.records, [(bad.number, bad.text) for bad in batch.unreadable])


@pytest.mark.parametrize(
    ("answer", "paging", "says"),
    [
        (lambda _: Fetched(500, {}, b"down"), Paging(), "answers 500: down"),
        (lambda _: Fetched(200, {}, b"<html>"), Paging(), "no JSON"),
        (lambda _: {"rows": []}, Paging(), "properties: rows"),
        (lambda _: PEOPLE, Paging(style="page"), "once more"),
        (
            lambda _: {"rows": PEOPLE, "next": "a"},
            Paging(style="cursor", records="rows", cursor="next"),
            "read already",
        ),
        (lambda _: [], Paging(style="cursor"), "needs the path"),
        (cut, Paging(style="page", most=2), "more than 2 pages"),
        (
            lambda _: Fetched(200, {"link": '<https://evil.example/>; rel="next"'}, b"[]"),
            Paging(style="link-header"),
            "another host",
        ),
    ],
)
async def test_refusals(answer, paging, says):
    """What is no list of pages ends in a sentence, never in a loop; secrets of the address are not repeated."""
    with pytest.raises(SourceError, match=says) as caught:
        await pull(Api(answer), "https://example.com/people?key=hunter2", paging=paging)
    assert "hunter2" not in str(caught.value)
