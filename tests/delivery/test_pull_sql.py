"""Queries as batches of records, on SQLite and PostgreSQL."""

import sqlite3
from contextlib import aclosing

import psycopg
import pytest

from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.pull_sql import pull_sql

MAKE = "CREATE TABLE people (id INTEGER, name TEXT, at TEXT)"


@pytest.fixture(params=["sqlite", "postgres"])
def people(request, tmp_path):
    """A database with an empty table, once of each kind: its address, and a way to run statements."""
    if request.param == "sqlite":
        path = tmp_path / "people.db"
        url, connection = f"sqlite:///{path}", sqlite3.connect(path)
    else:
        url = request.getfixturevalue("empty_postgres")
        connection = psycopg.connect(url, autocommit=True)

    def run(*statements):
        for statement in statements:
            connection.execute(statement)
        connection.commit()

    run("DROP TABLE IF EXISTS people", MAKE)
    yield url, run
    connection.close()


@pytest.fixture(scope="module")
def empty_postgres(postgres_server):
    """A PostgreSQL database of these tests alone."""
    from fixtures.database import WORKER, made_postgres

    with made_postgres(postgres_server, f"{WORKER}_pull") as url:
        yield url


def insert(*rows):
    """A statement that adds rows of (id, name, at)."""
    return "INSERT INTO people VALUES " + ", ".join(f"({i}, '{name}', '{at}')" for i, name, at in rows)


async def pull(url, query="SELECT * FROM people", **options):
    """All records of a pull, and its last cursor."""
    batches = [batch async for batch in pull_sql(url, query, **options)]
    cursor = next((batch.cursor for batch in reversed(batches) if batch.cursor), options.get("after"))
    return [record for batch in batches for record in batch.records], cursor


async def test_query(people):
    """Every row of a query becomes a record, in batches of the size asked for."""
    url, run = people
    run(insert(*((number, f"P{number}", "x") for number in range(25))))
    batches = [batch async for batch in pull_sql(url, "SELECT id, name FROM people ORDER BY id;", batch=10)]
    assert [10, 10, 5] == [len(batch.records) for batch in batches]
    assert {"id": 11, "name": "P11"} == batches[1].records[1]


async def test_colons_and_percents_are_the_querys_own(people):
    """Nothing in a query is taken for a parameter of ours."""
    url, run = people
    run(insert((1, "a", "12:30 :x 5%")))
    query = "SELECT at, CAST(id AS INTEGER) AS id FROM people WHERE at LIKE '%:x 5\\%' ESCAPE '\\' -- 100%s :y"
    assert [{"at": "12:30 :x 5%", "id": 1}] == (await pull(url, query))[0]
    assert 1 == len((await pull(url, query, cursor_column="id"))[0])


async def test_rows_that_share_the_last_value_come_once(people):
    """The next pull brings what has the last cursor value and was not read, and nothing that was."""
    url, run = people
    run(insert((1, "a", "1"), (2, "b", "2"), (3, "c", "2")))
    first, cursor = await pull(url, cursor_column="at", batch=2)
    assert {1, 2, 3} == {record["id"] for record in first}
    run(insert((4, "d", "2"), (5, "e", "3")))
    second, cursor = await pull(url, cursor_column="at", after=cursor)
    assert [4, 5] == [record["id"] for record in second]
    third, again = await pull(url, cursor_column="at", after=cursor)
    assert ([], cursor) == (third, again)


async def test_pull_goes_on_from_any_batch(people):
    """A pull that ended after any batch is gone on with, without loss or doubles, ties included."""
    url, run = people
    run(insert(*((number, "x", str(number // 4)) for number in range(20))))
    async with aclosing(pull_sql(url, "SELECT * FROM people", cursor_column="at", batch=3)) as batches:
        batch = await anext(batches)
    seen = [record["id"] for record in batch.records]
    rest, _ = await pull(url, cursor_column="at", after=batch.cursor)
    assert list(range(20)) == sorted(seen + [record["id"] for record in rest])


async def test_null_in_the_cursor_column_is_refused(people):
    """A row that an incremental pull would lose stops it."""
    url, run = people
    run("INSERT INTO people VALUES (1, 'a', NULL)")
    with pytest.raises(SourceError, match="no value in the cursor column"):
        await pull(url, cursor_column="at")


@pytest.mark.parametrize(
    ("query", "options", "says"),
    [
        ("SELECT nothing FROM people", {}, "fails"),
        ("SELECT id, id FROM people", {}, "'id' twice"),
        ("SELECT id FROM people", {"cursor_column": "id2"}, "id2"),
        ("SELECT id FROM people", {"cursor_column": "id", "after": "nonsense"}, "no cursor"),
    ],
)
async def test_wrong_use(people, query, options, says):
    """What cannot work says what is wrong."""
    url, run = people
    run(insert((1, "a", "1")))
    with pytest.raises(SourceError, match=says):
        await pull(url, query, **options)


async def test_source_is_only_read(people):
    """A statement that writes is refused by the database itself."""
    url, _run = people
    with pytest.raises(SourceError, match="fails"):
        await pull(url, insert((1, "a", "1")) + " RETURNING id")
    assert [] == (await pull(url))[0]


async def test_exact_and_odd_values(empty_postgres):
    """Numerics stay exact, times are ISO text, JSON is nested, bytes are base64."""
    query = """SELECT 12345678901234567890.10::numeric AS n,
               '2026-01-31 12:00+00'::timestamptz AS t, '{"a": [1]}'::jsonb AS j,
               '\\x00ff'::bytea AS b, 'NaN'::float8 AS f, ARRAY[1, NULL] AS l"""
    ((record,), _) = await pull(empty_postgres, query)
    assert ("12345678901234567890.10", {"a": [1]}, "AP8=", None, [1, None]) == tuple(record[name] for name in "njbfl")
    assert record["t"].startswith("2026-01-31T")


async def test_times_as_cursor(empty_postgres):
    """A timestamp is a cursor as exact as the database's."""
    query = """SELECT n, '2026-01-31 12:00:00.000001+00'::timestamptz + n * interval '1 microsecond' AS at
               FROM generate_series(1, 5) n"""
    _, cursor = await pull(empty_postgres, f"{query} WHERE n < 4", cursor_column="at")
    assert [4, 5] == [
        record["n"] for record in (await pull(empty_postgres, query, cursor_column="at", after=cursor))[0]
    ]


async def test_slow_query_is_stopped(empty_postgres):
    """A query that answers nothing for too long fails by the database's own clock."""
    with pytest.raises(SourceError, match="timeout"):
        await pull(empty_postgres, "SELECT pg_sleep(60)", seconds=1)


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql://me:hunter2@127.0.0.1:1/x", "sqlite:////none.db", "what://me:hunter2@x/y"]
)
async def test_password_is_never_shown(url):
    """An address that cannot be used is named without its password."""
    with pytest.raises(SourceError) as caught:
        await pull(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None or "hunter2" not in str(caught.value.__cause__)
