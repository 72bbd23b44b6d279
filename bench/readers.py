"""Reading a million rows of each format, detecting their schema beside it: rows a CPU second, and memory.

`python bench/readers.py [ROWS]`: each format is read in a process of its own, which says how much more than the bare
interpreter with our readers it holds at its peak. Targets: 300 MB for each; the schema alone 100,000 rows a second of
one CPU. CPU seconds, for waiting for other programs of the machine is not reading.
"""

import asyncio
import csv
import gzip
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

ROWS = 1_000_000
MEMORY, SCHEMA = 300, 100_000
NAMES = ("first", "last", "mail", "amount", "day")
FILES = ("people.csv", "people.csv.gz", "people.jsonl", "people.json", "people.parquet", "people.xlsx", "people.db")


def make(number):
    return (f"Person{number}", "Last", f"p{number}@example.com", number * 1.25, "2026-01-31")


def write_texts(folder, count):
    with (folder / "people.csv").open("w", newline="") as plain, (folder / "people.jsonl").open("w") as lines:
        writer = csv.writer(plain)
        writer.writerow(NAMES)
        for number in range(count):
            row = make(number)
            writer.writerow(row)
            lines.write(json.dumps(dict(zip(NAMES, row, strict=True))) + "\n")
    with (folder / "people.csv").open("rb") as plain, gzip.open(folder / "people.csv.gz", "wb", 3) as packed:
        while block := plain.read(1 << 20):
            packed.write(block)
    with (folder / "people.jsonl").open() as lines, (folder / "people.json").open("w") as array:
        array.write("[")
        for number, line in enumerate(lines):
            array.write(("," if number else "") + line.rstrip())
        array.write("]")


def write_binaries(folder, count):
    from arro3.core import DataType, Field, Schema
    from arro3.io import read_json, write_parquet

    kinds = [DataType.string()] * 3 + [DataType.float64(), DataType.date32()]
    schema = Schema([Field(name, kind) for name, kind in zip(NAMES, kinds, strict=True)])
    write_parquet(read_json(folder / "people.jsonl", schema, batch_size=8192), folder / "people.parquet")
    with sqlite3.connect(folder / "people.db") as database:
        database.execute(f"CREATE TABLE people ({', '.join(NAMES)})")
        database.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", map(make, range(count)))
    write_workbook(folder / "people.xlsx", count)


def write_workbook(path, count):
    """Texts shared, as Excel writes them; every third of them is new in each row."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    related = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    texts = [*NAMES, "Last"]
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=1) as file:
        sheets = '<sheets><sheet name="People" sheetId="1" r:id="r"/></sheets>'
        file.writestr("xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{related}">{sheets}</workbook>')
        link = '<Relationships><Relationship Id="r" Target="worksheets/sheet1.xml"/></Relationships>'
        file.writestr("xl/_rels/workbook.xml.rels", link)
        styles = f'<styleSheet xmlns="{main}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
        file.writestr("xl/styles.xml", styles)
        with file.open("xl/sharedStrings.xml", "w") as part:
            part.write(f'<sst xmlns="{main}">'.encode())
            part.writelines(f"<si><t>{text}</t></si>".encode() for text in texts)
            for number in range(count):
                first, _, mail, *_ = make(number)
                part.write(f"<si><t>{first}</t></si><si><t>{mail}</t></si>".encode())
            part.write(b"</sst>")
        with file.open("xl/worksheets/sheet1.xml", "w") as part:
            part.write(f'<worksheet xmlns="{main}"><sheetData><row>'.encode())
            part.writelines(f'<c t="s"><v>{place}</v></c>'.encode() for place in range(5))
            part.write(b"</row>")
            for number in range(count):
                own = 6 + 2 * number
                part.write(
                    f'<row r="{number + 2}"><c r="A{number + 2}" t="s"><v>{own}</v></c>'
                    f'<c r="B{number + 2}" t="s"><v>5</v></c><c r="C{number + 2}" t="s"><v>{own + 1}</v></c>'
                    f'<c r="D{number + 2}"><v>{number * 1.25}</v></c>'
                    f'<c r="E{number + 2}" s="1"><v>46053</v></c></row>'.encode()
                )
            part.write(b"</sheetData></worksheet>")


def peak():
    """Megabytes resident at the most so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


async def count_query(path):
    from crosswalk.delivery.pull_sql import pull_sql

    return sum([len(batch.records) async for batch in pull_sql(f"sqlite:///{path}", "SELECT * FROM people")])


def read_one(path):
    """Runs in a process of its own."""
    from crosswalk.delivery import pull_sql, read_excel, read_parquet
    from crosswalk.delivery.source import Row, open_source

    assert all((pull_sql, read_excel, read_parquet)), "loaded before memory is looked at"
    before, began = peak(), time.process_time()
    if path.endswith(".db"):
        count = asyncio.run(count_query(path))
    else:
        with open_source(Path(path)) as source:
            count = sum(isinstance(row, Row) for row in source.rows)
    print(json.dumps({"rows": count, "seconds": time.process_time() - began, "memory": peak() - before}))


def survey_rows(path):
    """The schema alone: rows a CPU second that it can look at."""
    from itertools import islice

    from crosswalk.delivery.schema import Survey
    from crosswalk.delivery.source import open_source

    with open_source(Path(path)) as source:
        records = [row.cells for row in islice(source.rows, 200_000)]
    survey = Survey()
    began = time.process_time()
    survey.note_all(records)
    return len(records) / (time.process_time() - began)


def main(*args):
    if args[:1] == ("--one",):
        read_one(args[1])
        return 0
    count, missed = int(args[0]) if args else ROWS, False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_texts(folder, count)
        write_binaries(folder, count)
        print(f"{count:,} rows of {len(NAMES)} columns")
        for file in FILES:
            command = [sys.executable, __file__, "--one", str(folder / file)]
            said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            assert said["rows"] == count, f"{file}: {said['rows']} of {count} rows"
            missed |= said["memory"] > MEMORY
            print(f"  {file:15} {count / said['seconds']:9,.0f} rows/CPU s {said['memory']:6.0f} MB", flush=True)
        rate = survey_rows(folder / "people.csv")
    print(f"  schema          {rate:9,.0f} rows/CPU s (target {SCHEMA:,}); memory target {MEMORY} MB each")
    return 1 if missed or rate < SCHEMA else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
