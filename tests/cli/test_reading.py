"""Files read as asked: the options of `send` and of runs of a destination, folders and patterns."""

import json
from pathlib import Path

import pytest

from fixtures.served import Served
from fixtures.shell import Shell
from fixtures.workbook import write_xlsx

LEAD = ("--account", "acme", "--template", "create-lead")


def names(insightly: Served) -> list[object]:
    """Last names of the leads that came in after the seed's."""
    return [name for (name,) in insightly.records("leads", ("LAST_NAME",))][2:]


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A file of people whose ending, delimiter, encoding and first line say nothing."""
    file = tmp_path / "people.dat"
    file.write_bytes("Zoë|1\nØrsted|2\n".encode("cp1252"))
    return file


ODD = ("--format", "csv", "--delimiter", "|", "--encoding", "cp1252", "--no-header")


def test_options_are_kept(shell: Shell, insightly: Served, odd: Path):
    """A file is read as the options say, and what is said belongs to the run's name."""
    done = shell.done("send", odd, *LEAD, "--map", "LAST_NAME=column_1", *ODD)
    again = shell.done("send", odd, *LEAD, "--map", "LAST_NAME=column_1", *ODD, "--resume")
    other = shell.done("send", odd, *LEAD, "--map", "LAST_NAME=column_1", *ODD[:-1], "--no-header", "--resume")
    assert (2, done["run"], done["run"], ["Zoë", "Ørsted"]) == (
        done["delivered"],
        again["run"],
        other["run"],
        names(insightly),
    )
    latin = ("--format", "csv", "--delimiter", "|", "--encoding", "latin-1", "--no-header")
    assert done["run"] != shell.done("send", odd, *LEAD, "--map", "LAST_NAME=column_1", *latin, "--resume")["run"]


def test_options_of_a_destination(shell: Shell, insightly: Served, odd: Path):
    """A run of a destination reads its file by options of its own."""
    shell.done("destinations", "create", "leads", *LEAD, "--map", "LAST_NAME=column_1")
    shell.done("destinations", "activate", "leads")
    assert 2 == shell.done("destinations", "run", "leads", odd, *ODD)["delivered"]
    assert ["Zoë", "Ørsted"] == names(insightly)


def test_a_sheet_and_a_path(shell: Shell, insightly: Served, tmp_path: Path):
    """A workbook's sheet and a document's array are named."""
    rows = (
        f'<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>{text}</t></is></c></row>'
        for n, text in enumerate(("name", "Ann"), 1)
    )
    write_xlsx(tmp_path / "book.xlsx", {"first": "", "people": "".join(rows)})
    document = tmp_path / "answer.json"
    document.write_text(json.dumps({"data": {"people": [{"name": "Bo"}]}}))
    shell.done("send", tmp_path / "book.xlsx", *LEAD, "--map", "LAST_NAME=name", "--sheet", "people")
    shell.done("send", document, *LEAD, "--map", "LAST_NAME=name", "--path", "data.people")
    assert ["Ann", "Bo"] == names(insightly)


def test_guesses_are_told_once(shell: Shell, tmp_path: Path):
    """What was guessed of a file is one line on standard error, and not in the JSON."""
    file = tmp_path / "people.csv"
    file.write_bytes("name;n\nZoë;1\nØrsted;2\n".encode("cp1252"))
    done = shell("send", file, *LEAD, "--map", "LAST_NAME=name", "--json")
    guessed = [line for line in done.stderr.splitlines() if "people.csv" in line or "ncoding" in line]
    assert (0, 1, 2) == (done.exit_code, len(guessed), json.loads(done.stdout)["delivered"])


def test_a_pattern_is_one_run(shell: Shell, insightly: Served, tmp_path: Path):
    """The files of a pattern are one run in the order of their names, which another file makes another run."""
    for name in ("b", "a"):
        (tmp_path / f"{name}.csv").write_text(f"name\n{name}1\n{name}2\n")
    pattern = tmp_path / "*.csv"
    done = shell.done("send", pattern, *LEAD, "--map", "LAST_NAME=name")
    assert (4, ["a1", "a2", "b1", "b2"]) == (done["delivered"], names(insightly))
    assert done["run"] == shell.done("send", pattern, *LEAD, "--map", "LAST_NAME=name", "--resume")["run"]
    (tmp_path / "c.csv").write_text("name\nc1\n")
    assert done["run"] != shell.done("send", pattern, *LEAD, "--map", "LAST_NAME=name", "--resume")["run"]


def test_a_folder_goes_on(shell: Shell, insightly: Served, tmp_path: Path):
    """A folder whose run was stopped in a file goes on in that file, and sends no row twice."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.csv").write_text(f"name\n{name}1\n{name}2\n{name}3\n")
    spent = {"route": "Leads", "method": "POST", "fault": "rate_limit", "day": True, "skip": 4}
    insightly.faults(spent)
    stopped = shell("send", folder, *LEAD, "--map", "LAST_NAME=name", "--json")
    insightly.faults()
    done = shell.done("send", folder, *LEAD, "--map", "LAST_NAME=name", "--resume")
    assert (3, 6, 6) == (stopped.exit_code, done["delivered"], len(names(insightly)))
    assert {"a1", "a2", "a3", "b1", "b2", "b3"} == set(names(insightly))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--sheet", "x"), "takes no sheet"),
        (("--delimiter", "||"), "delimiter"),
        (("--encoding", "klingon"), "klingon"),
        (("--format", "docx"), "docx"),
    ],
)
def test_wrong_options(shell: Shell, tmp_path: Path, words: tuple[str, ...], says: str):
    """An option that cannot be followed is one line, and nothing is sent."""
    (tmp_path / "people.csv").write_text("name\nAnn\n")
    done = shell("send", tmp_path / "people.csv", *LEAD, "--map", "LAST_NAME=name", *words)
    assert (2, True, False) == (done.exit_code, says in done.stderr, "Traceback" in done.output)


def test_options_need_a_file(shell: Shell):
    """How to read what, is the question."""
    done = shell("destinations", "run", "leads", "--delimiter", ";")
    assert (2, True) == (done.exit_code, "Name the FILE" in done.stderr)
