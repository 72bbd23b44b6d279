"""Records out to files and tables, read back by our own readers."""

import asyncio
import sqlite3
import threading
from contextlib import closing

import psycopg
import pytest

from crosswalk.delivery.errors import SourceError
from crosswalk.delivery.schema import Survey
from crosswalk.delivery.source import open_source
from crosswalk.delivery.write_file import UnwritableRecord, replacing, run_writer, write_csv, write_json_lines
from crosswalk.delivery.write_parquet import write_parquet
from crosswalk.delivery.write_table import write_table
from fixtures.database import WORKER, made_postgres

RECORDS = [
    {"id": 1, "name": 'Lee, "Ann"\nZürich', "paid": True, "sum": 1.5, "tags": ["a"], "none": None},
    {"id": 2, "name": "007", "paid": False, "sum": 2.0, "tags": [], "more": {"x": 1}},
]


def survey(records=RECORDS):
    """Their schema."""
    made = Survey()
    made.note_all(records)
    return made.schema


def cells_of(path):
    """What our readers find in a file."""
    with open_source(path) as source:
        return [row.cells for row in source.rows]


def test_csv(tmp_path):
    """Every value is a cell that reads back as its text; lists and objects are JSON."""
    path = tmp_path / "a.csv"
    assert 2 == write_csv(path, [RECORDS[:1], RECORDS[1:]], ["id", "name", "paid", "sum", "tags", "none", "more"])
    first, second = cells_of(path)
    assert ("1", 'Lee, "Ann"\nZürich', "true", '["a"]', "") == tuple(
        first[name] for name in ("id", "name", "paid", "tags", "none")
    )
    assert ("007", '{"x":1}') == (second["name"], second["more"])


def test_json_lines(tmp_path):
    """JSON Lines read back as they were."""
    path = tmp_path / "a.jsonl"
    assert 2 == write_json_lines(path, [RECORDS])
    assert RECORDS == cells_of(path)


def test_parquet(tmp_path):
    """Parquet keeps whole numbers, numbers, truth values and texts; lists and objects are JSON."""
    path = tmp_path / "a.parquet"
    assert 2 == write_parquet(path, [RECORDS], survey())
    first, second = cells_of(path)
    expected = {"id": 2, "name": "007", "paid": False, "sum": 2.0, "tags": "[]", "none": None, "more": '{"x":1}'}
    assert expected == second
    assert first["name"] == RECORDS[0]["name"]


def test_nothing_is_an_empty_file_of_its_columns(tmp_path):
    """No records make a CSV with a header alone."""
    assert 0 == write_csv(tmp_path / "a.csv", [], ["id"])
    assert b"id\r\n" == (tmp_path / "a.csv").read_bytes()


@pytest.mark.parametrize(
    "write",
    [
        lambda path, batches: write_csv(path, batches, ["id"]),
        lambda path, batches: write_parquet(path, batches, survey([{"id": 1}])),
    ],
)
def test_unknown_column_leaves_the_old_file(tmp_path, write):
    """A record that does not fit is an error that names it; what stood there stands there still, and nothing else."""
    path = tmp_path / "a.csv"
    path.write_text("before")
    with pytest.raises(UnwritableRecord, match="record 2 has 'new'"):
        write(path, [[{"id": 1}], [{"id": 2, "new": 3}]])
    assert ("before", ["a.csv"]) == (path.read_text(), [each.name for each in tmp_path.iterdir()])


@pytest.mark.parametrize("value", ["x", 1.5, True, 2**64])
def test_value_of_another_type_is_named(tmp_path, value):
    """A Parquet column takes nothing that it would have to change."""
    with pytest.raises(UnwritableRecord, match="not integer"):
        write_parquet(tmp_path / "a.parquet", [[{"id": value}]], survey([{"id": 1}]))


def test_missing_folder(tmp_path):
    """A folder that is not there is named."""
    with pytest.raises(SourceError, match="No such file"):
        write_json_lines(tmp_path / "none" / "a.jsonl", [RECORDS])


async def test_writer_takes_an_asynchronous_iterator(tmp_path):
    """Batches may come from an event loop, one at a time; its failure is the writer's."""

    async def batches(*, fails=False):
        for record in RECORDS:
            yield [record]
        if fails:
            raise SourceError("gone")

    path = tmp_path / "a.jsonl"
    assert 2 == await run_writer(lambda given: write_json_lines(path, given), batches())
    with pytest.raises(SourceError, match="gone"):
        await run_writer(lambda given: write_json_lines(tmp_path / "b.jsonl", given), batches(fails=True))
    assert ["a.jsonl"] == [each.name for each in tmp_path.iterdir()]


async def test_stopped_writer_puts_nothing_in_place(tmp_path):
    """A writer that is cancelled does not take the end of its batches for the end of the records."""
    path, begun, goes = tmp_path / "a.jsonl", threading.Event(), threading.Event()
    path.write_text("before")

    async def batches():
        for record in RECORDS:
            yield [record]

    def slow(given):
        for each in given:
            begun.set()
            assert goes.wait(60)
            yield each

    given = batches()
    task = asyncio.create_task(run_writer(lambda taken: write_json_lines(path, slow(taken)), given))
    assert await asyncio.to_thread(begun.wait, 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await given.aclose()
    goes.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert ("before", ["a.jsonl"]) == (path.read_text(), [each.name for each in tmp_path.iterdir()])


def test_two_writers_of_one_file(tmp_path):
    """A file that another writes now is refused; what a killed one left is written over; links are not followed."""
    path, draft = tmp_path / "a.jsonl", tmp_path / ".a.jsonl.part"
    with replacing(path) as file:
        file.write(b"first")
        with pytest.raises(SourceError, match="by another export right now"):
            write_json_lines(path, [RECORDS])
    assert (b"first", False) == (path.read_bytes(), draft.exists())
    draft.write_text("half of a much longer draft " * 99)
    write_json_lines(path, [RECORDS])
    assert (RECORDS, False, 0o600) == (cells_of(path), draft.exists(), path.stat().st_mode & 0o777)
    draft.symlink_to(path)
    with pytest.raises(SourceError, match="cannot be written"):
        write_json_lines(path, [])
    assert RECORDS == cells_of(path)


@pytest.fixture(scope="module")
def empty_postgres(postgres_server):
    """A PostgreSQL database of these tests alone."""
    with made_postgres(postgres_server, f"{WORKER}_write") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def target(request, tmp_path):
    """The address of an empty database, once of each kind, and a way to ask it."""
    path = tmp_path / "out.db"

    def ask_sqlite(query):
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            return connection.execute(query).fetchall()

    if request.param == "sqlite":
        return f"sqlite:///{path}", ask_sqlite
    url = request.getfixturevalue("empty_postgres")

    def ask_postgres(query):
        with psycopg.connect(url, autocommit=True) as connection:
            found = connection.execute(query)
            return found.fetchall() if found.description else []

    ask_postgres("DROP TABLE IF EXISTS people, wide, other")
    return url, ask_postgres


def test_table_is_made_and_written_by_key(target):
    """A missing table is made; a record whose key is there replaces it, in a batch and later."""
    url, ask = target
    batches = [RECORDS, [{"id": 2, "name": "new"}, {"id": 3, "name": "old"}, {"id": 3, "name": "last"}]]
    for _ in range(2):
        assert 5 == write_table(url, "people", batches, schema=survey(), key="id")
        assert [(1, 'Lee, "Ann"\nZürich'), (2, "new"), (3, "last")] == ask("SELECT id, name FROM people ORDER BY id")
    assert [('["a"]',)] == ask("SELECT tags FROM people WHERE id = 1")


def test_wide_batches_are_one_transaction(target):
    """A batch of more values than one statement may bind is written whole."""
    url, ask = target
    rows = [{"id": number} | {f"c{place}": number for place in range(99)} for number in range(700)]
    assert 700 == write_table(url, "wide", [rows], schema=survey(rows), key="id")
    assert [(700,)] == ask("SELECT count(*) FROM wide")


@pytest.mark.parametrize(
    ("table", "key", "records", "says"),
    [
        ("CREATE TABLE people (id INTEGER)", "id", [{"id": 1}], "does not keep 'id' unique"),
        ("CREATE TABLE people (id INTEGER PRIMARY KEY)", "id", [{"id": 1, "a": 2}], "lacks the column 'a'"),
        ("CREATE TABLE other (id INTEGER)", "key", [{"id": 1}], "no column 'key'"),
        ("CREATE TABLE other (id INTEGER)", "id", [{"id": 1}, {"id": None}], "has no 'id'"),
    ],
)
def test_tables_that_do_not_fit(target, table, key, records, says):
    """What would lose or double records is refused, and nothing of the batch is written."""
    url, ask = target
    ask(table)
    with pytest.raises(SourceError, match=says):
        write_table(url, "people", [records], schema=survey(records), key=key)


def test_existing_table_takes_a_unique_index(target):
    """A unique index is as good a key as a primary one."""
    url, ask = target
    ask("CREATE TABLE people (id INTEGER, name TEXT)")
    ask("CREATE UNIQUE INDEX ux ON people (id)")
    write_table(
        url,
        "people",
        [[{"id": 1, "name": "a"}], [{"id": 1, "name": "b"}]],
        schema=survey([{"id": 1, "name": "a"}]),
        key="id",
    )
    assert [(1, "b")] == ask("SELECT * FROM people")
